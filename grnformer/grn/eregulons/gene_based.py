"""eRegulons without regions: regulons of TF and genes.

By pySCENIC's route modules were pruned by motifs already; without ATAC, other evidence is taken with its genes alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from grnformer.core.errors import InputError
from grnformer.grn.eregulons.funnel import STEPS, Funnel
from grnformer.grn.eregulons.ranking import add_weights

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

NO_REGION = ""
COLUMNS = ["eregulon", "tf", "region", "gene", "tf_gene_weight", "tf_gene_rho", "region_gene_weight",
           "region_gene_rho", "evidence"]  # fmt: skip


def link_genes(genes: Iterable[str]) -> pd.DataFrame:
    """Links of no region to each gene, where there is no ATAC: evidence of a gene then stands for the gene alone.

    Returns
    -------
    Columns of contract region_gene, sorted by gene.
    """
    import pandas as pd

    return pd.DataFrame({"gene": sorted(set(genes))}).assign(
        region=NO_REGION, distance=0, promoter=True, importance=1.0, rho=1.0, weight=1.0
    )


def without_links(eregulons: pd.DataFrame) -> pd.DataFrame:
    """ERegulons that were built on the links of `link_genes`, named and weighed as those without regions."""
    return eregulons.drop(columns="triplet_rank", errors="ignore").assign(
        eregulon=eregulons["eregulon"].str.replace(r"/\+$", "/0", regex=True),
        region_gene_weight=0.0,
        region_gene_rho=0.0,
    )


def build_gene_based(
    cistromes: pd.DataFrame,
    tf_gene: pd.DataFrame,
    tfs: list[str],
    *,
    sign_pairs: Sequence[str],
    min_targets: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make an eRegulon of each TF, annotation and sign of the cistromes that name genes, not regions.

    As in pySCENIC (Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2) such a regulon is finished: co-expression
    chose its genes and motifs pruned them, so it passes no leading edge and no binarisation. Its name ends in ``/0``,
    for there is no region whose correlation with the gene could have a sign.

    Parameters
    ----------
    cistromes
        Contract cistromes, only rows whose region is empty; their sign is the eRegulon's.
    tf_gene
        Contract tf_gene; pairs that it does not have get weight and correlation 0.
    tfs
        TFs of the run, for the funnel.
    sign_pairs
        Kept are the signs that stand before the stroke.
    min_targets
        Genes an eRegulon must have.

    Returns
    -------
    eRegulons (contract eregulons; may have no row), sorted, and the funnel (contract funnel).
    """
    rows = add_weights(
        cistromes[["tf", "gene", "annotation", "sign", "evidence"]], tf_gene
    )
    sign = rows["sign"].map({1: "+", -1: "-"})
    kept = rows[sign.isin({pair[0] for pair in sign_pairs})].copy()
    kept["eregulon"] = (
        kept["tf"] + "_" + kept["annotation"] + "_" + sign[kept.index] + "/0"
    )
    size = kept.groupby("eregulon")["gene"].transform("nunique")
    enough = kept[size >= min_targets]

    funnel = Funnel(tfs)
    # steps about regions and leading edges take nothing from such regulons
    _, with_cistrome, *between, last = STEPS
    for step, part in [
        (with_cistrome, rows),
        *((step, kept) for step in between),
        (last, enough),
    ]:
        funnel.add(step, part["tf"], part["gene"])

    frame = enough.assign(
        region=NO_REGION,
        tf_gene_weight=enough["importance"].astype(float),
        tf_gene_rho=enough["rho"].astype(float),
        region_gene_weight=0.0,
        region_gene_rho=0.0,
    )[COLUMNS]
    n_eregulons, n_tfs = frame["eregulon"].nunique(), frame["tf"].nunique()
    logger.info(
        "%d eRegulons without regions, of %d TFs, %d rows",
        n_eregulons,
        n_tfs,
        len(frame),
    )
    return frame.sort_values(["eregulon", "gene"], ignore_index=True), funnel.table()


def without_regions(cistromes: pd.DataFrame) -> bool:
    """Whether the cistromes name genes, not regions; of both kinds they must not be.

    Raises
    ------
    InputError
        If they are of both kinds.
    """
    without = cistromes["region"] == NO_REGION
    if without.any() and not without.all():
        raise InputError(
            f"{int(without.sum())} of {len(without)} rows of the cistromes have no region",
            "cistromes of one kind: with regions, or of genes only",
            "build them again by one method (grn.cistromes.method)",
        )
    return bool(without.any())
