"""Inputs of the cistrome methods."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from grnformer.core.errors import InputError

COLUMNS = ["tf", "region", "gene", "annotation", "evidence", "sign", "score"]


@dataclass(frozen=True)
class Evidence:
    """What a method may use."""

    links: pd.DataFrame
    """Contract region_gene, only links that may carry an eRegulon; without ATAC those of `link_genes`."""
    tfs: list[str]
    """TFs of the run."""
    prior: pd.DataFrame
    """Contract prior."""
    table: pd.DataFrame | None = None
    """What the method's registration says that it reads."""

    def read(self) -> pd.DataFrame:
        """Return the method's table; InputError if there is none."""
        if self.table is None:
            raise InputError(
                "no motif table",
                "the table that the method reads",
                "run the rule that makes it",
            )
        return self.table


def describe_motifs(method: str, motifs: pd.Series) -> pd.Series:
    """Evidence ``<method>:<motif>``; what separates sources (``:``, ``;``, ``|``), as in Ahr::Arnt, becomes ``_``."""
    return f"{method}:" + motifs.str.replace(r"[:;|]+", "_", regex=True)
