"""Conditions within cell types: the moderated test, its control, planted differences, and donors as replicates."""

from itertools import pairwise

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats
from scipy.special import polygamma

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.grn.conditions import moderated
from grnformer.grn.conditions.compare import Compared, choose_design, compare_conditions

RNG = np.random.default_rng(0)
SETTINGS = {"reference": None, "min_cells": 10, "permutations": 30, "seed": 1}


def test_variances_that_differ_by_chance_become_one() -> None:
    values = RNG.normal(size=(2000, 6))
    is_case = np.arange(6) < 3
    _, df = moderated.fit_prior(np.full(10, 2.0), 4)
    assert df == np.inf
    found = moderated.compare_groups(values, is_case)
    # all share the true variance, 1: t is nearly normal, where Student's t has 4 degrees of freedom
    assert np.std(found.t) == pytest.approx(1, abs=0.08)
    assert (found.p < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_the_prior_of_variances_is_found_again() -> None:
    true_df, true_prior, df = 6.0, 0.5, 5
    own = true_prior * true_df / RNG.chisquare(true_df, 20_000)
    variance = own * RNG.chisquare(df, 20_000) / df
    prior, prior_df = moderated.fit_prior(variance, df)
    assert prior == pytest.approx(true_prior, rel=0.05)
    assert prior_df == pytest.approx(true_df, rel=0.1)
    x = moderated._invert_trigamma(0.7)
    assert polygamma(1, x) == pytest.approx(0.7)


def test_it_is_students_t_with_another_variance() -> None:
    own = np.sqrt(3 / RNG.chisquare(3, 500))[:, None]
    values = RNG.normal(size=(500, 10)) * own
    is_case = np.arange(10) < 4
    student = stats.ttest_ind(values[:, is_case], values[:, ~is_case], axis=1)
    pooled = (values[:, is_case].var(1) * 4 + values[:, ~is_case].var(1) * 6) / 8
    one = stats.ttest_1samp(values, 0, axis=1)
    for found, expected, variance, df in (
        (moderated.compare_groups(values, is_case), student, pooled, 8),
        (moderated.compare_pairs(values), one, values.var(1, ddof=1), 9),
    ):
        prior, prior_df = moderated.fit_prior(variance, df)
        squeezed = (prior_df * prior + df * variance) / (prior_df + df)
        t = expected.statistic * np.sqrt(variance / squeezed)
        np.testing.assert_allclose(found.t, t)
        np.testing.assert_allclose(found.p, 2 * stats.t.sf(np.abs(t), prior_df + df))


def test_other_labels_are_others_and_each_once() -> None:
    is_case = np.array([True, True, True, False, False, False])
    labels = moderated.other_labels(is_case, 100, RNG)
    # 20 ways to choose 3 of 6, two of each test, less the true one
    assert len(labels) == 9
    assert all(label.sum() == 3 for label in labels)
    assert len(moderated.other_labels(np.arange(40) < 20, 25, RNG)) == 25
    flips = moderated.other_flips(4, 100, RNG)
    assert len(flips) == 7
    assert len({tuple(f * f[0]) for f in flips}) == 7


def compared(
    effect: float,
    coupled: bool,
    donors: int = 4,
    paired: bool = False,
    **settings: object,
) -> Compared:
    """40 cells of one type from each donor and condition; regulon r0 and edge (A, g0) differ."""
    rng = np.random.default_rng(3)
    places = [(c, f"{'' if paired else c}{d}") for c in ("ctrl", "case") for d in range(donors)]  # fmt: skip
    auc, expression, obs = [], [], []
    for condition, donor in places:
        is_case = condition == "case"
        mean = rng.normal(0.5, 0.02, 30)
        mean[0] += effect * is_case
        auc.append(np.clip(rng.normal(mean, 0.05, (40, 30)), 0, 1))
        genes = rng.normal(3, 1, (40, 12))
        if is_case and coupled:
            genes[:, 1] = genes[:, 0] + rng.normal(0, 0.3, 40)
        expression.append(np.clip(genes, 0, None))
        obs += [("t", f"{condition}{donor}", donor)] * 40
    cells = [f"c{i}" for i in range(len(obs))]
    table = pd.DataFrame(obs, columns=["cell_type", "sample", "donor"], index=cells)
    names = ["A", *(f"g{i}" for i in range(11))]
    rna = anndata.AnnData(sp.csr_matrix(np.vstack(expression)), table, pd.DataFrame(index=names))  # fmt: skip
    regulons = pd.DataFrame(index=[f"r{i}" for i in range(30)])
    activity = anndata.AnnData(np.vstack(auc), table[["cell_type"]], regulons)
    network = pd.DataFrame({"tf": "A", "gene": names[1:]})
    condition_of = {f"{c}{d}": c for c, d in places}
    order = np.random.default_rng(0).permutation(len(cells))
    return compare_conditions(
        activity, rna[order], {"t": network}, condition_of, **(SETTINGS | settings)
    )


@pytest.mark.parametrize("paired", [False, True], ids=["groups", "pairs"])
def test_planted_differences_are_found(paired: bool) -> None:
    # of pairs as many assignments of the conditions as of groups
    found = compared(0.3, coupled=True, donors=6 if paired else 4, paired=paired)
    eregulons, edges, summary = found
    assert eregulons.loc[eregulons["p_adjusted"] <= 0.05, "eregulon"].tolist() == ["r0"]
    assert edges.loc[edges["p_adjusted"] <= 0.05, "gene"].tolist() == ["g0"]
    row = summary.set_index("what").loc["eRegulons"]
    assert row["design"] == ("pairs" if paired else "groups")
    assert (row["condition"], row["reference"]) == ("case", "ctrl")
    assert row["permuted_significant"] < 0.5
    assert row["permutation_p"] <= 2 / (1 + row["permutations"])
    first = eregulons.iloc[0]
    assert first["difference"] == pytest.approx(0.3, abs=0.05)
    for table, contract in zip(found, ("eregulons", "edges", "summary"), strict=True):
        contracts.check(table, f"condition_{contract}", where="here")


def test_nothing_is_found_where_nothing_differs() -> None:
    eregulons, _, summary = compared(0.0, coupled=False)
    assert (eregulons["p_adjusted"] > 0.05).all()
    assert summary["significant"].tolist() == [0, 0]
    assert (summary["permutation_p"] == 1).all()


def test_the_reference_turns_the_sign() -> None:
    one = compared(0.3, coupled=False).eregulons
    other = compared(0.3, coupled=False, reference="case").eregulons
    np.testing.assert_allclose(one["difference"], -other["difference"])
    with pytest.raises(InputError, match="reference 'nobody'"):
        compared(0.3, coupled=False, reference="nobody")


def test_cells_of_few_donors_are_no_replicates() -> None:
    found = compared(0.3, coupled=True, donors=2)
    assert found.summary["design"].tolist() == ["too few"] * 2
    assert found.eregulons["p_value"].isna().all()
    assert found.eregulons["difference"].notna().all()
    assert found.summary["significant"].isna().all()
    contracts.check(found.summary, "condition_summary", where="here")
    # nor are donors of few cells
    few = compared(0.3, coupled=True, min_cells=41)
    assert few.summary["donors"].tolist() == [0, 0]
    contracts.check(few.eregulons, "condition_eregulons", where="here")


def test_a_donor_with_both_conditions_never_stands_in_two_groups() -> None:
    places = {("case", d) for d in "abcd"} | {("ctrl", d) for d in "cdef"}
    assert choose_design(places, "case", "ctrl") == ("too few", ["c", "d"], ["c", "d"], 4)  # fmt: skip
    places |= {("ctrl", "a")}
    assert choose_design(places, "case", "ctrl").kind == "pairs"
    apart = {("case", d) for d in "abc"} | {("ctrl", d) for d in "def"}
    assert choose_design(apart, "case", "ctrl").kind == "groups"


def test_more_donors_give_a_smaller_p() -> None:
    p = [compared(0.04, coupled=False, donors=n).eregulons["p_value"][0] for n in (3, 12)]  # fmt: skip
    assert all(second < first for first, second in pairwise(p))
