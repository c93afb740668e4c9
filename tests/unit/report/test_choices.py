"""The table of methods holds every choice of a run, with what each dataset chose for itself."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from grnformer.report.sections import choices
from grnformer.report.sections.choices import tabulate_choices
from grnformer.settings.read import complete, config_schema
from grnformer.workflow.config import config_of_datasets

CONFIGS = Path(__file__).parents[3] / "config"
DEMO = complete(yaml.safe_load((CONFIGS / "config.yaml").read_text()))


def chosen(
    config: dict[str, Any], configs: dict[str, dict[str, Any]] | None = None
) -> dict[str, str]:
    table = tabulate_choices(config, configs or {})
    assert table["setting"].is_unique
    return dict(zip(table["setting"], table["value"], strict=True))


def changed(**changes: Any) -> dict[str, Any]:
    config = copy.deepcopy(DEMO)
    update_config(config, changes)
    return config


def test_methods_of_every_stage_stand_in_the_table() -> None:
    expected = {
        "prep.fragments.counting": "paired-insertion",
        "prep.doublets.enabled": "no",
        "topics.method": "lda_tomotopy",
        "topics.selection.rule": "mean",
        "topics.selection.scores": "heldout_log_likelihood, cao_juan_2009",
        "topics.region_sets.kinds": "topic_otsu, topic_top",
        "grn.tf_gene.method": "hist_boosting",
        "grn.region_gene.accessibility": "topics",
        "grn.cistromes.method": "prior",
        "grn.cistromes.prior.collections": "CollecTRI, DoRothEA",
        "grn.cistromes.region_set_kinds": "none",
        "grn.tf_gene.arboreto_genie3.max_features": "sqrt",
        "grn.cell.method": "aucell",
        "grn.eregulons.extended": "all",
        "pretrain.backbone": "scgpt",
        "pretrain.checkpoint": "none",
        "pretrain.size": "tiny",
        "pretrain.sizes.tiny.gnn.name": "sage",
        "pretrain.sizes.tiny.gnn.fusion": "sum",
        "pretrain.sizes.tiny.adapter.position": "after",
        "pretrain.arms.hybrid.graph": "hybrid",
        "pretrain.arms.hybrid.adapter": "yes",
        "pretrain.arms.hybrid.perturbation": "coexpression",
        "pretrain.tune.how": "full",
        "bench.drug_response.splits": "line, drug",
        "grn.seed": "1",
        "pretrain.seeds": "1, 2, 3",
        "embed.model_seed": "1",
    }
    found = chosen(DEMO)
    assert {key: found.get(key) for key in expected} == expected
    assert "grn.cistromes.min_abs_rho" not in found


def test_only_the_chosen_size_and_backbone_are_listed() -> None:
    found = chosen(changed(pretrain={"size": "paper", "backbone": "geneformer"}))
    sizes = {key for key in found if key.startswith("pretrain.sizes.")}
    assert {".".join(key.split(".")[:3]) for key in sizes} == {"pretrain.sizes.paper"}
    backbones = {key.split(".")[4] for key in sizes if ".backbones." in key}
    assert backbones == {"geneformer"}


def test_what_a_dataset_chooses_for_itself_is_listed() -> None:
    config = changed(
        datasets={
            "other": {"grn": {"tf_gene": {"method": "coexpression", "min_cells": 3}}}
        }
    )
    config["bench"]["grn_accuracy"]["lines"] = []
    found = chosen(config, config_of_datasets(config, ["snareseq", "other"]))
    own = {key: value for key, value in found.items() if key.startswith("datasets.")}
    assert own == {"datasets.other.grn.tf_gene.method": "coexpression"}
    assert found["grn.tf_gene.method"] == "hist_boosting"


def test_a_new_choice_is_listed_and_a_lost_one_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schema = copy.deepcopy(config_schema())
    monkeypatch.setattr(choices, "config_schema", lambda: schema)
    config = changed(grn={"cell": {"ranks": "stable"}})
    with pytest.raises(ValueError, match=r"grn\.cell\.ranks"):
        chosen(config)
    schema["properties"]["grn"]["properties"]["cell"]["properties"]["ranks"] = {
        "enum": ["stable", "random"]
    }
    assert chosen(config)["grn.cell.ranks"] == "stable"

    config["grn"]["cistromes"]["prior"]["sources"] = config["grn"]["cistromes"][
        "prior"
    ].pop("collections")
    prior = schema["properties"]["grn"]["properties"]["cistromes"]["properties"][
        "prior"
    ]["properties"]
    prior["sources"] = prior.pop("collections")
    with pytest.raises(ValueError, match=r"prior\.collections"):
        chosen(config)
