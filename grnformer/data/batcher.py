"""From stored cells to batches: value tokens, masks, cell types by number, active eRegulons."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.data.activity import StoredActivity, VisibleActivity
from grnformer.data.batch import Batch, draw_mask, make_batch
from grnformer.data.corpus import Corpus, widen
from grnformer.data.tokeniser import Tokeniser, Tokens, join_tokens
from grnformer.graph.bundle import Graph


@dataclass(frozen=True)
class Rows:
    """Cells in memory: value tokens (cells x genes of the graph), and the expression that activity is inferred from."""

    values: sp.csr_matrix
    expression: sp.csr_matrix

    def take(self, places: np.ndarray) -> Rows:
        """The cells at `places`, in that order."""
        return Rows(self.values[places], self.expression[places])


def stack_rows(parts: list[Rows]) -> Rows:
    """Cells below each other."""
    values = sp.vstack([part.values for part in parts], "csr")
    return Rows(values, sp.vstack([part.expression for part in parts], "csr"))


class Batcher:
    """Makes batches of stored cells.

    Parameters
    ----------
    corpus
        Rows on disk. A gene that a part has not measured is no token of its cells, and the cells of a part know only
        its eRegulons.
    graph, cell_types
        The bundle's graph and the order of its cell types.
    tokeniser
        The backbone's.
    n_tokens, mask_fraction
        Genes a cell at most, and the fraction of them that is masked (of a list, each batch samples one).

    Attributes
    ----------
    cell_types
        Names by number; types without a network come last.
    type_of_cell
        (cells,), number of each cell's type.
    """

    def __init__(
        self,
        corpus: Corpus,
        graph: Graph,
        cell_types: list[str],
        tokeniser: Tokeniser,
        *,
        n_tokens: int,
        mask_fraction: float | list[float],
    ) -> None:
        self.corpus, self.graph, self.tokeniser = corpus, graph, tokeniser
        self.mask_fraction = mask_fraction
        self.n_tokens = self.at_most(n_tokens)

        types = corpus.cell_types
        # Behind the bundle's types, whose numbers are those of the edge arrays.
        without_network = sorted(set(types) - set(cell_types))
        self.cell_types = [*cell_types, *without_network]
        number = pd.Series(range(len(self.cell_types)), index=self.cell_types)
        self.type_of_cell = pd.Series(types).map(number).to_numpy(np.int32)

        self._stored = StoredActivity(graph)
        self._visible = [
            VisibleActivity(part.graph_of(graph), part.store, part.nodes)
            for part in corpus.parts
        ]
        # Parts differ in their genes: rows of several are stacked over the widest.
        self._width = max(visible.n_needed for visible in self._visible)

    def at_most(self, n_tokens: int) -> int:
        """`n_tokens`, or fewer where a part measures fewer genes: every cell gets as many tokens."""
        n_genes = len(self.graph.genes)
        measured = [len(part.measured(n_genes)) for part in self.corpus.parts]
        return min(n_tokens, *measured)

    def blocks(self, rows: np.ndarray, block_cells: int) -> list[np.ndarray]:
        """Rows (ascending) in blocks of at most `block_cells`, each of one part."""
        block = self.corpus.number_blocks(rows, block_cells)
        breaks = np.flatnonzero(np.diff(block)) + 1
        return np.split(rows, breaks)

    def measured(self, rows: np.ndarray) -> np.ndarray | None:
        """Nodes that are measured in rows of one part; None: all."""
        number = self.corpus.part_of(rows[:1])[0]
        return self.corpus.parts[number].nodes

    def values(self, rows: np.ndarray) -> sp.csr_matrix:
        """Value tokens of rows in ascending order."""
        return self.tokeniser.values(self.corpus.read(rows))

    def filled_values(self, rows: np.ndarray) -> sp.csr_matrix:
        """As `values`; a gene that a part has not measured has there its mean over the other parts' rows."""
        values, n_genes = self.values(rows), len(self.graph.genes)
        parts = [
            (values[places], self.corpus.parts[n])
            for n, places in self.corpus.divide(rows)
        ]
        if all(part.nodes is None for _, part in parts):
            return values

        # Unmeasured genes add 0 to the sums, so only the counts must leave them out.
        total, count = np.zeros(n_genes), np.zeros(n_genes)
        for block, part in parts:
            total += np.asarray(block.sum(0)).ravel()
            count[part.measured(n_genes)] += block.shape[0]
        mean = total / np.maximum(count, 1)

        filled = []
        for block, part in parts:
            missing = np.setdiff1d(np.arange(n_genes), part.measured(n_genes))
            # An entry for each row and missing gene, where the block has none.
            row = np.repeat(np.arange(block.shape[0]), len(missing))
            column = np.tile(missing, block.shape[0])
            means = mean[column].astype(block.dtype)
            filled.append(
                block + sp.csr_matrix((means, (row, column)), shape=block.shape)
            )
        return sp.vstack(filled, "csr")

    def read(self, rows: np.ndarray) -> Rows:
        """Rows in ascending order, with what a masked batch of them needs."""
        found = []
        for n, places in self.corpus.divide(rows):
            part = self.corpus.parts[n]
            # One read serves both: tokens take the graph's genes, AUCell ranks all genes of the file.
            expression = part.store.read_all(rows[places] - part.first)
            measured = widen(
                expression[:, part.store.columns], len(self.graph.genes), part.nodes
            )
            needed = widen(self._visible[n].needed(expression), self._width)
            found.append(Rows(self.tokeniser.values(measured), needed))
        return found[0] if len(found) == 1 else stack_rows(found)

    def masked_batch(
        self, rows: np.ndarray, cells: Rows, rng: np.random.Generator
    ) -> Batch:
        """Tokens of cells `rows`, a fraction of them masked; a cell's graph is inferred from its visible genes only."""
        tokens = self.sample_tokens(rows, cells.values, rng)
        masked_BL = draw_mask(
            tokens.gene_BL.shape, self.mask_fraction, rng, tokens.present_BL
        )
        active_BK = self._score(rows, cells.expression, tokens.gene_BL, masked_BL)
        return make_batch(tokens, masked_BL, self.type_of_cell[rows], active_BK)

    def whole_batch(
        self, rows: np.ndarray, values: sp.csr_matrix, rng: np.random.Generator
    ) -> Batch:
        """Tokens of cells `rows` (whose value tokens are `values`), none masked, with their graphs."""
        tokens = self.sample_tokens(rows, values, rng)
        # With nothing masked, activity scored on all genes gives nothing away.
        nothing_BL = np.zeros(tokens.gene_BL.shape, bool)
        active_BK = self._stored.rows(self.corpus.names(rows))
        return make_batch(tokens, nothing_BL, self.type_of_cell[rows], active_BK)

    def sample_tokens(
        self, rows: np.ndarray, values: sp.csr_matrix, rng: np.random.Generator
    ) -> Tokens:
        """A sample of the tokens of cells `rows`, each among the genes that are measured in it."""
        divided = self.corpus.divide(rows)
        # Where every gene is measured everywhere, one call samples for all rows, in their order.
        if all(self.corpus.parts[n].nodes is None for n, _ in divided):
            return self.tokeniser.tokenise(values, self.n_tokens, rng)

        made = []
        for n, places in divided:
            # Sampled over the part's own columns, then numbered as nodes again.
            nodes = self.corpus.parts[n].measured(len(self.graph.genes))
            tokens = self.tokeniser.tokenise(
                values[places][:, nodes], self.n_tokens, rng
            )
            made.append((places, replace(tokens, gene_BL=nodes[tokens.gene_BL])))
        return join_tokens(made, len(rows))

    def _score(
        self,
        rows: np.ndarray,
        expression: sp.csr_matrix,
        gene_BL: np.ndarray,
        masked_BL: np.ndarray,
    ) -> np.ndarray:
        """Active eRegulons of cells, inferred from visible genes, by those of their part."""
        active_BK = np.zeros((len(rows), len(self.graph.eregulon_names)), np.float32)
        for n, places in self.corpus.divide(rows):
            visible = self._visible[n]
            # Rows are as wide as the widest part: what is beyond its own is empty.
            narrow = widen(expression[places], visible.n_needed)
            active_BK[places] = visible.score(
                narrow, gene_BL[places], masked_BL[places]
            )
        return active_BK
