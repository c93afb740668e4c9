"""Batches by step: everything random follows from (seed, step), so that a resumed run draws what an unbroken one does.

Cells are read in blocks of neighbouring rows; blocks are shuffled, some are held at a time and shuffled together.
Memory holds those (with all genes, where the graph has edges on the scale of cells) and one number a cell.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from grnformer.core.errors import InputError
from grnformer.core.fingerprint import fingerprint
from grnformer.data.activity import StoredActivity, VisibleActivity
from grnformer.data.batch import Batch
from grnformer.data.cells import CellStore
from grnformer.data.corpus import Corpus, widen
from grnformer.data.parts import join_tokens, number_blocks, part_numbers
from grnformer.data.token_cache import TokenCache, name_tokens, open_cache
from grnformer.data.tokeniser import Tokeniser, Tokens
from grnformer.graph.bundle import Graph

ORDER, TOKENS, STRUCTURE, HELDOUT, EMBED, ATTENTION = range(6)  # separate streams of random numbers
_KEPT_BLOCK = 1024  # cells whose tokens are made and written at a time


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
        Rows on disk, of one dataset or of a corpus. A gene that a dataset of it has not measured is no token of its
        cells, and each dataset's cells know its own eRegulons alone.
    graph, cell_types
        The bundle's graph and the order of its cell types.
    tokeniser
        The backbone's.
    n_tokens, mask_fraction
        See the config.
    """

    def __init__(
        self,
        store: CellStore | Corpus,
        graph: Graph,
        cell_types: list[str],
        tokeniser: Tokeniser,
        *,
        n_tokens: int,
        mask_fraction: float | list[float],
    ) -> None:
        self.store, self.graph, self.tokeniser = store, graph, tokeniser
        self.mask_fraction = mask_fraction
        self.n_tokens = self.at_most(n_tokens)
        extra = sorted(set(store.cell_types) - set(cell_types))  # types without a network: no edges
        self.cell_types = [*cell_types, *extra]
        number = {name: t for t, name in enumerate(self.cell_types)}
        self.type_of_cell = pd.Series(store.cell_types).map(number).to_numpy(np.int32)
        self._stored = StoredActivity(graph)
        self._visible = [VisibleActivity(part.own_graph(graph), part.store, part.nodes) for part in store.parts]
        self._widths = [visible.n_needed for visible in self._visible]
        self._width = max(self._widths)
        self._kept: TokenCache | None = None

    def keep_tokens(self, folder: str | Path, stored: str, tokeniser_settings: dict[str, Any]) -> None:
        """Take value tokens from a cache in `folder`, written now if it is not there.

        Parameters
        ----------
        folder
            See `grnformer.data.token_cache`.
        stored
            Digest of the store.
        tokeniser_settings
            What the tokeniser was made with.
        """
        genes, parts = self.graph.genes["gene"].tolist(), self.store.parts
        places = [None if part.nodes is None else part.nodes.tolist() for part in parts]
        name = name_tokens(
            stored=[stored, places, [[part.store.counts, part.store.columns.tolist()] for part in parts]],
            genes=genes,
            tokeniser=[type(self.tokeniser).__name__, tokeniser_settings],
            code=[fingerprint(path) for path in (__file__, inspect.getfile(type(self.tokeniser)))],
        )
        blocks = self.blocks(np.arange(self.store.n_cells), _KEPT_BLOCK)
        self._kept = open_cache(folder, name, len(genes), lambda: map(self._make_values, blocks))

    def at_most(self, n_tokens: int) -> int:
        """So many tokens, or as many as every cell has genes that are measured."""
        measured = (part.nodes for part in self.store.parts)
        return min(n_tokens, *(len(self.graph.genes) if nodes is None else len(nodes) for nodes in measured))

    def part_of(self, rows: np.ndarray) -> np.ndarray:
        """Number of the part (dataset of a corpus) of each row."""
        return part_numbers(self.store.parts, rows)

    def blocks(self, rows: np.ndarray, block_cells: int) -> list[np.ndarray]:
        """Rows (ascending) in blocks of at most so many, each of one part."""
        block = number_blocks(self.part_of(rows), block_cells)
        return np.split(rows, np.flatnonzero(np.diff(block)) + 1)

    def measured(self, rows: np.ndarray) -> np.ndarray | None:
        """Nodes that are measured in rows of one part; None: all."""
        return self.store.parts[self.part_of(rows[:1])[0]].nodes

    def values(self, rows: np.ndarray) -> sp.csr_matrix:
        """Value tokens of rows in ascending order."""
        return self._make_values(rows) if self._kept is None else self._kept.read(rows)

    def _make_values(self, rows: np.ndarray) -> sp.csr_matrix:
        return self.tokeniser.values(self.store.read(rows))

    def filled_values(self, rows: np.ndarray) -> sp.csr_matrix:
        """As `values`; a gene that a part has not measured has there its mean over the other parts' rows."""
        values, number = self.values(rows), self.part_of(rows)
        blocks = [(values[number == n], self.store.parts[n].nodes) for n in np.unique(number)]
        if all(nodes is None for _, nodes in blocks):
            return values
        every = np.arange(values.shape[1])
        total, count = np.zeros(len(every)), np.zeros(len(every))
        for block, nodes in blocks:
            total += np.asarray(block.sum(0)).ravel()
            count[every if nodes is None else nodes] += block.shape[0]
        mean = total / np.maximum(count, 1)
        filled = []
        for block, nodes in blocks:
            missing = every[:0] if nodes is None else np.setdiff1d(every, nodes)
            row, column = (x.ravel() for x in np.meshgrid(np.arange(block.shape[0]), missing, indexing="ij"))
            filled.append(block + sp.csr_matrix((mean[column].astype(block.dtype), (row, column)), shape=block.shape))
        return sp.vstack(filled, "csr")

    def read(self, rows: np.ndarray) -> Rows:
        """Rows in ascending order, with what a masked batch of them needs."""
        read, number = [], self.part_of(rows)
        for n in np.unique(number):
            part, own = self.store.parts[n], rows[number == n]
            if self._kept is not None and not self._visible[n].n_needed:
                nothing = sp.csr_matrix((len(own), self._width), dtype=np.float32)
                read.append(Rows(self._kept.read(own), nothing))
                continue
            expression = part.store.read_all(own - part.first)
            if self._kept is None:
                measured = widen(expression[:, part.store.columns], len(self.graph.genes), part.nodes)
                values = self.tokeniser.values(measured)
            else:
                values = self._kept.read(own)
            read.append(Rows(values, widen(self._visible[n].needed(expression), self._width)))
        return read[0] if len(read) == 1 else stack(read)

    def masked_batch(self, rows: np.ndarray, cells: Rows, rng: np.random.Generator) -> Batch:
        """Tokens of cells `rows`, a share of them masked; a cell's graph is told from its other genes alone."""
        tokens = self._tokenise(rows, cells.values, rng)
        masked = draw_mask(tokens.gene_BL.shape, self.mask_fraction, rng, tokens.present_BL)
        return self._batch(rows, tokens, masked, self._score(rows, cells.expression, tokens.gene_BL, masked))

    def whole_batch(self, rows: np.ndarray, values: sp.csr_matrix, rng: np.random.Generator) -> Batch:
        """Tokens of cells `rows` (whose value tokens are `values`), none masked, with their graphs."""
        tokens = self._tokenise(rows, values, rng)
        masked = np.zeros(tokens.gene_BL.shape, bool)
        return self._batch(rows, tokens, masked, self._stored.rows(self.store.names(rows)))

    def _tokenise(self, rows: np.ndarray, values: sp.csr_matrix, rng: np.random.Generator) -> Tokens:
        """Tokens of cells, each among the genes that are measured in it."""
        number = self.part_of(rows)
        chosen = np.unique(number)
        if all(self.store.parts[n].nodes is None for n in chosen):
            return self.tokeniser.tokenise(values, self.n_tokens, rng)
        made = []
        for n in chosen:
            places, nodes = np.flatnonzero(number == n), self.store.parts[n].nodes
            own = values[places] if nodes is None else values[places][:, nodes]
            tokens = self.tokeniser.tokenise(own, self.n_tokens, rng)
            made.append((places, tokens if nodes is None else replace(tokens, gene_BL=nodes[tokens.gene_BL])))
        return join_tokens(made, len(rows))

    def _score(
        self, rows: np.ndarray, expression: sp.csr_matrix, gene_BL: np.ndarray, masked_BL: np.ndarray
    ) -> np.ndarray:
        """Active eRegulons of cells, told from the genes that are not masked, by those of their dataset."""
        number = self.part_of(rows)
        chosen = np.unique(number)
        if len(self._visible) == 1:
            return self._visible[0].score(expression, gene_BL, masked_BL)
        active = np.zeros((len(rows), len(self.graph.eregulon_names)), np.float32)
        for n in chosen:
            places = np.flatnonzero(number == n)
            own = sp.csr_matrix(expression[places])
            own = sp.csr_matrix((own.data, own.indices, own.indptr), shape=(len(places), self._widths[n]))
            active[places] = self._visible[n].score(own, gene_BL[places], masked_BL[places])
        return active

    def _batch(self, rows: np.ndarray, tokens: Tokens, masked: np.ndarray, active: np.ndarray) -> Batch:
        return batch_of(tokens, masked, self.type_of_cell[rows], active)


