"""Import direction: core → settings → workflow → genome → prep → topics → grn → graph → data → model → infer → …"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "grnformer"
ORDER = [
    "core",
    "settings",
    "workflow",
    "genome",
    "prep",
    "topics",
    "grn",
    "graph",
    "data",
    "model",
    "infer",
]
ORDER += ["train", "bench", "report", "api", "export", "cli"]
DOOR = (
    PACKAGE / "__init__.py"
)  # what `import grnformer` offers, loaded when it is asked for
MODULES = sorted(PACKAGE.rglob("*.py"))
WRITERS = {"to_csv", "to_parquet", "write_h5ad", "write_h5mu", "to_pickle"}
MAY_WRITE = {PACKAGE / "core" / "io.py", PACKAGE / "simulate" / "write.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    """Names of the package's modules that a module imports, wherever in it."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*parts[: -node.level], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_import_only_what_stands_before_them(path: Path) -> None:
    stage = path.relative_to(PACKAGE).parts[0]
    for module in imported(path):
        parts = module.split(".")
        if (
            parts[0] != "grnformer"
            or len(parts) < 2
            or not (PACKAGE / parts[1]).is_dir()
        ):
            continue
        if path == DOOR:
            assert parts[1] == "api", f"{path.name} imports {module}"
        elif stage in ORDER:
            assert parts[1] in ORDER[: ORDER.index(stage) + 1], (
                f"{stage} imports {module}"
            )
        else:
            assert parts[1] in (stage, "core"), (
                f"{path.name} is apart from the stages, and imports {module}"
            )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_are_written_by_io_alone(path: Path) -> None:
    """Tables and matrices go through grnformer.core.io: atomic, and checked against a contract."""
    if path in MAY_WRITE:
        return
    calls = [
        f"{node.func.attr} at line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITERS
        # without a path: text
        if node.args or "path_or_buf" in {keyword.arg for keyword in node.keywords}
    ]
    assert calls == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_package_reads_no_pickle_and_asserts_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)
    ], "asserts vanish under -O"
    handlers = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not handlers, "bare except"


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name == "__init__.py"], ids=name_of
)
def test_importing_a_package_costs_nothing(path: Path) -> None:
    """Every job imports the packages above its modules: heavy libraries stay out of them."""
    heavy = {
        "scanpy",
        "anndata",
        "mudata",
        "muon",
        "torch",
        "lightning_fabric",
        "torch_geometric",
        "sklearn",
        "rdkit",
        "plotly",
    }
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            assert not heavy & {name.split(".")[0] for name in names}
