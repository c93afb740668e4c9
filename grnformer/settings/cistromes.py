"""Regions, or genes, that each TF binds."""

from __future__ import annotations

from typing import Literal

from grnformer.core.methods import names
from grnformer.settings.key import File, Settings, key
from grnformer.settings.methods import with_methods


@with_methods("grnformer.grn.cistromes")
class Cistromes(Settings):
    """Regions, or genes, that each TF binds."""

    method: str = key(
        "prior",
        "prior: known targets; cistarget, motif_scan: motifs enriched in region sets, by a ranking database that is "
        "given or made of the dataset's regions; dem: motifs that score higher in a region set than in a background; "
        "cistarget_genes: motifs enriched near the genes of co-expression modules; pyscenic_ctx: the same by pySCENIC "
        "in an environment apart; promoter: motifs on promoter sequences",
        options=names("grnformer.grn.cistromes"),
    )
    min_abs_rho: float = key(
        0.05,
        "least size of the region-gene correlation of a link that may carry a cistrome",
        ge=0,
        le=1,
    )
    region_set_kinds: list[Literal["topic_otsu", "topic_li", "topic_top", "dar"]] = key(
        [], "only regions of such sets; []: all linked regions", unique=True
    )
    motifs_to_tfs: File | None = key(
        None,
        "motif-to-TF table: cisTarget's motif2TF (v9, v10), RcisTarget's, or columns motif, tf; a path or "
        "resource:<name>",
    )
