"""Whether the graph helped: which comparisons count, and what the sentence says."""

import pandas as pd

from grnformer.report.page import Section, table
from grnformer.report.sections.graph_verdict import graph_verdict


def section(title: str, name: str, rows: list[tuple], **columns) -> Section:
    names = ["arm", "against", "difference", "low", "high", "outcome"]
    frame = pd.DataFrame(rows, columns=names).assign(**columns)
    return Section(name, title, [table(f"{name}_comparisons", frame, "A table.")])


def test_only_control_graphs_and_the_primary_metric_count():
    pretraining = section(
        "Pretraining",
        "pretrain",
        [
            ("hybrid", "none", 0.1, 0.05, 0.15, "better"),  # no graph: no control graph
            ("hybrid", "shuffled", 0.01, -0.02, 0.04, "no difference shown"),
        ],
    )
    accuracy = section(
        "GRN accuracy",
        "grn_accuracy",
        [
            ("eregulon", "eregulon (wrong TF)", 0.5, 0.2, 0.8, "better"),
            ("eregulon", "shuffled", 0.4, 0.1, 0.7, "better"),  # a ranking here
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
            ("graphs", "graphs_rewired", 0.1, float("nan"), 0.2, "too few members"),
        ],
        task="line",
        metric="r",
    )
    note = graph_verdict([pretraining, accuracy, drugs], {"shuffled"})
    assert "The models: better than with a control graph" in note.text
    assert "in none of 3 comparisons; no difference shown in 1; worse in 1" in note.text
    assert "networks themselves: better than the targets of other TFs in 1 of" in (
        note.text
    )
    assert "GRN accuracy, K562: eregulon, +0.500 [+0.200, +0.800] over" in note.text
    assert "too few to judge in 1" in note.text
    assert len(note.items) == 4
    assert note.kind == "loss"  # of the models


def test_nothing_is_said_where_no_control_graph_was_compared():
    alone = section(
        "Pretraining", "pretrain", [("hybrid", "none", 0.1, 0.05, 0.15, "better")]
    )
    assert graph_verdict([alone], {"random"}) is None

    lost = section(
        "Pretraining",
        "pretrain",
        [("hybrid", "random", 0.0, -0.1, 0.1, "no difference shown")],
    )
    note = graph_verdict([lost], {"random"})
    assert "in none of 1 comparison; no difference shown in 1." in note.text
    assert note.kind == "nothing"
