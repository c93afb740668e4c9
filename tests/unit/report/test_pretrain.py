"""The pretraining section: held-out losses with the unit that they are in."""

import pandas as pd
import pytest

from grnformer.report.page import Figure, Note, Table
from grnformer.report.sections.pretrain import _say_of_graphs, pretrain_section

ARMS = {
    "none": {"graph": "none", "adapter": False},
    "hybrid": {"graph": "hybrid", "adapter": True},
}


def section(objective: str, unit: str):
    scores = {
        "objective": objective,
        "loss_unit": unit,
        "n": 90,
        "baseline_loss": 3.0,
        "baseline_cell_type_loss": 2.5,
        "factor_loss": 2.4 if objective == "masked_value" else None,
        "ridge_loss": 2.6 if objective == "masked_value" else None,
        "linear_axes": 2 if objective == "masked_value" else None,
    }
    scores |= {
        "pearson": None,
        "baseline_cell_type_pearson": None,
        "heldout_cells": 9,
        "train_cells": 30,
    }
    rows = [
        scores
        | {
            "arm": arm,
            "seed": seed,
            "loss": 2.0 + seed / 10 - (arm == "hybrid"),
            "beta": None,
        }
        for arm in ARMS
        for seed in (1, 2, 3)
    ]
    curves = pd.DataFrame(
        [
            {"arm": arm, "seed": 1, "split": "heldout", "step": 1, "loss": 2.0}
            for arm in ARMS
        ]
    )
    return pretrain_section(curves, pd.DataFrame(rows), ARMS)


@pytest.mark.parametrize(
    ("objective", "unit", "other"),
    [("masked_value", "squared SD", "nats"), ("masked_gene", "nats", "squared SD")],
)
def test_titles_tables_and_the_verdict_name_the_unit(
    objective: str, unit: str, other: str
) -> None:
    blocks = section(objective, unit).blocks
    figures = {block.name: block for block in blocks if isinstance(block, Figure)}
    tables = {block.name: block for block in blocks if isinstance(block, Table)}
    assert figures["curves"].figure.layout.yaxis.title.text == f"loss ({unit})"
    assert (
        figures["heldout"].figure.layout.xaxis.title.text
        == f"held-out loss ({unit}; lower is better)"
    )
    for name in ("pretrain_summary", "pretrain_heldout"):
        assert tables[name].headers["loss"] == f"held-out loss ({unit})"
        assert tables[name].headers["baseline_loss"].endswith(f"({unit})")
    assert (
        tables["pretrain_comparisons"].headers["difference"] == f"less loss by ({unit})"
    )
    verdict = next(block for block in blocks if isinstance(block, Note))
    assert (
        f"hybrid has the least held-out loss, 1.200 {unit}. The baseline has 3.000"
        in verdict.text
    )
    words = [
        verdict.text,
        *(label for table in tables.values() for label in table.headers.values()),
    ]
    assert not [text for text in words if other in text]


def test_what_comparisons_of_graphs_come_to_is_one_sentence() -> None:
    few = ["too few members"] * 3
    assert "helps cannot be judged with fewer than 3 seeds." in _say_of_graphs(few)
    outcomes = ["better", "worse", "better", "no difference shown"]
    said = "in 4 comparisons: better in 2, worse in 1, no difference shown in 1."
    assert _say_of_graphs(outcomes).endswith(said)


def test_every_arm_stands_against_the_best_linear_baseline() -> None:
    blocks = section("masked_value", "squared SD").blocks
    tables = {block.name: block for block in blocks if isinstance(block, Table)}
    frame = tables["pretrain_comparisons"].frame.set_index(["arm", "against"])
    # seeds have 2.1, 2.2, 2.3 (none) and 1 less (hybrid), the factor model 2.4
    assert frame.loc[("none", "factor model"), "difference"] == pytest.approx(0.2)
    assert frame.loc[("hybrid", "factor model"), "difference"] == pytest.approx(1.2)
    assert frame.loc[("hybrid", "factor model"), "outcome"] == "better"
    said = [block.text for block in blocks if isinstance(block, Note)]
    assert any("hybrid predict better" in text for text in said)

    of_genes = section("masked_gene", "nats").blocks
    tables = {block.name: block for block in of_genes if isinstance(block, Table)}
    assert set(tables["pretrain_comparisons"].frame["against"]) == {"none"}
