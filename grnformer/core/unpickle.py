"""Reading pickles of strangers: nothing is called but what plain dicts of text or of tensors need."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grnformer.core.errors import InputError


class _Refused(Exception):
    """A pickle asked for a callable that is not allowed."""


class _Restricted(pickle.Unpickler):
    def __init__(self, handle: io.BufferedIOBase, allowed: dict[tuple[str, str], Callable[..., Any]]) -> None:
        super().__init__(handle)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise _Refused(f"{module}.{name}")
        return self._allowed[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"the persistent object {pid!r}")


def read_text_dict(path: str | Path) -> dict[str, str]:
    """Read a pickled dict of text to text; any callable in it is refused.

    Raises
    ------
    InputError
        If the file is no pickle, needs a callable, or holds anything but a dict of text.
    """
    content = _load(path, {})
    if not isinstance(content, dict) or not all(isinstance(v, str) for pair in content.items() for v in pair):
        raise _unexpected(path, "a pickle of something else", "a dict of text to text")
    return content


def read_tensor_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Read a pickled dict of text to torch tensors; returns float arrays.

    The only callables allowed are those that rebuild a plain tensor, and the storage inside each tensor is
    itself read by torch's restricted loader (``weights_only``), never by torch's default one, which would run
    whatever the bytes ask for.

    Raises
    ------
    InputError
        If the file is no pickle, needs any other callable, or holds anything but a dict of text to tensors.
    """
    import collections

    import torch

    allowed: dict[tuple[str, str], Callable[..., Any]] = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
        ("torch.storage", "_load_from_bytes"): lambda raw: torch.load(io.BytesIO(raw), weights_only=True),
    }
    content = _load(path, allowed)
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    ):
        raise _unexpected(path, "a pickle of something else", "a dict of text to torch tensors")
    return {name: value.detach().numpy() for name, value in content.items()}


def _load(path: str | Path, allowed: dict[tuple[str, str], Callable[..., Any]]) -> Any:
    with Path(path).open("rb") as handle:
        try:
            return _Restricted(handle, allowed).load()
        except _Refused as error:
            raise _unexpected(path, f"a pickle that asks for {error}", "plain containers, text and tensors") from None
        except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, TypeError, ValueError, KeyError) as error:
            raise _unexpected(path, f"no readable pickle ({error})", "plain containers, text and tensors") from error


def _unexpected(path: str | Path, found: str, expected: str) -> InputError:
    return InputError(
        f"{path}: {found}",
        expected,
        "fetch the file again from its source; do not trust a pickle that wants more",
    )
