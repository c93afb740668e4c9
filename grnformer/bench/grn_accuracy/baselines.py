"""Baselines: correlation, chance, and how accessible and how expressed a gene is, whatever the TF."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.stats import rankdata

from grnformer.bench.grn_accuracy.arms import Arm, Scores
from grnformer.genome.intervals import find_overlaps, tss_intervals


def pearson_arm(name: str, expression: sp.csr_matrix, genes: list[str]) -> Arm:
    """Score genes by Pearson's correlation with the TF over cells; genes that do not vary score -1 (last).

    Parameters
    ----------
    expression
        (cells, genes), sparse, log1p.
    """
    number_of = {gene: number for number, gene in enumerate(genes)}

    # by column, as TFs are taken; double, since moments are subtracted below
    columns = expression.tocsc().astype(np.float64)
    mean = _mean_of_cells(columns)
    mean_square = _mean_of_cells(columns.multiply(columns))

    # moments keep the matrix sparse; their difference may round to just below 0
    variance = np.maximum(mean_square - mean**2, 0.0)
    sd = np.sqrt(variance)

    def score(tf: str) -> Scores:
        number = number_of.get(tf)
        if number is None or sd[number] == 0:
            return None

        of_tf = columns[:, [number]]
        # one product for all genes, without a dense matrix
        products = (columns.T @ of_tf).toarray().ravel()
        covariance = products / columns.shape[0] - mean * mean[number]

        # genes that do not vary divide by 0, and are replaced
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation = covariance / (sd * sd[number])
        return np.where(sd > 0, correlation, -1.0)

    return Arm(name, "baseline", score)


def constant_arm(name: str, scores: np.ndarray) -> Arm:
    """Give every TF the same scores: a baseline that knows nothing about the TF."""
    return Arm(name, "baseline", lambda _: scores)


def random_arm(n_genes: int, seed: int) -> Arm:
    """Give every TF random scores, each by a stream of its symbol."""

    def score(tf: str) -> np.ndarray:
        # of its symbol: TFs that come or go leave the others' scores as they are
        stream = zlib.crc32(tf.encode())
        return np.random.default_rng([seed, stream]).random(n_genes)

    return Arm("random", "baseline", score)


def accessibility_expression(
    expression: sp.csr_matrix,
    accessibility: sp.csr_matrix,
    region_weights: sp.csr_matrix,
) -> np.ndarray:
    """Score genes by how accessible their regions and how high their expression is, without knowing any TF.

    The mean of two percentile ranks among genes: mean log1p expression in the line, and the mean over the line's cells
    of accessible regions.

    Parameters
    ----------
    expression
        (cells of the line, genes), log1p.
    accessibility
        (cells of the line, regions), binarised.
    region_weights
        (regions, genes), of `map_promoters` or `weigh_links`.

    Returns
    -------
    (genes,) in [0, 1].
    """
    expressed = _mean_of_cells(expression)
    accessible = _mean_of_cells(accessibility) @ region_weights

    # ranks: the two have different units
    ranks = rankdata(expressed) + rankdata(accessible)
    return ranks / (2 * len(expressed))


def weigh_links(
    links: pd.DataFrame, regions: pd.Index, genes: list[str], decay: float
) -> sp.csr_matrix:
    """Weigh regions near a gene by their distance to its TSS: 1 there, 1/e at `decay` bp.

    Parameters
    ----------
    links
        Contract ``region_gene``; regions and genes that are not asked for are left out.

    Returns
    -------
    (regions, genes).
    """
    row = regions.get_indexer(links["region"].astype(str))
    column = pd.Index(genes).get_indexer(links["gene"])
    known = (row >= 0) & (column >= 0)

    distance = links["distance"].abs().to_numpy()
    weights = np.exp(-distance[known] / decay)
    shape = len(regions), len(genes)
    return sp.csr_matrix((weights, (row[known], column[known])), shape=shape)


def map_promoters(
    regions: pd.DataFrame, tss: pd.DataFrame, genes: list[str], margin: int
) -> sp.csr_matrix:
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
    gene = pd.Index(genes).get_indexer(tss["gene"])
    known = gene >= 0
    # sites are numbered among these promoters, hence `known` again below
    promoters = tss_intervals(tss[known], margin)
    region, site = find_overlaps(regions, promoters)
    touched = gene[known][site]

    # a region may touch several promoters of one gene, and still counts once
    pairs = np.unique(np.column_stack([region, touched]), axis=0)
    ones = np.ones(len(pairs))
    shape = len(regions), len(genes)
    return sp.csr_matrix((ones, pairs.T), shape=shape)


def _mean_of_cells(matrix: sp.spmatrix) -> np.ndarray:
    return np.asarray(matrix.mean(axis=0)).ravel()
