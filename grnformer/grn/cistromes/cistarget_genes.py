"""Motifs enriched near the genes of co-expression modules: pySCENIC's route."""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_modules import take_modules


@method(
    "cistarget_genes",
    reads=Table("module_enrichment", "module_enrichment"),
    rules=lambda section: ["enrich_modules"],
    needs=lambda section: ["motifs_to_tfs", "cistarget_genes.rankings"],
    names_genes=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_modules`."""
    return take_modules(evidence, "cistarget_genes")
