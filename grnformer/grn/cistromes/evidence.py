"""Inputs of the cistrome methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Evidence:
    """What a method may use; `motif_enrichment` only where motifs were looked for."""

    links: pd.DataFrame
    """Contract region_gene, only links that may carry an eRegulon."""
    tfs: list[str]
    """TFs of the run."""
    prior: pd.DataFrame
    """Contract prior."""
    motif_enrichment: pd.DataFrame | None = None
    """Contract motif_enrichment."""


def describe_motifs(method: str, motifs: pd.Series) -> pd.Series:
    """Evidence ``<method>:<motif>``; what separates sources (``:``, ``;``, ``|``), as in Ahr::Arnt, becomes ``_``."""
    return f"{method}:" + motifs.str.replace(r"[:;|]+", "_", regex=True)
