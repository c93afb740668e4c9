"""Embeddings of RNA-only data: each cell takes the graph of its nearest pretraining cell (reference mapping)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from grnformer.core import io
from grnformer.data.activity import StoredActivity
from grnformer.data.tokeniser import Tokens
from grnformer.graph.bundle import Bundle
from grnformer.graph.structure import Structure, read_structure
from grnformer.graph.vocabulary import read_aliases, read_vocabulary
from grnformer.infer.expression import ExpressionRows, find_genes
from grnformer.infer.mapping import ReferenceIndex, warn_out_of_domain
from grnformer.infer.model_bundle import bundle_of, open_model_bundle
from grnformer.infer.reading import (
    GeneAxes,
    Graphs,
    Reading,
    as_nodes,
    fix_structure,
    read_vectors,
)
from grnformer.model.backbones import BACKBONES
from grnformer.model.saved import load_model
from grnformer.prep.scale import Scale
from grnformer.settings.read import read_defaults
from grnformer.workflow.model_folder import is_model_bundle

if TYPE_CHECKING:
    import anndata

    from grnformer.model.grnformer import GRNFormer

logger = logging.getLogger(__name__)
_BATCHES_READ = 32  # batches of rows in memory


class Embedded(NamedTuple):
    """Embedded cells.

    Attributes
    ----------
    embedding
        (cells, D), float32.
    obs
        mapped_cell, mapped_cell_type (the nearest pretraining cell, whose graph the cell is given), mapping_distance,
        out_of_domain; rows named as the data's.
    made_by
        Arm, model seed, genes measured, how the values were read, whether as bulk, which genes of a cell were read and
        the parts of the embedding (see `Reading`), the usual distance, version.
    """

    embedding: np.ndarray
    obs: pd.DataFrame
    made_by: dict[str, Any]


class Embedder:
    """A pretrained model with its graph and the index of its reference cells, ready for rows of new data.

    It computes on a GPU where PyTorch can use one.

    Parameters
    ----------
    model
        A folder that `pretrain_model` wrote (model.safetensors, model.json, reference.parquet), or a model bundle.
    graph
        The graph bundle that the model was trained on; None: where the workflow puts it beside the model.
    settings
        batch_size (rows at a time), seed (of the edges kept of each gene, and of genes where a model reads samples of
        them), mapping: exact_up_to, usual_quantile (see `ReferenceIndex`).

    Raises
    ------
    InputError
        If the bundle is not the model's.
    """

    def __init__(
        self, model: str | Path, graph: str | Path | None, settings: dict[str, Any]
    ) -> None:
        self.model, self.card = load_model(model)
        if torch.cuda.is_available():
            self.model.cuda()
        bundle = bundle_of(model, self.card, graph)

        self.batch_size, self._seed = settings["batch_size"], settings["seed"]
        self.reading, self._axes = Reading.of_card(self.card), GeneAxes(self.model)
        reference = io.read_table(
            Path(model) / "reference.parquet", "reference_embedding"
        )
        mapping = settings["mapping"]
        self.index = ReferenceIndex(
            reference,
            exact_up_to=mapping["exact_up_to"],
            usual_quantile=mapping["usual_quantile"],
            seed=self._seed,
        )

        self._structure = structure_of(
            self.model, self.card, bundle, self.card["cell_types"]
        )
        if self._structure is not None:
            # The same edges for a cell, whichever others are embedded with it.
            self._structure = fix_structure(
                self._structure, self.model.fanout, self._seed
            )
        self._activity = StoredActivity(bundle.graph)

    def embed_block(
        self, matrix: sp.csr_matrix, measured: np.ndarray, first: int
    ) -> tuple[np.ndarray, pd.DataFrame]:
        """Embed rows: each takes the graph of the pretraining cell that is nearest to it without graphs.

        Parameters
        ----------
        matrix
            (rows, measured genes).
        measured
            Node numbers of those genes.
        first
            Number of the first row in the whole data, a multiple of the batch size: rows given in blocks are embedded
            as if given at once.

        Returns
        -------
        embedding, (rows, D); mapping, by `ReferenceIndex.map`.
        """
        card = self.card
        backbone = BACKBONES[card["arguments"]["backbone"]["name"]]
        tokeniser = backbone.tokeniser(**card["tokeniser"]).of_genes(measured)
        values = tokeniser.values(matrix)

        def make(rows: np.ndarray, seeds: list[int]) -> Iterator[Tokens]:
            of_rows = values[rows]

            def sample(rng: np.random.Generator) -> Tokens:
                # Data may measure fewer genes than a sample has.
                n_tokens = min(self.reading.n_tokens, len(measured))
                return tokeniser.tokenise(of_rows, n_tokens, rng)

            for tokens in self.reading.tokens(
                tokeniser, of_rows, self.model, sample, seeds
            ):
                # From places among the measured genes to node numbers.
                yield as_nodes(tokens, measured)

        def project(rows: np.ndarray) -> np.ndarray:
            return self._axes.project(matrix[rows], measured)

        number = {name: t for t, name in enumerate(card["cell_types"])}
        mapped: list[pd.DataFrame] = []

        def choose(plain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            # The reference was embedded without graphs: cells are compared before any graph is chosen for them.
            mapping = self.index.map(plain)
            mapped.append(mapping)
            # -1, a type that the model does not know, has no edges.
            types = mapping["cell_type"].map(number).fillna(-1).to_numpy(int)
            # Of the nearest cell: these eRegulons open the edges of its graph.
            return types, self._activity.rows(mapping["cell"].to_numpy(object))

        graphs = None if self._structure is None else Graphs(self._structure, choose)
        embedding = read_vectors(
            self.model,
            self.reading,
            matrix.shape[0],
            make,
            project,
            batch_size=self.batch_size,
            seed=self._seed,
            first=first,
            graphs=graphs,
        )
        if graphs is None:
            return embedding, self.index.map(embedding)
        return embedding, pd.concat(mapped, ignore_index=True)


def structure_of(
    model: GRNFormer, card: dict[str, Any], bundle: Bundle, cell_types: list[str]
) -> Structure | None:
    """Edges of a saved model's graph, types in the order of `cell_types`; None for a model without an adapter."""
    if model.adapter is None:
        return None
    direction = card["embed"]["direction"]
    return read_structure(bundle.graph, bundle.meta["scales"], cell_types, direction)


