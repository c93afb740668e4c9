"""Batches by step: everything random follows from (seed, step), so that a resumed run draws what an unbroken one does.

Cells are read in blocks of neighbouring rows; blocks are shuffled, some are held at a time and shuffled together.
Memory holds those (with all genes, where the graph has edges on the scale of cells) and one number a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch

from grnformer.fuse.graph import Graph
from grnformer.model.backbones.base import Tokeniser, Tokens
from grnformer.model.batch import Batch
from grnformer.train.activity import StoredActivity, VisibleActivity
from grnformer.train.cells import CellStore

ORDER, TOKENS, STRUCTURE, HELDOUT, EMBED = range(5)  # separate streams of random numbers


@dataclass(frozen=True)
class Rows:
    """Cells in memory: value tokens (cells x genes of the graph), and what activity is told from, all genes."""

    values: sp.csr_matrix
    expression: sp.csr_matrix

    def take(self, places: np.ndarray) -> Rows:
        """The cells at `places`, in that order."""
        return Rows(self.values[places], self.expression[places])


def stack(parts: list[Rows]) -> Rows:
    """Cells below each other."""
    values, expression = [part.values for part in parts], [part.expression for part in parts]
    return Rows(sp.vstack(values, "csr"), sp.vstack(expression, "csr"))


class Cells:
    """What makes batches of stored cells: values, cell types by number, active eRegulons.

    Parameters
    ----------
    store
        Rows on disk.
    graph, cell_types
        The bundle's graph and the order of its cell types.
    tokeniser
        The backbone's.
    n_tokens, mask_share
        See the config.
    """

    def __init__(
        self,
        store: CellStore,
        graph: Graph,
        cell_types: list[str],
        tokeniser: Tokeniser,
        *,
        n_tokens: int,
        mask_share: float,
    ) -> None:
        self.store, self.graph, self.tokeniser = store, graph, tokeniser
        self.mask_share = mask_share
        self.n_tokens = min(n_tokens, len(graph.genes))
        extra = sorted(set(store.cell_types) - set(cell_types))  # types without a network: no edges
        self.cell_types = [*cell_types, *extra]
        number = {name: t for t, name in enumerate(self.cell_types)}
        self.type_of_cell = np.array([number[name] for name in store.cell_types])
        self._stored, self._visible = StoredActivity(graph), VisibleActivity(graph, store)

    def values(self, rows: np.ndarray) -> sp.csr_matrix:
        """Value tokens of rows in ascending order."""
        return self.tokeniser.values(self.store.read(rows))

    def read(self, rows: np.ndarray) -> Rows:
        """Rows in ascending order, with what a masked batch of them needs."""
        expression = self.store.read_all(rows)
        values = self.tokeniser.values(expression[:, self.store.columns])
        return Rows(values, self._visible.needed(expression))

    def masked_batch(self, rows: np.ndarray, cells: Rows, rng: np.random.Generator) -> Batch:
        """Tokens of cells `rows`, a share of them masked; a cell's graph is told from its other genes alone."""
        tokens = self.tokeniser.tokenise(cells.values, self.n_tokens, rng)
        masked = draw_mask(tokens.gene_BL.shape, self.mask_share, rng, tokens.present_BL)
        active = self._visible.score(cells.expression, tokens.gene_BL, masked)
        return self._batch(rows, tokens, masked, active)

    def whole_batch(self, rows: np.ndarray, values: sp.csr_matrix, rng: np.random.Generator) -> Batch:
        """Tokens of cells `rows` (whose value tokens are `values`), none masked, with their graphs."""
        tokens = self.tokeniser.tokenise(values, self.n_tokens, rng)
        masked = np.zeros(tokens.gene_BL.shape, bool)
        return self._batch(rows, tokens, masked, self._stored.rows(self.store.cells[rows]))

    def _batch(self, rows: np.ndarray, tokens: Tokens, masked: np.ndarray, active: np.ndarray) -> Batch:
        return batch_of(tokens, masked, self.type_of_cell[rows], active)


