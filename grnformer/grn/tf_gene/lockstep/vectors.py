"""Vectors of 32 lanes in numba: LLVM's vector types behind a few intrinsics.

LLVM makes AVX-512, AVX2, SSE or NEON instructions of them, as many as it takes; what a lane computes is the same on
all: integers, and float32 operations one by one, which LLVM neither reorders nor fuses. A value has one or more parts,
each of 32 lanes: int16 ("h"), int32 ("i"), float32 ("f") or true and false ("b"). An operation goes part by part; a
value of one part goes with each part of the others. Loads and stores check no bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from grnformer.grn.tf_gene.lockstep.arrays import LANES

Word = np.uint32  # a bit a lane
ALL = Word(2**32 - 1)
RUN = 15  # packed values to be added before sum and count are taken apart

_I32 = ir.IntType(32)
_LANE = {"h": ir.IntType(16), "i": _I32, "f": ir.FloatType(), "b": ir.IntType(1)}
_VECTOR = {kind: ir.VectorType(lane, LANES) for kind, lane in _LANE.items()}
_BYTES = {"h": 2, "i": 4, "f": 4}
_BYTES_32 = ir.VectorType(ir.IntType(8), 32)

Build = Callable[..., ir.Value]


def _intrinsic(define: Callable[..., tuple]) -> Callable[..., Any]:
    """numba's `intrinsic`, by whose type a caller would have to give `typing`."""
    made: Callable[..., Any] = intrinsic(define)
    return made


class Parts(types.Type):
    """numba's type of a value of `n` parts of one kind."""

    def __init__(self, kind: str, n: int = 1) -> None:
        self.kind, self.n = kind, n
        super().__init__(name=f"Parts({kind}, {n})")


@register_model(Parts)
class _PartsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, type_: Parts) -> None:
        super().__init__(manager, type_, ir.ArrayType(_VECTOR[type_.kind], type_.n))


def _join(builder: ir.IRBuilder, parts: Sequence[ir.Value]) -> ir.Value:
    whole = ir.Constant(ir.ArrayType(parts[0].type, len(parts)), ir.Undefined)
    for place, part in enumerate(parts):
        whole = builder.insert_value(whole, part, place)
    return whole


def _splat(builder: ir.IRBuilder, lane: ir.Value, vector: ir.VectorType) -> ir.Value:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, lane, ir.Constant(_I32, 0))
    zeros = ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def _constant(kind: str, value: float) -> ir.Constant:
    return ir.Constant(_VECTOR[kind], [value] * LANES)


def _address(
    context: Any, builder: ir.IRBuilder, array: tuple, index: ir.Value, to: ir.Type
) -> ir.Value:
    """Pointer to type `to` at the element `index` of an array (its numba type and value)."""
    data = context.make_array(array[0])(context, builder, array[1]).data
    return builder.bitcast(builder.gep(data, [index]), ir.PointerType(to))


def _operation(result: str, n_arguments: int, build: Build) -> Callable:
    """An intrinsic that builds each part of its result from the like parts of its arguments."""

    def operation(typing: Any, arguments: Sequence[Parts]) -> tuple:
        n = max(argument.n for argument in arguments)

        def codegen(
            context: Any, builder: ir.IRBuilder, signature: Any, values: Sequence
        ) -> ir.Value:
            parts = []
            for place in range(n):
                taken = [
                    builder.extract_value(value, min(place, argument.n - 1))
                    for argument, value in zip(signature.args, values, strict=True)
                ]
                parts.append(build(builder, *taken))
            return _join(builder, parts)

        return Parts(result, n)(*arguments), codegen

    # numba reads the number of arguments from the signature
    match n_arguments:
        case 1:
            return _intrinsic(lambda typing, a: operation(typing, [a]))
        case 2:
            return _intrinsic(lambda typing, a, b: operation(typing, [a, b]))
        case _:
            return _intrinsic(lambda typing, a, b, c: operation(typing, [a, b, c]))


def _pack(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    name = f"llvm.rint.v{LANES}f32"
    rint = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_VECTOR["f"], (_VECTOR["f"],)), name
    )
    whole = builder.fptosi(builder.call(rint, [x]), _VECTOR["i"])
    packed = builder.add(builder.shl(whole, _constant("i", 4)), _constant("i", 1))
    return builder.trunc(packed, _VECTOR["h"])


add = _operation("f", 2, lambda b, x, y: b.fadd(x, y))
sub = _operation("f", 2, lambda b, x, y: b.fsub(x, y))
mul = _operation("f", 2, lambda b, x, y: b.fmul(x, y))
above = _operation("b", 2, lambda b, x, y: b.fcmp_ordered(">", x, y))
both = _operation("b", 2, lambda b, x, y: b.and_(x, y))
where = _operation("f", 3, lambda b, m, x, y: b.select(m, x, y))
where_int = _operation("i", 3, lambda b, m, x, y: b.select(m, x, y))
differ = _operation("b", 2, lambda b, x, y: b.icmp_signed("!=", x, y))
add_where = _operation(
    "h", 3, lambda b, x, m, y: b.add(x, b.select(m, y, _constant("h", 0)))
)
low_where = _operation(
    "h", 3,
    lambda b, x, m, y: b.select(b.and_(m, b.icmp_signed("<", y, x)), y, x),
)  # fmt: skip
high_where = _operation(
    "h", 3,
    lambda b, x, m, y: b.select(b.and_(m, b.icmp_signed(">", y, x)), y, x),
)  # fmt: skip
# 16 * residual + 1 of a float32 (ties to even); sums of these are taken apart again by the two that follow
pack = _operation("h", 1, _pack)
sum_of = _operation(
    "f", 1, lambda b, x: b.sitofp(b.ashr(x, _constant("h", 4)), _VECTOR["f"])
)
count_of = _operation(
    "f", 1, lambda b, x: b.sitofp(b.and_(x, _constant("h", 15)), _VECTOR["f"])
)


