"""Metrics of profiles, and the traps: shared controls, genes chosen on scored cells, constants, a ceiling of noise."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.bench.metrics import PROFILE_METRICS
from grnformer.bench.perturbation_profiles import evaluate, profiles
from grnformer.bench.perturbation_profiles.score import (
    score_profiles,
    summarise_profiles,
)
from grnformer.core import io

N_GENES = 200


def make_cells(effect, seed=0, cells=60, genes=N_GENES):
    """Ten perturbations and controls; `effect` is the SD over genes of what each does."""
    rng = np.random.default_rng(seed)
    names = ["control", *(f"P{i}" for i in range(10))]
    shift = np.vstack([np.zeros(genes), rng.normal(0, effect, (10, genes))])
    level = rng.uniform(2, 4, genes)
    values = np.vstack(
        [level + one + rng.normal(0, 1, (cells, genes)) for one in shift]
    )
    obs = pd.DataFrame(
        {"perturbation": np.repeat(names, cells), "context": "all", "batch": "all"}
    )
    obs.index = obs.index.astype(str)
    var = pd.DataFrame(index=[f"G{i}" for i in range(genes)])
    return anndata.AnnData(sp.csr_matrix(np.maximum(values, 0)), obs=obs, var=var)


def screen_of(data, seed=1):
    averaged = profiles.average_cells(data, profiles.halve_cells(data, seed), 20)
    return averaged, profiles.screens_of(averaged)[0]


def test_shared_controls_correlate_where_nothing_happens():
    """Of perturbations without effect, the train mean reaches a high r by the controls' noise alone."""
    _, screen = screen_of(make_cells(0.0))
    mean = screen.all.mean.mean(axis=0)

    split = [evaluate.pearson(mean - screen.control_other, row) for row in screen.truth]
    shared = [
        evaluate.pearson(mean - screen.control_other, row - screen.control_other)
        for row in screen.scored.mean
    ]

    assert np.mean(shared) > 0.4
    assert abs(np.mean(split)) < 0.15


def test_scored_cells_choose_neither_genes_nor_weights():
    data = make_cells(0.5)
    scored = profiles.halve_cells(data, 1)
    changed = data.copy()
    changed.X = sp.csr_matrix(np.where(scored[:, None], 9, data.X.toarray()))

    one, other = (
        profiles.screens_of(profiles.average_cells(each, scored, 20))[0]
        for each in (data, changed)
    )

    assert np.array_equal(one.effect, other.effect)
    assert np.array_equal(one.specificity, other.specificity)
    assert np.array_equal(one.control_other, other.control_other)
    assert not np.array_equal(one.truth, other.truth)


def test_halves_are_drawn_within_batches():
    data = make_cells(0.0, cells=20)
    data.obs["batch"] = np.where(np.arange(data.n_obs) % 20 < 6, "a", "b")

    scored = profiles.halve_cells(data, 1)

    counts = (
        data.obs.assign(scored=scored)
        .groupby(["perturbation", "batch"])["scored"]
        .sum()
    )
    assert counts.to_numpy().tolist() == [3, 7] * 11


def test_a_constant_has_no_correlation_whatever_its_rounding():
    truth = np.random.default_rng(0).normal(size=50)
    constant = np.full(50, 0.1, dtype=np.float32) + np.float32(1e-8) * truth

    assert np.isnan(evaluate.pearson(constant, truth))
    assert np.isnan(evaluate.pearson(truth, constant))
    assert evaluate.pearson(truth, 2 * truth + 1) == pytest.approx(1)


def test_perturbed_genes_are_left_out():
    data = make_cells(0.5)
    data.var_names = ["P0", *data.var_names[1:]]
    _, screen = screen_of(data)
    test = np.arange(10)
    predicted = screen.ceiling.copy()
    predicted[0, 0] = 1e3

    found = evaluate.score_fold(
        screen, test, test, {"spoiled": predicted, "ceiling": screen.ceiling}
    )

    one, other = (
        found[found["arm"] == arm][list(PROFILE_METRICS)]
        for arm in ("spoiled", "ceiling")
    )
    assert np.array_equal(one.to_numpy(), other.to_numpy())


