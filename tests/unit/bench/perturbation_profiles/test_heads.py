"""Predictors of profiles: what each is by definition; nothing that is tested is looked at."""

import numpy as np
import pandas as pd
import pytest

from grnformer.bench.perturbation.arms import MIXED
from grnformer.bench.perturbation_profiles import arms, heads
from grnformer.bench.perturbation_profiles.heads import Fold
from grnformer.bench.perturbation_profiles.split import SINGLE, split_perturbations

GENES = [f"P{i}" for i in range(8)]
NAMES = [*GENES, "P0+P1", "P0+P7", "P6+P7"]


@pytest.fixture
def differences():
    return np.random.default_rng(0).normal(size=(len(NAMES), 12))


def make_fold(differences, tested):
    table = pd.DataFrame(
        {
            "perturbation": NAMES,
            "part": ["test" if name in tested else "train" for name in NAMES],
        }
    )
    return Fold.of(NAMES, GENES, differences, table)


def test_naive_predictors_are_what_they_are_called(differences):
    fold = make_fold(differences, ["P7", "P0+P1", "P0+P7", "P6+P7"])
    mean = differences[:7].mean(axis=0)

    assert heads.no_change(fold) == pytest.approx(0)
    assert heads.train_mean(fold) == pytest.approx(np.tile(mean, (4, 1)))
    # P7 is not seen
    one, two = differences[0], differences[1]
    assert heads.additive(fold) == pytest.approx(
        np.array([mean, one + two, one + mean, differences[6] + mean])
    )
    assert heads.matching_mean(fold)[1] == pytest.approx((one + two) / 2)


def test_kernel_ridge_adds_seen_genes_and_borrows_from_alike_ones(differences):
    fold = make_fold(differences, ["P7", "P0+P1", "P0+P7", "P6+P7"])
    alike = np.eye(8, dtype=np.float32)
    alike[7, 6] = alike[6, 7] = 1
    # of P1 nothing is known: it is like itself all the same
    alike[1, 1] = 0

    found = heads.kernel_ridge(fold, alike, penalty=1e-6, common=0)

    assert found[0] == pytest.approx(differences[6], abs=1e-4)
    assert found[1] == pytest.approx(differences[0] + differences[1], abs=1e-4)


def test_linear_components_give_the_mean_to_genes_that_are_not_measured(differences):
    fold = make_fold(differences, ["P7"])
    mean = np.delete(differences, 7, axis=0).mean(axis=0)

    nowhere = heads.linear_components(fold, pd.Index([f"M{i}" for i in range(12)]))
    measured = heads.linear_components(fold, pd.Index([*GENES, "M1", "M2", "M3", "M4"]))

    assert nowhere[0] == pytest.approx(mean)
    assert np.abs(measured[0] - mean).max() > 1e-3


def test_what_is_tested_is_not_looked_at(differences):
    """Profiles of tested perturbations, put to other values, leave every prediction bit for bit."""
    tested = ["P7", "P0+P7", "P6+P7"]
    rng = np.random.default_rng(1)
    alike = {name: np.eye(8, dtype=np.float32) for name in MIXED}
    plain = alike | dict.fromkeys(
        ("letters", "expression"), np.eye(8, dtype=np.float32)
    )
    evidence = arms.Evidence(
        plain, plain, rng.normal(size=(8, 5)), {"propagation": rng.normal(size=(8, 12))}
    )
    changed = differences.copy()
    changed[[NAMES.index(name) for name in tested]] = 100

    measured = pd.Index([f"M{i}" for i in range(12)])
    found, again = (
        arms.predict(make_fold(values, tested), evidence, measured, seed=1)
        for values in (differences, changed)
    )

    assert set(arms.BASELINES) <= set(found)
    for arm, fitted in found.items():
        assert np.isfinite(fitted.differences).all(), arm
        assert np.array_equal(fitted.differences, again[arm].differences), arm
        assert fitted.settings == again[arm].settings, arm


@pytest.mark.parametrize("kind", ["holdout", "folds", "leave_one_out"])
def test_a_held_out_gene_is_in_no_training_perturbation(kind):
    table = split_perturbations(NAMES, kind, 4, seed=1)

    for _, part in table.groupby("fold"):
        tested = part[part["part"] == "test"]
        train = {
            g
            for name in part.loc[part["part"] == "train", "perturbation"]
            for g in name.split("+")
        }
        singles = tested[tested["group"] == SINGLE]
        assert not set(singles["perturbation"]) & train
        unseen = tested[tested["group"] == "combo seen 0"]["perturbation"]
        alone = set(part.loc[part["part"] == "train", "perturbation"])
        assert not {gene for name in unseen for gene in name.split("+")} & alone
    if kind != "holdout":
        every = table[table["part"] == "test"]
        assert set(every["perturbation"]) == set(NAMES)
        assert (
            every.loc[every["group"] == SINGLE, "perturbation"].value_counts() == 1
        ).all()


def test_leave_one_out_holds_out_one_gene_a_fold():
    table = split_perturbations(NAMES, "leave_one_out", 4, seed=1)

    singles = table[(table["group"] == SINGLE)]
    assert singles.groupby("fold").size().tolist() == [1] * len(GENES)
