"""Inputs of the cistrome methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Evidence:
    """links: contract region_gene, only links that may carry an eRegulon. tfs: the run's TFs. prior: contract prior."""

    links: pd.DataFrame
    tfs: list[str]
    prior: pd.DataFrame
