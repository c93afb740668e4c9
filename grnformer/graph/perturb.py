"""Edge perturbation during training: a fraction of the edges is replaced, so that the model relies on no single one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grnformer.graph.structure import sample_neighbours

STRATEGIES = ("random", "coexpression")


@dataclass(frozen=True)
class Perturbation:
    """Which edges are replaced, and by which links.

    Attributes
    ----------
    strategy
        `none`, `random` (any two genes) or `coexpression` (two genes that are expressed in the same cell; the cell is
        sampled anew for each link, and the link is positive).
    fraction
        Of the edges to replace, 0 to 1.
    degree_power
        Ends of new links are sampled in proportion to (1 + links of the gene) to this power. At 0 all genes gain
        alike; below 0 genes with few links gain more (some TFs have dozens, some genes one); at 1 TFs keep about as
        many links as they lose, since links are taken away from all edges alike.
    """

    strategy: str
    fraction: float
    degree_power: float


NO_PERTURBATION = Perturbation("none", 0.0, 0.0)


def sample_edges(
    edges: list[np.ndarray],
    type_B: np.ndarray,
    expressed: list[np.ndarray],
    n_genes: int,
    fanout: int,
    perturbation: Perturbation,
    rng: np.random.Generator | None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Edges of a batch on one scale: perturbed, then at most `fanout` into each gene.

    Parameters
    ----------
    edges
        Edge arrays of the scale.
    type_B
        Which of them each cell has; -1: none.
    expressed
        Of each cell, see `perturb_edges`.
    n_genes, fanout
        Genes of the graph; incoming edges to keep of each.
    rng
        None: the edges are those of `sample_neighbours`, and taken as they are.

    Returns
    -------
    Edge array of each group, sorted by target, and the group of each cell, (B,). Cells of a group share their edges.
    """
    # cells of one type share a graph, and with it one perturbation and sample
    types, group_B = np.unique(type_B, return_inverse=True)
    sampled = []
    for group, number in enumerate(types):
        # no network: no edges, in an array of the same dtype
        of_type = edges[number] if number >= 0 else edges[0][:0]
        if rng is None:
            sampled.append(of_type)
            continue
        cells = [expressed[cell] for cell in np.flatnonzero(group_B == group)]
        changed = perturb_edges(of_type, perturbation, cells, n_genes, rng)
        # sorts by target again, which new links have broken
        sampled.append(sample_neighbours(changed, fanout, rng))
    return sampled, group_B


def perturb_edges(
    edges: np.ndarray,
    perturbation: Perturbation,
    expressed: Sequence[np.ndarray],
    n_genes: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Replace a fraction of the edges by new links; a link keeps the weight and gate of the edge that it replaces.

    Parameters
    ----------
    edges
        Edge array of cells that share one graph.
    expressed
        For each of these cells, the genes (node numbers) whose value the model sees and is above 0. Masked genes must
        not be among them: a link would give away that they are expressed.
    n_genes
        Genes of the graph.
    """
    count = round(perturbation.fraction * len(edges))
    if perturbation.strategy == "none" or count == 0:
        return edges
    coexpression = perturbation.strategy == "coexpression"

    # a link needs two genes
    pools = (
        [genes for genes in expressed if len(genes) > 1]
        if coexpression
        else [np.arange(n_genes)]
    )
    if not pools:
        return edges

    if perturbation.degree_power:
        weight_N = (1.0 + count_links(edges, n_genes)) ** perturbation.degree_power
        source, target = _weighted_pairs(count, pools, weight_N, rng)
    else:
        source, target = _uniform_pairs(count, pools, rng)

    # no edge twice: exactly `count` are replaced, in a copy, since later batches
    # read the same arrays
    replaced = rng.choice(len(edges), size=count, replace=False)
    changed = edges.copy()
    changed["source"][replaced], changed["target"][replaced] = source, target
    if coexpression:
        changed["weight"][replaced] = np.abs(edges["weight"][replaced])
    return changed


def _uniform_pairs(
    count: int, pools: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of two genes of one pool; pools and genes are equally likely."""
    sizes = np.array([len(genes) for genes in pools])
    start = np.cumsum(sizes) - sizes
    flat = np.concatenate(pools)

    pool = rng.integers(len(pools), size=count)
    size = sizes[pool]
    first = rng.integers(size)
    # a step of 1 to size - 1: never the first gene again
    second = (first + 1 + rng.integers(size - 1)) % size
    return flat[start[pool] + first], flat[start[pool] + second]


def _weighted_pairs(
    count: int,
    pools: Sequence[np.ndarray],
    weight_N: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of two genes of one pool; pools are equally likely, genes in proportion to their weights."""
    sizes = np.array([len(genes) for genes in pools])
    flat = np.concatenate(pools)
    weight = weight_N[flat]

    # all pools stand one behind the other on one line, each gene as long as its weight: a point finds its gene
    until = np.cumsum(weight)
    before = until - weight
    pool = rng.integers(len(pools), size=count)
    last = np.cumsum(sizes)[pool] - 1
    start = last + 1 - sizes[pool]
    lowest, highest = before[start], until[last]

    def find(point: np.ndarray) -> np.ndarray:
        # rounding may put a point beyond the ends of its pool
        return np.clip(np.searchsorted(until, point, side="right"), start, last)

    first = find(lowest + rng.random(count) * (highest - lowest))
    # the second point falls on the line without the first gene: points behind it move on by its length
    point = lowest + rng.random(count) * (highest - lowest - weight[first])
    second = find(np.where(point >= before[first], point + weight[first], point))

    # rounding at a border may find the first gene again: take its neighbour
    neighbour = np.where(first == last, first - 1, first + 1)
    second = np.where(second == first, neighbour, second)
    return flat[first], flat[second]


def count_links(edges: np.ndarray, n_genes: int) -> np.ndarray:
    """Links of each gene, both directions, (N,)."""
    return np.bincount(edges["source"], minlength=n_genes) + np.bincount(
        edges["target"], minlength=n_genes
    )
