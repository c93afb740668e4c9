"""Quality of cells: metrics, filters, and the reason why a cell is dropped."""

from __future__ import annotations

import logging
from typing import Any

import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.genome.intervals import holds_tss

log = logging.getLogger(__name__)

# With fewer cells, genes or regions there is nothing to embed or to compare.
MIN_LEFT = 10
DEPTH_REMEDY = "set the bounds under prep.cells in the config to the data's depth, or choose a prep.preset"

# Metrics in which an outlier is a damaged cell or a doublet; counts are compared on a log scale.
OUTLIER_METRICS = ("n_umis", "n_genes", "n_atac_counts", "n_regions")
_MAD_TO_SD = 1.4826  # of a normal distribution
_PROMOTER = 1000  # bp on either side of a TSS
_SCRUBLET_COMPONENTS = 30  # Scrublet's default
# MT- (human), mt- (mouse), mt: (fly), MT. (through R).
_MITO_PREFIX = r"(?i)^mt[-:.]"
# In small letters: UCSC, then Ensembl in worm, yeast and fly.
_MITO_CHROMOSOMES = ("chrm", "chrmt", "mtdna", "mito", "mitochondrion_genome")


def measure_cells(data: mudata.MuData, tss: pd.DataFrame) -> pd.DataFrame:
    """QC metrics of each cell before any filter.

    Parameters
    ----------
    data
        Contract `paired_counts`; or ATAC alone.
    tss
        Contract `tss`.

    Returns
    -------
    pandas.DataFrame
        Indexed by cell: ``n_umis, n_genes, percent_mito`` of RNA, ``n_atac_counts, n_regions, percent_promoter`` of
        ATAC; the last is the percentage of ATAC counts in regions within 1,000 bp of a TSS.
    """
    metrics = pd.DataFrame(index=data.obs_names)
    if "rna" in data.mod:
        rna = data.mod["rna"]
        mitochondrial = find_mitochondrial(rna.var_names, tss)
        metrics["n_umis"] = _sums(rna.X)
        metrics["n_genes"] = rna.X.getnnz(axis=1)
        metrics["percent_mito"] = _percent(rna.X, mitochondrial)
    if "atac" in data.mod:
        atac = data.mod["atac"]
        promoter = holds_tss(atac.var, tss, margin=_PROMOTER)
        metrics["n_atac_counts"] = _sums(atac.X)
        metrics["n_regions"] = atac.X.getnnz(axis=1)
        metrics["percent_promoter"] = _percent(atac.X, promoter)
    counted = [name for name in OUTLIER_METRICS if name in metrics]
    return metrics.astype(dict.fromkeys(counted, np.int64))


def find_mitochondrial(genes: pd.Index, tss: pd.DataFrame) -> np.ndarray:
    """Which genes are mitochondrial, by the prefix of their name or, without one, by their chromosome; boolean.

    Warns if none is: the filter by their fraction then keeps every cell.
    """
    on_chromosome = tss["chrom"].str.lower().isin(_MITO_CHROMOSOMES)
    elsewhere = tss.loc[~on_chromosome, "gene"]
    placed = tss.loc[on_chromosome & ~tss["gene"].isin(elsewhere), "gene"]

    found = named_mitochondrial(genes) | genes.isin(placed)
    if not found.any():
        log.warning(
            "no mitochondrial gene (MT-, or on chrM in the TSS table) is among the %d genes: percent_mito is 0 in all "
            "cells, and prep.cells.max_percent_mito drops none",
            len(genes),
        )
    return np.asarray(found, dtype=bool)


def named_mitochondrial(genes: pd.Index) -> np.ndarray:
    """Which genes are mitochondrial by the prefix of their name; boolean."""
    return np.asarray(genes.str.contains(_MITO_PREFIX, regex=True), dtype=bool)


