"""The run as SCENIC+ leaves one: scplusmdata.h5mu with counts, AUC of eRegulons and their table in uns.

Layout of SCENIC+ 1.0 (Bravo Gonzalez-Blas et al. 2023, doi 10.1038/s41592-023-01938-4): modalities scRNA_counts,
scATAC_counts, {direct,extended}_{gene,region}_based_AUC; uns {direct,extended}_e_regulon_metadata.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.grn.cell_type.edges import edge_signs

if TYPE_CHECKING:
    import anndata
    import mudata
    import pandas as pd

ANNOTATIONS = ("direct", "extended")
_OBS = ("cell_type", "sample", "donor")


def write(run: Run, folder: Path) -> None:
    """Write ``scplusmdata.h5mu``."""
    data = as_mudata(run)
    io.write_mudata(data, folder / "scplusmdata.h5mu", "scenicplus_mudata")


def as_mudata(run: Run) -> mudata.MuData:
    """The run as one MuData; without ATAC, it has no scATAC_counts, and no AUC of regions."""
    import mudata

    parts = {"scRNA_counts": _counts(run.read_cells("rna"))}
    if "atac" in run.modalities:
        parts["scATAC_counts"] = _counts(run.read_cells("atac"))

    cells = parts["scRNA_counts"].obs_names
    table = as_metadata(run.eregulons)
    by_genes = run.activity.to_df().loc[cells]
    # of all eRegulons before the filter: those that it dropped are left out below
    has_regions = (run.eregulons["region"] != "").any()
    by_regions = run.region_activity.loc[cells] if has_regions else None

    uns = {}
    for annotation in ANNOTATIONS:
        of_annotation = table[table["is_extended"] == (annotation == "extended")]
        if of_annotation.empty:
            continue
        uns[f"{annotation}_e_regulon_metadata"] = of_annotation.reset_index(drop=True)
        names = of_annotation.drop_duplicates("eRegulon_name").set_index(
            "eRegulon_name"
        )
        genes = names["Gene_signature_name"]
        parts[f"{annotation}_gene_based_AUC"] = _auc(by_genes, genes)
        if by_regions is not None:
            regions = names["Region_signature_name"]
            regions = regions[regions.index.isin(by_regions.columns)]
            parts[f"{annotation}_region_based_AUC"] = _auc(by_regions, regions)

    # Columns of one modality are not copied into the shared obs.
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData(parts)
    for column in _OBS:
        data.obs[f"scRNA_counts:{column}"] = parts["scRNA_counts"].obs[column]
    if run.umap is not None:
        places = run.umap.loc[data.obs_names].to_numpy()
        # SCENIC+ takes embeddings from the modalities
        for part in (data, parts["scRNA_counts"]):
            part.obsm["X_umap"] = places
    data.uns.update(uns)
    return data


def as_metadata(eregulons: pd.DataFrame) -> pd.DataFrame:
    """Triplets (contract ``eregulons``) by the columns of SCENIC+'s table of eRegulons."""
    import pandas as pd

    names = eregulons["eregulon"].astype(str)
    of_name = eregulons.groupby("eregulon")
    n_genes = names.map(of_name["gene"].nunique()).astype(str)
    has_region = eregulons["region"] != ""
    regions = eregulons[has_region].groupby("eregulon")["region"].nunique()
    n_regions = names.map(regions).fillna(0).astype(int).astype(str)
    importance, rho = eregulons["region_gene_weight"], eregulons["region_gene_rho"]

    table = pd.DataFrame(
        {
            "Region": eregulons["region"],
            "Gene": eregulons["gene"],
            "importance_R2G": importance,
            "rho_R2G": rho,
            "importance_x_rho": importance * rho,
            "importance_x_abs_rho": importance * rho.abs(),
            "TF": eregulons["tf"],
            # <TF>_<annotation>_<signs>; a TF may hold a _ itself
            "is_extended": names.str.rsplit("_", n=2).str[1] == "extended",
            "eRegulon_name": names,
            "Gene_signature_name": names + "_(" + n_genes + "g)",
            "Region_signature_name": names + "_(" + n_regions + "r)",
            "importance_TF2G": eregulons["tf_gene_weight"],
            "regulation": edge_signs(names).astype(np.int64),
            "rho_TF2G": eregulons["tf_gene_rho"],
        }
    )
    if "triplet_rank" in eregulons:
        table["triplet_rank"] = eregulons["triplet_rank"]
    return table


def _counts(cells: anndata.AnnData) -> anndata.AnnData:
    """Counts in X, as the modality's name says."""
    import anndata

    return anndata.AnnData(
        cells.layers["counts"].astype(np.float32),
        obs=cells.obs[[column for column in _OBS if column in cells.obs]].astype(str),
        var=cells.var.copy(),
    )


def _auc(auc: pd.DataFrame, signatures: pd.Series) -> anndata.AnnData:
    """AUCs of the eRegulons that have a signature, named by it."""
    import anndata
    import pandas as pd

    return anndata.AnnData(
        auc[signatures.index].to_numpy(np.float32),
        obs=pd.DataFrame(index=auc.index),
        var=pd.DataFrame(index=pd.Index(signatures.tolist())),
    )
