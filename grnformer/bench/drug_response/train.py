"""Training the response network on one fold: frozen line embeddings, early stopping on validation.

Shapes: L lines, D drugs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from grnformer.bench.drug_response.lines import standardise_lines
from grnformer.bench.drug_response.matrix import (
    Parts,
    blank_tested,
    fit_additive,
)
from grnformer.bench.drug_response.metrics import double_centred_pearson_with
from grnformer.bench.drug_response.split import UNSEEN_LINES

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from torch_geometric.data import Batch

    from grnformer.bench.drug_response.network import ResponseNetwork

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the response network; the same in every arm.

    Attributes
    ----------
    line_components
        Principal components of the line embedding that are kept, at most.
    drug_hidden, n_layers, line_hidden, rank, dropout
        See `ResponseNetwork`.
    lines_per_batch
        Cell lines in a step; each step sees all drugs.
    max_epochs, evaluate_every, patience
        Epochs at most, epochs between evaluations on validation, and epochs without a better double-centred Pearson
        there before stopping.
    learning_rate, encoder_learning_rate, weight_decay
        Of AdamW; the drug encoder, which takes fewer steps, has another rate.
    """

    line_components: int
    drug_hidden: int
    n_layers: int
    line_hidden: int
    rank: int
    dropout: float
    lines_per_batch: int
    max_epochs: int
    evaluate_every: int
    patience: int
    learning_rate: float
    encoder_learning_rate: float
    weight_decay: float


def fit_baseline(values: np.ndarray, known: np.ndarray, split: str) -> np.ndarray:
    """Predictions from means, by split (L x D): the network learns the residual.

    Only the means that the tested units have count, so that residuals in training are like those in testing: drug and
    line means where pairs are left out, drug means for unseen lines, line means for unseen drugs.
    """
    fit = fit_additive(values, known)
    if split in UNSEEN_LINES:
        fit = fit._replace(line=np.zeros_like(fit.line))
    if split == "drug":
        fit = fit._replace(drug=np.zeros_like(fit.drug))
    return fit.predictions()


def predict_fold(
    values: np.ndarray,
    parts: Parts,
    split: str,
    features: np.ndarray,
    drugs: Batch,
    settings: TrainingSettings,
    seed: int,
) -> np.ndarray:
    """Train on one fold and predict all pairs.

    Parameters
    ----------
    values
        LN_IC50, L x D; tested values are blanked before anything is fitted.
    parts
        Masks train, validation, test, L x D.
    split
        What is left out (`SPLITS`).
    features
        Line embeddings, L x E.
    drugs
        Batch of the D drug graphs.
    settings, seed
        See there; the seed is that of initial weights, batches and dropout.

    Returns
    -------
    Predictions, L x D.
    """
    values = blank_tested(values, parts)
    train, validation = parts["train"], parts["validation"]
    lines = standardise_lines(
        features, np.asarray(train.any(axis=1)), settings.line_components
    )

    # From train only: validation must be as new to the means as the test part.
    baseline = fit_baseline(values, train, split)
    residual = np.where(train | validation, values - baseline, 0.0)

    # Targets of unit SD, so that one learning rate suits every fold.
    sd = float(residual[train].std())
    predicted, epoch = _train(
        lines, residual / sd, train, validation, drugs, settings, seed
    )
    calibrated = calibrate(predicted * sd, residual, validation)
    logger.info(
        "split %s, seed %d: %d lines x %d features, epoch %d",
        split,
        seed,
        *lines.shape,
        epoch,
    )
    return baseline + calibrated


def calibrate(
    predicted: np.ndarray, residual: np.ndarray, validation: np.ndarray
) -> np.ndarray:
    """Shrink predicted residuals to what validation supports.

    The predicted means of lines and drugs and the rest, the interaction, are each scaled by a factor from 0 to 1,
    fitted by least squares on validation: means of unseen drugs are predicted badly, and would raise the error.
    The double-centred correlation does not change.

    Parameters
    ----------
    predicted, residual
        Residuals after the baseline, L x D, and their true values, which are read on `validation` only.
    """
    means = fit_additive(predicted, np.ones(predicted.shape, dtype=bool)).predictions()
    interaction = predicted - means

    # (pairs, 2). Factors of at least 0: no predicted effect is turned around.
    both = np.stack([means[validation], interaction[validation]], axis=1)
    (of_means, of_interaction), _ = nnls(both, residual[validation])
    # A factor of 0 would leave no interaction to correlate.
    return (
        min(of_means, 1.0) * means + min(max(of_interaction, 0.01), 1.0) * interaction
    )