def judge_cells(
    metrics: pd.DataFrame,
    sample: pd.Series,
    *,
    min_umis: int,
    max_umis: int | None,
    min_genes: int,
    min_atac_counts: int,
    max_atac_counts: int | None,
    min_regions: int,
    max_percent_mito: float,
    n_mads: float,
) -> pd.Series:
    """Reason for dropping each cell, '' for those kept.

    Limits first; then, within each sample and among the cells kept so far, a cell is an outlier if its log1p metric
    is more than `n_mads` median absolute deviations (scaled to an SD) from the median (Germain et al. 2020,
    doi 10.1186/s13059-020-02136-7).

    Raises
    ------
    InputError
        If no cell is kept; it names the filter that removed most.
    """
    reasons = pd.Series("", index=metrics.index)
    limits: dict[str, tuple[float | None, float | None]] = {
        "n_umis": (min_umis, max_umis),
        "n_genes": (min_genes, None),
        "n_atac_counts": (min_atac_counts, max_atac_counts),
        "n_regions": (min_regions, None),
        "percent_mito": (None, max_percent_mito),
    }
    # Of RNA alone there are no metrics of ATAC.
    limits = {metric: both for metric, both in limits.items() if metric in metrics}
    for metric, (low, high) in limits.items():
        if low is not None:
            mark(reasons, metrics[metric] < low, f"{metric} below {low:g}")
        if high is not None:
            mark(reasons, metrics[metric] > high, f"{metric} above {high:g}")

    # Each metric is judged among the cells that the metrics before it keep: empty droplets would shift the median.
    for metric in filter(metrics.columns.__contains__, OUTLIER_METRICS):
        kept = reasons == ""
        distance = _mads(np.log1p(metrics.loc[kept, metric]), sample[kept])
        # Cells dropped before have no distance: they are no outliers here.
        outlier = distance.abs().gt(n_mads).reindex(metrics.index, fill_value=False)
        mark(
            reasons,
            outlier,
            f"{metric} further than {n_mads:g} MADs from the sample's median",
        )

    medians = ", ".join(f"{metric} {metrics[metric].median():g}" for metric in limits)
    stop_if_few(
        reasons,
        "cell",
        remedy=DEPTH_REMEDY,
        figures=f"; medians of all cells: {medians}",
    )
    return reasons


def stop_if_few(
    reasons: pd.Series, kind: str, *, remedy: str, figures: str = ""
) -> None:
    """Raise InputError if fewer than `MIN_LEFT` cells, genes or regions are left without a reason to be dropped."""
    counts = reasons[reasons != ""].value_counts()
    n_kept = len(reasons) - counts.sum()
    log.info(
        "%d of %d %ss kept; dropped: %s",
        n_kept,
        len(reasons),
        kind,
        counts.to_dict() or "none",
    )
    if n_kept < MIN_LEFT:
        dropped = "; ".join(f"{n} for: {reason}" for reason, n in counts[:3].items())
        n = "no" if n_kept == 0 else n_kept
        raise InputError(
            f"{n} {kind} passes the filters, of {len(reasons)}; dropped are {dropped or 'none'}{figures}",
            f"at least {MIN_LEFT} {kind}s",
            remedy,
        )


def drop_doublets(
    data: mudata.MuData,
    reasons: pd.Series,
    *,
    expected_rate: float,
    threshold: float | None,
    seed: int,
) -> tuple[pd.Series, pd.Series]:
    """Score doublets among the cells kept so far, sample by sample (Scrublet, doi 10.1016/j.cels.2018.11.005).

    Parameters
    ----------
    expected_rate
        Expected fraction of doublets, 0 to 1.
    threshold
        Score above which a cell is a doublet, 0 to 1; None: at the minimum between the simulated modes.

    Returns
    -------
    reasons, scores
        `reasons` with the doublets marked; scores, NaN for cells already dropped.
    """
    import scanpy as sc

    reasons = reasons.copy()
    scores = pd.Series(np.nan, index=reasons.index)

    # A doublet forms within one sample: cells of another cannot be its parts.
    for name, cells in data.obs.groupby("sample", observed=True).groups.items():
        kept = reasons.index[(reasons == "") & reasons.index.isin(cells)]
        part = data.mod["rna"][kept].copy()
        part.X = part.X.astype(np.float32)

        # Scrublet uses only variable genes, a fraction of all: it must not ask for more components than those.
        components = max(2, min(_SCRUBLET_COMPONENTS, part.n_obs - 1, part.n_vars // 4))
        settings: dict[str, Any] = {
            "expected_doublet_rate": expected_rate,
            "threshold": threshold,
        }
        sc.pp.scrublet(
            part,
            **settings,
            random_state=seed,
            n_prin_comps=components,
            verbose=False,
        )

        scores[kept] = part.obs["doublet_score"]
        doublets = kept[part.obs["predicted_doublet"].to_numpy(dtype=bool)]
        log.info("sample %s: %d doublets of %d cells", name, len(doublets), len(kept))
        reasons[doublets] = "doublet"
    return reasons, scores


def mark(reasons: pd.Series, wrong: pd.Series, reason: str) -> None:
    """Give a reason to what is wrong and has none yet, in place."""
    reasons[wrong & (reasons == "")] = reason


def _sums(matrix: sp.csr_matrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1)).ravel()


def _percent(matrix: sp.csr_matrix, chosen: np.ndarray) -> np.ndarray:
    """Percentage of each cell's counts in the chosen columns; 0 for a cell without counts."""
    part = _sums(matrix[:, np.flatnonzero(chosen)])
    return 100 * part / np.maximum(_sums(matrix), 1)


def _mads(values: pd.Series, sample: pd.Series) -> pd.Series:
    """Distance from the sample's median in scaled median absolute deviations; 0 where all values are equal."""
    away = values - values.groupby(sample).transform("median")
    mad = _MAD_TO_SD * away.abs().groupby(sample).transform("median")

    # The MAD is 0 where more than half of the cells share one value: no outliers then.
    return (away / mad.where(mad > 0)).fillna(0.0)
