"""The verdict: gains, losses and nothing are told apart, and named as such."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from grnformer.bench.intervals import Estimate, estimate_mean
from grnformer.bench.summary import (
    best_baseline,
    compare_arms,
    compare_seeds,
    judge,
    paired_difference,
)
from grnformer.report.sections.bench.verdict import describe_verdict

METRIC = "double_centred_pearson"


def say(
    make_scores: Any, hybrid: list[float], none: list[float], baseline: float
) -> tuple[str, str]:
    arms = {
        "hybrid": ("model", hybrid),
        "none": ("control", none),
        "ridge": ("baseline", [baseline]),
    }
    scores = make_scores("drug_response", "line", arms, METRIC, "seed")
    compared = compare_arms(scores, [("hybrid", "none")], [METRIC], 200, 1)
    assert compared["role"].tolist() == ["control", "baseline"]
    note = describe_verdict(compared, "Drug response")
    return " ".join((note.text, *note.items)), note.kind


def differ(scores: pd.DataFrame, n_resamples: int = 100) -> Estimate:
    """Difference of the arms a and b."""
    a, b = (scores[scores["arm"] == arm] for arm in "ab")
    return paired_difference(a, b, n_resamples, 1)


def test_gain_is_called_a_gain(make_scores: Any) -> None:
    text, kind = say(make_scores, [0.50, 0.51, 0.52], [0.40, 0.41, 0.415], 0.45)
    assert kind == "gain"
    assert "hybrid beats every control and the best baseline in line" in text
    assert "beats it in line +0.102" in text


def test_two_folds_are_too_few_to_judge(make_scores: Any) -> None:
    text, kind = say(make_scores, [0.50, 0.50], [0.40, 0.40], 0.45)
    assert kind == "nothing"
    assert "hybrid cannot be judged with 2 seeds a task" in text
    assert "beats" not in text


def test_no_difference_is_called_none(make_scores: Any) -> None:
    text, kind = say(make_scores, [0.42, 0.40, 0.44], [0.41, 0.42, 0.41], 0.42)
    assert kind == "nothing"
    assert "hybrid does not beat every control" in text
    assert "does not beat it in line" in text


def test_loss_is_called_a_loss(make_scores: Any) -> None:
    text, kind = say(make_scores, [0.40, 0.41, 0.42], [0.45, 0.46, 0.475], 0.5)
    assert kind == "loss"
    assert "is worse than it in line \N{MINUS SIGN}0.052" in text
    assert "beats it in" not in text


def test_beating_the_controls_but_not_the_baseline_is_no_gain(make_scores: Any) -> None:
    text, kind = say(make_scores, [0.50, 0.51, 0.52], [0.40, 0.41, 0.415], 0.6)
    assert kind == "nothing"
    assert "hybrid does not beat every control and the best baseline in line" in text


def test_lower_is_better_turns_the_sign(make_scores: Any) -> None:
    arms = {"a": ("model", [1.0, 1.1, 1.0]), "b": ("baseline", [2.0, 2.1, 2.05])}
    scores = make_scores("drug_response", "line", arms, "rmse", "seed")
    difference, low, _, _ = differ(scores)
    assert difference == pytest.approx(3.05 / 3)
    assert low > 0
    assert best_baseline(scores) == "b"


def test_mean_difference_is_students_t() -> None:
    values = np.array([0.1, 0.3, -0.05, 0.2])
    mean, low, high, n = estimate_mean(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean, n) == (pytest.approx(values.mean()), 4)
    assert (low, high) == (pytest.approx(expected.low), pytest.approx(expected.high))


@pytest.mark.parametrize("n", [1, 2])
def test_two_members_allow_no_interval(n: int) -> None:
    """Two that are the same by chance would make any difference sure."""
    found = estimate_mean(np.full(n, 0.4))
    assert (found.value, found.members) == (0.4, n)
    assert np.isnan([found.low, found.high]).all()
    assert found.outcome == "too few members"


def test_medians_are_paired_over_members(make_scores: Any) -> None:
    rng = np.random.default_rng(3)
    # TFs differ far more than the arms do: only pairing sees the difference
    base = rng.lognormal(0, 1, 40)
    arms = {"a": ("model", (base + 0.2).tolist()), "b": ("control", base.tolist())}
    scores = make_scores("grn_accuracy", "K562", arms, "auprc_ratio", "tf")
    difference, low, high, n = differ(scores, 500)
    assert n == 40
    assert (difference, low, high) == (pytest.approx(0.2),) * 3


def test_undefined_members_are_left_out_of_both(make_scores: Any) -> None:
    arms = {"a": ("model", [0.5, None, 0.7]), "b": ("control", [0.4, 0.1, None])}
    scores = make_scores("drug_response", "pair", arms, METRIC, "seed")
    difference, _, _, n = differ(scores)
    assert (difference, n) == (pytest.approx(0.1), 1)


def test_an_undefined_baseline_is_never_the_best(make_scores: Any) -> None:
    arms = {"mean": ("baseline", [None]), "ridge": ("baseline", [0.3])}
    assert (
        best_baseline(make_scores("drug_response", "pair", arms, METRIC, "seed"))
        == "ridge"
    )
    assert (
        best_baseline(pd.DataFrame(columns=["kind", "metric", "value", "arm"])) is None
    )


def test_few_members_allow_no_interval_of_a_median(make_scores: Any) -> None:
    few, enough = (
        {"a": ("model", [2.0] * n), "b": ("control", [1.0] * n)} for n in (5, 6)
    )
    for arms, outcome in ((few, "too few members"), (enough, "better")):
        scores = make_scores("grn_accuracy", "K562", arms, "auprc_ratio", "tf")
        found = differ(scores)
        assert (found.value, found.outcome) == (1.0, outcome)


def test_members_of_a_cluster_are_drawn_together(make_scores: Any) -> None:
    """Twelve members in four clusters are as uncertain as four: the interval grows."""
    values = np.repeat([0.0, 1.0, 2.0, 4.0], 3)
    arms = {
        "a": ("model", (values + 1).tolist()),
        "b": ("control", np.ones(12).tolist()),
    }
    scores = make_scores("grn_accuracy", "all", arms, "auprc_ratio", "tf")
    number = scores.groupby("arm").cumcount() // 3
    alone = differ(scores, 500)
    together = differ(scores.assign(cluster="TF" + number.astype(str)), 500)
    assert alone[0] == together[0] == 1.5
    assert together[2] - together[1] > 1.2 * (alone[2] - alone[1])


def test_members_of_other_units_are_not_paired(make_scores: Any) -> None:
    """Fold 1 is not seed 1; a single value counts as a constant."""
    arms = make_scores(
        "drug_response", "pair", {"a": ("model", [0.5, 0.1, 0.7])}, METRIC, "seed"
    )
    for values, expected in (
        ([0.1, 0.2], "not comparable"),
        ([0.1], "no difference shown"),
    ):
        other = make_scores(
            "drug_response", "pair", {"b": ("baseline", values)}, METRIC, "fold"
        )
        assert differ(pd.concat([arms, other])).outcome == expected


def test_seeds_are_paired_by_row() -> None:
    errors = pd.DataFrame(
        {"a": [0.5, 0.4, 0.9], "b": [0.6, 0.5, np.nan], "c": [np.nan, np.nan, 0.1]},
        index=[1, 2, 3],
    )
    table = compare_seeds(
        errors, [("a", "b"), ("a", "c"), ("b", "c"), ("a", "absent")], sign=-1
    )
    assert table["difference"].to_numpy() == pytest.approx(
        [0.1, -0.8, np.nan], nan_ok=True
    )
    assert table["seeds"].tolist() == [2, 1, 0]
    assert table["outcome"].tolist() == [
        "too few members",
        "too few members",
        "not comparable",
    ]


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["better", "better"], "gain"),
        (["better", "no difference shown"], "nothing"),
        (["worse", "no difference shown"], "loss"),
        (["worse", "better"], "nothing"),
        (["too few members"], "nothing"),
        ([], "nothing"),
    ],
)
def test_verdicts(outcomes: list[str], verdict: str) -> None:
    assert judge(outcomes) == verdict
