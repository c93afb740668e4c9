"""AUROC within genes, against scikit-learn and a resampling by hand; and what a gene's rate scores."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from grnformer.bench.perturbation.within import (
    pair_within_genes,
    pooled_auroc,
    resample_within_genes,
    sample_perturbations,
    within_gene_auroc,
)


def by_hand(table):
    """Mean of scikit-learn's AUROC over genes with both labels."""
    found = [
        roc_auc_score(part["positive"], part["score"])
        for _, part in table.groupby("gene")
        if part["positive"].nunique() == 2
    ]
    return np.mean(found)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    full = pd.MultiIndex.from_product([range(30), range(20)]).to_frame(index=False)
    full.columns = ["perturbation", "gene"]
    # genes differ widely in how often they respond
    rate = np.linspace(0, 0.9, 20)[full["gene"]]
    full["positive"] = rng.random(len(full)) < rate
    # ties on purpose
    full["score"] = rng.integers(0, 5, len(full)) + full["positive"]
    return full.sample(frac=0.7, random_state=1).reset_index(drop=True)


def test_the_mean_over_genes_is_that_of_scikit_learn(table):
    pairs = pair_within_genes(table["gene"].to_numpy(), table["positive"].to_numpy())
    found = within_gene_auroc(table["score"].to_numpy(float), pairs)
    assert found == pytest.approx(by_hand(table))


def test_a_resample_counts_a_perturbation_as_often_as_it_was_sampled(table):
    pairs = pair_within_genes(table["gene"].to_numpy(), table["positive"].to_numpy())
    weights = sample_perturbations(table["perturbation"].to_numpy(), 5, seed=1)
    found = resample_within_genes(table["score"].to_numpy(float), pairs, weights)
    for value, weight in zip(found, weights, strict=True):
        # the rows of a perturbation come together
        repeated = table.loc[table.index.repeat(weight.astype(int))]
        assert value == pytest.approx(by_hand(repeated), abs=1e-5)
    # all rows of a perturbation have one weight
    assert (pd.DataFrame(weights.T).groupby(table["perturbation"]).std() == 0).all(
        axis=None
    )


def test_the_rate_of_a_gene_fills_the_pooled_auroc_and_says_nothing_within_genes(table):
    rate = table.groupby("gene")["positive"].transform("mean").to_numpy(float)
    positive = table["positive"].to_numpy()
    pairs = pair_within_genes(table["gene"].to_numpy(), positive)
    assert within_gene_auroc(rate, pairs) == 0.5
    assert pooled_auroc(rate, positive) > 0.75
    assert pooled_auroc(rate, positive) == pytest.approx(roc_auc_score(positive, rate))


def test_what_is_undefined_is_missing_and_not_zero():
    one_label = pair_within_genes(np.array([0, 0, 1]), np.array([True, True, False]))
    assert np.isnan(within_gene_auroc(np.zeros(3), one_label))
    both = pair_within_genes(np.array([0, 0]), np.array([True, False]))
    assert np.isnan(within_gene_auroc(np.array([np.nan, 1.0]), both))
    assert np.isnan(pooled_auroc(np.array([np.nan, 1.0]), np.array([True, False])))
