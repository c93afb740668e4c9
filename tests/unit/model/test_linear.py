"""Linear models of masked values against planted factors and against plain formulas."""

import numpy as np
import pytest
import torch

from grnformer.model.linear import (
    FactorModel,
    Masked,
    Ridge,
    TokenValues,
    fit_factors,
    fit_linear,
)

N_CELLS, N_GENES, NOISE = 400, 30, 0.5


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray]:
    """Values of cells on two axes with noise, and the loadings."""
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(N_GENES, 2)) * [1.2, 0.8]
    scores = rng.normal(size=(N_CELLS, 2))
    noise = np.sqrt(NOISE) * rng.normal(size=(N_CELLS, N_GENES))
    return (scores @ loadings.T + noise).astype(np.float32), loadings


def masked_of(values: np.ndarray, seed: int) -> Masked:
    """All genes as tokens, 0.3 of them masked."""
    masked = torch.from_numpy(np.random.default_rng(seed).random(values.shape) < 0.3)
    genes = torch.arange(values.shape[1]).expand(len(values), -1)
    return Masked(genes, torch.from_numpy(values), ~masked, masked)


def loss_of(predictor, tokens: Masked) -> float:
    predicted = predictor(tokens.gene_BL, tokens.value_BL, tokens.seen_BL)
    return float(((predicted - tokens.value_BL)[tokens.masked_BL] ** 2).mean())


def test_factors_are_found_where_only_some_values_count(planted) -> None:
    values, loadings = planted
    weight = (np.random.default_rng(1).random(values.shape) < 0.5).astype(np.float32)
    # what has no weight must have no effect
    spoilt = np.where(weight > 0, values, 50).astype(np.float32)
    found, noise = fit_factors(TokenValues(spoilt, weight), 2, seed=0, iterations=30)
    assert noise == pytest.approx(NOISE, rel=0.1)
    # up to the variance of the scores that happened to be drawn
    wrong = np.linalg.norm(found @ found.T - loadings @ loadings.T)
    assert wrong < 0.15 * np.linalg.norm(loadings @ loadings.T)


def test_the_prediction_is_the_conditional_mean(planted) -> None:
    """Against the normal distribution's formula with the whole covariance."""
    values, loadings = planted
    tokens = masked_of(values[:5], seed=2)
    model = FactorModel.of(loadings.astype(np.float32), NOISE)
    predicted = model(tokens.gene_BL, tokens.value_BL, tokens.seen_BL)

    covariance = loadings @ loadings.T + NOISE * np.eye(N_GENES)
    for cell, seen in enumerate(tokens.seen_BL.numpy()):
        inverse = np.linalg.inv(covariance[np.ix_(seen, seen)])
        expected = covariance[np.ix_(~seen, seen)] @ inverse @ values[cell, seen]
        np.testing.assert_allclose(predicted[cell, ~seen], expected, atol=1e-4)


def test_masked_values_are_not_read(planted) -> None:
    values, _ = planted
    fitted = TokenValues(values, np.ones_like(values))
    for model in (FactorModel.of(*fit_factors(fitted, 2, 0)), Ridge(fitted, 0.7, 1.0)):
        tokens = masked_of(values[:4], seed=3)
        changed = tokens.value_BL.masked_fill(tokens.masked_BL, 99.0)
        of_both = [
            model(tokens.gene_BL, value, tokens.seen_BL)[tokens.masked_BL]
            for value in (tokens.value_BL, changed)
        ]
        assert torch.equal(*of_both)


def test_ridge_is_that_of_each_gene_on_the_others(planted) -> None:
    """Against least squares for one gene, where every gene is a token and the penalty stands for the masks."""
    values, _ = planted
    seen, penalty = 0.7, 30.0
    ridge = Ridge(TokenValues(values, np.ones_like(values)), seen, penalty)
    tokens = masked_of(values[:1], seed=0)
    others = torch.ones(1, N_GENES, dtype=torch.bool)
    others[0, 4] = False
    predicted = float(ridge(tokens.gene_BL, tokens.value_BL, others)[0, 4])

    # inputs are seen by chance: their second moments, of two genes and of one
    kept = np.arange(N_GENES) != 4
    inputs = values[:, kept].astype(float)
    moments = seen**2 * inputs.T @ inputs
    moments[np.diag_indices(N_GENES - 1)] = seen * (inputs**2).sum(0) + penalty
    weights = np.linalg.solve(moments, seen * inputs.T @ values[:, 4])
    assert predicted == pytest.approx(float(values[0, kept] @ weights), rel=1e-3)


def test_axes_are_chosen_on_cells_set_aside_and_predict_new_ones(planted) -> None:
    values, _ = planted
    whole = TokenValues(values[:300], np.ones((300, N_GENES), np.float32))
    part = TokenValues(whole.value[:250], whole.weight[:250])
    aside = [masked_of(values[250:300], seed=4)]
    fit = fit_linear((part, aside), whole, axes=[1, 2, 12], seen=0.7, seed=0)
    assert fit.axes == 2

    new = masked_of(values[300:], seed=5)
    mean = float((new.value_BL[new.masked_BL] ** 2).mean())
    # no predictor is below the noise
    assert NOISE * 0.95 < loss_of(fit.factors, new) < 0.5 * mean
    assert loss_of(fit.factors, new) < loss_of(fit.ridge, new) < mean
