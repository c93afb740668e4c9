import numpy as np
import pandas as pd
import pytest

from grnformer.bench.intervals import bootstrap
from grnformer.bench.summary import summarise_scores
from grnformer.core import contracts
from grnformer.core.errors import InputError


def scores(arm, kind, values, metric="rmse", unit="seed", task="pairs", members=None):
    members = members or [f"m{i}" for i in range(len(values))]
    frame = pd.DataFrame({"member": members, "value": np.asarray(values, dtype=float)})
    return frame.assign(
        benchmark="drug_response",
        task=task,
        arm=arm,
        kind=kind,
        metric=metric,
        unit=unit,
        n=100,
    )


def summarise(*parts, n_resamples=2000):
    table = summarise_scores(
        pd.concat(parts, ignore_index=True), n_resamples=n_resamples, seed=1
    )
    contracts.check(table, "summary", where="test")
    return table.set_index("arm")


def test_mean_or_median_as_the_metric_says_and_failures_are_counted():
    mean = summarise(scores("a", "model", [1, 2, 6, np.nan]))
    assert mean.loc["a", ["estimate", "members", "failed"]].tolist() == [3, 3, 1]
    median = summarise(scores("a", "model", [1, 2, 6], metric="auprc_ratio", unit="tf"))
    assert median.loc["a", "estimate"] == 2


def test_distance_to_the_best_baseline_follows_the_metrics_direction():
    parts = (
        scores("a", "model", [1, 2, 3]),
        scores("bad", "baseline", [5, 5, 5]),
        scores("good", "baseline", [2, 3, 4]),
    )
    lower = summarise(*parts)
    assert lower.loc["a", "baseline"] == "good"
    distance = lower.loc[
        "a", ["above_baseline", "above_baseline_low", "above_baseline_high"]
    ].astype(float)
    np.testing.assert_allclose(distance, 1)  # paired: the members' spread cancels
    assert lower.loc["bad", "above_baseline"] == -2
    assert lower.loc["good", ["baseline", "above_baseline"]].isna().all()
    higher = summarise(*(part.assign(metric="pooled_pearson") for part in parts))
    assert higher.loc["a", "baseline"] == "bad"
    assert higher.loc["a", "above_baseline"] == -3


def test_baseline_is_compared_on_shared_members_only():
    found = summarise(
        scores("a", "model", [1, 2, np.nan]), scores("f", "baseline", [2, 3, 100])
    )
    assert found.loc["a", "above_baseline"] == 1


def test_single_baseline_is_a_constant_and_single_members_have_no_interval():
    found = summarise(
        scores("a", "model", [1, 2, 3]), scores("f", "baseline", [4], members=["all"])
    )
    assert found.loc["a", "above_baseline"] == 2
    assert (
        found.loc["a", "above_baseline_low"] < 2 < found.loc["a", "above_baseline_high"]
    )
    assert found.loc["f", ["low", "high"]].isna().all()


def test_medians_of_fewer_than_six_members_have_no_interval():
    """Resampled members that all lie on one side exclude the other by chance too often."""
    for n, has_interval in ((5, False), (6, True)):
        parts = [
            scores(a, k, np.arange(n) + d, "auprc_ratio", "tf")
            for a, k, d in (("a", "model", 1), ("f", "baseline", 0))
        ]
        row = summarise(*parts).loc["a"]
        assert row[["low", "above_baseline_low"]].notna().tolist() == [has_interval] * 2


def test_tasks_and_metrics_are_kept_apart():
    table = summarise_scores(
        pd.concat(
            [
                scores("a", "model", [1, 2]),
                scores("f", "baseline", [9, 9], task="drugs"),
            ],
            ignore_index=True,
        ),
        n_resamples=100,
        seed=1,
    )
    assert table["baseline"].isna().all()


def test_an_arm_without_any_value_is_shown():
    found = summarise(
        scores("a", "model", [np.nan, np.nan]), scores("f", "baseline", [1, 2])
    )
    assert np.isnan(found.loc["a", "estimate"])
    assert found.loc["a", ["members", "failed"]].tolist() == [0, 2]


@pytest.mark.parametrize("n_members", [3, 5, 40])
def test_intervals_cover_the_true_mean_about_as_often_as_they_say(n_members):
    rng = np.random.default_rng(0)
    parts = [
        scores(f"a{i}", "model", rng.normal(1.0, 0.5, n_members)) for i in range(400)
    ]
    found = summarise(*parts, n_resamples=400)
    covered = ((found["low"] <= 1.0) & (found["high"] >= 1.0)).mean()
    assert 0.92 < covered < 0.98


def test_rows_do_not_depend_on_each_other_or_on_their_order():
    a, f = scores("a", "model", [1, 4, 2]), scores("f", "baseline", [2, 3, 4])
    together = summarise(a, f, scores("b", "model", [7, 7, 8]))
    pd.testing.assert_frame_equal(
        summarise(f.iloc[::-1], a.iloc[::-1]), together.drop(index="b")
    )


def test_undeclared_metrics_and_mixed_units_are_refused():
    with pytest.raises(InputError, match="metrics"):
        summarise(scores("a", "model", [1], metric="luck"))
    with pytest.raises(InputError, match="one unit"):
        summarise(scores("a", "model", [1]), scores("a", "model", [1], unit="drug"))


def test_members_of_a_cluster_are_drawn_together():
    """Ten TFs with the same value in all of three lines: as uncertain as ten members, not as thirty."""
    values = np.repeat(np.random.default_rng(0).normal(size=10), 3)
    clusters = np.repeat([f"tf{i}" for i in range(10)], 3)
    alone = bootstrap(values, "mean", 20_000, 1)
    together = bootstrap(values, "mean", 20_000, 1, clusters)
    assert alone.std() == pytest.approx(values.std() / np.sqrt(30), rel=0.05)
    assert together.std() == pytest.approx(values.std() / np.sqrt(10), rel=0.05)


def test_clusters_of_unequal_size_keep_pairs_and_all_their_members():
    values = np.column_stack([np.arange(5.0), np.arange(5.0) + 10])
    found = bootstrap(values, "median", 500, 1, np.array(["a", "a", "a", "b", "b"]))
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 10)
    # of two clusters, three draws can come: a twice, b twice, or both
    assert set(found[:, 0]) == {1.0, 2.0, 3.5}


def test_the_summary_takes_clusters_from_the_scores():
    parts = scores("a", "model", np.repeat([1.0, 5.0], 4), "auprc_ratio", "tf")
    row = summarise(parts.assign(cluster=["x"] * 4 + ["y"] * 4)).loc["a"]
    assert (row["low"], row["high"]) == (1.0, 5.0)
    mixed = summarise(parts.assign(cluster=None)).loc["a"]
    assert mixed["low"] == summarise(parts).loc["a", "low"]


def test_the_interval_of_a_fraction_stays_between_0_and_1():
    rows = scores("a", "model", [0.9, 1.0, 0.7], metric="centroid_accuracy")
    found = summarise(rows)
    assert found["high"].tolist() == [1.0]
    assert 0 < found["low"].iloc[0] < 0.9
    # no fraction: as Student's t has it
    assert summarise(scores("a", "model", [0.9, 1.0, 0.7]))["high"].iloc[0] > 1
