"""Cistromes: which regions, or genes, a TF binds. Methods by name: (Evidence, settings) to cistromes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from grnformer.grn.cistromes import cistarget, modules, prior

if TYPE_CHECKING:
    import pandas as pd


class Enrichment(NamedTuple):
    """A table of enriched motifs in results/<dataset>/grn: the file's stem and its contract."""

    file: str
    contract: str


# The methods of motifs in regions differ in the database (given, or made of the dataset's own regions) and the test.
METHODS: "dict[str, Callable[..., pd.DataFrame]]" = {
    "prior": prior.join_prior,
    "cistarget": cistarget.take_motifs,
    "motif_scan": cistarget.take_motifs,
    "dem": cistarget.take_motifs,
    "cistarget_genes": modules.take_modules,
    "pyscenic_ctx": modules.take_modules,
}
# What a method reads; a method that is not here needs no motifs.
ENRICHMENTS = {
    "cistarget": Enrichment("motif_enrichment", "motif_enrichment"),
    "motif_scan": Enrichment("motif_enrichment", "motif_enrichment"),
    "dem": Enrichment("motif_contrast", "motif_enrichment"),
    "cistarget_genes": Enrichment("module_enrichment", "module_enrichment"),
    "pyscenic_ctx": Enrichment("originals/module_enrichment", "module_enrichment"),
}
# Methods whose cistromes name genes, not regions.
GENE_BASED = frozenset(method for method, read in ENRICHMENTS.items() if read.contract == "module_enrichment")