def test_weighted_r2_and_distances_against_their_formulas():
    rng = np.random.default_rng(0)
    truth, predicted, weight = rng.normal(size=(3, 30))
    weight = weight**2
    centre = (weight * truth).sum() / weight.sum()
    wanted = (
        1
        - (weight * (truth - predicted) ** 2).sum()
        / (weight * (truth - centre) ** 2).sum()
    )
    truths = np.vstack([predicted + 1, predicted + 2, predicted + 0.5, predicted - 1])

    assert evaluate.weighted_r2(predicted, truth, weight) == pytest.approx(wanted)
    # one is farther, one nearer, one as far
    assert evaluate.nearer(predicted, truths, 0, power=1) == pytest.approx(0.5)
    weights = evaluate.specificity_weights(np.array([[0.0, 1, 2], [3, 3, 3]]))
    assert weights.tolist() == [[0, 0.2, 0.8], [0, 0, 0]]


def scored(effect, arms_of):
    """Scores and summary of leave-one-group-out predictions."""
    averaged, screen = screen_of(make_cells(effect))
    rows, values = [], []
    for number in range(10):
        for arm, predicted in arms_of(screen).items():
            rows.append(
                {
                    "context": "all",
                    "fold": number + 1,
                    "arm": arm,
                    "perturbation": f"P{number}",
                }
            )
            values.append(predicted[number])
    obs = pd.DataFrame(rows)
    obs.index = obs.index.astype(str)
    predictions = anndata.AnnData(
        np.array(values, np.float32), obs=obs, var=averaged.var
    )
    split = pd.DataFrame(
        [
            {
                "fold": fold + 1,
                "perturbation": f"P{i}",
                "part": "test" if i == fold else "train",
                "group": "single unseen" if i == fold else "",
            }
            for fold in range(10)
            for i in range(10)
        ]
    )
    scores = score_profiles(averaged, split, predictions, "made_up", "folds")
    return scores, summarise_profiles(scores, 200, 1)


def some_arms(screen):
    nothing = np.zeros_like(screen.truth)
    # of the other perturbations
    mean = (screen.differences.sum(axis=0) - screen.differences) / 9
    return {"no_change": nothing, "train_mean": mean, "graphs": screen.differences}


def test_arms_stand_between_the_best_baseline_and_the_ceiling():
    _, summary = scored(0.5, some_arms)

    scaled = summary[summary["metric"] == "scaled_l2"].set_index("arm")["estimate"]
    assert scaled["ceiling"] == pytest.approx(1)
    assert max(scaled["no_change"], scaled["train_mean"]) == pytest.approx(0)
    # all cells of the tested perturbation, scored ones too: better than the other half
    assert scaled["graphs"] > 1
    row = (
        summary[summary["metric"] == "scaled_pearson_systema"]
        .set_index("arm")
        .loc["graphs"]
    )
    assert row["low"] < row["estimate"] < row["high"]


def test_an_undefined_value_is_a_failure_and_no_zero():
    scores, summary = scored(0.5, some_arms)

    row = summary[
        (summary["metric"] == "pearson_control") & (summary["arm"] == "no_change")
    ]
    assert row[["failed", "members"]].to_numpy().tolist() == [[10, 0]]
    assert row["estimate"].isna().all()
    values = scores[
        (scores["metric"] == "pearson_control") & (scores["arm"] == "no_change")
    ]
    assert values["value"].isna().all()


def test_where_the_ceiling_is_noise_nothing_is_scaled():
    _, summary = scored(0.0, some_arms)

    # of cells without an effect, no change is nearer to the truth than the other half of the cells
    scaled = summary[summary["metric"] == "scaled_l2"]
    assert scaled["estimate"].isna().all()
    assert scaled["low"].isna().all()


def test_controls_are_told_of_where_no_perturbed_gene_is_measured(tmp_path):
    data = make_cells(0.0, cells=20)
    scored = profiles.halve_cells(data, 1)

    table = profiles.control_expression(data, scored)
    io.write_table(table, tmp_path / "controls.parquet", "control_expression")
    again = io.read_table(tmp_path / "controls.parquet", "control_expression")

    assert again["cell"].tolist() == data.obs_names[:20][~scored[:20]].tolist()
    assert list(again) == ["cell"]


def test_few_cells_are_told_of():
    data = make_cells(0.5, cells=12)

    with pytest.raises(Exception, match="too few cells"):
        profiles.average_cells(data, profiles.halve_cells(data, 1), 20)
