"""Which cells, genes and regions are kept, and the record of those that are not."""

from __future__ import annotations

from typing import Any

import anndata
import mudata
import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.prep.metacells import GROUP_SIZES
from grnformer.prep.qc import (
    DEPTH_REMEDY,
    drop_doublets,
    judge_cells,
    mark,
    measure_cells,
    stop_if_few,
)
from grnformer.prep.sample import dropped_table

_FEWER_CELLS = "lower prep.{section}.min_cells, or give deeper data"


def filter_multiome(
    data: mudata.MuData,
    tss: pd.DataFrame,
    *,
    seed: int,
    settings: dict[str, Any],
) -> tuple[mudata.MuData, pd.DataFrame, pd.DataFrame]:
    """Filter cells, then genes and regions by the cells kept.

    Parameters
    ----------
    data
        Contract `paired_counts`.
    tss
        Contract `tss`.
    settings
        Config keys ``cells, doublets, genes, regions`` of section `prep`.

    Returns
    -------
    multiome
        Contract `paired_counts`, what is kept.
    dropped
        Contract `dropped`.
    qc
        Contract `cell_qc`: every cell before filtering.

    Raises
    ------
    InputError
        If no cell, gene or region is kept.
    """
    qc = _judge_cells(data, tss, seed=seed, settings=settings)
    kept = qc["kept"].to_numpy()
    # Genes and regions are counted in the cells that are kept.
    rna = data.mod["rna"][kept]
    features = {"rna": judge_features(rna, settings["genes"]["min_cells"])}
    stop_if_few(
        features["rna"],
        "gene",
        remedy=_FEWER_CELLS.format(section="genes"),
        figures=_cells_per_feature(rna),
    )

    if "atac" in data.mod:
        features["atac"] = _judge_regions(
            data.mod["atac"][kept], tss, **settings["regions"]
        )

    cells = dropped_table("cell", qc["reason"].fillna(""))
    cells["sample"] = cells["name"].map(qc["sample"])
    dropped = [cells]
    for modality, kind in (("rna", "gene"), ("atac", "region")):
        if modality in features:
            dropped.append(dropped_table(kind, features[modality]))

    masks = {name: (reasons == "").to_numpy() for name, reasons in features.items()}
    left = take_subset(data, kept, masks)
    return left, pd.concat(dropped, ignore_index=True), qc.reset_index(drop=True)


def _judge_regions(
    atac: anndata.AnnData,
    tss: pd.DataFrame,
    *,
    min_cells: int,
    drop_chromosomes: list[str],
) -> pd.Series:
    """See `judge_features`; also regions on chromosomes without genes. InputError if too few are left."""
    regions = judge_features(atac, min_cells)
    chromosomes = set(tss["chrom"]) - set(drop_chromosomes)
    mark(
        regions,
        ~atac.var["chrom"].isin(chromosomes),
        "chromosome not in the TSS table, or excluded",
    )
    stop_if_few(
        regions,
        "region",
        remedy=_FEWER_CELLS.format(section="regions")
        + "; see prep.regions.drop_chromosomes",
        figures=_cells_per_feature(atac),
    )
    return regions


def _judge_cells(
    data: mudata.MuData,
    tss: pd.DataFrame,
    *,
    seed: int,
    settings: dict[str, Any],
) -> pd.DataFrame:
    """Contract `cell_qc`, indexed by cell."""
    limits = dict(settings["cells"])
    min_per_type = limits.pop("min_per_type")
    sample = data.obs["sample"].astype(str)

    qc = measure_cells(data, tss)
    grouped = set(GROUP_SIZES) <= set(data.obs)
    # The bounds are of single cells, which are judged before they are summed.
    reasons = pd.Series("", qc.index) if grouped else judge_cells(qc, sample, **limits)

    # The column is there without the search for doublets too: the contract names it.
    qc["doublet_score"] = np.nan
    doublets = dict(settings["doublets"])

    # After the limits: doublets are simulated from the cells that are left.
    if doublets.pop("enabled"):
        reasons, qc["doublet_score"] = drop_doublets(
            data, reasons, seed=seed, **doublets
        )

    # Types are counted last, among the cells that every other filter keeps.
    if "cell_type" in data.obs:
        types = data.obs["cell_type"].astype(str)
        sizes = types[reasons == ""].value_counts()
        cells = "metacells" if grouped else "cells"
        _stop_if_all_small(sizes, min_per_type, cells)
        for name in sizes.index[sizes < min_per_type]:
            mark(
                reasons,
                types == name,
                f"cell type {name} has fewer than {min_per_type} {cells}",
            )

    stop_if_few(reasons, "cell", remedy=DEPTH_REMEDY)
    _stop_if_a_sample_is_lost(reasons, sample)

    qc.insert(0, "cell", qc.index)
    qc.insert(1, "sample", sample)
    qc["reason"] = reasons.where(reasons != "", None)
    qc["kept"] = reasons == ""
    return qc


def _stop_if_all_small(sizes: pd.Series, least: int, cells: str) -> None:
    if len(sizes) and sizes.max() < least:
        raise InputError(
            f"all {len(sizes)} cell types have fewer than {least} {cells} that pass the filters: {sizes.index[0]!r}, "
            f"the largest, has {sizes.iloc[0]}",
            f"a cell type of at least {least} {cells} (prep.cells.min_per_type)",
            "give broader cell types in the annotation (not one name a cell), or lower the bound"
            + (" or prep.unpaired.cells_per_group" if cells == "metacells" else ""),
        )


def _stop_if_a_sample_is_lost(reasons: pd.Series, sample: pd.Series) -> None:
    lost = sorted(set(sample) - set(sample[reasons == ""]))
    if lost:
        of_sample = reasons[sample == lost[0]].value_counts()
        raise InputError(
            f"no cell of the samples {lost} passes the filters; {of_sample.iloc[0]} of the {of_sample.sum()} of "
            f"{lost[0]!r} are dropped for: {of_sample.index[0]}",
            "cells of each sample in the sheet",
            f"{DEPTH_REMEDY}; or take the sample out of the sheet",
        )


def _cells_per_feature(data: anndata.AnnData) -> str:
    median = np.median(data.X.getnnz(axis=0))
    return f"; half of them are in {median:g} of {data.n_obs} cells or fewer"


def judge_features(data: anndata.AnnData, min_cells: int) -> pd.Series:
    """Why a gene or region is dropped, "" where it is kept, by name."""
    reasons = pd.Series("", index=data.var_names)
    # Stored entries are counts above 0: `as_counts` leaves no zeros.
    reasons[data.X.getnnz(axis=0) < min_cells] = f"in fewer than {min_cells} cells"
    return reasons


def take_subset(
    data: mudata.MuData, cells: np.ndarray, features: dict[str, np.ndarray]
) -> mudata.MuData:
    """The kept cells (mask) and, by modality, genes and regions (masks), counted anew."""
    parts = {
        modality: data.mod[modality][cells, kept].copy()
        for modality, kept in features.items()
    }
    for part in parts.values():
        part.var["n_cells"] = part.X.getnnz(axis=0).astype(np.int64)

    left = mudata.MuData(parts)
    for column in ("sample", "donor", "barcode", "cell_type"):
        if column in data.obs:
            left.obs[column] = data.obs[column].astype(str)[cells].to_numpy()
    for column in GROUP_SIZES:
        if column in data.obs:
            left.obs[column] = data.obs[column].to_numpy()[cells]
    left.uns["checks"] = data.uns["checks"]
    return left