def _train(
    lines: np.ndarray,
    residual: np.ndarray,
    train: np.ndarray,
    validation: np.ndarray,
    drugs: Batch,
    settings: TrainingSettings,
    seed: int,
) -> tuple[np.ndarray, int]:
    """Predicted residuals (L x D) with the weights of the epoch that is best on validation, and that epoch."""
    import torch

    lines_LE = torch.from_numpy(lines)
    residual_LD = torch.from_numpy(residual.astype(np.float32))
    # 1 where a pair is trained on: the weight of its error.
    train_LD = torch.from_numpy(train.astype(np.float32))
    correlate = double_centred_pearson_with(residual, validation)
    best, best_epoch, best_prediction = -np.inf, 0, np.zeros(residual.shape)

    # Seeded here only: the caller's random state stays as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, optimiser = _start(lines_LE.shape[1], settings)
        for epoch in range(1, settings.max_epochs + 1):
            _train_epoch(
                network,
                optimiser,
                drugs,
                lines_LE,
                residual_LD,
                train_LD,
                settings.lines_per_batch,
            )

            # The last epoch is evaluated whatever its number.
            if epoch % settings.evaluate_every and epoch != settings.max_epochs:
                continue

            network.eval()
            with torch.no_grad():
                predicted = (
                    network(lines_LE, network.drug_encoder(drugs)).numpy().astype(float)
                )

            # An undefined score (NaN) is never better than the best.
            score = correlate(predicted)
            if score > best:
                best, best_epoch, best_prediction = score, epoch, predicted
            elif epoch - best_epoch >= settings.patience:
                break
    return best_prediction, best_epoch


def _start(
    n_line_features: int, settings: TrainingSettings
) -> tuple[ResponseNetwork, Optimizer]:
    """The network with initial weights, and its optimiser, with a rate for the head and one for the drug encoder."""
    import torch

    from grnformer.bench.drug_response.network import ResponseNetwork

    network = ResponseNetwork(
        n_line_features,
        drug_hidden=settings.drug_hidden,
        n_layers=settings.n_layers,
        line_hidden=settings.line_hidden,
        rank=settings.rank,
        dropout=settings.dropout,
    )
    encoder = list(network.drug_encoder.parameters())
    head = [
        weight
        for name, weight in network.named_parameters()
        if not name.startswith("drug_encoder.")
    ]
    groups = [
        {"params": head, "lr": settings.learning_rate},
        {"params": encoder, "lr": settings.encoder_learning_rate},
    ]
    # one kernel for all weights: a step of so small a network is mostly starts of kernels
    optimiser = torch.optim.AdamW(
        groups, weight_decay=settings.weight_decay, fused=True
    )
    return network, optimiser


def _train_epoch(
    network: ResponseNetwork,
    optimiser: Optimizer,
    drugs: Batch,
    lines_LE: Tensor,
    residual_LD: Tensor,
    train_LD: Tensor,
    lines_per_batch: int,
) -> None:
    """A step of the head for each batch of lines; then one of the drug encoder, which costs most.

    The encoder's gradient is the sum over the batches: it is collected at its output, a leaf for the head's steps, and
    goes through the encoder once.
    """
    import torch

    # The evaluation before has left it in evaluation mode.
    network.train()
    encoded_DH = network.drug_encoder(drugs)
    leaf_DH = encoded_DH.detach().requires_grad_()

    # Only lines with a pair in train: the others would add no error.
    trained = train_LD.any(1).nonzero()[:, 0]
    for batch in trained[torch.randperm(len(trained))].split(lines_per_batch):
        error_LD = (
            network(lines_LE[batch], leaf_DH) - residual_LD[batch]
        ) ** 2 * train_LD[batch]
        # Sets the encoder's gradients to None, not 0: the optimiser leaves weights without a gradient as they are.
        optimiser.zero_grad()
        # A mean over trained pairs: a batch with few of them counts no less.
        (error_LD.sum() / train_LD[batch].sum()).backward()
        optimiser.step()

    # The leaf is no parameter: its gradient was kept, and summed over batches.
    optimiser.zero_grad()
    encoded_DH.backward(leaf_DH.grad)
    optimiser.step()
