"""Embeddings: of the pretraining cells without a graph, and of RNA-only data with graphs by reference mapping."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from grnformer import io
from grnformer.errors import InputError
from grnformer.fuse.graph import read_bundle
from grnformer.model.backbones import BACKBONES
from grnformer.model.batch import Batch
from grnformer.model.grnformer import GRNFormer
from grnformer.model.saved import load_model
from grnformer.model.structure import Structure, read_structure
from grnformer.train.activity import StoredActivity
from grnformer.train.batches import EMBED, STRUCTURE, Cells, batch_of
from grnformer.train.mapping import map_to_reference

if TYPE_CHECKING:
    import anndata

LOGGER = logging.getLogger("grnformer.train")


def embed_expression(
    model_dir: str | Path, bundle_dir: str | Path, expression: anndata.AnnData, *, batch_size: int, seed: int
) -> pd.DataFrame:
    """Embed the rows of `expression`; rows of the result are named as its obs, columns dim_0..dim_(D-1).

    As `embed_and_map`, without the mapping.
    """
    return embed_and_map(model_dir, bundle_dir, expression, batch_size=batch_size, seed=seed)[0]


def embed_and_map(
    model_dir: str | Path, bundle_dir: str | Path, expression: anndata.AnnData, *, batch_size: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Embed RNA-only data: each row takes the graph of the pretraining cell that is nearest to it without graphs.

    Where most values are above 0 (bulk data), all genes would count as expressed, as in no pretraining cell. Each gene
    is then compared with its median over the rows given (no label is looked at): what does not exceed it counts as not
    expressed, the rest by how far it does. So rows of one data set must be embedded together.

    Parameters
    ----------
    model_dir
        A folder that `pretrain_model` wrote (model.safetensors, model.json, reference.parquet).
    bundle_dir
        The graph bundle that the model was trained on.
    expression
        Non-negative values in X, genes by symbol in var_names. scgpt uses ranks within a row alone; geneformer and
        scfoundation need log1p of counts per 10,000.
    batch_size
        Rows at a time.
    seed
        Of the draws of genes (several a row, whose embeddings are averaged).

    Returns
    -------
    embedding
        Rows named as `expression.obs_names`, columns dim_0..dim_(D-1).
    mapping
        Columns of `map_to_reference`, rows named the same.

    Raises
    ------
    InputError
        Negative or undefined values, too few known genes, or a bundle that is not the model's.
    """
    model, card = load_model(model_dir)
    bundle = read_bundle(bundle_dir)
    if bundle.graph.genes["gene"].tolist() != card["genes"] or bundle.meta["mode"] != card["arm"]["graph"]:
        raise InputError(
            f"the bundle {bundle_dir} (mode {bundle.meta['mode']}) is not the one {model_dir} was trained on",
            f"the bundle of mode {card['arm']['graph']} with the model's {len(card['genes'])} genes",
            "give the bundle of the same run",
        )
    reference = io.read_table(Path(model_dir) / "reference.parquet", "reference_embedding")
    matrix, measured = _matrix(expression, card)
    tokeniser = BACKBONES[card["arguments"]["backbone"]["name"]].tokeniser(**card["tokeniser"]).of_genes(measured)
    values = tokeniser.values(matrix)

    def make(rows: np.ndarray, draw: int, types: np.ndarray, active: np.ndarray) -> Batch:
        rng = np.random.default_rng([seed, EMBED, int(rows[0]), draw])
        tokens = tokeniser.tokenise(values[rows], min(card["embed"]["n_tokens"], len(measured)), rng)
        tokens = replace(tokens, gene_BL=measured[tokens.gene_BL])
        return batch_of(tokens, np.zeros(tokens.gene_BL.shape, bool), types[rows], active[rows])

    n_rows = len(expression)
    no_types = np.full(n_rows, -1)
    no_activity = np.zeros((n_rows, len(bundle.meta["eregulons"])), np.float32)
    plain = _mean_over_draws(
        model, None, card, n_rows, batch_size, seed, lambda r, d: make(r, d, no_types, no_activity)
    )
    mapping = map_to_reference(plain, reference).set_axis(expression.obs_names)
    LOGGER.info("mapped to %s", mapping["cell_type"].value_counts().to_dict())
    embedded = plain
    if model.adapter is not None:
        number = {name: t for t, name in enumerate(card["cell_types"])}
        types = mapping["cell_type"].map(number).fillna(-1).to_numpy(int)
        active = StoredActivity(bundle.graph).rows(mapping["cell"].to_numpy(object))
        structure = read_structure(bundle.graph, bundle.meta["scales"], card["cell_types"], card["embed"]["direction"])
        embedded = _mean_over_draws(
            model, structure, card, n_rows, batch_size, seed, lambda r, d: make(r, d, types, active)
        )
    return _frame(embedded, expression.obs_names), mapping