def batch_of(tokens: Tokens, masked: np.ndarray, types: np.ndarray, active: np.ndarray) -> Batch:
    """Tensors of tokens, mask and what finds the graphs."""
    gene, value, mask, activity = map(torch.from_numpy, (tokens.gene_BL, tokens.value_BL, masked, active))
    present, depth = (None if x is None else torch.from_numpy(x) for x in (tokens.present_BL, tokens.depth_B))
    return Batch(gene, value, mask, types, activity, present, depth)


def draw_mask(
    shape: tuple[int, int], share: float, rng: np.random.Generator, present: np.ndarray | None = None
) -> np.ndarray:
    """Mask the same share of the tokens that are there in each row; boolean (rows, tokens)."""
    drawn = rng.random(shape)
    if present is None:
        counts = np.full(shape[0], round(share * shape[1]))
    else:
        counts, drawn = np.rint(share * present.sum(1)).astype(int), np.where(present, drawn, 2.0)
    rank = np.argsort(np.argsort(drawn, axis=1), axis=1)
    return rank < counts[:, None]


class StepBatches:
    """Training batches of the steps `start`..`n_steps` - 1, each with its number.

    Parameters
    ----------
    cells
        Source of batches.
    rows
        Training rows, ascending.
    batch_size, block_cells, held_blocks
        Cells a batch, cells read at a time, blocks shuffled together.
    n_steps, seed
        End of the run, seed.

    `start` is asked for the first step when the iteration begins.
    """

    def __init__(
        self,
        cells: Cells,
        rows: np.ndarray,
        *,
        batch_size: int,
        block_cells: int,
        held_blocks: int,
        n_steps: int,
        seed: int,
    ) -> None:
        self.cells, self.rows, self.seed = cells, rows, seed
        self.batch_size = min(batch_size, len(rows))
        self.block_cells, self.held_blocks, self.n_steps = block_cells, held_blocks, n_steps
        self.steps_per_epoch = max(1, len(rows) // self.batch_size)
        self.start: Callable[[], int] = lambda: 0

    def __iter__(self) -> Iterator[tuple[int, Batch]]:
        nothing = sp.csr_matrix((0, 0))
        held = -1, Rows(nothing, nothing), np.empty(0, int)
        order_of, order, groups = -1, np.empty(0, int), np.empty(0, int)
        for step in range(self.start(), self.n_steps):
            epoch, place = divmod(step, self.steps_per_epoch)
            if epoch != order_of:
                order_of, (order, groups) = epoch, self._order(epoch)
                held = -1, held[1], held[2]
            wanted = order[place * self.batch_size : (place + 1) * self.batch_size]
            parts = []
            for group in dict.fromkeys(groups[wanted].tolist()):
                if held[0] != group:
                    members = np.sort(np.flatnonzero(groups == group))
                    held = group, self._read(members), members
                inside = wanted[groups[wanted] == group]
                parts.append(held[1].take(np.searchsorted(held[2], inside)))
            rng = np.random.default_rng([self.seed, TOKENS, step])
            yield step, self.cells.masked_batch(self.rows[wanted], stack(parts), rng)

    def _order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Order of the training rows in an epoch (places in `rows`), and the group of blocks that each belongs to."""
        rng = np.random.default_rng([self.seed, ORDER, epoch])
        block = np.arange(len(self.rows)) // self.block_cells
        group_of_block = np.argsort(rng.permutation(block[-1] + 1)) // self.held_blocks
        groups = group_of_block[block]
        return np.lexsort([rng.random(len(self.rows)), groups]), groups

    def _read(self, members: np.ndarray) -> Rows:
        breaks = np.flatnonzero(np.diff(members // self.block_cells)) + 1
        return stack([self.cells.read(self.rows[part]) for part in np.split(members, breaks)])
