"""Embeddings without a graph: of the pretraining cells, which new cells are compared with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch

from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.streams import EMBED, STRUCTURE
from grnformer.data.tokeniser import Tokens
from grnformer.graph.structure import Structure
from grnformer.infer.reading import GeneAxes, Reading, read_vectors
from grnformer.model.grnformer import GRNFormer


def embed_cells(
    model: GRNFormer,
    card: dict[str, Any],
    cells: Batcher,
    *,
    seed: int,
    batch_size: int,
) -> pd.DataFrame:
    """Embeddings of all stored cells without a graph (contract reference_embedding)."""
    n_cells = cells.corpus.n_cells

    reading = Reading.of_card(card)
    # A copy: the caller's batcher keeps its number of tokens.
    cells = copy.copy(cells)
    cells.n_tokens = cells.at_most(card["embed"]["n_tokens"])

    def make(rows: np.ndarray, seeds: list[int]) -> Iterator[Tokens]:
        values = cells.values(rows)

        def sample(rng: np.random.Generator) -> Tokens:
            return cells.sample_tokens(rows, values, rng)

        return reading.tokens(cells.tokeniser, values, model, sample, seeds)

    axes = GeneAxes(model)

    def project(rows: np.ndarray) -> np.ndarray:
        return axes.project(cells.corpus.read(rows))

    embedding = read_vectors(
        model, reading, n_cells, make, project, batch_size=batch_size, seed=seed
    )
    table = embedding_table(embedding, np.arange(n_cells))
    table.insert(0, "cell", cells.corpus.cells)
    table.insert(1, "cell_type", cells.corpus.cell_types)
    return table


def embedding_table(embedding: np.ndarray, index: Any) -> pd.DataFrame:
    """An embedding (rows, D) as a table with columns dim_0..dim_(D-1)."""
    return pd.DataFrame(
        embedding, index=index, columns=[f"dim_{d}" for d in range(embedding.shape[1])]
    )


@torch.no_grad()
def token_states(
    model: GRNFormer,
    structure: Structure | None,
    n_rows: int,
    make: Callable[[np.ndarray, np.random.Generator], Batch],
    *,
    samples: int,
    batch_size: int,
    seed: int,
    first: int = 0,
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Batches of rows, each with every sample of its tokens, and the last states of the tokens, (B, T, D).

    They are computed, and stay, where the model's weights are. `first` counts the rows embedded before.
    """
    device = model.mean_N.device
    for start in range(0, n_rows, batch_size):
        rows = np.arange(start, min(start + batch_size, n_rows))
        # One stream for all samples: edges are sampled anew with the tokens.
        structure_rng = np.random.default_rng([seed, STRUCTURE, first + start])
        for sample in range(samples):
            # Seeded by the row's place in the whole data: where a block ends changes nothing.
            batch = make(
                rows, np.random.default_rng([seed, EMBED, first + start, sample])
            )
            batch = batch.to(device)
            yield batch, model(batch, structure, structure_rng)
