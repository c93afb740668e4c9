"""Methods that are chosen by name: one module each, imported only when it is asked for.

The alternatives of a stage (backbones, for one) stand in a package, one file each. A file is a method if it registers
one under its stem; every other file of the package is a helper::

    @method("scgpt")
    class ScGPT(Backbone): ...

No import statement names the module of a method. `grnformer.core.fingerprint`, which follows import statements, then
reaches no method by itself: a rule names the one that it uses, and editing one reruns only what uses it. Names are read
from the syntax trees, so that a workflow knows them without importing what the methods need.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from grnformer.core.errors import InputError

AFFECTS_RESULTS = False
T = TypeVar("T")


@dataclass(frozen=True)
class Method:
    """A registered method.

    Attributes
    ----------
    name
        Stem of its file.
    call
        The function or class.
    settings
        Class of its settings; None: it has none.
    environment
        Of the original tool that it runs, in an environment apart; None: it is ours.
    about
        What else its registry wants to know.
    """

    name: str
    call: Any
    settings: type | None = None
    environment: str | None = None
    about: dict[str, Any] = field(default_factory=dict)


# by module: names need only be unique within a package
_REGISTERED: dict[str, Method] = {}


def method(
    name: str,
    *,
    settings: type | None = None,
    environment: str | None = None,
    **about: Any,
) -> Callable[[T], T]:
    """Register the decorated function or class, which is returned as it is; see `Method`.

    Raises
    ------
    ValueError
        If the file is not named as the method.
    """

    def register(call: T) -> T:
        module: str = call.__module__
        if module.rpartition(".")[2] != name:
            raise ValueError(
                f"the module {module} registers the method {name!r}: a method is named as its file"
            )
        _REGISTERED[module] = Method(name, call, settings, environment, about)
        return call

    return register


@cache
def names(package: str) -> tuple[str, ...]:
    """Sorted names of the methods in `package` (dotted), none of which is imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"no package {package}", name=package)

    # A method given as a folder would be a package of methods: only files count.
    folders = list(spec.submodule_search_locations)
    modules = [
        module.name for module in pkgutil.iter_modules(folders) if not module.ispkg
    ]
    paths = {
        name: Path(folder) / f"{name}.py" for folder in folders for name in modules
    }
    return tuple(
        sorted(
            name for name, path in paths.items() if path.exists() and _registers(path)
        )
    )


def module_of(package: str, name: str) -> str:
    """Dotted name of the module of a method.

    Raises
    ------
    InputError
        If the package has no such method.
    """
    if name not in names(package):
        raise InputError(
            f"no method {name!r} in {package}",
            f"one of {', '.join(names(package))}",
            "correct the name",
        )
    return f"{package}.{name}"


def load(package: str, name: str) -> Method:
    """Import the module of one method, and no other; InputError as `module_of`."""
    module = module_of(package, name)
    importlib.import_module(module)
    return _REGISTERED[module]


class Methods(Mapping[str, T]):
    """The functions or classes of a package's methods by name, each imported when it is looked up."""

    def __init__(self, package: str) -> None:
        self.package = package

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise KeyError(name)
        found: T = load(self.package, name).call
        return found

    def __contains__(self, name: object) -> bool:
        return name in names(self.package)

    def __iter__(self) -> Iterator[str]:
        return iter(names(self.package))

    def __len__(self) -> int:
        return len(names(self.package))


def _registers(path: Path) -> bool:
    """Whether the module at `path` has a top-level `@method(...)`."""
    # Read, not imported: a method may need an environment apart.
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        for decorator in getattr(node, "decorator_list", []):
            called = decorator.func if isinstance(decorator, ast.Call) else None
            if isinstance(called, ast.Name) and called.id == "method":
                return True
    return False
