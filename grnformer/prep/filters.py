"""Which cells, genes and regions stay, and the record of those that do not."""

from __future__ import annotations

from typing import Any

import mudata
import numpy as np
import pandas as pd

from grnformer.prep.qc import drop_doublets, judge_cells, measure_cells, stop_if_empty
from grnformer.prep.sample import dropped_table


def filter_multiome(
    data: mudata.MuData, tss: pd.DataFrame, *, seed: int, settings: dict[str, Any]
) -> tuple[mudata.MuData, pd.DataFrame, pd.DataFrame]:
    """Filter cells, then genes and regions by the cells left.

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
        Contract `paired_counts`, what is left.
    dropped
        Contract `dropped`.
    qc
        Contract `cell_qc`: every cell before filtering.

    Raises
    ------
    InputError
        If nothing is left of cells, genes or regions.
    """
    limits = dict(settings["cells"])
    min_per_type = limits.pop("min_per_type")
    sample = data.obs["sample"].astype(str)
    qc = measure_cells(data, tss)
    reasons = judge_cells(qc, sample, **limits)
    qc["doublet_score"] = np.nan
    doublets = dict(settings["doublets"])
    if doublets.pop("enabled"):
        reasons, qc["doublet_score"] = drop_doublets(data, reasons, seed=seed, **doublets)
    if "cell_type" in data.obs:
        types = data.obs["cell_type"].astype(str)
        sizes = types[reasons == ""].value_counts()
        rare = (reasons == "") & (types.map(sizes).fillna(0) < min_per_type)
        reasons[rare] = [f"cell type {name} has fewer than {min_per_type} cells" for name in types[rare]]
    stop_if_empty(reasons, "cell")

    kept = (reasons == "").to_numpy()
    genes = _judge_features(data.mod["rna"][kept], "gene", settings["genes"]["min_cells"])
    regions = _judge_features(data.mod["atac"][kept], "region", settings["regions"]["min_cells"])
    off = ~data.mod["atac"].var["chrom"].isin(set(tss["chrom"]) - set(settings["regions"]["drop_chromosomes"]))
    regions[off & (regions == "")] = "chromosome not in the TSS table, or excluded"
    stop_if_empty(regions, "region")

    qc.insert(0, "cell", qc.index)
    qc.insert(1, "sample", sample)
    qc["reason"] = reasons.where(reasons != "", None)
    qc["kept"] = kept
    cell_reasons = reasons[reasons != ""]
    dropped = [
        dropped_table("cell", cell_reasons.index, sample[cell_reasons.index].to_numpy(), cell_reasons.to_numpy()),
        *(
            dropped_table(kind, judged.index[judged != ""], None, judged[judged != ""].to_numpy())
            for kind, judged in (("gene", genes), ("region", regions))
        ),
    ]
    left = _subset(data, kept, (genes == "").to_numpy(), (regions == "").to_numpy())
    return left, pd.concat(dropped, ignore_index=True), qc.reset_index(drop=True)


def _judge_features(data: Any, kind: str, min_cells: int) -> pd.Series:
    cells = data.X.getnnz(axis=0)
    reasons = pd.Series("", index=data.var_names)
    reasons[cells < min_cells] = f"in fewer than {min_cells} cells"
    stop_if_empty(reasons, kind)
    return reasons


def _subset(data: mudata.MuData, cells: np.ndarray, genes: np.ndarray, regions: np.ndarray) -> mudata.MuData:
    parts = {"rna": data.mod["rna"][cells, genes].copy(), "atac": data.mod["atac"][cells, regions].copy()}
    for part in parts.values():
        part.var["n_cells"] = part.X.getnnz(axis=0).astype(np.int64)
    left = mudata.MuData(parts)
    for column in ("sample", "donor", "barcode", "cell_type"):
        if column in data.obs:
            left.obs[column] = data.obs[column].astype(str)[cells].to_numpy()
    left.uns["checks"] = data.uns["checks"]
    return left
