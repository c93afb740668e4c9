"""docs/outputs.md is current, and no output of a rule is left out of them."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from grnformer.api.document import EXPORTS, generate, outputs
from grnformer.core import contracts

ROOT = Path(__file__).parents[2]
PAGES = generate()
WILDCARD = re.compile(r"\{[^}]*\}")
#: contracts of what the workflow reads, or keeps beside what it writes
INPUTS = {
    "chip_targets",
    "gene_aliases",
    "pretrain_job",
    "resources",
    "samples",
    "simulated_edges",
    "vocabulary",
}


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == PAGES[path], "run `make outputs`"


def test_every_output_of_a_rule_is_documented(jobs) -> None:
    """A folder by the files in it; `seed1` and `{seed}` are one."""
    known = {plain(path) for files in outputs().values() for path in files}
    folders = {str(parent) for path in known for parent in Path(path).parents}
    written = {
        plain(path.removeprefix("results/"))
        for job in jobs
        for path in job.outputs
        if path.startswith("results/")
    }
    # a rule may name what is {run} to others: grn
    there = {
        path: {pattern for pattern in known | folders if fnmatch(path, pattern)}
        for path in written
    }
    undocumented = {path for path, patterns in there.items() if not patterns}
    assert undocumented == set(), "add it to workflow/schemas/outputs.yaml"
    of_folders = {path for path in known if set(map(str, Path(path).parents)) & written}
    assert known - set().union(*there.values()) - of_folders == set(), (
        "no rule writes it"
    )


def plain(path: str) -> str:
    return WILDCARD.sub("*", re.sub(r"(?<=seed)\d+", "*", path))


def test_every_contract_is_of_an_output_an_export_or_an_input() -> None:
    files = (contracts.SCHEMAS / "files").glob("*.yaml")
    entries = [entry for stage in outputs().values() for entry in stage.values()]
    used = {entry for entry in entries if isinstance(entry, str)}
    assert {path.stem for path in files} == used | set(EXPORTS.values()) | INPUTS


def test_columns_have_type_unit_and_bounds() -> None:
    page = PAGES["docs/outputs.md"]
    assert "| `percent_mito` | number | 0 to 100 | % |" in page
    assert "| `distance` | integer |  | bp | bp from the nearest TSS" in page
    assert "| atac: `var['start']` | integer | >= 0 | bp |" in page
    # no tag of HTML out of a placeholder
    assert not re.search(r"<[a-z]", re.sub(r"`[^`]*`", "", page.split("## prep")[1]))
