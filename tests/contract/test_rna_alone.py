"""What is planned of a dataset of RNA alone: nothing that ATAC would be needed for."""

from pathlib import Path
from typing import Any

import pytest
from snakemake.api import SnakemakeApi
from snakemake.iocontainers import Wildcards
from snakemake.settings.types import (
    ConfigSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

ROOT = Path(__file__).parents[2]
SHEET = "dataset\tsample\trna\tatac\tgenome\nalone\ts1\t{file}\t\thg38\npair\ts1\t{file}\t{file}\thg38\n"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("alone")
    (folder / "cells.h5ad").touch()
    sheet = folder / "samples.tsv"
    sheet.write_text(SHEET.format(file=folder / "cells.h5ad"))
    config = {"samples": str(sheet), "bench": {"grn_accuracy": {"lines": []}}}
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        parsed = api.workflow(
            ResourceSettings(cores=1), ConfigSettings(config=config), snakefile=ROOT / "Snakefile",
            workdir=ROOT,
        )  # fmt: skip
        yield parsed._workflow


def inputs(workflow: Any, rule: str, name: str, dataset: str) -> Any:
    given = workflow.get_rule(rule).input
    return dict(given.items())[name](
        Wildcards(fromdict={"dataset": dataset, "run": "grn"})
    )


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("build_cistromes", "region_gene"),
        ("build_cistromes", "region_sets"),
        ("build_eregulons", "region_gene"),
        ("filter_eregulons", "topics"),
        ("build_cell_type_grns", "topics"),
        ("measure_stability", "region_gene"),
    ],
)
def test_networks_ask_for_regions_only_where_there_is_atac(
    planned: Any, rule: str, name: str
) -> None:
    assert inputs(planned, rule, name, "alone") == []
    assert inputs(planned, rule, name, "pair") != []


def test_genes_take_the_place_of_links_only_without_atac(planned: Any) -> None:
    assert inputs(planned, "build_cistromes", "rna", "pair") == []
    cells = inputs(planned, "build_cistromes", "rna", "alone")
    assert cells.endswith("prep/filtered.h5mu")


def test_the_report_waits_for_no_topics(planned: Any) -> None:
    read = [str(path) for path in planned.get_rule("render_report").input]
    assert any("pair/topics" in path for path in read)
    assert not any("alone/topics" in path for path in read)
    assert any("alone/grn/eregulons" in path for path in read)
