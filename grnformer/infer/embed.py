"""Embeddings: of the pretraining cells without a graph, and of RNA-only data with graphs by reference mapping."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.data.activity import StoredActivity
from grnformer.data.batch import Batch, make_batch
from grnformer.data.batcher import Batcher
from grnformer.data.streams import EMBED, STRUCTURE
from grnformer.graph.bundle import read_bundle
from grnformer.graph.structure import Structure, read_structure
from grnformer.graph.vocabulary import read_aliases, read_vocabulary
from grnformer.infer.expression import LEAST_SHARE, ExpressionRows, find_genes
from grnformer.infer.mapping import ReferenceIndex, warn_of_strangers
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer
from grnformer.model.saved import load_model, read_card
from grnformer.settings.read import read_defaults

if TYPE_CHECKING:
    import anndata

logger = logging.getLogger(__name__)
_BATCHES_READ = 32  # batches of rows in memory


class Embedder:
    """A pretrained model with its graph and the index of its reference cells, ready for rows of new data.

    Parameters
    ----------
    model_dir
        A folder that `pretrain_model` wrote (model.safetensors, model.json, reference.parquet).
    bundle_dir
        The graph bundle that the model was trained on.
    batch_size
        Rows at a time.
    seed
        Of the draws of genes (several a row, whose embeddings are averaged).
    mapping
        exact_up_to, usual_quantile (see `ReferenceIndex`), warn_above (share of rows).

    Raises
    ------
    InputError
        If the bundle is not the model's.
    """

    def __init__(
        self, model_dir: str | Path, bundle_dir: str | Path, *, batch_size: int, seed: int, mapping: dict[str, Any]
    ) -> None:
        self.model, self.card = load_model(model_dir)
        bundle = read_bundle(bundle_dir)
        if (
            bundle.graph.genes["gene"].tolist() != self.card["genes"]
            or bundle.meta["mode"] != self.card["arm"]["graph"]
        ):
            raise InputError(
                f"the bundle {bundle_dir} (mode {bundle.meta['mode']}) is not the one {model_dir} was trained on",
                f"the bundle of mode {self.card['arm']['graph']} with the model's {len(self.card['genes'])} genes",
                "give the bundle of the same run",
            )
        self.batch_size, self._seed = batch_size, seed
        reference = io.read_table(Path(model_dir) / "reference.parquet", "reference_embedding")
        self._index = ReferenceIndex(
            reference, exact_up_to=mapping["exact_up_to"], usual_quantile=mapping["usual_quantile"], seed=seed
        )
        self.warn_above: float = mapping["warn_above"]
        self._structure = None
        if self.model.adapter is not None:
            types, direction = self.card["cell_types"], self.card["embed"]["direction"]
            self._structure = read_structure(bundle.graph, bundle.meta["scales"], types, direction)
        self._activity = StoredActivity(bundle.graph)
        self._n_eregulons = len(bundle.meta["eregulons"])

    def embed(self, matrix: sp.csr_matrix, measured: np.ndarray, first: int) -> tuple[np.ndarray, pd.DataFrame]:
        """Embed rows: each takes the graph of the pretraining cell that is nearest to it without graphs.

        Parameters
        ----------
        matrix
            (rows, measured genes).
        measured
            Node numbers of those genes.
        first
            Number of the first row in the whole data, a multiple of the batch size: rows given in parts are embedded as
            if given at once.

        Returns
        -------
        embedding, (rows, D); mapping, by `ReferenceIndex.map`.
        """
        card, n_rows = self.card, matrix.shape[0]
        kind = BACKBONES[card["arguments"]["backbone"]["name"]]
        tokeniser = kind.tokeniser(**card["tokeniser"]).of_genes(measured)
        values = tokeniser.values(matrix)

        def make(rows: np.ndarray, draw: int, types: np.ndarray, active: np.ndarray) -> Batch:
            rng = np.random.default_rng([self._seed, EMBED, first + int(rows[0]), draw])
            tokens = tokeniser.tokenise(values[rows], min(card["embed"]["n_tokens"], len(measured)), rng)
            tokens = replace(tokens, gene_BL=measured[tokens.gene_BL])
            return make_batch(tokens, np.zeros(tokens.gene_BL.shape, bool), types[rows], active[rows])

        def mean(structure: Structure | None, types: np.ndarray, active: np.ndarray) -> np.ndarray:
            return _mean_over_draws(
                self.model, structure, card, n_rows, self.batch_size, self._seed,
                lambda rows, draw: make(rows, draw, types, active), first,
            )  # fmt: skip

        plain = mean(None, np.full(n_rows, -1), np.zeros((n_rows, self._n_eregulons), np.float32))
        mapping = self._index.map(plain)
        if self._structure is None:
            return plain, mapping
        number = {name: t for t, name in enumerate(card["cell_types"])}
        types = mapping["cell_type"].map(number).fillna(-1).to_numpy(int)
        return mean(self._structure, types, self._activity.rows(mapping["cell"].to_numpy(object))), mapping


def embed_expression(
    model_dir: str | Path,
    bundle_dir: str | Path,
    expression: anndata.AnnData,
    *,
    batch_size: int,
    seed: int,
    mapping: dict[str, Any],
) -> pd.DataFrame:
    """Embed the rows of `expression`; rows of the result are named as its obs, columns dim_0..dim_(D-1).

    As `embed_and_map`, without the mapping.
    """
    return embed_and_map(model_dir, bundle_dir, expression, batch_size=batch_size, seed=seed, mapping=mapping)[0]


def embed_and_map(
    model_dir: str | Path,
    bundle_dir: str | Path,
    expression: anndata.AnnData,
    *,
    batch_size: int,
    seed: int,
    mapping: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Embed RNA-only data whose values are taken as they are: non-negative, of whatever scale.

    Where most values are above 0 (bulk data), all genes would count as expressed, as in no pretraining cell. Each gene
    is then compared with its median over the rows given (no label is looked at): what does not exceed it counts as not
    expressed, the rest by how far it does. So rows of one data set must be embedded together.

    Parameters
    ----------
    model_dir, bundle_dir, batch_size, seed, mapping
        See `Embedder`.
    expression
        Non-negative values in X, genes by symbol in var_names. scgpt uses ranks within a row alone; geneformer and
        scfoundation need log1p of counts per 10,000.

    Returns
    -------
    embedding
        Rows named as `expression.obs_names`, columns dim_0..dim_(D-1).
    mapping
        Columns of `ReferenceIndex.map`, rows named the same.

    Raises
    ------
    InputError
        Negative or undefined values, too few known genes, or a bundle that is not the model's.
    """
    embedder = Embedder(model_dir, bundle_dir, batch_size=batch_size, seed=seed, mapping=mapping)
    matrix, measured = _matrix(expression, embedder.card)
    embedded, mapped = embedder.embed(matrix, measured, 0)
    warn_of_strangers(mapped, embedder.warn_above)
    return _frame(embedded, expression.obs_names), mapped.set_axis(expression.obs_names)


