"""Parts of the cells that a model is trained on: one for a single dataset, one a dataset or file for a corpus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from grnformer.data.tokeniser import Tokens
from grnformer.graph.bundle import Graph

if TYPE_CHECKING:
    from grnformer.data.cells import CellStore


@dataclass(frozen=True)
class Part:
    """Cells of one file, which measures some of the graph's genes and knows some of its eRegulons.

    Attributes
    ----------
    store
        The file.
    first
        Number of its first cell among all.
    name
        Of the dataset or file; empty where there is but one.
    nodes
        Node numbers of the store's genes, ascending; None: all genes of the graph, in their order.
    eregulons
        First of its eRegulons and the one after the last, by number; None: all.
    rank_cutoff
        Of AUCell in it, genes; None: the graph's.
    """

    store: CellStore
    first: int = 0
    name: str = ""
    nodes: np.ndarray | None = None
    eregulons: tuple[int, int] | None = None
    rank_cutoff: int | None = None

    def own_graph(self, graph: Graph) -> Graph:
        """The graph with the members and thresholds of the part's own eRegulons alone."""
        if self.eregulons is None or self.rank_cutoff is None:
            return graph
        first, end = self.eregulons
        tables = {name: getattr(graph, name) for name in ("members", "thresholds")}
        own = {name: table[table["eregulon"].between(first, end - 1)] for name, table in tables.items()}
        return replace(graph, **own, rank_cutoff=self.rank_cutoff)


def part_numbers(parts: list[Part], rows: np.ndarray) -> np.ndarray:
    """Number of the part that each row is in."""
    return np.searchsorted([part.first for part in parts], rows, side="right") - 1


def number_blocks(part_of_row: np.ndarray, block_cells: int) -> np.ndarray:
    """Number of the block of each row (ascending): at most so many rows, all of one part."""
    block = np.empty(len(part_of_row), np.int64)
    first = 0
    for number in np.unique(part_of_row):
        inside = part_of_row == number
        block[inside] = first + np.arange(inside.sum()) // block_cells
        first = int(block[inside][-1]) + 1
    return block


def join_tokens(parts: list[tuple[np.ndarray, Tokens]], n_rows: int) -> Tokens:
    """Tokens of all rows from those of some: (places, tokens) each; shorter ones are padded."""
    length = max(tokens.gene_BL.shape[1] for _, tokens in parts)
    padded = any(t.present_BL is not None or t.gene_BL.shape[1] < length for _, t in parts)
    gene, value = np.zeros((n_rows, length), np.int64), np.zeros((n_rows, length), np.float32)
    present, depth = np.zeros((n_rows, length), bool), None
    for places, tokens in parts:
        there = np.s_[places, : tokens.gene_BL.shape[1]]
        gene[there], value[there] = tokens.gene_BL, tokens.value_BL
        present[there] = True if tokens.present_BL is None else tokens.present_BL
        if tokens.depth_B is not None:
            depth = np.zeros(n_rows, tokens.depth_B.dtype) if depth is None else depth
            depth[places] = tokens.depth_B
    return Tokens(gene, value, present if padded else None, depth)
