"""Motifs enriched near the genes of co-expression modules: pySCENIC's route."""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_modules import take_modules
from grnformer.settings.key import Count, File, Fraction, Settings, key


class CistargetGenes(Settings):
    """pySCENIC's route: modules of co-expressed genes, pruned by motifs; eRegulons have no regions.

    Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2. Holds for pyscenic_ctx too, the original (make
    env-pyscenic), which reads only cisTarget's motif-to-TF table.
    """

    rankings: list[File] = key(
        [],
        "<name>.genes_vs_motifs.rankings.feather, one or more databases; a path or resource:<name> each",
    )
    percentiles: list[Fraction] = key(
        [0.75, 0.9], "modules: pairs above these quantiles of all importances"
    )
    top_targets: list[Count] = key(
        [50],
        "modules: this number of genes with the greatest importance for a TF",
        unit="genes",
    )
    top_regulators: list[Count] = key(
        [5, 10, 50],
        "modules: this number of a gene's TFs with the greatest importance",
        unit="TFs",
    )
    min_genes: int = key(20, "genes of a module, including the TF", unit="genes", ge=1)
    min_abs_rho: float = key(
        0.03,
        "size of the correlation beyond which a TF-gene pair has a sign",
        ge=0,
        le=1,
    )
    repressing: bool = key(False, "also modules of repressed genes")
    auc_threshold: float = key(
        0.05,
        "fraction of the ranked genes, from the top, over which the recovery AUC is taken",
        gt=0,
        le=1,
    )
    rank_threshold: int = key(
        5000, "ranks in which the leading edge is looked for", unit="genes", ge=1
    )
    nes_threshold: float = key(
        3,
        "least normalised enrichment score of a motif: its AUC in SDs over all motifs",
        unit="SD",
        ge=0,
    )
    min_mapped: float = key(
        0.8,
        "fraction of a module's genes in the database that must be exceeded",
        ge=0,
        lt=1,
    )


@method(
    "cistarget_genes",
    settings=CistargetGenes,
    reads=Table("module_enrichment", "module_enrichment"),
    rules=lambda section: ["enrich_modules"],
    needs=lambda section: ["motifs_to_tfs", "cistarget_genes.rankings"],
    names_genes=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_modules`."""
    return take_modules(evidence, "cistarget_genes")
