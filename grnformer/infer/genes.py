"""Embeddings of genes: the mean over training cells of what a pretrained model makes of each gene in them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from grnformer.core.errors import InputError
from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import sample_rows
from grnformer.graph.structure import Structure
from grnformer.infer.embed import structure_of
from grnformer.infer.model_bundle import bundle_of
from grnformer.infer.reference import embedding_table, token_states
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer
from grnformer.model.saved import load_model

logger = logging.getLogger(__name__)


def embed_genes(
    model: str | Path,
    graph: str | Path | None,
    cells: str | Path | dict[str, str | Path],
    split: pd.DataFrame,
    settings: dict[str, int],
) -> pd.DataFrame:
    """Embed the genes of a model by the cells that it was trained on, each with its own graph.

    Parameters
    ----------
    model, graph
        See `grnformer.infer.embed.Embedder`.
    cells
        The file that the model was trained on; of a corpus: dataset or file -> its cells.
    split
        cell, split.
    settings
        gene_cells (training cells at most, at even distances), batch_size, seed (of the sampled genes).

    Returns
    -------
    gene, dim_0 .. dim_(D-1), float32 (contract gene_embedding): a row a gene that is a token of some cell.

    Raises
    ------
    InputError
        If the bundle is not the model's, or no training cell is among the cells.
    """
    network, card = load_model(model)
    if torch.cuda.is_available():
        network.cuda()
    bundle = bundle_of(model, card, graph)
    genes = bundle.graph.genes["gene"].tolist()
    opened = (
        Corpus.of_bundle(cells, bundle)
        if isinstance(cells, dict)
        else Corpus.of_dataset(cells, genes)
    )

    with opened as corpus:
        backbone = BACKBONES[card["arguments"]["backbone"]["name"]]
        batcher = Batcher(
            corpus,
            bundle.graph,
            bundle.meta["cell_types"],
            backbone.tokeniser(**card["tokeniser"]),
            n_tokens=card["embed"]["n_tokens"],
            # nothing is masked here
            mask_fraction=0.0,
        )
        structure = structure_of(network, card, bundle, batcher.cell_types)
        part = split.set_index("cell")["split"].reindex(corpus.cells).to_numpy(object)
        rows = sample_rows(np.flatnonzero(part == "train"), settings["gene_cells"])
        if not len(rows):
            raise InputError(
                f"{cells}: none of the training cells that the split names",
                "the cells that the model was trained on",
                "give the split and the cells of the same run",
            )
        mean, count = mean_of_genes(
            network,
            structure,
            batcher,
            rows,
            samples=card["embed"]["draws"],
            batch_size=settings["batch_size"],
            seed=settings["seed"],
        )

    seen = count > 0
    logger.info("%d of %d genes, in %d cells", seen.sum(), len(genes), len(rows))
    table = embedding_table(mean[seen], None)
    table.insert(0, "gene", np.array(genes, dtype=object)[seen])
    return table


def mean_of_genes(
    model: GRNFormer,
    structure: Structure | None,
    cells: Batcher,
    rows: np.ndarray,
    **sizes: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the last states of each gene's tokens in cells `rows` (ascending), and how many tokens there were.

    Parameters
    ----------
    sizes
        samples, batch_size, seed: see `token_states`.

    Returns
    -------
    (N, D), float32, NaN without a token; (N,).
    """

    def make(places: np.ndarray, rng: np.random.Generator) -> Batch:
        return cells.whole_batch(rows[places], cells.values(rows[places]), rng)

    # Sums over many tokens: in double precision.
    total = np.zeros((model.n_genes, model.backbone.width))
    count = np.zeros(model.n_genes, int)
    for batch, h_BTD in token_states(model, structure, len(rows), make, **sizes):
        # Tokens of the cell stand first and are no gene's.
        h_BLD = h_BTD[:, model.backbone.n_cell_tokens :]
        there_BL = (
            torch.ones_like(batch.masked_BL)
            if batch.present_BL is None
            else batch.present_BL
        )
        gene_M = batch.gene_BL[there_BL].cpu().numpy()

        # add.at: a batch has a gene in many cells, and plain indexing would add it once.
        np.add.at(total, gene_M, h_BLD[there_BL].cpu().numpy())
        count += np.bincount(gene_M, minlength=model.n_genes)
    with np.errstate(invalid="ignore"):
        return (total / count[:, None]).astype(np.float32), count
