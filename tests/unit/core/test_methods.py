"""Methods are found by their files, and only the one asked for is imported."""

import sys
from pathlib import Path

import pytest

from grnformer.core import methods
from grnformer.core.errors import InputError

FILES = {
    "__init__": "from grnformer.core.methods import Methods\n\nFOUND = Methods(__name__)\n",
    "first": (
        "from grnformer.core.methods import method\n\n\nclass Settings:\n    pass\n\n\n"
        '@method("first", settings=Settings, environment="tool", costs=["x"])\ndef work():\n    return 1\n'
    ),
    "second": 'from grnformer.core.methods import method\n\n\n@method("second")\nclass Second:\n    pass\n',
    "helper": '"""Says @method(...), and is none."""\n\nfrom grnformer.core.methods import method\n',
    "broken": "from grnformer.core.methods import method\n\n\n@method('other')\ndef work():\n    pass\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a package of methods; another one in each test, for modules stay imported."""
    name = f"methods_of_{tmp_path.name}"
    for stem, text in FILES.items():
        path = tmp_path / name / f"{stem}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_files_that_register_a_method_are_methods(package: str) -> None:
    assert methods.names(package) == ("broken", "first", "second")
    assert not [module for module in sys.modules if module.startswith(f"{package}.")]


def test_only_the_method_that_is_asked_for_is_imported(package: str) -> None:
    found = methods.load(package, "first")
    assert found.call() == 1
    assert (found.name, found.settings.__name__, found.environment) == (
        "first",
        "Settings",
        "tool",
    )
    assert found.about == {"costs": ["x"]}
    assert [module for module in sys.modules if module.startswith(f"{package}.")] == [
        f"{package}.first"
    ]
    second = methods.load(package, "second")
    assert (second.settings, second.environment, second.about) == (None, None, {})


def test_an_unknown_method_is_named_with_the_known_ones(package: str) -> None:
    with pytest.raises(InputError, match="'helper'") as error:
        methods.load(package, "helper")
    assert error.value.expected == "one of broken, first, second"


def test_a_method_has_the_name_of_its_file(package: str) -> None:
    with pytest.raises(ValueError, match="registers the method 'other'"):
        methods.load(package, "broken")


def test_the_methods_are_a_mapping_that_imports_when_looked_up(package: str) -> None:
    found = methods.Methods(package)
    assert list(found) == ["broken", "first", "second"]
    assert len(found) == 3
    assert "first" in found
    assert "helper" not in found
    assert found["first"]() == 1
    assert f"{package}.second" not in sys.modules
    with pytest.raises(KeyError):
        found["helper"]
