"""Cistromes from motifs in region sets: a TF binds the regions of the motifs that stand for it.

Direct cistromes rest only on directly annotated motifs; extended ones also on motifs annotated by orthology or
similarity, as in SCENIC+. A TF without such motifs has no extended cistrome: it would repeat the direct one.
"""

from __future__ import annotations

import logging

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.grn.cistromes.evidence import COLUMNS, Evidence, describe_motifs

logger = logging.getLogger(__name__)


def take_motifs(evidence: Evidence, name: str) -> pd.DataFrame:
    """Give each TF the linked regions of its motifs (contract motif_enrichment).

    Parameters
    ----------
    name
        The method, for the column `evidence`.

    Returns
    -------
    Table tf, region, gene (None), annotation (``direct``, ``extended``), evidence (``<name>:<motif>``, the motif of
    highest score), sign (0: a motif says nothing of it), score (that NES, or log2 fold change).

    Raises
    ------
    InputError
        If the motif enrichment is missing, or no enriched motif stands for a TF of the run at a linked region.
    """
    motifs = evidence.read()
    linked = set(evidence.links["region"])
    direct = _of_tfs(motifs, "tfs_direct").assign(annotation="direct")
    other = _of_tfs(motifs, "tfs_extended").assign(annotation="extended")
    # extended cistromes rest on both kinds, but only of TFs that have the other kind
    has_other = direct["tf"].isin(other["tf"])
    repeated = direct[has_other].assign(annotation="extended")
    rows = pd.concat([direct, other, repeated])

    # fewer rows first: each motif has thousands of regions
    rows = rows[rows["tf"].isin(evidence.tfs)]
    n_annotated = rows["tf"].nunique()
    rows = rows.explode("region")
    rows = rows[rows["region"].isin(linked)]
    if rows.empty:
        raise InputError(
            f"{motifs['motif'].nunique()} enriched motifs stand for {n_annotated} TFs of the run, none at a region "
            f"linked to a gene ({len(linked)} linked regions, {len(evidence.tfs)} TFs)",
            "enriched motifs of measured TFs at linked regions",
            "use a motif-to-TF table of this species' symbols (grn.cistromes.motifs_to_tfs), or lower "
            "grn.cistromes.min_abs_rho",
        )
    logger.info(
        "enriched motifs: %d TFs annotated, %d with linked regions",
        n_annotated,
        rows["tf"].nunique(),
    )

    # the best motif speaks for a region that several have; of equals, the first by name
    key = ["tf", "annotation", "region"]
    rows = rows.sort_values(
        [*key, "score", "motif"],
        ascending=[True, True, True, False, True],
    )
    rows = rows.drop_duplicates(key, ignore_index=True)

    table = rows.assign(
        gene=None,
        evidence=describe_motifs(name, rows["motif"]),
        sign=0,
        score=rows["score"].astype(float),
    )
    return table[COLUMNS]


def _of_tfs(motifs: pd.DataFrame, column: str) -> pd.DataFrame:
    """A row a motif and TF in the lists of `column`: tf, motif, score, region (still a list)."""
    rows = motifs[["motif", "score", "regions", column]]
    rows = rows.set_axis(["motif", "score", "region", "tf"], axis=1)
    return rows.explode("tf").dropna(subset="tf")
