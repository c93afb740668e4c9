"""Gene regulatory networks from paired single-cell RNA + ATAC, built into RNA foundation models.

In Python: ``import grnformer as gf``; then `gf.read_run`, `gf.embed`, `gf.tl` and `gf.pl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grnformer.api import pl, tl
    from grnformer.api.model import Model, embed
    from grnformer.api.run import Run, read_run

AFFECTS_RESULTS = False
__version__ = "0.2.0"
__all__ = ["Model", "Run", "embed", "pl", "read_run", "tl"]

_MODULES = {"Model": "model", "embed": "model", "Run": "run", "read_run": "run"}


def __getattr__(name: str) -> Any:
    """Load what is asked for: importing the package, as every job does, must cost nothing."""
    from importlib import import_module

    if name in ("tl", "pl"):
        return import_module(f"grnformer.api.{name}")
    if name in _MODULES:
        return getattr(import_module(f"grnformer.api.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
