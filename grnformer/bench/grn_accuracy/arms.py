"""What is scored: networks, correlation, prior knowledge, baselines. Each gives every gene a score for a TF.

An arm is a function of a TF: scores (genes,), or None where the arm says nothing about the TF. Saying nothing counts as
a failure in the benchmark, not as a random ranking.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp


@dataclass(frozen=True)
class Arm:
    """One thing that is scored.

    Attributes
    ----------
    name, kind
        As in contract ``scores``.
    score
        TF symbol -> scores (genes,), or None.
    """

    name: str
    kind: str
    score: Callable[[str], np.ndarray | None]


def network_arm(name: str, kind: str, edges: pd.DataFrame, weight: str, genes: list[str]) -> Arm:
    """Score genes by the weight of the TF's edge to them; no edge is 0, the largest weight counts if there are several.

    Parameters
    ----------
    edges
        Table with the columns tf, gene and `weight` (0 or above).
    """
    place = {gene: number for number, gene in enumerate(genes)}
    known = edges[edges["gene"].isin(place)]
    by_tf = {str(tf): part for tf, part in known.groupby("tf", observed=True)}

    def score(tf: str) -> np.ndarray | None:
        if tf not in by_tf:
            return None
        scores = np.zeros(len(genes))
        np.maximum.at(scores, [place[gene] for gene in by_tf[tf]["gene"]], by_tf[tf][weight].to_numpy(dtype=float))
        return scores

    return Arm(name, kind, score)


def pearson_arm(name: str, expression: sp.csr_matrix, genes: list[str]) -> Arm:
    """Score genes by Pearson's correlation with the TF over cells; genes that do not vary score -1 (last).

    Parameters
    ----------
    expression
        (cells, genes), sparse, log1p.
    """
    place = {gene: number for number, gene in enumerate(genes)}
    columns = expression.tocsc().astype(np.float64)
    n_cells = columns.shape[0]
    mean = np.asarray(columns.mean(axis=0)).ravel()
    spread = np.sqrt(np.maximum(np.asarray(columns.multiply(columns).mean(axis=0)).ravel() - mean**2, 0.0))

    def score(tf: str) -> np.ndarray | None:
        if tf not in place or spread[place[tf]] == 0:
            return None
        number = place[tf]
        covariance = (columns.T @ columns[:, [number]]).toarray().ravel() / n_cells - mean * mean[number]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(spread > 0, covariance / (spread * spread[number]), -1.0)

    return Arm(name, "baseline", score)


def constant_arm(name: str, scores: np.ndarray) -> Arm:
    """Give every TF the same scores: a baseline that knows nothing about the TF."""
    return Arm(name, "baseline", lambda _: scores)


def joined_arm(arm: Arm, baseline: np.ndarray) -> Arm:
    """Join an arm with TF-agnostic scores: does the arm say more than they do?

    The mean of `baseline` (0 to 1) and the arm's percentile ranks, equal scores sharing theirs; where the arm says
    nothing about the TF, so does the joined one.
    """
    from scipy.stats import rankdata

    def score(tf: str) -> np.ndarray | None:
        scores = arm.score(tf)
        return None if scores is None else (rankdata(scores) / len(scores) + baseline) / 2

    return Arm(f"{arm.name}_and_baseline", arm.kind, score)


def binding_arm(name: str, binding: pd.DataFrame, genes: list[str]) -> Arm:
    """Score genes by the log odds that the TF binds their promoter; genes without a sequence score 0.

    Parameters
    ----------
    binding
        Contract ``promoter_binding``.
    """
    place = {gene: number for number, gene in enumerate(genes)}
    known = binding[binding["gene"].isin(place)]
    rows = known["gene"].map(place).to_numpy(dtype=int)

    def score(tf: str) -> np.ndarray | None:
        if tf not in known or tf == "gene":
            return None
        scores = np.zeros(len(genes))
        scores[rows] = known[tf].to_numpy(dtype=float)
        return scores

    return Arm(name, "model", score)


def weighted_arm(name: str, arm: Arm, baseline: np.ndarray, weight: float) -> Arm:
    """Add log odds to those of a TF-agnostic baseline, as independent evidence of one event is joined.

    The baseline's log odds are those of its percentile rank; `weight` multiplies the arm's.
    """
    from scipy.stats import rankdata

    rank = (rankdata(baseline) - 0.5) / len(baseline)
    prior = np.log(rank / (1 - rank))

    def score(tf: str) -> np.ndarray | None:
        scores = arm.score(tf)
        return None if scores is None else prior + weight * scores

    return Arm(name, arm.kind, score)


def informed_arm(name: str, arm: Arm, pairs: pd.DataFrame, genes: list[str], log_odds: float) -> Arm:
    """Add `log_odds` to an arm's scores where a pair of TF and gene is known beforehand (table tf, gene)."""
    place = {gene: number for number, gene in enumerate(genes)}
    known = pairs[pairs["gene"].isin(place)]
    targets = {str(tf): part["gene"].map(place).unique() for tf, part in known.groupby("tf", observed=True)}

    def score(tf: str) -> np.ndarray | None:
        scores = arm.score(tf)
        if scores is None:
            return None
        scores = scores.copy()
        scores[targets.get(tf, [])] += log_odds
        return scores

    return Arm(name, arm.kind, score)


