"""Topic tables of the topics stage as matrices in the order of the multiome's cells and regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError


def align_topics(
    cell_topic: pd.DataFrame,
    region_topic: pd.DataFrame,
    cells: Sequence[str],
    regions: Sequence[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Return cells x topics and regions x topics (float64), rows in the given order, topics in the same order.

    Raises
    ------
    InputError
        If a cell or region is missing, or the tables do not have the same topics.
    """
    topics = cell_topic.columns.drop("cell")
    if set(topics) != set(region_topic) - {"region"}:
        raise InputError(
            f"cell_topic has {len(topics)} topics, region_topic {region_topic.shape[1] - 1}",
            "the same topics in both",
            "rerun the topics stage",
        )

    matrices = []
    for kind, table, names in (
        ("cell", cell_topic, cells),
        ("region", region_topic, regions),
    ):
        # Topics by name: tables may order them differently. A missing row is NaN.
        aligned = table.set_index(kind)[topics].reindex(names)
        missing = aligned.index[aligned.isna().any(axis=1)]
        if len(missing):
            raise InputError(
                f"{len(missing)} of {len(names)} {kind}s of the multiome are not in the topics, first {missing[0]!r}",
                "topics fitted on this very multiome",
                "rerun the topics stage",
            )
        matrices.append(aligned.to_numpy(float))
    return matrices[0], matrices[1]