def embed_anndata(
    data: anndata.AnnData,
    model: str | Path,
    *,
    graph: str | Path | None = None,
    vocabulary: str | Path | None = None,
    aliases: str | Path | None = None,
    settings: dict[str, Any] | None = None,
) -> None:
    """Embed any single-cell RNA by a pretrained model: what `embed_rows` gives is written into `data`.

    Adds `obsm["X_grnformer"]` (cells, D), `obs["mapped_cell"]`, `obs["mapped_cell_type"]` (the nearest pretraining
    cell, whose graph the cell is given), `obs["mapping_distance"]`, `obs["out_of_domain"]` and `uns["grnformer"]`.

    Parameters
    ----------
    data
        Counts or log1p of normalised counts in X; genes by symbol, alias or Ensembl id. May be backed by a file.
    model
        A model's folder, such as results/<dataset>/pretrain/hybrid/seed1.
    graph
        The bundle that the model was trained on; None: where the workflow puts it beside the model.
    vocabulary, aliases
        Of the backbone, as in the config section `fuse`, for genes named otherwise than in the model; None: none.
    settings
        Keys batch_size, seed, mapping of the config section `embed`; None: the defaults.

    Raises
    ------
    InputError
        See `ExpressionRows`, `find_genes`, `Embedder`.
    """
    obs, embedding, uns = embed_rows(
        data, model, graph=graph, vocabulary=vocabulary, aliases=aliases, settings=settings or read_defaults("embed")
    )
    for name, column in obs.items():
        data.obs[name] = column
    data.obsm["X_grnformer"] = embedding
    data.uns["grnformer"] = uns