def batch_of(tokens: Tokens, masked: np.ndarray, types: np.ndarray, active: np.ndarray) -> Batch:
    """Tensors of tokens, mask and what finds the graphs."""
    gene, value, mask, activity = map(torch.from_numpy, (tokens.gene_BL, tokens.value_BL, masked, active))
    present, depth = (None if x is None else torch.from_numpy(x) for x in (tokens.present_BL, tokens.depth_B))
    return Batch(gene, value, mask, types, activity, present, depth)


def draw_mask(
    shape: tuple[int, int], share: float | list[float], rng: np.random.Generator, present: np.ndarray | None = None
) -> np.ndarray:
    """Mask the same share (one of several) of the tokens that are there in each row; boolean (rows, tokens)."""
    if isinstance(share, list):
        share = float(rng.choice(share))
    drawn = rng.random(shape)
    if present is None:
        counts = np.full(shape[0], round(share * shape[1]))
    else:
        counts, drawn = np.rint(share * present.sum(1)).astype(int), np.where(present, drawn, 2.0)
    rank = np.argsort(np.argsort(drawn, axis=1), axis=1)
    return rank < counts[:, None]


@dataclass(frozen=True)
class StepParts:
    """The parts of a step's batch that one process runs, and what counts them.

    `shares` make up for unequal numbers of masked tokens: the mean over all parts of each one's mean loss times its
    share is the mean loss of the step. `tokens` are those of the whole step.
    """

    batches: list[Batch]
    shares: list[float]
    tokens: int

    def pin_memory(self) -> StepParts:
        """In memory that a GPU copies from while it computes."""
        return StepParts([batch.pin_memory() for batch in self.batches], self.shares, self.tokens)


