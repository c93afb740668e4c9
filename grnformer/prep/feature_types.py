"""What kind each feature of a file is, by the column that 10x and scanpy write it to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

# 10x' names and scanpy's; the first that a table has is read
COLUMNS = ("feature_types", "feature_type")
_OTHER = "modality"  # of tools that join modalities, such as scvi; also of much else
GENES, PEAKS = "Gene Expression", "Peaks"
# Words of other tools, in small letters, for 10x' kinds of features.
KINDS = {
    "gex": GENES,
    "rna": GENES,
    "gene expression": GENES,
    "gene": GENES,
    "genes": GENES,
    "atac": PEAKS,
    "peak": PEAKS,
    "peaks": PEAKS,
    "chromatin accessibility": PEAKS,
}


def kind_column(var: pd.DataFrame) -> str | None:
    """Column that says of each feature what it is; None where none does."""
    for name in COLUMNS:
        if name in var:
            return name
    if _OTHER in var and _known(var[_OTHER]).notna().any():
        return _OTHER
    return None


def _known(kinds: pd.Series) -> pd.Series:
    """10x' word for each kind, missing for those that are neither genes nor peaks."""
    return kinds.astype(str).str.strip().str.lower().map(KINDS)


def is_gene_expression(var: pd.DataFrame, where: str) -> np.ndarray:
    """Which features are genes; all where the table does not say.

    Antibodies, peaks, guides and hashtags are counted beside genes in one matrix, and are no part of a cell's RNA.

    Raises
    ------
    InputError
        If the table tells kinds and none is of genes.
    """
    column = kind_column(var)
    if column is None:
        return np.ones(len(var), bool)

    kinds = var[column].astype(str)
    genes = (_known(kinds) == GENES).to_numpy()
    if not genes.any():
        raise InputError(
            f"{where}: features of the types {sorted(set(kinds))}",
            "features of the type 'Gene Expression'",
            f"give the file that holds them, or correct var[{column!r}]",
        )
    return genes
