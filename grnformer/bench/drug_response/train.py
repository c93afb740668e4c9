"""Training the response network on one fold: frozen line embeddings, early stopping on validation.

Shapes: L lines, D drugs, E entries of a line's embedding.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from grnformer.bench.drug_response.matrix import fit_additive
from grnformer.bench.drug_response.metrics import double_centred_pearson_with

if TYPE_CHECKING:
    from torch_geometric.data import Batch

log = logging.getLogger("grnformer.bench")


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
        Epochs at most, epochs between looks at validation, and epochs without a better double-centred Pearson there
        before stopping.
    learning_rate, encoder_learning_rate, weight_decay
        Of AdamW; the drug encoder, which takes fewer steps, has its own rate.
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


def standardise_lines(features: np.ndarray, fitted_on: np.ndarray, n_components: int) -> np.ndarray:
    """Principal components of the lines' features, each entry scaled to unit variance first.

    Mean, scale and components come from the lines `fitted_on` (boolean, L) alone. The components keep their
    relative spread; the whole is scaled so that an entry's mean square is 1.

    Returns
    -------
    L x min(n_components, E, lines fitted on), float32.
    """
    fit = features[fitted_on].astype(float)
    spread = fit.std(axis=0)
    varies = spread > 1e-8 * max(float(np.abs(fit).max()), 1e-12)
    scaled = (features[:, varies] - fit[:, varies].mean(axis=0)) / spread[varies]
    base = scaled[fitted_on]
    if base.shape[0] < base.shape[1]:
        squared, left = np.linalg.eigh(base @ base.T)
        axes = base.T @ left / np.sqrt(np.maximum(squared, 1e-12))
    else:
        squared, axes = np.linalg.eigh(base.T @ base)
    kept = np.flatnonzero(squared > 1e-8 * squared.max())[::-1][:n_components]
    axes = axes[:, kept]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(len(kept))] < 0, -1.0, 1.0)  # sign is arbitrary
    components = scaled @ axes
    return (components / np.sqrt(np.mean(components[fitted_on] ** 2))).astype(np.float32)


def fit_baseline(values: np.ndarray, known: np.ndarray, split: str) -> np.ndarray:
    """What means say for a split (L x D): the network learns the deviation from it.

    Only the means that the tested units have count, so that training deviates from them as testing does: drug and
    line means where pairs are left out, drug means for unseen lines, line means for unseen drugs.
    """
    mean, line_effect, drug_effect = fit_additive(values, known)
    if split == "line":
        line_effect = np.zeros_like(line_effect)
    if split == "drug":
        drug_effect = np.zeros_like(drug_effect)
    return mean + line_effect[:, None] + drug_effect[None, :]


def predict_fold(
    values: np.ndarray,
    parts: dict[str, np.ndarray],
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
        pair, line or drug.
    features
        Line embeddings, L x E.
    drugs
        Batch of the D drug graphs.
    settings, seed
        See there; the seed rules initial weights, batches and dropout.

    Returns
    -------
    Predictions, L x D.
    """
    values = np.where(parts["test"], np.nan, values)
    lines = standardise_lines(features, np.asarray(parts["train"].any(axis=1)), settings.line_components)
    baseline = fit_baseline(values, parts["train"], split)
    known = parts["train"] | parts["validation"]
    deviation = np.where(known, values - baseline, 0.0)
    spread = float(deviation[parts["train"]].std())
    predicted, epoch = _train(lines, deviation / spread, parts, drugs, settings, seed)
    calibrated = calibrate(predicted * spread, deviation, parts["validation"])
    log.info("split %s, seed %d: %d lines x %d features, epoch %d", split, seed, *lines.shape, epoch)
    return baseline + calibrated


def calibrate(predicted: np.ndarray, deviation: np.ndarray, validation: np.ndarray) -> np.ndarray:
    """Shrink predicted deviations to what validation bears out.

    The predicted means of lines and drugs and the rest, the interaction, are each scaled by a factor from 0 to 1,
    fitted by least squares on validation: means of unseen drugs are guessed badly, and would spoil the error.
    The double-centred correlation does not change.

    Parameters
    ----------
    predicted, deviation
        Deviations from the baseline, L x D, and their true values, which are read on `validation` only.
    """
    mean, line_effect, drug_effect = fit_additive(predicted, np.ones(predicted.shape, dtype=bool))
    means = mean + line_effect[:, None] + drug_effect[None, :]
    both = np.stack([means[validation], (predicted - means)[validation]], axis=1)
    (of_means, of_rest), _ = nnls(both, deviation[validation])
    return min(of_means, 1.0) * means + min(max(of_rest, 0.01), 1.0) * (predicted - means)


def _train(
    lines: np.ndarray,
    deviation: np.ndarray,
    parts: dict[str, np.ndarray],
    drugs: Batch,
    settings: TrainingSettings,
    seed: int,
) -> tuple[np.ndarray, int]:
    """Predicted deviations (L x D) with the weights of the epoch that is best on validation, and that epoch.

    The head takes a step a batch of lines; the drug encoder, which costs most, takes one an epoch, along the sum of
    those batches' gradients.
    """
    import torch

    from grnformer.bench.drug_response.network import ResponseNetwork

    x_LE = torch.from_numpy(lines)
    y_LD = torch.from_numpy(deviation.astype(np.float32))
    mask_LD = torch.from_numpy(parts["train"].astype(np.float32))
    trained = torch.from_numpy(np.flatnonzero(parts["train"].any(axis=1)))
    validate = double_centred_pearson_with(deviation, parts["validation"])
    best, best_epoch, best_prediction = -np.inf, 0, np.zeros(deviation.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResponseNetwork(
            x_LE.shape[1],
            drug_hidden=settings.drug_hidden,
            n_layers=settings.n_layers,
            line_hidden=settings.line_hidden,
            rank=settings.rank,
            dropout=settings.dropout,
        )
        encoder = list(network.drug_encoder.parameters())
        head = [weight for name, weight in network.named_parameters() if not name.startswith("drug_encoder.")]
        optimiser = torch.optim.AdamW(
            [{"params": head, "lr": settings.learning_rate}, {"params": encoder, "lr": settings.encoder_learning_rate}],
            weight_decay=settings.weight_decay,
        )
        for epoch in range(1, settings.max_epochs + 1):
            network.train()
            encoded_DH = network.drug_encoder(drugs)
            leaf_DH = encoded_DH.detach().requires_grad_()
            for chosen in trained[torch.randperm(len(trained))].split(settings.lines_per_batch):
                counted_LD = mask_LD[chosen]
                error_LD = (network(x_LE[chosen], leaf_DH) - y_LD[chosen]) ** 2 * counted_LD
                optimiser.zero_grad()  # gradients of the encoder become None, so that its weights rest
                (error_LD.sum() / counted_LD.sum()).backward()
                optimiser.step()
            optimiser.zero_grad()
            encoded_DH.backward(leaf_DH.grad)
            optimiser.step()
            if epoch % settings.evaluate_every and epoch != settings.max_epochs:
                continue
            network.eval()
            with torch.no_grad():
                predicted = network(x_LE, network.drug_encoder(drugs)).numpy().astype(float)
            score = validate(predicted)
            if score > best:
                best, best_epoch, best_prediction = score, epoch, predicted
            elif epoch - best_epoch >= settings.patience:
                break
    return best_prediction, best_epoch