@_intrinsic
def zeros(typing: Any, like: types.UniTuple) -> tuple:
    """Int16 zeros of as many parts as the tuple `like` has entries."""
    n = like.count

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return _join(builder, [_constant("h", 0)] * n)

    return Parts("h", n)(like), codegen


@_intrinsic
def splat(typing: Any, x: types.Float) -> tuple:
    """One float32 in all lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return _join(builder, [_splat(builder, args[0], _VECTOR["f"])])

    return Parts("f")(types.float32), codegen


@_intrinsic
def splat_short(typing: Any, x: types.Integer) -> tuple:
    """One int16 in all lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return _join(builder, [_splat(builder, args[0], _VECTOR["h"])])

    return Parts("h")(types.int16), codegen


@_intrinsic
def splat_int(typing: Any, x: types.Integer) -> tuple:
    """One int32 in all lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return _join(builder, [_splat(builder, args[0], _VECTOR["i"])])

    return Parts("i")(types.int32), codegen


def _loader(kind: str) -> Callable:
    def load(typing: Any, array: types.Array, index: Any, like: Any) -> tuple:
        n = like.count

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
            whole = ir.ArrayType(_VECTOR[kind], n)
            at = _address(
                context, builder, (signature.args[0], args[0]), args[1], whole
            )
            first = ir.Constant(_I32, 0)
            parts = [
                builder.load(
                    builder.gep(at, [first, ir.Constant(_I32, place)]),
                    align=_BYTES[kind],
                )
                for place in range(n)
            ]
            return _join(builder, parts)

        return Parts(kind, n)(array, types.int64, like), codegen

    return _intrinsic(load)


# (array, index, like): as many parts as the tuple `like` has entries, one after the other
load_shorts, load_ints, load_floats = _loader("h"), _loader("i"), _loader("f")


@_intrinsic
def load_masks(typing: Any, words: types.Array, index: Any, like: Any) -> tuple:
    """A bit a lane from consecutive words, a word a part."""
    n = like.count

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        at = _address(context, builder, (signature.args[0], args[0]), args[1], _I32)
        parts = [
            builder.bitcast(
                builder.load(builder.gep(at, [ir.Constant(_I32, place)]), align=4),
                _VECTOR["b"],
            )
            for place in range(n)
        ]
        return _join(builder, parts)

    return Parts("b", n)(words, types.int64, like), codegen


@_intrinsic
def mask_of(typing: Any, word: types.Integer) -> tuple:
    """A word's bits as a mask."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return _join(builder, [builder.bitcast(args[0], _VECTOR["b"])])

    return Parts("b")(types.uint32), codegen


@_intrinsic
def bits_of(typing: Any, mask: Parts) -> tuple:
    """A mask of one part as a word."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return builder.bitcast(builder.extract_value(args[0], 0), _I32)

    return types.uint32(mask), codegen


@_intrinsic
def store(typing: Any, array: types.Array, index: Any, value: Parts) -> tuple:
    """Write all parts, one after the other."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        at = _address(
            context, builder, (signature.args[0], args[0]), args[1], args[2].type
        )
        for place in range(value.n):
            part = builder.extract_value(args[2], place)
            to = builder.gep(at, [ir.Constant(_I32, 0), ir.Constant(_I32, place)])
            builder.store(part, to, align=_BYTES[value.kind])
        return context.get_dummy_value()

    return types.void(array, types.int64, value), codegen


@_intrinsic
def mark_up_to(
    typing: Any,
    words: types.Array,
    column: types.Array,
    index: Any,
    last: Any,
    bit: Any,
) -> tuple:
    """words[index : index + 32] |= bit (uint16) where column[index : index + 32] <= last (uint8)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        to = _address(
            context, builder, (signature.args[0], args[0]), args[2], _VECTOR["h"]
        )
        of = _address(
            context, builder, (signature.args[1], args[1]), args[2], _BYTES_32
        )
        high = builder.icmp_unsigned(
            "<=", builder.load(of, align=1), _splat(builder, args[3], _BYTES_32)
        )
        new = builder.select(
            high, _splat(builder, args[4], _VECTOR["h"]), _constant("h", 0)
        )
        builder.store(builder.or_(builder.load(to, align=2), new), to, align=2)
        return context.get_dummy_value()

    arguments = (words, column, types.int64, types.uint8, types.uint16)
    return types.void(*arguments), codegen
