"""Reading pickles that others made: nothing is called but what plain dicts of text, numbers or tensors need."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.core.text import existing

Allowed = dict[tuple[str, str], Callable[..., Any]]
"""What a pickle may call, by module and name -> what is called in its place."""


class _Refused(Exception):
    """A pickle asked for a callable that is not allowed."""


class _Restricted(pickle.Unpickler):
    def __init__(self, handle: io.BytesIO, allowed: Allowed) -> None:
        super().__init__(handle)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise _Refused(f"{module}.{name}")
        return self._allowed[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"the persistent object {pid!r}")


def read_text_dict(path: str | Path) -> dict[str, str]:
    """Read a pickled dict of text to text.

    Raises
    ------
    InputError
        If the file is no pickle, needs a callable, or holds anything but a dict of text.
    """
    return _read_dict(path, {}, (str,), "a dict of text to text")


def read_plain_dict(path: str | Path) -> dict[str, Any]:
    """Read a pickled dict of text to text or numbers.

    Raises
    ------
    InputError
        If the file is no pickle, needs a callable beyond numpy's numbers, or holds anything else.
    """
    allowed: Allowed = {("numpy", "dtype"): np.dtype}
    # numpy 2 renamed core to _core: pickles of either have numbers
    allowed |= {
        (f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")
    }
    kinds = (str, int, float, np.integer, np.floating)
    return _read_dict(path, allowed, kinds, "a dict of text to text or numbers")


def read_tensor_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Read a pickled dict of text to torch tensors; returns float arrays.

    Raises
    ------
    InputError
        If the file is no pickle, needs a callable that does not rebuild a plain tensor, or holds anything but a dict
        of text to tensors.
    """
    import torch

    # storage by torch's restricted loader: its default one would run whatever the bytes ask for
    allowed: Allowed = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
        ("torch.storage", "_load_from_bytes"): lambda raw: torch.load(
            io.BytesIO(raw), weights_only=True
        ),
    }
    content = _read_dict(
        path, allowed, (torch.Tensor,), "a dict of text to torch tensors"
    )
    return {name: value.detach().numpy() for name, value in content.items()}


def _scalar(dtype: np.dtype[Any], data: bytes) -> Any:
    if not isinstance(data, bytes) or dtype.hasobject:
        raise pickle.UnpicklingError("a scalar that is no number")
    return np.frombuffer(data, dtype)[0]


def _read_dict(
    path: str | Path, allowed: Allowed, kinds: tuple[type, ...], expected: str
) -> dict[str, Any]:
    raw = existing(path).read_bytes()
    try:
        _check_memo(raw)
        content = _Restricted(io.BytesIO(raw), allowed).load()
    except _Refused as error:
        raise _unexpected(path, f"a pickle that asks for {error}", expected) from None
    # a damaged pickle may raise whatever its reader trips over
    except Exception as error:
        raise _unexpected(path, f"no readable pickle ({error})", expected) from error

    # What may be called can still build other things: every value is looked at.
    plain = isinstance(content, dict) and all(isinstance(name, str) for name in content)
    if not plain or not all(isinstance(value, kinds) for value in content.values()):
        raise _unexpected(path, "a pickle of something else", expected)
    found: dict[str, Any] = content
    return found


def _check_memo(raw: bytes) -> None:
    """Raise ValueError if a pickle numbers an object beyond its length: memory for all numbers would be taken."""
    for operation, argument, _ in pickletools.genops(raw):
        numbers = operation.name in ("PUT", "BINPUT", "LONG_BINPUT")
        if numbers and int(argument or 0) > len(raw):
            raise ValueError(f"object {argument} of {len(raw)} bytes")


def _unexpected(path: str | Path, found: str, expected: str) -> InputError:
    return InputError(
        f"{path}: {found}",
        expected,
        "fetch the file again from its source; do not trust a pickle that wants more",
    )