def embed(
    data: anndata.AnnData,
    model: str | Path,
    graph: str | Path | None = None,
    *,
    settings: dict[str, Any],
    vocabulary: str | Path | None = None,
    aliases: str | Path | None = None,
    bulk: bool = False,
    scale: Scale | None = None,
) -> Embedded:
    """Embed RNA by a pretrained model; each cell takes the graph of its nearest pretraining cell.

    Rows are read a block at a time. Bulk profiles must be declared: nearly all of their genes are above 0, as in no
    pretraining cell. In each, genes up to the profile's own median count as not expressed, the others keep their
    values, as in a cell so shallow that only these are seen.

    Parameters
    ----------
    data, model, graph, vocabulary, aliases
        See `embed_anndata`.
    settings
        Keys batch_size, seed, mapping of the config section `embed`.
    bulk
        Rows are bulk profiles. Each is embedded by itself: whatever others there are, the result is the same.
    scale
        Of the values in X; None: counts or natural logarithms, inferred from them. "any": taken as they are,
        non-negative; scgpt uses only ranks within a row, geneformer and scfoundation need log1p of counts per 10,000.

    Raises
    ------
    InputError
        See `ExpressionRows`, `find_genes`, `Embedder`.
    """
    if is_model_bundle(model):
        opened = open_model_bundle(model, vocabulary)
        vocabulary, aliases = vocabulary or opened.vocabulary, aliases or opened.aliases
    embedder = Embedder(model, graph, settings)
    card, index = embedder.card, embedder.index
    names = read_vocabulary(vocabulary) if vocabulary else {}
    columns, measured = find_genes(data.var, card, names, read_aliases(aliases or ""))

    # Blocks of whole batches: seeds go by place, wherever a block begins. Without samples nothing goes by place.
    alone = bulk and embedder.reading.is_drawn
    step = 1 if alone else _BATCHES_READ * embedder.batch_size
    rows = ExpressionRows(data, columns, step, scale)

    parts = []
    for first, block in rows:
        if bulk:
            # Each profile as if it were the first.
            part = embedder.embed_block(_above_row_median(block), measured, 0)
        else:
            part = embedder.embed_block(block, measured, first)
        parts.append(part)
    mapping = pd.concat([mapped for _, mapped in parts], ignore_index=True)
    warn_out_of_domain(mapping, settings["mapping"]["warn_above"])

    obs = pd.DataFrame(
        {
            "mapped_cell": mapping["cell"].astype(str),
            "mapped_cell_type": pd.Categorical(mapping["cell_type"].astype(str)),
            "mapping_distance": mapping["distance"],
            "out_of_domain": mapping["out_of_domain"],
        }
    )
    made_by = {
        "arm": json.dumps(card["arm"], sort_keys=True),
        "model_seed": card["seed"],
        "measured_genes": len(measured),
        "model_genes": len(card["genes"]),
        "values": rows.scale,
        "bulk": bulk,
        "genes_read": embedder.reading.genes,
        "parts": list(embedder.reading.parts),
        "usual_distance": index.usual_distance,
        "version": card["version"],
    }
    return Embedded(
        np.concatenate([embedding for embedding, _ in parts]),
        obs.set_axis(data.obs_names),
        made_by,
    )


