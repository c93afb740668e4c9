"""What the stage embed asks for: models of the run, or a model bundle in their place; models as bundles."""

from pathlib import Path
from typing import Any

import pytest
from snakemake.api import SnakemakeApi
from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import Wildcards
from snakemake.settings.types import (
    ConfigSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

from grnformer.workflow.model_folder import ALIASES, GRAPH, MANIFEST, MODEL, VOCABULARY

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "given"
    (made / GRAPH).mkdir(parents=True)
    for name in (*MODEL, MANIFEST, VOCABULARY):
        (made / name).touch()
    (tmp_path / "cells.h5ad").touch()
    return made


def plan(folder: Path, embed: dict[str, Any]) -> Any:
    inputs = {"inputs": {"mine": str(folder.parent / "cells.h5ad")}}
    settings = ConfigSettings(config={"embed": inputs | embed})
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        parsed = api.workflow(
            ResourceSettings(cores=1), settings, snakefile=ROOT / "Snakefile", workdir=ROOT
        )  # fmt: skip
        return parsed._workflow


def asked(workflow: Any, rule: str, **wildcards: str) -> set[str]:
    files = workflow.get_rule(rule).expand_input(Wildcards(fromdict=wildcards))[0]
    return set(map(str, files))


def test_a_bundle_takes_the_place_of_the_models_of_the_run(folder: Path) -> None:
    given = plan(folder, {"model": str(folder)})
    assert asked(given, "embed") == {
        "results/embed/mine.h5ad",
        "results/report/embed/index.html",
    }
    read = asked(given, "embed_anndata_by_bundle", cells="mine")
    assert read == {str(folder / name) for name in (*MODEL[:3], GRAPH, VOCABULARY)} | {
        str(folder.parent / "cells.h5ad")
    }
    # its page waits for no other stage, the whole report shows it
    page = asked(given, "render_stage", stage="embed")
    assert {path for path in page if "results/" in path} == {"results/embed/mine.h5ad"}
    assert "results/embed/mine.h5ad" in asked(given, "render_report")

    (folder / ALIASES).touch()
    with_aliases = asked(plan(folder, {"model": str(folder)}), "embed_anndata_by_bundle", cells="mine")  # fmt: skip
    assert with_aliases == read | {str(folder / ALIASES)}


def test_without_a_bundle_models_of_the_run_embed_and_are_bundled(folder: Path) -> None:
    own = plan(folder, {})
    cells = "results/snareseq/embed/mine.h5ad"
    assert asked(own, "embed") == {cells, "results/report/embed/index.html"}
    page = asked(own, "render_stage", stage="embed")
    assert {cells, "results/snareseq/grn/eregulons.parquet"} <= page
    assert asked(own, "bundle") == {"results/snareseq/embed/bundle/hybrid/seed1"}
    of_arm = {"dataset": "snareseq", "arm": "none", "seed": "2"}
    assert {
        "results/snareseq/pretrain/none/seed2/model.safetensors",
        "results/snareseq/fuse/none",
        "resources/scgpt_vocabulary.json",
    } <= asked(own, "bundle_model", **of_arm)


def test_a_folder_that_is_no_bundle_is_refused(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(WorkflowError, match=r"embed.model is .* has no bundle.json"):
        plan(folder, {"model": str(folder)})
