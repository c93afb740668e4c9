"""A small network on lines' features, with or without a term that aligns single cells with lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from grnformer.bench.drug_response.matrix import known_means

if TYPE_CHECKING:
    from torch import Tensor, nn

Adaptation = Literal["none", "mmd", "adversarial"]
BATCH = 128  # lines a step, and as many cells
RATE = 0.002  # learning rate of AdamW


@dataclass(frozen=True)
class NetworkSettings:
    """Of one network.

    Attributes
    ----------
    hidden
        Width of the common layer.
    epochs
        Passes over the lines.
    weight_decay
        Of AdamW.
    adapt
        none; mmd: discrepancy of lines and cells in the layer; adversarial: a classifier of lines and cells on it,
        whose gradient is reversed.
    weight
        Of that term.
    """

    hidden: int
    epochs: int
    weight_decay: float = 0.01
    adapt: Adaptation = "none"
    weight: float = 0.0


def train_network(
    lines: np.ndarray,
    responses: np.ndarray,
    samples: np.ndarray,
    cells: np.ndarray,
    *,
    settings: NetworkSettings,
    seed: int,
) -> np.ndarray:
    """Train on lines and predict the samples; the number of epochs is fixed, nothing stops it by samples or cells.

    Parameters
    ----------
    lines, samples, cells
        Features (L, F), (S, F), (C, F); cells are without labels.
    responses
        LN_IC50 (L, D), NaN where not measured.

    Returns
    -------
    (S, D).
    """
    import torch
    from torch import nn

    known = ~np.isnan(responses)
    mean = known_means(responses, known, axis=0)
    residual = np.where(known, responses - mean, 0.0)
    sd = float(residual[known].std())
    x, y, known_LD, target = (
        torch.from_numpy(array.astype(np.float32))
        for array in (lines, residual / sd, known, cells)
    )

    # Seeded here only: the caller's random state stays as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = nn.Sequential(
            nn.Linear(x.shape[1], settings.hidden), nn.ReLU(), nn.Dropout(0.2)
        )
        head = nn.Linear(settings.hidden, y.shape[1])
        judge = nn.Sequential(
            nn.Linear(settings.hidden, 16), nn.ReLU(), nn.Linear(16, 1)
        )
        weights = [*encoder.parameters(), *head.parameters(), *judge.parameters()]
        optimiser = torch.optim.AdamW(
            weights, lr=RATE, weight_decay=settings.weight_decay
        )
        for _ in range(settings.epochs):
            for batch in torch.randperm(len(x)).split(BATCH):
                layer = encoder(x[batch])
                error = (head(layer) - y[batch]) ** 2 * known_LD[batch]
                loss = error.sum() / known_LD[batch].sum().clamp(min=1)
                if settings.adapt != "none":
                    drawn = encoder(target[torch.randint(len(target), (len(batch),))])
                    loss = loss + _misalignment(settings, judge, layer, drawn)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

        encoder.eval()
        with torch.no_grad():
            query = torch.from_numpy(samples.astype(np.float32))
            predicted = head(encoder(query)).numpy().astype(float)
    return mean + sd * predicted


def _misalignment(
    settings: NetworkSettings, judge: nn.Module, lines: Tensor, cells: Tensor
) -> Tensor:
    if settings.adapt == "mmd":
        return settings.weight * _discrepancy(lines, cells)
    return _confusion(judge, lines, cells, settings.weight)


def _discrepancy(left: Tensor, right: Tensor) -> Tensor:
    """Maximum mean discrepancy with Gaussian kernels of five widths around the mean squared distance."""
    import torch

    both = torch.cat([left, right])
    squared = torch.cdist(both, both) ** 2
    width = squared.detach().mean().clamp(min=1e-6)
    widths = width * 2.0 ** torch.arange(-2, 3)
    kernel = torch.exp(-squared / widths[:, None, None]).mean(dim=0)
    n = len(left)
    same = kernel[:n, :n].mean() + kernel[n:, n:].mean()
    return same - 2 * kernel[:n, n:].mean()


def _confusion(judge: nn.Module, left: Tensor, right: Tensor, weight: float) -> Tensor:
    """Loss of the classifier of lines and cells; the layer gets its gradient reversed, times `weight`."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    both = torch.cat([left, right])
    # The value is that of the layer, the gradient -weight times.
    turned = both.detach() * (1 + weight) - weight * both
    is_cell = torch.cat([torch.zeros(len(left)), torch.ones(len(right))])
    return binary_cross_entropy_with_logits(judge(turned)[:, 0], is_cell)