def embed_anndata(
    data: anndata.AnnData,
    model: str | Path,
    *,
    graph: str | Path | None = None,
    vocabulary: str | Path | None = None,
    aliases: str | Path | None = None,
    bulk: bool | None = None,
    settings: dict[str, Any] | None = None,
) -> None:
    """Embed any RNA by a pretrained model, and write the embedding into `data`.

    Adds `obsm["X_grnformer"]` (cells, D), `obs["mapped_cell"]`, `obs["mapped_cell_type"]` (the nearest pretraining
    cell, whose graph the cell is given), `obs["mapping_distance"]`, `obs["out_of_domain"]` and `uns["grnformer"]`.

    Parameters
    ----------
    data
        Counts or natural log1p of normalised counts in X; genes by symbol, alias or Ensembl id. May be backed by a
        file.
    model
        A model's folder, such as results/<dataset>/pretrain/hybrid/seed1, or a model bundle, which is checked.
    graph
        The bundle that the model was trained on; None: where the workflow puts it beside the model.
    vocabulary, aliases
        Of the backbone, as in the config section `fuse`, for genes named otherwise than in the model; None: those of a
        model bundle, else none.
    bulk
        Rows are bulk profiles, not cells: see `embed`. None: as in `settings`.
    settings
        Keys batch_size, seed, mapping, bulk (False where not given) of the config section `embed`; None: the defaults.

    Raises
    ------
    InputError
        See `ExpressionRows`, `find_genes`, `Embedder`.
    """
    settings = settings or read_defaults("embed")

    found = embed(
        data,
        model,
        graph,
        settings=settings,
        vocabulary=vocabulary,
        aliases=aliases,
        bulk=settings.get("bulk", False) if bulk is None else bulk,
    )

    for name, column in found.obs.items():
        data.obs[name] = column
    data.obsm["X_grnformer"] = found.embedding
    data.uns["grnformer"] = found.made_by


def _above_row_median(rows: sp.csr_matrix) -> sp.csr_matrix:
    """Values that exceed the median of their row; the rest as not expressed."""
    dense = rows.toarray()
    median = np.median(dense, axis=1, keepdims=True)
    return sp.csr_matrix(np.where(dense > median, dense, 0.0))
