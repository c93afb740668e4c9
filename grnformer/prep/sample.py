"""One sample: RNA and ATAC read, checked and paired."""

from __future__ import annotations

import logging
from typing import Any

import anndata
import mudata
import pandas as pd

from grnformer.genome.build_check import check_build, check_chromosomes
from grnformer.prep.features import as_atac, as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.pairing import annotation_of, label_cells, pair_barcodes, read_annotation

log = logging.getLogger("grnformer.prep")

OBS_PREFIX = "obs:"


def load_sample(
    row: dict[str, str],
    tss: pd.DataFrame,
    *,
    min_known_genes: float,
    min_barcode_overlap: float,
    min_annotated: float,
    build: dict[str, Any],
    barcodes: pd.DataFrame | None = None,
) -> tuple[mudata.MuData, pd.DataFrame]:
    """Read one line of the sample sheet.

    Parameters
    ----------
    row
        ``sample, donor, genome, rna, atac, annotation``; files as paths, `annotation` may be ``obs:<column>``.
    tss
        Contract `tss` of the sample's genome.
    min_known_genes, min_barcode_overlap, min_annotated
        Shares, 0 to 1: see `as_rna`, `pair_barcodes`, `label_cells`.
    build
        Keyword arguments of `check_build`.
    barcodes
        Contract `fragment_qc` where the counts were made from fragments (then `atac` names their counts): why the
        other barcodes are not among them. None: the counts came as they are.

    Returns
    -------
    multiome
        Contract `paired_counts`; cells named ``<sample>:<barcode>``.
    dropped
        Contract `dropped`: cells of one modality only, and cells without a type. Of fragments, barcodes that are
        neither in the RNA nor have enough fragments are empty droplets, and are left to `barcodes`.

    Raises
    ------
    InputError
        For whatever is wrong with the files; the first thing found.
    """
    raw_rna = read_matrix(row["rna"])
    raw_atac = raw_rna if row["atac"] == row["rna"] else read_matrix(row["atac"])
    where = f"sample {row['sample']}"
    atac = as_atac(raw_atac, f"{where}, ATAC ({row['atac']})")
    check_chromosomes(atac.var["chrom"].value_counts(), tss, f"{where}, ATAC ({row['atac']})", what="regions")
    checks = check_build(atac.var, tss, row["genome"], f"{where}, ATAC ({row['atac']})", **build)
    rna = as_rna(raw_rna, tss, f"{where}, RNA ({row['rna']})", min_known_genes=min_known_genes)

    shared = pair_barcodes(rna.obs_names, atac.obs_names, where, min_barcode_overlap=min_barcode_overlap)
    reasons = pd.concat(
        [
            pd.Series("no ATAC barcode", rna.obs_names.difference(shared, sort=False)),
            pd.Series("no RNA barcode", atac.obs_names.difference(shared, sort=False)),
        ]
    )
    if barcodes is not None:
        reasons = _reasons_of_fragments(reasons, barcodes)
    cell_type = None
    if row.get("annotation"):
        cell_type = label_cells(annotation_of_sample(row, rna), shared, where, min_annotated=min_annotated)
        unnamed = cell_type.index[cell_type == ""]
        reasons = pd.concat([reasons, pd.Series("no cell type in the annotation", unnamed)])
        shared = shared[~shared.isin(unnamed)]
    checks |= {"rna_barcodes": rna.n_obs, "atac_barcodes": atac.n_obs, "paired": len(shared)}

    data = _joined(rna[shared].copy(), atac[shared].copy(), row)
    if cell_type is not None:
        data.obs["cell_type"] = cell_type.loc[shared].to_numpy()
    data.uns["checks"] = {row["sample"]: {key: float(value) for key, value in checks.items()}}
    return data, dropped_table("cell", _cell_names(row["sample"], reasons.index), row["sample"], reasons.to_numpy())


def dropped_table(kind: str, names: Any, sample: str | Any | None, reasons: Any) -> pd.DataFrame:
    """Rows of contract `dropped`."""
    frame = pd.DataFrame({"kind": kind, "name": names, "sample": sample, "reason": reasons})
    return frame.astype(object).reset_index(drop=True)


def _reasons_of_fragments(reasons: pd.Series, barcodes: pd.DataFrame) -> pd.Series:
    """Reasons by barcode, those that the fragments gave in place of a missing partner."""
    judged = barcodes[barcodes["reason"].notna()].set_index("barcode")
    of_rna = judged[judged["paired"]]
    unpaired = judged.loc[judged["reason"] == "no RNA barcode", "reason"]
    changed = reasons.copy()
    changed.update(of_rna["reason"])
    return pd.concat([changed, unpaired])


def annotation_of_sample(row: dict[str, str], rna: anndata.AnnData) -> pd.Series:
    """Cell types by barcode, from the sample's table or from a column of its RNA's obs."""
    annotation = row["annotation"]
    if annotation.startswith(OBS_PREFIX):
        return annotation_of(rna.obs, annotation.removeprefix(OBS_PREFIX), row["rna"])
    return read_annotation(annotation, rna.obs_names)


def _cell_names(sample: str, barcodes: pd.Index) -> pd.Index:
    return pd.Index([f"{sample}:{barcode}" for barcode in barcodes], dtype=object)


def _joined(rna: anndata.AnnData, atac: anndata.AnnData, row: dict[str, str]) -> mudata.MuData:
    """A MuData whose cells carry the sample's name; only what the contract names is kept."""
    mudata.set_options(pull_on_update=False)
    barcodes = rna.obs_names
    names = _cell_names(row["sample"], barcodes)
    rna = anndata.AnnData(rna.X, obs=pd.DataFrame(index=names), var=rna.var[rna.var.columns.intersection(["gene_id"])])
    atac = anndata.AnnData(atac.X, obs=pd.DataFrame(index=names), var=atac.var[["chrom", "start", "end"]])
    data = mudata.MuData({"rna": rna, "atac": atac})
    data.obs["sample"] = row["sample"]
    data.obs["donor"] = row.get("donor") or row["sample"]
    data.obs["barcode"] = barcodes.to_numpy()
    return data
