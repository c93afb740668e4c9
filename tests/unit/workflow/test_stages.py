"""Stages and their rules, targets that are none, and what the page of a stage shows."""

import pytest

from grnformer.core.errors import InputError
from grnformer.workflow.stages import (
    WITH_PAGES,
    check_targets,
    page_files,
    rules_by_stage,
    stage_of,
    targets,
)


def test_rules_belong_to_the_stage_of_their_file() -> None:
    assert list(rules_by_stage())[:4] == ["resources", "prep", "topics", "grn"]
    assert stage_of("fit_topics") == "topics"
    assert stage_of("score_drug_response") == "bench", "of a file in the folder bench"
    assert stage_of("infer_tf_gene_part") == "grn", "made of another rule"
    assert stage_of("made_up") == "other"
    assert {*WITH_PAGES} < {*targets()}
    assert "common" not in rules_by_stage()


def test_a_target_that_is_no_stage_names_those_that_are() -> None:
    rules = ["prep", "grn", "fit_topics"]
    check_targets(["prep", "all", "results/x/prep/qc.tsv"], rules)
    with pytest.raises(InputError) as caught:
        check_targets(["gnr"], rules)
    assert "prep, topics, grn, fuse, pretrain" in caught.value.expected
    assert caught.value.remedy == "did you mean 'grn'?"


def test_the_page_of_a_stage_has_what_is_there_by_then() -> None:
    reported = {
        "qc": ["<results>/a/prep/qc.tsv", "<results>/b/prep/qc.tsv"],
        "topic_selection": ["<results>/a/topics/model_selection.tsv"],
        "eregulons": ["<results>/a/grn/eregulons.parquet"],
        "screen_counts": "<results>/bench/drug_response/counts.tsv",
        "stability": [],
    }
    assert list(page_files(reported, "prep")) == ["qc"]
    assert list(page_files(reported, "grn")) == ["qc", "topic_selection", "eregulons"]
    reported["attention"] = ["<results>/a/attention/hybrid/mass.parquet"]
    reported["grid"] = ["<results>/a/bench/grid.tsv"]
    last = {
        stage: set(page_files(reported, stage)) - {"qc", "topic_selection", "eregulons"}
        for stage in ("pretrain", "attention", "perturb", "embed", "bench")
    }
    assert last == {
        "pretrain": set(),
        "attention": {"attention"},
        "perturb": set(),
        "embed": set(),
        "bench": {"screen_counts", "grid"},
    }
    reported["embedded"] = ["<results>/a/embed/mine.h5ad"]
    assert {"qc", "embedded"} <= set(page_files(reported, "embed"))
    # by a model bundle: no stage before is asked for
    reported["embedded"], reported["embedded_by_bundle"] = [], ["<results>/embed/mine.h5ad"]  # fmt: skip
    assert list(page_files(reported, "embed")) == ["embedded_by_bundle"]
