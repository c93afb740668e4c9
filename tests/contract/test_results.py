"""docs/results.md, and tables in README and docs, are what the committed tables say."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "benchmarks" / "make_results.py"
# written from tables, settings or contracts as a whole
GENERATED = {"results.md", "settings.md", "outputs.md", "inputs-tried.md", "faults.md"}
# code, links and sources, where a number is none that was measured
NOT_TEXT = re.compile(
    r"```.*?```|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|https?://\S+|\bdoi:? ?\S+|arXiv:? ?\S+|\[10\.\d{4}\S+",
    re.S,
)
MEASURED = re.compile(
    r"(?<![\w.])\d*\.\d{2,}(?![\w.])|(?<![\w.])[\d,.]+ CPU (?:seconds|minutes|hours)\b"
)
# versions, and settings of methods
KNOWN = {"3.11", "2.11", "22.05", ".25", ".75", ".15", ".02", ".01", "0.005"}


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """benchmarks/make_results.py, which is no package."""
    spec = importlib.util.spec_from_file_location("make_results", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_pages_are_what_the_tables_say(program: ModuleType) -> None:
    pages = program.make_pages(program.read_page())
    assert {path.name for path in pages} >= {"results.md", "README.md", "benchmarks.md"}
    stale = [path.name for path, text in pages.items() if path.read_text() != text]
    assert not stale, "run `make results-page`"


def test_every_table_has_its_command(program: ModuleType) -> None:
    page = program.read_page()
    named = {section["table"] for section in page["benchmarks"]} | set(page["tables"])
    named |= {section.get("comparisons") for section in page["benchmarks"]}
    named |= {f"{name}.tsv" for name in page["speed"]}
    copied = {name for tables in page["runs"].values() for name in tables}
    there = {
        str(path.relative_to(program.RESULTS))
        for path in program.RESULTS.rglob("*.tsv")
    }
    assert there <= named | copied
    every = [*page["benchmarks"], *page["tables"].values(), *page["speed"].values()]
    assert all(about["command"] for about in every)


def measured_figures(text: str, program: ModuleType) -> list[str]:
    """Figures of a page that look measured and are in no block that is written from a table."""
    text = program.BLOCK.sub("", text)
    return [
        found
        for found in MEASURED.findall(NOT_TEXT.sub(" ", text))
        if found not in KNOWN
    ]


def test_figures_of_pages_come_from_tables(program: ModuleType) -> None:
    """A figure that is written by hand is soon another one than that of the table."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    pages += (ROOT / "docs" / "tutorials").glob("*.md")
    by_hand = {
        page.name: found
        for page in pages
        if page.name not in GENERATED
        and (found := measured_figures(page.read_text(), program))
    }
    assert not by_hand, "name a table in a block (`make results-page`), or leave it out"


def test_a_figure_by_hand_is_seen(program: ModuleType) -> None:
    text = (
        "It reaches .83 in 91 CPU seconds, of `rate=0.01`, doi 10.1038/s41592.\n"
        "<!-- made by `make results-page`: grn.tsv -->\n| 0.77 |\n<!-- end -->\n"
    )
    assert measured_figures(text, program) == [".83", "91 CPU seconds"]


def make_summary(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    """Arm, kind, estimate, and the interval of its gain over the baseline."""
    table = pd.DataFrame(
        rows, columns=["arm", "kind", "estimate", "gain_low", "gain_high"]
    )
    table = table.assign(
        task="K562",
        metric="link_auprc",
        n=10,
        members=1000,
        unit="resample",
        low=None,
        high=None,
    )
    middle = table[["gain_low", "gain_high"]].mean(axis=1)
    table["above_baseline"] = middle
    return table.rename(
        columns={"gain_low": "above_baseline_low", "gain_high": "above_baseline_high"}
    )


def test_what_did_not_work_follows_from_the_table(program: ModuleType) -> None:
    """A gain over the baseline that the control has too is no gain; an arm without a value is told."""
    nan = float("nan")
    table = make_summary(
        ("distance", "baseline", 0.4, nan, nan), ("good", "model", 0.7, 0.1, 0.5),
        ("as control", "model", 0.5, 0.05, 0.2), ("permuted", "control", 0.55, 0.1, 0.2),
        ("unsure", "model", 0.41, -0.1, 0.2), ("bad", "model", 0.1, -0.4, -0.2), ("short", "model", 0.45, nan, nan),
        ("gone", "model", nan, nan, nan),
    )  # fmt: skip
    table.loc[table["arm"] == "short", "above_baseline"] = 0.05
    (row,) = program.by_task(table).to_dict("records")
    assert row["best arm"].startswith("good .700")
    assert row["verdict"] == "beats it"
    said = "\n".join(program.failures(table))
    assert "worse than distance: bad" in said
    assert "no gain shown over distance: unsure" in said
    assert "no better than permuted (.550): as control." in said
    assert "cannot be judged against distance: short" in said
    assert "Undefined in every task: gone." in said
    assert "good" not in said


def test_a_missing_table_is_told(program: ModuleType, tmp_path: Path) -> None:
    section = {"title": "Links", "question": "Which?", "table": "links.tsv", "benchmark": "link_accuracy"}  # fmt: skip
    assert "Not run: there is no `links.tsv`." in program.describe(section, tmp_path)
    # a run that lacks a table must not leave the former one beside new ones in silence
    with pytest.raises(SystemExit, match=r"no .*summary\.tsv"):
        program.copy_tables(tmp_path, {"links.tsv": ["*/summary.tsv"]}, tmp_path)


def test_how_far_figures_move(program: ModuleType, tmp_path: Path) -> None:
    """By task and kind, the distance between two runs by the primary metric only; what one run lacks is left out."""
    rows = [
        ("grn_accuracy", "K562", "a", "auprc_ratio", 2.0, "model"),
        ("grn_accuracy", "K562", "b", "auprc_ratio", 1.0, "model"),
        ("grn_accuracy", "K562", "gone", "auprc_ratio", 9.0, "model"),
        ("grn_accuracy", "K562", "a", "auroc", 0.5, "model"),
        ("grn_accuracy", "K562", "dumb", "auprc_ratio", 1.0, "baseline"),
    ]
    names = ["task", "split", "arm", "metric", "value", "kind"]
    first = pd.DataFrame(rows, columns=names).assign(low=0.0, high=0.4)
    second = first[first["arm"] != "gone"].copy()
    second["value"] += [0.3, -0.1, 5.0, 0.0]
    first.to_csv(tmp_path / "first.tsv", sep="\t")
    second.to_csv(tmp_path / "second.tsv", sep="\t")

    page = {"demo_runs": {"shown": "first.tsv", "earlier": "second.tsv"}}
    text = program.moves(page, tmp_path)
    assert "| grn_accuracy | K562 | 2 model | .200 | .300 | .200 |" in text
    assert "| grn_accuracy | K562 | 1 baseline | .000 | .000 | .200 |" in text


def test_the_first_numbers_name_their_run(program: ModuleType) -> None:
    text = program.three_numbers(program.read_page(), program.RESULTS)
    commit = pd.read_csv(program.RESULTS / "demo/metrics.tsv", sep="\t")["commit"][0]
    assert f"`{commit[:7]}`" in text
    outcome = pd.read_csv(program.RESULTS / "demo/pretrain_comparisons.tsv", sep="\t")
    outcome = outcome.set_index(["arm", "against"]).loc[("hybrid", "random")]
    assert f"{outcome['difference']:+.5f}" in text
    assert outcome["outcome"] in text
