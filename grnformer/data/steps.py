"""Training batches by step: everything random follows from (seed, step), so that a resumed run samples the same.

Cells are read in blocks of neighbouring rows; blocks are shuffled, some are held at a time and shuffled together.
Memory holds those (with all genes, where the graph has edges on the scale of cells) and one number a cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from grnformer.core.errors import InputError
from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher, Rows, stack_rows
from grnformer.data.streams import ORDER, TOKENS


@dataclass(frozen=True)
class StepParts:
    """The parts of a step's batch that one process runs, and what counts them.

    `weights` make up for unequal numbers of masked tokens: the mean over all parts of each one's mean loss times its
    weight is the mean loss of the step. `tokens` are those of the whole step.
    """

    batches: list[Batch]
    weights: list[float]
    tokens: int

    def pin_memory(self) -> StepParts:
        """In memory that a GPU copies from while it computes."""
        return StepParts(
            [batch.pin_memory() for batch in self.batches], self.weights, self.tokens
        )


class StepBatches(IterableDataset[tuple[int, StepParts]]):
    """Training batches of the steps up to `n_steps`, each with its number.

    A step's cells, tokens and masks are the same however many processes and parts divide them: each process makes the
    whole batch and keeps its parts. The same settings therefore train the same on one process and on many.

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
    """

    def __init__(
        self,
        cells: Batcher,
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
        self.held_blocks, self.n_steps = held_blocks, n_steps

        # Rows that fill no batch are left out: each epoch's order leaves out others.
        self.steps_per_epoch = max(1, len(rows) // self.batch_size)
        self._block = cells.corpus.number_blocks(rows, block_cells)
        self.divide(0, 0, 1, 1)

    def divide(
        self, start: int, process: int, n_processes: int, accumulate: int
    ) -> None:
        """Begin at step `start`, and yield the parts of one of `n_processes`, each with `accumulate` a step.

        Raises
        ------
        InputError
            If there are more parts than cells in a batch.
        """
        n_parts = n_processes * accumulate
        if n_parts > self.batch_size:
            raise InputError(
                f"{n_processes} processes with {accumulate} parts each divide a batch of {self.batch_size} cells",
                "a cell or more a part",
                "raise batch_size, or start fewer processes",
            )
        self.start, self._n_parts = start, n_parts

        # Parts are numbered over all processes; those of one are neighbours.
        self._numbers = range(process * accumulate, (process + 1) * accumulate)

    def __iter__(self) -> Iterator[tuple[int, StepParts]]:
        # Workers take turns: each makes every n-th step, and the loader puts them in order again.
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)

        shuffled = _Shuffled(self)
        for step in range(self.start + first, self.n_steps, stride):
            epoch, place = divmod(step, self.steps_per_epoch)
            wanted, held = shuffled.take(epoch, place)
            rng = np.random.default_rng([self.seed, TOKENS, step])
            yield (
                step,
                self._divided(self.cells.masked_batch(self.rows[wanted], held, rng)),
            )

    def order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Order of the training rows in an epoch (places in `rows`), and the group of blocks that each belongs to."""
        rng = np.random.default_rng([self.seed, ORDER, epoch])
        n_blocks = self._block[-1] + 1

        # Blocks in random order, `held_blocks` at a time a group.
        group_of_block = np.argsort(rng.permutation(n_blocks)) // self.held_blocks
        groups = group_of_block[self._block]

        # By group, at random within it: a process reads a group once an epoch.
        return np.lexsort([rng.random(len(self.rows)), groups]), groups

    def read(self, members: np.ndarray) -> Rows:
        """Training rows at these places (ascending), block by block."""
        # A group's blocks may lie far apart in the file: each is a read of its own.
        breaks = np.flatnonzero(np.diff(self._block[members])) + 1
        return stack_rows(
            [self.cells.read(self.rows[block]) for block in np.split(members, breaks)]
        )

    def _divided(self, batch: Batch) -> StepParts:
        tokens = batch.gene_BL.numel()
        if self._n_parts == 1:
            return StepParts([batch], [1.0], tokens)

        places = np.array_split(np.arange(len(batch.type_B)), self._n_parts)
        # The loss is a mean over masked tokens; 1 in place of 0 keeps weights defined.
        masked_B = batch.masked_BL.sum(1).numpy()
        mean = max(masked_B.sum(), 1) / self._n_parts
        chosen = [places[number] for number in self._numbers]
        weights = [float(masked_B[part].sum() / mean) for part in chosen]
        return StepParts([batch.take(part) for part in chosen], weights, tokens)


class _Shuffled:
    """The rows of each step, with one group of blocks in memory at a time."""

    def __init__(self, batches: StepBatches) -> None:
        self.batches = batches
        self._epoch, self._group = -1, -1

    def take(self, epoch: int, place: int) -> tuple[np.ndarray, Rows]:
        """Places of the rows of the epoch's batch number `place`, and the rows."""
        if epoch != self._epoch:
            self._order, self._group_of_row = self.batches.order(epoch)
            self._epoch, self._group = epoch, -1

        size = self.batches.batch_size
        wanted = self._order[place * size : (place + 1) * size]
        parts = []
        # A batch may begin in one group and end in the next; rows are ordered by group.
        for group in np.unique(self._group_of_row[wanted]):
            self._hold(group)
            inside = wanted[self._group_of_row[wanted] == group]
            # Held rows stand as `_members`, which ascends.
            parts.append(self._held.take(np.searchsorted(self._members, inside)))
        return wanted, stack_rows(parts)

    def _hold(self, group: int) -> None:
        if group != self._group:
            self._members = np.flatnonzero(self._group_of_row == group)
            self._held = self.batches.read(self._members)
            self._group = group


def load(
    batches: StepBatches, end: int, workers: int, *, pinned: bool
) -> Iterator[tuple[int, StepParts]]:
    """The steps before `end`, made by `workers` processes (0: by this one), in order."""
    if not workers and not pinned:
        source: Iterator[tuple[int, StepParts]] = iter(batches)
    else:
        source = iter(
            # An item is a whole step: nothing is left to batch or to collate.
            DataLoader(
                batches,
                batch_size=None,
                num_workers=workers,
                pin_memory=pinned,
                collate_fn=_as_is,
            )
        )
    for step, parts in source:
        if step >= end:
            return
        yield step, parts


def _as_is(item: Any) -> Any:
    return item
