"""Linear prediction of masked values: factor analysis, which a model may start from, and ridge, both as baselines.

Values are those of tokens, standardised by gene. A cell has a sample of its genes as tokens, so that each value counts
by its probability to be one; what is fitted is then what a random sample of tokens would give.
Shapes: B cells, L gene tokens, N genes, K axes, C training cells.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

ITERATIONS = 8
# of the squared loadings: a gene that is rarely a token has small ones
SHRINK = 1.0
# multiples of the fitted noise, and of a ridge's penalty, that are tried
NOISES = (0.7, 1.0, 1.4, 2.0)
PENALTIES = (30.0, 100.0, 300.0)


@dataclass(frozen=True)
class TokenValues:
    """Standardised values of cells, (C, N), and the probability of each to be a token, (C, N); float32."""

    value: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Masked:
    """Standardised tokens of cells: genes, values, which are seen and which are to be predicted; (B, L) each."""

    gene_BL: torch.Tensor
    value_BL: torch.Tensor
    seen_BL: torch.Tensor
    masked_BL: torch.Tensor


class FactorModel(nn.Module):
    """Posterior mean of masked values by factor analysis (Tipping and Bishop 1999, doi 10.1111/1467-9868.00196).

    A cell's scores on K axes are normal, its values their product with the genes' loadings, plus noise. The scores
    follow from the genes that are seen.

    Attributes
    ----------
    loadings_NK
        Loadings; scores have unit variance.
    noise
        Variance of the noise, squared SD.
    """

    loadings_NK: torch.Tensor
    noise: torch.Tensor

    def __init__(self, n_genes: int, n_axes: int) -> None:
        super().__init__()
        # Buffers: no step of the optimiser changes them, and they are saved with the weights.
        self.register_buffer("loadings_NK", torch.zeros(n_genes, n_axes))
        self.register_buffer("noise", torch.ones(()))

    @classmethod
    def of(cls, loadings: np.ndarray, noise: float) -> FactorModel:
        """The model of fitted loadings (N, K)."""
        model = cls(*loadings.shape)
        model.loadings_NK.copy_(torch.from_numpy(loadings))
        model.noise.fill_(noise)
        return model

    def forward(
        self, gene_BL: torch.Tensor, value_BL: torch.Tensor, seen_BL: torch.Tensor
    ) -> torch.Tensor:
        """Predicted standardised values of all tokens, (B, L), from the values of those seen."""
        # In float32: under lower precision the equations could become singular.
        with torch.autocast(gene_BL.device.type, enabled=False):
            loadings_BLK = self.loadings_NK[gene_BL]
            seen_BKL = (loadings_BLK * seen_BL[:, :, None]).transpose(1, 2)

            n_axes = self.loadings_NK.shape[1]
            ridge_KK = self.noise * torch.eye(n_axes, device=gene_BL.device)
            precision_BKK = seen_BKL @ loadings_BLK + ridge_KK
            score_BK1 = torch.linalg.solve(
                precision_BKK, seen_BKL @ value_BL.float()[:, :, None]
            )
            return (loadings_BLK @ score_BK1).squeeze(-1)


class Ridge:
    """Ridge regression of each gene on all others, 0 (the mean) where a gene is not seen.

    Penalised least squares over all samples of tokens and masks at once, in the form of cells: the inverse of the
    genes' second moments, whose rows are the regressions of one gene on all others, follows from a C x C system.

    Parameters
    ----------
    fitted
        Training cells.
    seen
        Fraction of the tokens that are not masked.
    penalty
        Of the squared weights.
    """

    def __init__(self, fitted: TokenValues, seen: float, penalty: float) -> None:
        inputs_CN = seen * fitted.weight * fitted.value
        square_N = seen * (fitted.weight * fitted.value**2).sum(0)
        # What a gene's second moment has beyond the product of two expected values.
        rest_N = (square_N - (inputs_CN**2).sum(0) + penalty).astype(np.float32)

        # Woodbury: cells are fewer than genes.
        self._scaled_CN = inputs_CN / rest_N
        small_CC = np.eye(len(inputs_CN), dtype=np.float32) + (
            self._scaled_CN @ inputs_CN.T
        )
        solved_CN = np.linalg.solve(small_CC, self._scaled_CN)
        diagonal_N = 1 / rest_N - (self._scaled_CN * solved_CN).sum(0)

        # A gene is a token, and hence a target, in a part of the cells only.
        share_N = np.maximum(fitted.weight.mean(0), 1e-6)
        self._weights_CN = solved_CN / (diagonal_N * seen * share_N)

    def __call__(
        self, gene_BL: torch.Tensor, value_BL: torch.Tensor, seen_BL: torch.Tensor
    ) -> torch.Tensor:
        """Predicted standardised values of the tokens that are not seen, (B, L)."""
        gene = gene_BL.cpu().numpy()
        value = torch.where(seen_BL, value_BL, 0.0).cpu().numpy()
        # (B, C): a cell's inputs by those of each training cell.
        alike_BC = np.stack(
            [self._scaled_CN[:, of] @ by for of, by in zip(gene, value, strict=True)]
        )
        predicted = [
            row @ self._weights_CN[:, of]
            for row, of in zip(alike_BC, gene, strict=True)
        ]
        return torch.from_numpy(np.stack(predicted)).to(value_BL)


@dataclass(frozen=True)
class LinearFit:
    """Both models, fitted on training cells only, with the settings that were chosen on some of these set aside."""

    factors: FactorModel
    ridge: Ridge
    axes: int
    penalty: float

    def predictors(self, device: torch.device) -> dict[str, FactorModel | Ridge]:
        """Both by name, on a device."""
        return {"factor": copy.deepcopy(self.factors).to(device), "ridge": self.ridge}


def fit_linear(
    chosen_on: tuple[TokenValues, Sequence[Masked]],
    whole: TokenValues,
    *,
    axes: Sequence[int],
    seen: float,
    seed: int,
) -> LinearFit:
    """Choose the number of axes, the noise and the penalty on cells set aside, and fit on all training cells.

    Parameters
    ----------
    chosen_on
        Training cells but those set aside, and tokens of these.
    whole
        All training cells.
    axes
        Numbers of axes to choose from, each at least 1.
    seen
        Fraction of the tokens that are not masked.
    seed
        Of the first loadings.
    """
    part, aside = chosen_on
    most = min(max(axes), *part.value.shape)
    loadings, noise = fit_factors(part, most, seed)
    tried = {
        (k, times): _loss(FactorModel.of(loadings[:, :k], times * noise), aside)
        for k in sorted({min(k, most) for k in axes})
        for times in NOISES
    }
    # The first of equal ones: the fewest axes.
    n_axes, times = min(tried, key=lambda setting: tried[setting])

    ridges = {p: _loss(Ridge(part, seen, p), aside) for p in PENALTIES}
    penalty = min(ridges, key=lambda p: ridges[p])

    # As many axes as before: the noise belongs to them.
    loadings, noise = fit_factors(whole, most, seed)
    return LinearFit(
        FactorModel.of(loadings[:, :n_axes], times * noise),
        Ridge(whole, seen, penalty),
        n_axes,
        penalty,
    )


def fit_factors(
    values: TokenValues, n_axes: int, seed: int, iterations: int = ITERATIONS
) -> tuple[np.ndarray, float]:
    """Factor analysis of partly seen values by expectation-maximisation.

    Returns
    -------
    (N, K) loadings, float32: the strongest axis first, so that the first columns are a model of fewer axes; the
    variance of the noise.
    """
    value, weight = torch.from_numpy(values.value), torch.from_numpy(values.weight)
    weighted = weight * value
    total, square = float(weight.sum()), float((weighted * value).sum())

    n_genes, eye = value.shape[1], torch.eye(n_axes)
    start = 0.1 * np.random.default_rng(seed).normal(size=(n_genes, n_axes))
    loadings_NK, noise = torch.from_numpy(start).float(), 1.0

    for _ in range(iterations):
        # Scores of each cell: their mean and second moment, given its tokens.
        precision_CKK = (weight @ _outer(loadings_NK)).unflatten(1, (n_axes, n_axes))
        covariance_CKK = torch.linalg.inv(precision_CKK + noise * eye)
        score_CK = (covariance_CKK @ (weighted @ loadings_NK)[:, :, None]).squeeze(-1)
        moment = _outer(score_CK) + noise * covariance_CKK.flatten(1)

        # Loadings of each gene by regression on the scores, then the noise that is left.
        gram_NKK = (weight.T @ moment).unflatten(1, (n_axes, n_axes))
        product_NK = weighted.T @ score_CK
        loadings_NK = torch.linalg.solve(
            gram_NKK + SHRINK * eye, product_NK[:, :, None]
        ).squeeze(-1)
        explained = (gram_NKK.flatten(1) * _outer(loadings_NK)).sum()
        left = square - 2 * (product_NK * loadings_NK).sum() + explained
        noise = float(left) / total

        # Scores of unit variance: the scale of loadings would drift else.
        mean_KK = moment.mean(0).unflatten(0, (n_axes, n_axes))
        loadings_NK = loadings_NK @ torch.linalg.cholesky(mean_KK + 1e-6 * eye)

    # Turned to principal axes, which changes no prediction.
    axes, strength, _ = torch.linalg.svd(loadings_NK, full_matrices=False)
    return (axes * strength).numpy(), noise


def _outer(rows_RK: torch.Tensor) -> torch.Tensor:
    """(R, K K): the product of each row with itself."""
    return (rows_RK[:, :, None] * rows_RK[:, None, :]).flatten(1)


def _loss(predictor: FactorModel | Ridge, tokens: Iterable[Masked]) -> float:
    """Mean squared error of the masked values."""
    errors = [
        (predictor(part.gene_BL, part.value_BL, part.seen_BL) - part.value_BL)[
            part.masked_BL
        ]
        for part in tokens
    ]
    return float((torch.cat(errors).double() ** 2).mean())
