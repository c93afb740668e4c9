"""Motifs enriched near the genes of co-expression modules, by pySCENIC itself; settings of `cistarget_genes`."""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_modules import take_modules


@method(
    "pyscenic_ctx",
    environment="pyscenic",
    reads=Table("originals/module_enrichment", "module_enrichment"),
    rules=lambda section: ["run_pyscenic_ctx"],
    needs=lambda section: ["motifs_to_tfs", "cistarget_genes.rankings"],
    names_genes=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_modules`."""
    return take_modules(evidence, "pyscenic_ctx")
