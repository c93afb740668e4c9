"""Topic tables of the topics stage as matrices in the order of the multiome's cells and regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.io import read_modality, read_table


def read_regions(
    multiome: str | Path,
    topics: Sequence[str | Path],
    cells: Sequence[str],
    parts: str | None = None,
) -> tuple[anndata.AnnData, np.ndarray, np.ndarray]:
    """Return accessibility, cells x topics and regions x topics; without topics (RNA alone) all of them of no region.

    Parameters
    ----------
    multiome
        Of the cells.
    topics
        Tables cell_topic and region_topic, or none.
    cells
        In this order.
    parts
        Of accessibility, see `read_modality`.
    """
    if not topics:
        nothing = sp.csr_matrix((len(cells), 0), dtype=np.float32)
        atac = anndata.AnnData(nothing, obs=pd.DataFrame(index=pd.Index(cells)))
        atac.layers["counts"] = nothing.copy()
        return atac, np.zeros((len(cells), 1)), np.zeros((0, 1))

    atac = read_modality(multiome, "atac", "multiome", parts)
    tables = read_table(topics[0], "cell_topic"), read_table(topics[1], "region_topic")
    return atac, *align_topics(*tables, cells, atac.var_names)


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
