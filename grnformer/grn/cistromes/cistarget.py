"""Cistromes from enriched motifs: a TF binds the leading-edge regions of the motifs that stand for it.

Direct cistromes rest on directly annotated motifs alone; extended ones also on motifs annotated by orthology or
similarity, as in SCENIC+. A TF without such motifs has no extended cistrome: it would repeat the direct one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from grnformer.grn.cistromes.evidence import Evidence

logger = logging.getLogger(__name__)


def take_motifs(evidence: Evidence, *, name: str) -> pd.DataFrame:
    """Give each TF the linked regions in the leading edges of its motifs.

    Returns
    -------
    Table tf, region, gene (None), annotation (``direct``, ``extended``), evidence (``<name>:<motif>``, the motif of
    highest score), sign (0: a motif says nothing of it), score (that NES, or log2 fold change).

    Raises
    ------
    InputError
        If the motif enrichment is missing, or no enriched motif stands for a TF of the run at a linked region.
    """
    import pandas as pd

    from grnformer.grn.cistromes.evidence import describe_motifs

    motifs = evidence.motif_enrichment
    if motifs is None:
        raise InputError("no motif enrichment", "a table of enriched motifs", "run rule enrich_motifs before")
    linked = set(evidence.links["region"])
    hits = motifs[["motif", "score", "regions", "tfs_direct", "tfs_extended"]]
    direct = hits.rename(columns={"tfs_direct": "tf"}).explode("tf").dropna(subset="tf")
    other = hits.rename(columns={"tfs_extended": "tf"}).explode("tf").dropna(subset="tf")
    extended = pd.concat([other, direct[direct["tf"].isin(set(other["tf"]))]])
    rows = pd.concat([direct.assign(annotation="direct"), extended.assign(annotation="extended")])
    rows = rows.loc[rows["tf"].isin(set(evidence.tfs)), ["tf", "annotation", "motif", "score", "regions"]]
    annotated = rows["tf"].nunique()
    rows = rows.explode("regions").rename(columns={"regions": "region"})
    rows = rows[rows["region"].isin(linked)]
    if rows.empty:
        raise InputError(
            f"{motifs['motif'].nunique()} enriched motifs stand for {annotated} TFs of the run, none at a region "
            f"linked to a gene ({len(linked)} linked regions, {len(evidence.tfs)} TFs)",
            "enriched motifs of measured TFs at linked regions",
            "use a motif-to-TF table of this species' symbols (grn.cistromes.motifs_to_tfs), or lower "
            "grn.cistromes.min_abs_rho",
        )
    rows = rows.sort_values(["tf", "annotation", "region", "score", "motif"], ascending=[True, True, True, False, True])
    rows = rows.drop_duplicates(["tf", "annotation", "region"], ignore_index=True)
    logger.info("enriched motifs: %d TFs annotated, %d with linked regions", annotated, rows["tf"].nunique())
    table = rows.assign(
        gene=None, evidence=describe_motifs(name, rows["motif"]), sign=0, score=rows["score"].astype(float)
    )
    return table[["tf", "region", "gene", "annotation", "evidence", "sign", "score"]]
