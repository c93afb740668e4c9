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
    columns = expression.tocsc().astype(np.float64)
    mean = _mean_of_cells(columns)
    sd = np.sqrt(np.maximum(_mean_of_cells(columns.multiply(columns)) - mean**2, 0.0))

    def score(tf: str) -> Scores:
        number = number_of.get(tf)
        if number is None or sd[number] == 0:
            return None
        products = (columns.T @ columns[:, [number]]).toarray().ravel()
        covariance = products / columns.shape[0] - mean * mean[number]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(sd > 0, covariance / (sd * sd[number]), -1.0)

    return Arm(name, "baseline", score)


def constant_arm(name: str, scores: np.ndarray) -> Arm:
    """Give every TF the same scores: a baseline that knows nothing about the TF."""
    return Arm(name, "baseline", lambda _: scores)


def random_arm(n_genes: int, seed: int) -> Arm:
    """Give every TF random scores, each by a stream of its symbol."""

    def score(tf: str) -> np.ndarray:
        return np.random.default_rng([seed, zlib.crc32(tf.encode())]).random(n_genes)

    return Arm("random", "baseline", score)


def accessibility_expression(
    expression: sp.csr_matrix, accessibility: sp.csr_matrix, region_weights: sp.csr_matrix
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
    return (rankdata(expressed) + rankdata(accessible)) / (2 * len(expressed))


def weigh_links(links: pd.DataFrame, regions: pd.Index, genes: list[str], decay: float) -> sp.csr_matrix:
    """Weigh regions near a gene by their distance to its TSS: 1 there, 1/e at `decay` bp.

    Parameters
    ----------
    links
        Contract ``region_gene``; regions and genes that are not asked for are left out.

    Returns
    -------
    (regions, genes).
    """
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
    gene = pd.Index(genes).get_indexer(tss["gene"])
    known = gene >= 0
    region, site = find_overlaps(regions, tss_intervals(tss[known], margin))

    # a region may touch several promoters of one gene
    pairs = np.unique(np.column_stack([region, gene[known][site]]), axis=0)
    return sp.csr_matrix((np.ones(len(pairs)), pairs.T), shape=(len(regions), len(genes)))


def _mean_of_cells(matrix: sp.spmatrix) -> np.ndarray:
    return np.asarray(matrix.mean(axis=0)).ravel()
