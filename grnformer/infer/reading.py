"""How a model reads cells: which of a cell's genes it is given, and which vector is made of the tokens' states.

Shapes: B cells, L gene tokens, T = C + L with the C tokens of the cell first, D width, E width of the cell embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch

from grnformer.data.batch import Batch, make_batch
from grnformer.data.lengths import group_lengths
from grnformer.data.streams import EMBED, STRUCTURE
from grnformer.data.tokeniser import Tokeniser, Tokens
from grnformer.graph.structure import Structure, sample_neighbours
from grnformer.model.grnformer import GRNFormer

# pairs of tokens whose attention is in memory at once
_PAIRS = 1 << 25
# numbers of the states that are kept at once, until the cells' graphs are known
_KEPT = 1 << 27


@dataclass(frozen=True)
class Reading:
    """Which genes of a cell are read, and what is made of them; `pretrain.embed` of the config.

    Attributes
    ----------
    genes
        `expressed`: every gene that the cell expresses, once, in blocks of `n_tokens`; `sample`: `draws` samples of
        `n_tokens`, some of genes that are not expressed.
    parts
        Of the embedding, side by side: `cell`, what the backbone gives for a cell; `genes`, the mean state of its
        expressed genes; `projected`, its expression on the axes of the model's gene vectors (`GeneAxes`), a linear map.
    n_tokens, draws
        See `genes`.
    """

    genes: str
    parts: tuple[str, ...]
    n_tokens: int
    draws: int

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> Reading:
        """The reading of a trained model, which its reference was embedded by; older cards name samples alone."""
        about = card["embed"]
        genes, parts = about.get("genes", "sample"), about.get("parts", ["cell"])
        return cls(genes, tuple(parts), about["n_tokens"], about["draws"])

    @property
    def is_drawn(self) -> bool:
        """Whether chance decides which genes are read."""
        return self.genes == "sample"

    @property
    def needs_states(self) -> bool:
        """Whether the model must run."""
        return any(part != "projected" for part in self.parts)

    def at_once(self, model: GRNFormer) -> int:
        """Genes of a cell that are read together, at most."""
        whole = model.backbone.most_tokens
        # Ranks are of all genes of a cell: they are read in one piece.
        return self.n_tokens if self.is_drawn or whole is None else whole

    def tokens(
        self,
        tokeniser: Tokeniser,
        values: sp.csr_matrix,
        model: GRNFormer,
        sample: Callable[[np.random.Generator], Tokens],
        seeds: list[int],
    ) -> Iterator[Tokens]:
        """Tokens of cells whose value tokens are `values` (B, genes), one after the other: blocks, or samples.

        `sample` draws tokens of these cells; `seeds` are what is drawn follows from.
        """
        if not self.is_drawn:
            yield from tokeniser.blocks(values, self.at_once(model))
            return
        for number in range(self.draws):
            yield sample(np.random.default_rng([*seeds, number]))


class Graphs(NamedTuple):
    """Graphs that rows are given by what they look like without one.

    Attributes
    ----------
    structure
        By `fix_structure`.
    choose
        From vectors without a graph, (rows, D'), to the rows' cell types (-1: none), (rows,), and active eRegulons,
        (rows, K).
    """

    structure: Structure
    choose: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


# Places of cells, their batch, and their last states (B, T, D).
States = tuple[np.ndarray, Batch, torch.Tensor]


def fix_structure(structure: Structure, fanout: int, seed: int) -> Structure:
    """At most `fanout` edges into each gene, sampled once: every cell of a type then has the same graph.

    Sampled anew in each batch, a cell's embedding would depend on which cells are embedded with it.
    """
    return {
        scale: [
            sample_neighbours(
                edges, fanout, np.random.default_rng([seed, STRUCTURE, number])
            )
            for number, edges in enumerate(arrays)
        ]
        for scale, arrays in structure.items()
    }


@torch.no_grad()
def states_of(model: GRNFormer, tokens: Tokens, cells: np.ndarray) -> Iterator[States]:
    """States without a graph of the cells numbered `cells`, those of similar length together, as memory allows.

    Places are those among `cells`; cells without a token are left out. Computed, and left, where the model's weights
    are.
    """
    device = model.mean_N.device
    length_B = np.full(len(cells), tokens.gene_BL.shape[1])
    if tokens.present_BL is not None:
        length_B = tokens.present_BL[cells].sum(1)
    # All are run where none has a token: vectors have a width all the same.
    there = np.flatnonzero(length_B) if length_B.any() else np.arange(len(cells))

    for group in group_lengths(length_B[there]):
        places = there[group]
        longest = max(int(length_B[places].max()), 1)
        step = max(1, _PAIRS // longest**2)
        for start in range(0, len(places), step):
            some = places[start : start + step]
            batch = _batch_of(tokens, cells[some], longest).to(device)
            yield some, batch, model.encode(batch)


def _batch_of(tokens: Tokens, cells: np.ndarray, longest: int) -> Batch:
    """Some cells without a graph, with as many tokens as the longest of them has."""
    of_cells = np.s_[cells, :longest]
    present, depth = tokens.present_BL, tokens.depth_B
    if present is not None:
        # Without padding attention needs no mask.
        present = None if present[of_cells].all() else present[of_cells]
    taken = Tokens(
        tokens.gene_BL[of_cells],
        tokens.value_BL[of_cells],
        present,
        None if depth is None else depth[cells],
    )
    # Nothing is masked: an embedding may look at all that was measured.
    nothing_BL = np.zeros(taken.gene_BL.shape, bool)
    no_graph = np.full(len(cells), -1), np.zeros((len(cells), 0), np.float32)
    return make_batch(taken, nothing_BL, *no_graph)


class GeneAxes:
    """Orthogonal axes that the gene vectors of a model span, and expression projected on them.

    A linear map of expression, without attention. The vectors start from principal axes of the training cells, and on
    the demo their axes hold as much as those (benchmarks/results/embedding.tsv): an embedding with this part is PCA by
    the model's genes plus what the model makes of a cell, and is to be compared with PCA.
    """

    def __init__(self, model: GRNFormer) -> None:
        with torch.no_grad():
            gene_ND = model.backbone.gene_embedding().cpu().numpy().astype(np.float64)
        # What all genes have in common would be an axis of depth.
        left_ND, _, _ = np.linalg.svd(gene_ND - gene_ND.mean(0), full_matrices=False)

        # The sign of an axis is arbitrary, and libraries differ: its largest entry is made positive.
        largest = left_ND[np.abs(left_ND).argmax(0), np.arange(left_ND.shape[1])]
        # A gene's entry is of order 1, whatever the number of genes.
        size = np.sqrt(len(left_ND))
        self.axes_ND = left_ND * np.where(largest < 0, -size, size)

    def project(
        self, expression: sp.csr_matrix, nodes: np.ndarray | None = None
    ) -> np.ndarray:
        """Rows (B, genes `nodes`; None: all N), each scaled to length 1, on the axes: (B, D), float32.

        Neither depth nor unit of a row matters; a gene that is not measured adds nothing.
        """
        axes_ND = self.axes_ND if nodes is None else self.axes_ND[nodes]
        length_B = np.sqrt(np.asarray(expression.multiply(expression).sum(1)).ravel())
        projected_BD = expression @ axes_ND / np.maximum(length_B, 1e-12)[:, None]
        return np.asarray(projected_BD, np.float32)


class CellMean:
    """Vectors of cells from the states of several blocks or samples of their tokens.

    Every block counts by its number of expressed genes.
    """

    def __init__(self, model: GRNFormer, parts: tuple[str, ...], n_cells: int) -> None:
        self._model, self._parts = model, parts
        self._total: dict[str, np.ndarray] = {}
        self._weight = np.zeros((n_cells, 1))

    def add(self, places: np.ndarray, batch: Batch, h_BTD: torch.Tensor) -> None:
        """Add the states of cells at `places`."""
        backbone = self._model.backbone
        seen_BL1 = (batch.value_BL > 0)[:, :, None]
        count_B1 = seen_BL1.sum(1)

        found = {}
        if "cell" in self._parts:
            found["cell"] = backbone.cell_embedding(h_BTD, batch) * count_B1
        if "genes" in self._parts:
            # Tokens of the cell stand first and are no gene's.
            h_BLD = h_BTD[:, backbone.n_cell_tokens :]
            found["genes"] = h_BLD.masked_fill(~seen_BL1, 0.0).sum(1)

        for name, sum_BD in found.items():
            # Sums over blocks: in double precision.
            add = sum_BD.cpu().numpy().astype(np.float64)
            empty = np.zeros((len(self._weight), add.shape[1]))
            self._total.setdefault(name, empty)[places] += add
        self._weight[places] += count_B1.cpu().numpy()

    def vectors(self, projected_BD: np.ndarray) -> np.ndarray:
        """Means over all that was added beside the part `projected`, (cells, D'), float32, in the order of the parts.

        0 for a cell that expresses nothing.
        """
        weight = np.maximum(self._weight, 1)
        found = {
            name: (total / weight).astype(np.float32)
            for name, total in self._total.items()
        }
        found["projected"] = projected_BD
        return np.hstack([found[part] for part in self._parts])


@torch.no_grad()
def read_vectors(
    model: GRNFormer,
    reading: Reading,
    n_rows: int,
    make: Callable[[np.ndarray, list[int]], Iterator[Tokens]],
    project: Callable[[np.ndarray], np.ndarray],
    *,
    batch_size: int,
    seed: int,
    first: int = 0,
    graphs: Graphs | None = None,
) -> np.ndarray:
    """Embeddings of rows, (rows, D'): the parts of the reading in its order.

    Parameters
    ----------
    make
        From rows, and the seeds of what is drawn, to their tokens: each block or sample.
    project
        From rows to their part `projected`.
    batch_size
        Rows whose tokens are made at a time.
    seed, first
        Of samples, and the number of the first row in the whole data; without samples they change nothing.
    graphs
        The rows' graphs; None: without. The backbone, which reads no graph, runs once for both.
    """
    embedded = []
    for start in range(0, n_rows, batch_size):
        rows = np.arange(start, min(start + batch_size, n_rows))
        # Seeded by the row's place in the whole data: where a block ends changes nothing.
        seeds = [seed, EMBED, first + start]
        read = list(make(rows, seeds)) if reading.needs_states else []
        n_tokens = sum(tokens.gene_BL.shape[1] for tokens in read)
        # What is kept until the graphs are known must fit in memory.
        most = _KEPT // max(n_tokens * model.backbone.width, 1)
        step = len(rows) if graphs is None else max(1, most)
        for begin in range(0, len(rows), step):
            cells = np.arange(begin, min(begin + step, len(rows)))
            projected = project(rows[cells])
            found = _vectors(model, reading, read, cells, projected, graphs)
            embedded.append(found)
    return np.concatenate(embedded)


def _vectors(
    model: GRNFormer,
    reading: Reading,
    read: list[Tokens],
    cells: np.ndarray,
    projected_BD: np.ndarray,
    graphs: Graphs | None,
) -> np.ndarray:
    """Vectors of the cells numbered `cells` among those whose tokens `read` has."""
    mean, kept = CellMean(model, reading.parts, len(cells)), []
    for tokens in read:
        for states in states_of(model, tokens, cells):
            mean.add(*states)
            if graphs is not None:
                kept.append(states)
    plain = mean.vectors(projected_BD)
    if graphs is None:
        return plain

    type_B, active_BK = graphs.choose(plain)
    mean = CellMean(model, reading.parts, len(cells))
    for places, batch, h_BTD in kept:
        of_graph = torch.from_numpy(active_BK[places])
        whole = replace(batch, type_B=type_B[places], active_BK=of_graph)
        mean.add(places, whole, model.adapt(h_BTD, whole, graphs.structure))
    return mean.vectors(projected_BD)


def as_nodes(tokens: Tokens, nodes: np.ndarray) -> Tokens:
    """The tokens with node numbers in place of numbers among the genes `nodes`."""
    return replace(tokens, gene_BL=nodes[tokens.gene_BL])


def effective_dimensions(vectors: np.ndarray) -> float:
    """Participation ratio of the eigenvalues of the covariance: (sum of them)^2 over the sum of their squares.

    From 1 (all cells on a line) to the number of dimensions (as much variance in each). NaN where no vector varies.

    Parameters
    ----------
    vectors
        (cells, D), two cells or more; no scaling is taken away, so that a dimension counts by its variance.
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    # Traces of the covariance and of its square: no eigenvalue need be computed.
    covariance = centred.T @ centred
    squares = float((covariance**2).sum())
    return float(np.trace(covariance)) ** 2 / squares if squares > 0 else float("nan")


def split_parts(
    vectors: np.ndarray, parts: tuple[str, ...], width: int
) -> dict[str, np.ndarray]:
    """Part -> its columns of embeddings with these parts side by side; `width` is that of the states, D."""
    # The backbone decides how wide its cell embedding is: what the other parts leave.
    others = width * sum(part != "cell" for part in parts)
    widths = [vectors.shape[1] - others if part == "cell" else width for part in parts]
    pieces = np.split(vectors, np.cumsum(widths)[:-1], axis=1)
    return dict(zip(parts, pieces, strict=True))


def dimensions_by_part(
    vectors: np.ndarray, parts: tuple[str, ...], width: int
) -> dict[str, float]:
    """Effective dimensions of an embedding with these parts, and of each; `width` is that of the states, D."""
    found = {"": vectors} | {
        f"_{part}": piece for part, piece in split_parts(vectors, parts, width).items()
    }
    return {
        f"effective_dimensions{name}": effective_dimensions(piece)
        for name, piece in found.items()
    }
