"""Topic tables of the topics stage as matrices in the order of the multiome's cells and regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def align_topics(
    cell_topic: pd.DataFrame, region_topic: pd.DataFrame, cells: Sequence[str], regions: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return cells x topics and regions x topics (float64), rows in the given order, topics in the same order.

    Raises
    ------
    InputError
        If a cell or region is missing, or the tables do not have the same topics.
    """
    topics = [c for c in cell_topic.columns if c != "cell"]
    if set(topics) != set(region_topic.columns) - {"region"}:
        raise InputError(
            f"cell_topic has {len(topics)} topics, region_topic {region_topic.shape[1] - 1}",
            "the same topics in both",
            "rerun the topics stage",
        )
    by_cell = cell_topic.set_index("cell")[topics].reindex(cells)
    by_region = region_topic.set_index("region")[topics].reindex(regions)
    for kind, table in (("cell", by_cell), ("region", by_region)):
        missing = table.index[table.isna().any(axis=1)]
        if len(missing):
            raise InputError(
                f"{len(missing)} of {len(table)} {kind}s of the multiome are not in the topics, first {missing[0]!r}",
                "topics fitted on this very multiome",
                "rerun the topics stage",
            )
    return by_cell.to_numpy(float), by_region.to_numpy(float)
