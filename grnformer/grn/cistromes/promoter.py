"""Cistromes from motifs on promoter sequence: a TF binds the linked regions of the genes whose promoter it binds.

As in `prior`, the evidence speaks of one target gene only, so the column `gene` is set.
"""

from __future__ import annotations

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import COLUMNS, Evidence, describe_motifs
from grnformer.settings.key import File, PartFraction, Settings, key


class Collection(Settings):
    """Motifs, and which TFs they stand for."""

    motifs: File = key(
        ...,
        "MEME, JASPAR, Cluster-Buster, HOMER or JSON form; a path or resource:<name>",
    )
    tfs: File = key(
        ..., "motif-to-TF table of the collection; a path or resource:<name>"
    )


class Promoter(Settings):
    """Log odds that a TF binds a gene's promoter, from motifs on promoter sequences.

    Where promoters are given, bench.grn_accuracy scores them whichever the method (config/scenarios/promoters.yaml).
    """

    promoters: File | None = key(
        None,
        "promoter sequences: FASTA, or a name <symbol>_<number> and a sequence a line, such as EPD's; a path or "
        "resource:<name>; null: none, targets are those of the tables",
    )
    collections: list[Collection] = key(
        [
            {"motifs": "resource:motifs.json.gz", "tfs": "resource:motif_tfs.tsv.gz"},
            {
                "motifs": "resource:homer_motifs.txt",
                "tfs": "resource:homer_motif_tfs.mat",
            },
        ],
        "motif collections",
        min_length=1,
    )
    tables: list[File] = key(
        [],
        "TF-target tables made from motifs elsewhere, such as DoRothEA's: columns tf and target; or CellOracle's of "
        "promoters (.parquet): columns peak_id, gene_short_name and a TF each; a path or resource:<name> each",
    )
    table_log_odds: float = key(
        1,
        "natural log odds that each table with the pair adds; DoRothEA's hold ENCODE's targets 2.6 and 3.5 times as "
        "often as chance",
        ge=0,
        le=10,
    )
    min_genes: float = key(
        0.3,
        "least fraction of the dataset's genes that must have a promoter",
        ge=0,
        le=1,
    )
    background_fraction: PartFraction = key(
        0.01, "of the uniform background mixed into each position of a motif"
    )
    n_bins: int = key(
        500,
        "groups of equal size, by occupancy, in which promoters are compared with the background",
        unit="bins",
        ge=2,
    )
    min_log_odds: float = key(
        1,
        "least natural log odds of promoter against background sequence, for a gene to be a target of the TF",
        ge=0,
        le=20,
    )


def _needs(section: Section) -> list[str]:
    # tables of targets do without sequences
    if section["promoter"]["tables"]:
        return []
    return ["promoter.promoters", "promoter.collections"]


@method(
    "promoter",
    settings=Promoter,
    reads=Table("promoter_targets", "promoter_targets"),
    rules=lambda section: ["score_promoter_motifs"],
    needs=_needs,
    without_regions=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """Join the genes whose promoter has a TF's motifs (contract promoter_targets) with the regions at their promoters.

    The motif stands in the promoter's sequence, so the TF binds the region there and no other that is linked to the
    gene.

    Returns
    -------
    Table tf, region, gene, annotation (``direct``), evidence (``promoter:<motif>``, the TF's motif of the highest log
    odds at the gene's promoters), sign (0: a motif says nothing of it), score (the log odds).

    Raises
    ------
    InputError
        If no such gene of a TF of the run has a linked region.
    """
    targets = evidence.read()
    # motif collections give TFs in capitals, whatever the species
    symbols = {tf.upper(): tf for tf in evidence.tfs}
    pairs = targets.assign(tf=targets["tf"].map(symbols)).dropna(subset="tf")

    at_promoter = evidence.links[evidence.links["promoter"]]
    joined = pairs.merge(at_promoter[["region", "gene"]], on="gene")
    if joined.empty:
        raise InputError(
            f"{targets['tf'].nunique()} TFs have motifs at promoters of {targets['gene'].nunique()} genes; "
            f"{len(pairs)} pairs are of the {len(evidence.tfs)} TFs of the run, none of a gene with a linked region at "
            f"its promoter ({at_promoter['gene'].nunique()} genes have one)",
            "motifs of measured TFs at promoters of linked genes",
            "lower grn.cistromes.promoter.min_log_odds or grn.cistromes.min_abs_rho, or give more "
            "grn.cistromes.promoter.collections",
        )

    table = joined.assign(
        annotation="direct",
        evidence=describe_motifs("promoter", joined["motif"]),
        sign=0,
        score=joined["log_odds"].astype(float),
    )
    return table[COLUMNS].sort_values(["tf", "gene", "region"], ignore_index=True)
