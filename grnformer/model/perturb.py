"""Edge perturbation during training: a share of the edges is replaced, so that no single one is relied on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from grnformer.model.structure import EdgeList

Links = Callable[[int, Sequence[np.ndarray], int, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def perturb_edges(
    edges: EdgeList,
    strategy: str,
    share: float,
    expressed: Sequence[np.ndarray],
    n_genes: int,
    rng: np.random.Generator,
) -> EdgeList:
    """Replace a share of the edges by links of the given strategy; the number of edges stays.

    Parameters
    ----------
    edges
        Edges of the cells that share one graph.
    strategy
        `none`, `random` (any two genes) or `coexpression` (two genes that are expressed in the same cell, the cell
        drawn anew for each link; such a link is positive).
    share
        Of the edges to replace, 0 to 1.
    expressed
        For each of those cells, the genes (node numbers) whose value the model sees and is above 0. Masked genes must
        not be among them: the links would tell that they are expressed.
    n_genes
        Genes of the graph.
    rng
        Source of randomness.

    A new link keeps the weight and the gate (eRegulon) of the edge it replaces. A cell's edges are replaced
    for all cells of the group together, so that they still share one product.
    """
    count = round(share * len(edges))
    if strategy == "none" or count == 0:
        return edges
    links = STRATEGIES[strategy](count, expressed, n_genes, rng)
    if not len(links[0]):
        return edges
    replaced = rng.choice(len(edges), size=len(links[0]), replace=False)
    source, target, weight = edges.source.copy(), edges.target.copy(), edges.weight.copy()
    source[replaced], target[replaced] = links
    if strategy == "coexpression":
        weight[replaced] = np.abs(weight[replaced])
    return replace(edges, source=source, target=target, weight=weight)


def _random_links(
    count: int, expressed: Sequence[np.ndarray], n_genes: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    source = rng.integers(n_genes, size=count)
    return source, (source + rng.integers(1, n_genes, size=count)) % n_genes


def _coexpression_links(
    count: int, expressed: Sequence[np.ndarray], n_genes: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    cells = [genes for genes in expressed if len(genes) > 1]
    if not cells:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    sizes = np.array([len(genes) for genes in cells])
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    flat = np.concatenate(cells)
    cell = rng.integers(len(cells), size=count)
    first = rng.integers(sizes[cell])
    second = (first + 1 + rng.integers(sizes[cell] - 1)) % sizes[cell]
    return flat[start[cell] + first], flat[start[cell] + second]


STRATEGIES: dict[str, Links] = {"random": _random_links, "coexpression": _coexpression_links}