def embed_cells(model: GRNFormer, card: dict[str, Any], cells: Cells, *, seed: int, batch_size: int) -> pd.DataFrame:
    """Embeddings of all stored cells without a graph (contract reference_embedding)."""
    every = np.arange(len(cells.store.cells))
    cells = copy.copy(cells)
    cells.n_tokens = min(card["embed"]["n_tokens"], len(card["genes"]))

    def make(rows: np.ndarray, draw: int) -> Batch:
        rng = np.random.default_rng([seed, EMBED, int(rows[0]), draw])
        return cells.whole_batch(rows, cells.values(rows), rng)

    table = _frame(_mean_over_draws(model, None, card, len(every), batch_size, seed, make), every)
    table.insert(0, "cell", cells.store.cells)
    table.insert(1, "cell_type", cells.store.cell_types)
    return table


@torch.no_grad()
def _mean_over_draws(
    model: GRNFormer,
    structure: Structure | None,
    card: dict[str, Any],
    n_rows: int,
    batch_size: int,
    seed: int,
    make: Callable[[np.ndarray, int], Batch],
) -> np.ndarray:
    """Cell embeddings (rows x D), averaged over draws of tokens."""
    parts = []
    for start in range(0, n_rows, batch_size):
        rows = np.arange(start, min(start + batch_size, n_rows))
        rng = np.random.default_rng([seed, STRUCTURE, start])
        batches = (make(rows, draw) for draw in range(card["embed"]["draws"]))
        drawn = [model.backbone.cell_embedding(model(batch, structure, rng), batch).numpy() for batch in batches]
        parts.append(np.mean(drawn, axis=0))
    return np.concatenate(parts)


def _matrix(expression: anndata.AnnData, card: dict[str, Any]) -> tuple[sp.csr_matrix, np.ndarray]:
    """Expression of the measured genes of the model, and those genes' node numbers."""
    place = expression.var_names.get_indexer_for(card["genes"])
    measured = np.flatnonzero(place >= 0)
    if len(measured) < 0.05 * len(card["genes"]):
        raise InputError(
            f"{len(measured)} of the model's {len(card['genes'])} genes are measured",
            "at least a twentieth of them, by symbol",
            "name the genes as in model.json",
        )
    matrix = expression[:, place[measured]].X
    matrix = sp.csr_matrix(matrix, dtype=np.float64)
    if not np.isfinite(matrix.data).all() or (matrix.data < 0).any():
        raise InputError(
            "the expression holds negative or undefined values",
            "values of 0 and above",
            "shift or exponentiate standardised values before embedding",
        )
    if (matrix.data > 0).sum() > card["embed"]["dense_above"] * np.prod(matrix.shape):
        LOGGER.info("dense data: each gene is compared with its median over the %d rows", matrix.shape[0])
        dense = matrix.toarray()
        spread = dense.std(0)
        above = (dense - np.median(dense, axis=0)) / np.where(spread > 0, spread, 1.0)
        matrix = sp.csr_matrix(np.maximum(above, 0.0))
    return matrix, measured


def _frame(embedded: np.ndarray, index: Any) -> pd.DataFrame:
    return pd.DataFrame(embedded, index=index, columns=[f"dim_{d}" for d in range(embedded.shape[1])])