def random_arm(n_genes: int, seed: int) -> Arm:
    """Give every TF random scores of its own."""

    def score(tf: str) -> np.ndarray:
        return np.random.default_rng([seed, zlib.crc32(tf.encode())]).random(n_genes)

    return Arm("random", "baseline", score)


def accessibility_expression(
    expression: sp.csr_matrix, accessibility: sp.csr_matrix, promoter_of: sp.csr_matrix
) -> np.ndarray:
    """Score genes by how accessible their promoter and how high their expression is, without knowing any TF.

    The mean of two percentile ranks among genes: mean log1p expression in the line, and the mean over the line's cells
    of accessible promoter regions.

    Parameters
    ----------
    expression
        (cells of the line, genes), log1p.
    accessibility
        (cells of the line, regions), binarised.
    promoter_of
        (regions, genes), 1 where a region touches the gene's promoter.

    Returns
    -------
    (genes,) in [0, 1].
    """
    from scipy.stats import rankdata

    expressed = np.asarray(expression.mean(axis=0)).ravel()
    accessible = np.asarray(accessibility.mean(axis=0)).ravel() @ promoter_of
    return (rankdata(expressed) + rankdata(accessible)) / (2 * len(expressed))


def weigh_links(links: pd.DataFrame, regions: pd.Index, genes: list[str], decay: float) -> sp.csr_matrix:
    """Weigh regions near a gene by their distance to its TSS: 1 there, 1/e at `decay` bp.

    Parameters
    ----------
    links
        Contract ``region_gene``; regions and genes that are not asked for are left out.

    Returns
    -------
    (regions, genes), in the place of ``map_promoters``' in ``accessibility_expression``.
    """
    import pandas as pd
    import scipy.sparse as sp

    row, column = regions.get_indexer(links["region"].astype(str)), pd.Index(genes).get_indexer(links["gene"])
    known = (row >= 0) & (column >= 0)
    weights = np.exp(-links["distance"].abs().to_numpy()[known] / decay)
    return sp.csr_matrix((weights, (row[known], column[known])), shape=(len(regions), len(genes)))


def map_promoters(regions: pd.DataFrame, tss: pd.DataFrame, genes: list[str], margin: int) -> sp.csr_matrix:
    """Which regions touch which gene's promoters: `margin` bp to both sides of any of its TSSs.

    Parameters
    ----------
    regions
        Columns chrom, start (0-based), end (exclusive), one row a region.
    tss
        Table by contract ``tss``.
    margin
        bp.

    Returns
    -------
    (regions, genes), 0 or 1.
    """
    import pandas as pd
    import scipy.sparse as sp

    place = {gene: number for number, gene in enumerate(genes)}
    sites = tss[tss["gene"].isin(place)]
    frame = pd.DataFrame(
        {
            "chrom": regions["chrom"].astype(str).to_numpy(),
            "start": regions["start"].to_numpy(),
            "end": regions["end"].to_numpy(),
        }
    )
    pairs_of: list[np.ndarray] = []
    for chrom, part in frame.groupby("chrom", sort=True):
        here = sites[sites["chrom"].astype(str) == chrom].sort_values("tss", kind="stable")
        if here.empty:
            continue
        position = here["tss"].to_numpy()
        first = np.searchsorted(position, part["start"].to_numpy() - margin, side="left")
        after = np.searchsorted(position, part["end"].to_numpy() - 1 + margin, side="right")
        counts = after - first
        region = np.repeat(part.index.to_numpy(), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        gene = here["gene"].map(place).to_numpy()[np.repeat(first, counts) + within]
        pairs_of.append(np.column_stack([region, gene]))
    pairs = np.unique(np.concatenate(pairs_of), axis=0) if pairs_of else np.empty((0, 2), dtype=int)
    return sp.csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(frame), len(genes)))
