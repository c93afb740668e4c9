"""Edge perturbation during training: a share of the edges is replaced, so that no single one is relied on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from grnformer.graph.structure import EdgeList

Links = Callable[[int, Sequence[np.ndarray], int, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def perturb_edges(
    edges: EdgeList,
    strategy: str,
    share: float,
    expressed: Sequence[np.ndarray],
    n_genes: int,
    rng: np.random.Generator,
    *,
    degree_power: float,
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
    degree_power
        Ends of new links are drawn in proportion to (1 + links of the gene in `edges`) to this power: 0, all genes
        alike; below 0, genes with few links gain more (a network has TFs with dozens of links and others with one);
        1, TFs keep about as many links as they lose, since links are taken away from all edges alike.

    A new link keeps the weight and the gate (eRegulon) of the edge it replaces. A cell's edges are replaced
    for all cells of the group together, so that they still share one product.
    """
    count = round(share * len(edges))
    if strategy == "none" or count == 0:
        return edges
    if degree_power:
        pools = [np.arange(n_genes)] if strategy == "random" else expressed
        links = _weighted_links(count, pools, (1.0 + count_links(edges, n_genes)) ** degree_power, rng)
    else:
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


def _weighted_links(
    count: int, pools: Sequence[np.ndarray], weight_N: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Two genes of one pool, drawn alike from the pools; the genes in proportion to their weights, the second anew."""
    pools = [genes for genes in pools if len(genes) > 1]
    if not pools:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    sizes = np.array([len(genes) for genes in pools])
    end = np.cumsum(sizes)
    flat = np.concatenate(pools)
    weight = weight_N[flat]
    until = np.cumsum(weight)  # over all pools, one behind the other
    before = until - weight
    pool = rng.integers(len(pools), size=count)
    lowest, last = before[(end - sizes)[pool]], end[pool] - 1

    def find(point: np.ndarray) -> np.ndarray:
        return np.clip(np.searchsorted(until, point, side="right"), (end - sizes)[pool], last)

    first = find(lowest + rng.random(count) * (until[last] - lowest))
    point = lowest + rng.random(count) * (until[last] - lowest - weight[first])
    second = find(np.where(point >= before[first], point + weight[first], point))
    same = second == first  # by rounding at the borders
    second = np.where(same, np.where(first == last, first - 1, first + 1), second)
    return flat[first], flat[second]


def count_links(edges: EdgeList, n_genes: int) -> np.ndarray:
    """Links of each gene, both directions, (N,)."""
    return np.bincount(edges.source, minlength=n_genes) + np.bincount(edges.target, minlength=n_genes)


STRATEGIES: dict[str, Links] = {"random": _random_links, "coexpression": _coexpression_links}