def embed_rows(
    data: anndata.AnnData,
    model: str | Path,
    *,
    graph: str | Path | None,
    vocabulary: str | Path | None,
    aliases: str | Path | None,
    settings: dict[str, Any],
) -> tuple[pd.DataFrame, np.ndarray, dict[str, Any]]:
    """As `embed_anndata`, without writing into `data`: columns for obs, the embedding (float32), what it was made by.

    Rows are read a block at a time. Only bulk data, of which most values are above 0, are held as a whole: each gene is
    compared with its median over all rows (see `embed_and_map`).
    """
    keys = {key: settings[key] for key in ("batch_size", "seed", "mapping")}
    folder = Path(model)
    card = read_card(folder)
    bundle = Path(graph) if graph else folder.resolve().parents[2] / "fuse" / card["arm"]["graph"]
    embedder = Embedder(folder, bundle, **keys)
    names = read_vocabulary(vocabulary) if vocabulary else {}
    columns, measured = find_genes(data.var, card, names, read_aliases(aliases or ""))
    rows = ExpressionRows(data, columns, _BATCHES_READ * embedder.batch_size)
    blocks: Iterable[tuple[int, sp.csr_matrix]] = rows
    if rows.values.positive_fraction > card["embed"]["dense_above"]:
        blocks = [(0, _above_median(sp.vstack([block for _, block in rows], "csr")))]
    parts = [embedder.embed(block, measured, start) for start, block in blocks]
    mapping = pd.concat([mapped for _, mapped in parts], ignore_index=True).set_axis(data.obs_names)
    warn_of_strangers(mapping, embedder.warn_above)
    obs = pd.DataFrame(
        {
            "mapped_cell": mapping["cell"].astype(str),
            "mapped_cell_type": pd.Categorical(mapping["cell_type"].astype(str)),
            "mapping_distance": mapping["distance"],
            "out_of_domain": mapping["out_of_domain"],
        },
        index=data.obs_names,
    )
    made_by = {
        "arm": json.dumps(card["arm"], sort_keys=True),
        "model_seed": card["seed"],
        "measured_genes": len(measured),
        "model_genes": len(card["genes"]),
        "values": rows.values.kind,
        "usual_distance": float(mapping["usual_distance"].iloc[0]),
        "version": card["version"],
    }
    return obs, np.concatenate([part for part, _ in parts]).astype(np.float32), made_by


def embed_cells(model: GRNFormer, card: dict[str, Any], cells: Batcher, *, seed: int, batch_size: int) -> pd.DataFrame:
    """Embeddings of all stored cells without a graph (contract reference_embedding)."""
    every = np.arange(cells.corpus.n_cells)
    cells = copy.copy(cells)
    cells.n_tokens = cells.at_most(card["embed"]["n_tokens"])

    def make(rows: np.ndarray, draw: int) -> Batch:
        rng = np.random.default_rng([seed, EMBED, int(rows[0]), draw])
        return cells.whole_batch(rows, cells.values(rows), rng)

    table = _frame(_mean_over_draws(model, None, card, len(every), batch_size, seed, make), every)
    table.insert(0, "cell", cells.corpus.cells)
    table.insert(1, "cell_type", cells.corpus.cell_types)
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
    first: int = 0,
) -> np.ndarray:
    """Cell embeddings (rows x D), averaged over draws of tokens; `first` counts the rows embedded before."""
    parts = []
    for start in range(0, n_rows, batch_size):
        rows = np.arange(start, min(start + batch_size, n_rows))
        rng = np.random.default_rng([seed, STRUCTURE, first + start])
        batches = (make(rows, draw) for draw in range(card["embed"]["draws"]))
        drawn = [model.backbone.cell_embedding(model(batch, structure, rng), batch).numpy() for batch in batches]
        parts.append(np.mean(drawn, axis=0))
    return np.concatenate(parts)


def _matrix(expression: anndata.AnnData, card: dict[str, Any]) -> tuple[sp.csr_matrix, np.ndarray]:
    """Expression of the measured genes of the model, and those genes' node numbers."""
    place = expression.var_names.get_indexer_for(card["genes"])
    measured = np.flatnonzero(place >= 0)
    if len(measured) < LEAST_SHARE * len(card["genes"]):
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
        matrix = _above_median(matrix)
    return matrix, measured


def _above_median(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """How far each value exceeds its gene's median over the rows, in deviations of the gene; 0 where it does not."""
    logger.info("dense data: each gene is compared with its median over the %d rows", matrix.shape[0])
    dense = matrix.toarray()
    spread = dense.std(0)
    above = (dense - np.median(dense, axis=0)) / np.where(spread > 0, spread, 1.0)
    return sp.csr_matrix(np.maximum(above, 0.0))


def _frame(embedded: np.ndarray, index: Any) -> pd.DataFrame:
    return pd.DataFrame(embedded, index=index, columns=[f"dim_{d}" for d in range(embedded.shape[1])])
