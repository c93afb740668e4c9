"""Topic tables of the topics stage as matrices in the order of the multiome's cells and regions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.io import read_modality, read_table

logger = logging.getLogger(__name__)


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

    tables = read_table(topics[0], "cell_topic"), read_table(topics[1], "region_topic")
    atac = take_regions(read_modality(multiome, "atac", "multiome", parts), tables[1])
    return atac, *align_topics(*tables, cells, atac.var_names)


def take_regions(atac: anndata.AnnData, region_topic: pd.DataFrame) -> anndata.AnnData:
    """The regions that have topics: those in few cells stay out of them (`topics.min_cells`), and so out of networks.

    Raises
    ------
    InputError
        If the topics have regions that the cells lack.
    """
    known = atac.var_names.isin(region_topic["region"])
    if known.sum() < len(region_topic):
        raise InputError(
            f"{len(region_topic) - known.sum()} of {len(region_topic)} regions of the topics are not in the multiome",
            "topics fitted on this very multiome",
            "rerun the topics stage",
        )
    if known.all():
        return atac
    logger.info("%d of %d regions have topics", known.sum(), len(known))
    return atac[:, known].copy()


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
