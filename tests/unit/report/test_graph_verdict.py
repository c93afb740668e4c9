"""Whether the graph helped: which comparisons count, and what the sentence says."""

from __future__ import annotations

import pandas as pd
import pytest

from grnformer.report.page import Section, table
from grnformer.report.sections.graph_verdict import (
    chance_of,
    count_wins,
    graph_sentence,
    graph_verdict,
    kind_of,
)

ARMS = {
    "none": {"graph": "none", "adapter": False},
    "no_edges": {"graph": "none", "adapter": True},
    "shuffled": {"graph": "label_shuffled", "adapter": True},
    "hybrid": {"graph": "hybrid", "adapter": True},
}
NO, FEW = "no difference shown", "too few members"


def section(title: str, name: str, rows: list[tuple], **columns) -> Section:
    names = ["arm", "against", "difference", "low", "high", "outcome"]
    frame = pd.DataFrame(rows, columns=names).assign(**columns)
    return Section(name, title, [table(f"{name}_comparisons", frame, "A table.")])


def pretraining(control: list[str], without: list[str]) -> Section:
    outcomes = [("shuffled", one) for one in control] + [
        ("no_edges", x) for x in without
    ]
    rows = [("hybrid", other, 0.1, 0.0, 0.2, outcome) for other, outcome in outcomes]
    return section("Pretraining", "pretrain", rows)


@pytest.mark.parametrize(
    ("arm", "other", "kind"),
    [
        ("hybrid", "shuffled", "control"),
        ("hybrid_ridge", "shuffled_ridge", "control"),
        ("hybrid_and_genes_ridge", "shuffled_and_genes_ridge", "control"),
        ("hybrid (boosting)", "shuffled (boosting)", "control"),
        ("model_hybrid", "model_shuffled", "control"),
        ("model_hybrid_in_silico", "model_shuffled_in_silico", "control"),
        ("model_hybrid_and_graphs", "model_shuffled_and_graphs", "control"),
        ("model_hybrid_in_silico", "model_no_edges_in_silico", "without"),
        ("hybrid", "no_edges", "without"),
        ("hybrid", "none", ""),  # fewer weights: no_edges is the fair one
        ("hybrid", "factor model", ""),
        ("no_edges", "shuffled", ""),
        ("model_hybrid_and_graphs", "graphs_coexpression", ""),
        ("graphs", "graphs_rewired", "rewired"),  # a predictor, no model
        ("graphs", "letters_coexpression", ""),
        ("eregulon", "eregulon (wrong TF)", "wrong TF"),
    ],
)
def test_what_a_comparison_says_of_a_graph(arm, other, kind):
    assert kind_of(arm, other, ARMS) == kind


def test_the_backbone_alone_counts_where_no_arm_has_an_empty_graph():
    few = {name: arm for name, arm in ARMS.items() if name != "no_edges"}
    assert kind_of("hybrid", "none", few) == "without"
    # an adapter of another backbone is no fair one
    other = few | {"b": {"graph": "none", "adapter": True, "backbone": "geneformer"}}
    assert kind_of("hybrid", "none", other) == "without"


def test_only_models_and_the_primary_metric_count():
    of_models = section(
        "Pretraining",
        "pretrain",
        [
            ("hybrid", "none", 0.1, 0.05, 0.15, "better"),
            ("hybrid", "no_edges", 0.1, 0.05, 0.15, "better"),
            ("hybrid", "shuffled", 0.01, -0.02, 0.04, NO),
        ],
    )
    accuracy = section(
        "GRN accuracy",
        "grn_accuracy",
        [
            ("eregulon", "eregulon (wrong TF)", 0.5, 0.2, 0.8, "better"),
            ("hybrid", "shuffled", 0.4, 0.1, 0.7, "better"),  # a ranking here
            ("eregulon", "eregulon (wrong TF)", 0.9, 0.7, 1.1, "better"),
        ],
        task=["K562", "K562", "K562"],
        metric=["auprc_ratio", "auprc_ratio", "early_precision_ratio"],
    )
    drugs = section(
        "Drug response",
        "drug_response",
        [
            ("hybrid_ridge", "shuffled_ridge", -0.02, -0.03, -0.01, "worse"),
            ("graphs", "graphs_rewired", 0.1, float("nan"), 0.2, FEW),
        ],
        task="line",
        metric="r",
    )
    sections = [of_models, accuracy, drugs]
    note = graph_verdict(sections, ARMS)
    assert (
        "The models: better than with a control graph (rewired or random) in none of 2 "
        f"comparisons; {NO} in 1; worse in 1. The models: better than without a graph in "
        "1 of 1 comparison. Predictors from graphs, without a model: better than with "
        "rewired ones in none of 1 comparison; too few to judge in 1. The networks "
        "themselves: better than the targets of other TFs in 1 of 1 comparison."
    ) in note.text
    assert len(note.items) == 5
    assert (
        "GRN accuracy, K562: eregulon less eregulon (wrong TF), +0.500"
        in (note.items[-1])
    )
    assert note.kind == "loss"  # of the models
    assert count_wins(sections) == (1, 1)
    # predictors that are no models are not in the sentence on the model
    assert (
        "of 2 comparisons, worse in 1, and better than models without a graph in 1 of 1"
        in (graph_sentence(sections, ARMS, "").text)
    )


def test_nothing_is_said_where_no_graph_was_compared():
    alone = section("X", "x", [("hybrid", "ridge", 0.1, 0.05, 0.15, "better")])
    assert graph_verdict([alone], ARMS) is None
    lost = graph_verdict([pretraining([NO], [])], ARMS)
    assert f"in none of 1 comparison; {NO} in 1." in lost.text
    assert lost.kind == "nothing"


@pytest.mark.parametrize(
    ("control", "without", "head"),
    [
        (["better"], ["better"], "Yes: "),
        (["better", NO], ["better"], "Yes, in part: "),
        # better than no graph, yet no better than a wrong one: it need not be this graph
        ([NO, NO], ["better", "better"], "Not shown: "),
        (["better", "better"], [NO, NO], "Not shown: "),
        ([NO, FEW], [NO], "Not shown: "),
        (["better", *[NO] * 6], ["better", *[NO] * 6], "Not shown: "),  # by chance
        (["better", "worse"], [NO], "Mixed: "),
        (["better"], ["worse"], "Mixed: "),
        (["worse"], [NO], "No, it did harm: "),
        ([FEW], ["better"], "Not shown: "),  # no control was judged
        ([FEW], [FEW], "It cannot be judged: "),
        ([], ["better"], "Not tested: "),
    ],
)
def test_the_sentence_begins_with_the_answer(control, without, head):
    text = graph_sentence([pretraining(control, without)], ARMS, "why").text
    assert text.startswith(f"Did the graph help? {head}")


def test_the_sentence_is_plain():
    said = graph_sentence(
        [pretraining(["better", *[NO] * 6, FEW], [NO, NO])], ARMS, ""
    ).text
    assert said == (
        "Did the graph help? Not shown: models with it did better than models with a control graph (rewired or "
        "random) in 1 of 7 comparisons (chance alone gives as many in 16% of such runs), and better than models "
        "without a graph in none of 2. 1 more comparison had too few repeats."
    )
    assert chance_of(1, 7) == pytest.approx(1 - 0.975**7)


def test_a_gain_is_placed():
    drugs = section(
        "Drug response", "drug_response", [("hybrid", "shuffled", 1, 1, 1, "better")]
    )
    text = graph_sentence([drugs, pretraining([NO], ["better"])], ARMS, "").text
    assert text.endswith("Better in Drug response (1 of 1), Pretraining (1 of 2).")