class StepBatches(IterableDataset[tuple[int, StepParts]]):
    """Training batches of the steps up to `n_steps`, each with its number.

    Parameters
    ----------
    cells
        Source of batches.
    rows
        Training rows, ascending.
    batch_size, block_cells, held_blocks
        Cells a batch (over all processes), cells read at a time, blocks shuffled together.
    n_steps, seed
        End of the run, seed.

    A step's cells, tokens and masks are the same however many processes and parts share them: each process draws all
    and keeps its own, so that the same settings give the same training on one process and on many.
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
        self._block = number_blocks(cells.part_of(rows), block_cells)
        self.divide(0, 0, 1, 1)

    def divide(self, start: int, process: int, n_processes: int, accumulate: int) -> None:
        """Begin at step `start`, and yield the parts of one process of so many, each with `accumulate` a step."""
        parts = n_processes * accumulate
        if parts > self.batch_size:
            raise InputError(
                f"{n_processes} processes with {accumulate} parts each share a batch of {self.batch_size} cells",
                "a cell or more a part",
                "raise batch_size, or start fewer processes",
            )
        self.start, self._parts = start, parts
        self._own = range(process * accumulate, (process + 1) * accumulate)

    def __iter__(self) -> Iterator[tuple[int, StepParts]]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        nothing = sp.csr_matrix((0, 0))
        held = -1, Rows(nothing, nothing), np.empty(0, int)
        order_of, order, groups = -1, np.empty(0, int), np.empty(0, int)
        for step in range(self.start + first, self.n_steps, stride):
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
            yield step, self._divided(self.cells.masked_batch(self.rows[wanted], stack(parts), rng))

    def _divided(self, batch: Batch) -> StepParts:
        tokens = batch.gene_BL.numel()
        if self._parts == 1:
            return StepParts([batch], [1.0], tokens)
        places = np.array_split(np.arange(len(batch.type_B)), self._parts)
        masked = batch.masked_BL.sum(1).numpy()
        mean = max(masked.sum(), 1) / self._parts
        own = [places[number] for number in self._own]
        return StepParts([batch.take(place) for place in own], [float(masked[p].sum() / mean) for p in own], tokens)

    def _order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Order of the training rows in an epoch (places in `rows`), and the group of blocks that each belongs to."""
        rng = np.random.default_rng([self.seed, ORDER, epoch])
        group_of_block = np.argsort(rng.permutation(self._block[-1] + 1)) // self.held_blocks
        groups = group_of_block[self._block]
        return np.lexsort([rng.random(len(self.rows)), groups]), groups

    def _read(self, members: np.ndarray) -> Rows:
        breaks = np.flatnonzero(np.diff(self._block[members])) + 1
        return stack([self.cells.read(self.rows[part]) for part in np.split(members, breaks)])


def load(batches: StepBatches, end: int, workers: int, *, pinned: bool) -> Iterator[tuple[int, StepParts]]:
    """The steps before `end`, made by so many worker processes (0: by this one), in order."""
    if not workers and not pinned:
        source: Iterator[tuple[int, StepParts]] = iter(batches)
    else:
        source = iter(DataLoader(batches, batch_size=None, num_workers=workers, pin_memory=pinned, collate_fn=_as_is))
    for step, parts in source:
        if step >= end:
            return
        yield step, parts


def _as_is(item: Any) -> Any:
    return item
