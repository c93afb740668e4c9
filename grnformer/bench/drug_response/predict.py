"""Predictions of a whole cross-validation, as tables; every row is a pair in the one fold that tests it."""

from __future__ import annotations

import logging

import anndata
import numpy as np
import pandas as pd

from grnformer.bench.drug_response.baselines import Features, Grids, predict_baselines
from grnformer.bench.drug_response.heads import predict_by_heads
from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.split import fold_columns
from grnformer.bench.drug_response.structures import fingerprints, tanimoto
from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)


def crossvalidate_baselines(
    responses: pd.DataFrame,
    drugs: pd.DataFrame,
    expression: anndata.AnnData,
    parts: pd.DataFrame,
    split: str,
    grids: Grids,
    source: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Predict every tested pair by every baseline of a split.

    Parameters
    ----------
    source
        Responses of the screen to train on, where it is another; its own value of a tested pair is then the predictor
        ``other_screen``: what two measurements of one pair agree on.

    Returns
    -------
    line, drug, fold, ln_ic50 and one column of predictions a baseline.
    """
    matrix = Matrix.from_table(responses, source)

    # Once for all folds: structures and expression are inputs, never predicted.
    similarity = tanimoto(fingerprints(_smiles(drugs, matrix)))
    features = Features(np.asarray(expression[matrix.lines].X), similarity)
    tables = []
    for fold in fold_columns(parts):
        masks = matrix.part_masks(parts, fold)
        predictions, chosen = predict_baselines(
            matrix.training, masks, split, features, grids
        )
        if source is not None:
            predictions["other_screen"] = matrix.training
        logger.info("split %s %s: chosen %s", split, fold, chosen)
        tables.append(tested_table(matrix, masks["test"], fold, predictions))
    return pd.concat(tables, ignore_index=True)


def crossvalidate_network(
    responses: pd.DataFrame,
    drugs: pd.DataFrame,
    embeddings: list[pd.DataFrame],
    parts: pd.DataFrame,
    split: str,
    *,
    arm: str,
    network: dict[str, float],
    seed: int,
    beside: anndata.AnnData | None = None,
    source: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Train the response network and ridge heads in every fold and predict what it tests.

    Parameters
    ----------
    embeddings
        Line embeddings, one a pretraining seed (line, then one column a dimension). Fold i takes the i-th, starting
        anew after the last, so that the variation over folds includes that of pretraining.
    network
        Settings of the network (`TrainingSettings`).
    seed
        Of the networks' initial weights and batches; fold i adds i.
    beside
        Expression of the lines, which a ridge head takes beside the embedding; None where the embedding is this.
    source
        Responses of the screen to train on, where it is another.

    Returns
    -------
    line, drug, fold, ln_ic50 and the predictions: of the network in a column named `arm`, of the heads in
    ``<arm>_ridge`` and ``<arm>_and_genes_ridge`` (`predict_by_heads`).

    Raises
    ------
    InputError
        If a line has no embedding.
    """
    from grnformer.bench.drug_response.drug_graph import batch_drugs
    from grnformer.bench.drug_response.train import TrainingSettings, predict_fold

    matrix = Matrix.from_table(responses, source)
    smiles = _smiles(drugs, matrix)
    batch, similarity = batch_drugs(smiles), tanimoto(fingerprints(smiles))
    genes = None if beside is None else np.asarray(beside[matrix.lines].X)

    # One a pretraining seed, (L, E), rows in the order of the matrix.
    features = [_in_order(embedding, matrix.lines) for embedding in embeddings]
    settings = TrainingSettings(**network)  # type: ignore[arg-type]

    tables = []
    for number, fold in enumerate(fold_columns(parts)):
        masks = matrix.part_masks(parts, fold)
        # Folds take the pretraining seeds in turn: their variation is in that over folds.
        lines = features[number % len(features)]
        predictions = {
            arm: predict_fold(
                matrix.training, masks, split, lines, batch, settings, seed + number
            )
        }
        heads = predict_by_heads(
            matrix.training, masks, split, lines, genes, similarity
        )
        predictions |= {f"{arm}{suffix}": each for suffix, each in heads.items()}
        tables.append(tested_table(matrix, masks["test"], fold, predictions))
    return pd.concat(tables, ignore_index=True)


def tested_table(
    matrix: Matrix, test: np.ndarray, fold: str, predictions: dict[str, np.ndarray]
) -> pd.DataFrame:
    """The tested pairs of one fold as rows: line, drug, fold, ln_ic50 and one column a predictor."""
    # Both go row by row, nonzero and the mask: names and values stay together.
    row, column = np.nonzero(test)
    return pd.DataFrame(
        {
            "line": np.array(matrix.lines)[row],
            "drug": np.array(matrix.drugs)[column],
            "fold": fold,
            "ln_ic50": matrix.values[test],
        }
        | {name: prediction[test] for name, prediction in predictions.items()}
    )


def _smiles(drugs: pd.DataFrame, matrix: Matrix) -> list[str]:
    """SMILES in the order of the matrix's columns."""
    return drugs.set_index("drug").loc[matrix.drugs, "smiles"].tolist()


def _in_order(embedding: pd.DataFrame, lines: list[str]) -> np.ndarray:
    table = embedding.set_index("line")
    missing = sorted(set(lines) - set(table.index))
    if missing:
        raise InputError(
            f"{len(missing)} lines of the screen without embedding, first {missing[0]!r}",
            "an embedding of every line",
            "embed the expression of the same screen",
        )
    return table.loc[lines].to_numpy(dtype=float)
