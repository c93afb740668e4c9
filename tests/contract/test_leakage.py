"""Where networks are of training cells, no rule that makes them reads held-out ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

ROOT = Path(__file__).parents[2]
NETWORKS = ("topics", "grn", "fuse")
ALL_CELLS = ("prep/multiome.h5mu", "prep/filtered.h5mu")
#: what is done to held-out cells by what was made without them; the second is refused there
APPLIED = {"score_cell_activity", "run_pyscenic_aucell"}


def readers(workflow: Any) -> set[str]:
    """Rules of topics, networks and graphs that read all cells."""
    return {
        rule.name
        for rule in workflow.rules
        if Path(str(rule.snakefile)).stem in NETWORKS
        and any(file in str(path) for file in ALL_CELLS for path in rule.input)
    }


@pytest.fixture(scope="module")
def strict(workflow: Any) -> set[str]:
    """Rules that read all cells where networks are of training cells."""
    settings = ConfigSettings(config={"pretrain": {"networks": "training_cells"}})
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        parsed = api.workflow(
            ResourceSettings(cores=1), settings, snakefile=ROOT / "Snakefile", workdir=ROOT
        )  # fmt: skip
        return readers(parsed._workflow)


def test_other_names_of_clusters_rerun_no_topics_and_no_weights(workflow: Any) -> None:
    """What asks no cell type, and takes long, reads the cells as they are before they are named (prep.names)."""
    named = {
        rule.name
        for rule in workflow.rules
        if any(ALL_CELLS[0] in str(path) for path in rule.input)
    }
    assert named & {
        "fit_topics", "run_pycistopic", "select_tfs", "infer_tf_gene", "infer_tf_gene_part", "run_arboreto",
        "link_regions", "scan_motifs", "score_promoter_motifs", "run_pyscenic_ctx",
    } == set()  # fmt: skip
    assert {"binarize_topics", "build_cell_type_grns", "build_graph"} <= named
    assert "names" not in dict(workflow.get_rule("filter_multiome").input.items())


def test_networks_of_training_cells_read_no_others(
    workflow: Any, strict: set[str]
) -> None:
    by_default = readers(workflow)
    assert {"fit_topics", "infer_tf_gene", "link_regions", "build_graph"} <= by_default
    assert strict == APPLIED
