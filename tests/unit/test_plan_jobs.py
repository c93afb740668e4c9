"""Two plans differ exactly where a job, its rule, its inputs or its outputs do, but for renamed paths."""

import importlib.util
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "plan_jobs.py"
PLAN = """rule all
  inputs results/page.html

rule fit
  wildcards dataset:a
  outputs results/a/prep/fit.tsv
  inputs resources/x.tsv
  inputs results/a/prep/cells.h5mu

rule page
  outputs results/page.html
  inputs benchmarks/speed.tsv
  inputs results/a/prep/fit.tsv
"""


@pytest.fixture(scope="module")
def plan_jobs():
    spec = importlib.util.spec_from_file_location("plan_jobs", PROGRAM)
    module = sys.modules["plan_jobs"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["plan_jobs"]


@pytest.fixture
def differ(plan_jobs, tmp_path, capsys):
    """Compare PLAN with another plan under renames; give the lines printed."""

    def run(other: str, *renames: str) -> list[str]:
        for name, text in (("a", PLAN), ("b", other)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "demo.txt").write_text(text)
        count = plan_jobs.compare(
            tmp_path / "a", tmp_path / "b", plan_jobs.read_renames(list(renames))
        )
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == count
        return lines

    return run


def test_text_is_read_as_it_was_written(plan_jobs) -> None:
    assert plan_jobs.write_jobs(reversed(plan_jobs.read_jobs(PLAN))) == PLAN


def test_the_same_plan_has_no_differences(differ) -> None:
    assert differ(PLAN) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "  inputs resources/x.tsv\n",
            "",
            "demo: fit: results/a/prep/fit.tsv: inputs only in A: resources/x.tsv",
        ),
        (
            "resources/x.tsv",
            "y",
            "demo: fit: results/a/prep/fit.tsv: inputs only in B: y",
        ),
        (
            "dataset:a",
            "dataset:b",
            "demo: fit: results/a/prep/fit.tsv: wildcards only in B: dataset:b",
        ),
        (
            "rule fit",
            "rule guess",
            "demo: another rule makes results/a/prep/fit.tsv: fit in A, guess in B",
        ),
        (
            "outputs results/page.html",
            "outputs page.html",
            "demo: only in A: page: results/page.html",
        ),
        ("rule all\n  inputs results/page.html\n\n", "", "demo: only in A: all: all"),
    ],
)
def test_each_change_is_told(differ, old: str, new: str, line: str) -> None:
    assert old in PLAN
    assert line in differ(PLAN.replace(old, new))


def test_renamed_paths_and_rules_are_the_same(differ, tmp_path) -> None:
    table = tmp_path / "renames.txt"
    table.write_text(
        "# moved\nresults/([^/]+)/prep/=out/\\1/cells/\nrule:fit=fit_topics\nwildcard:dataset:=name:\n"
    )
    other = PLAN.replace("results/a/prep/", "out/a/cells/").replace(
        "rule fit", "rule fit_topics"
    )
    assert differ(other.replace("dataset:", "name:"), str(table)) == []


def test_what_has_no_new_name_is_left_out_of_both(differ) -> None:
    added = (
        PLAN.replace("  inputs benchmarks/speed.tsv\n", "")
        + "\nrule clean\n  outputs results/log.txt\n"
    )
    assert differ(added, "benchmarks/.*=", "rule:clean=") == []


def test_a_scenario_that_only_one_has_is_told(plan_jobs, tmp_path, capsys) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "demo.txt").write_text(PLAN)
    assert plan_jobs.compare(tmp_path / "a", tmp_path / "b", []) == 1
    assert "demo.txt: only in" in capsys.readouterr().out
