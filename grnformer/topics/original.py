"""Topics that pycisTopic has fitted in its own environment (Bravo Gonzalez-Blas et al. 2023, doi
10.1038/s41592-023-01938-4); the program is workflow/originals/run_pycistopic.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError
from grnformer.topics.evaluate import Fits
from grnformer.topics.model import TopicModel, from_table

if TYPE_CHECKING:
    import pandas as pd

#: Tables of the original in the order of the rule's input -> their contracts.
TABLES = {
    "cell_topic": "cell_topic",
    "region_topic": "region_topic",
    "partial_cell_topic": "cell_topic",
    "partial_region_topic": "region_topic",
}


def take_models(
    cells: list[str],
    regions: list[str],
    *,
    cell_topic: pd.DataFrame,
    region_topic: pd.DataFrame,
    partial_cell_topic: pd.DataFrame,
    partial_region_topic: pd.DataFrame,
) -> Fits:
    """Return the models in these tables; the cells that the partial model lacks are the held-out ones.

    Parameters
    ----------
    cells, regions
        The names of this run, in its order.
    cell_topic, region_topic, partial_cell_topic, partial_region_topic
        By the contracts ``cell_topic`` and ``region_topic``.

    Raises
    ------
    InputError
        If the tables are of other cells or regions.
    """
    import pandas as pd

    of_cells, cell_names = from_table(cell_topic, "cell")
    of_regions, region_names = from_table(region_topic, "region")
    of_part, part_names = from_table(partial_cell_topic, "cell")
    partial, partial_names = from_table(partial_region_topic, "region")
    held_out = ~pd.Index(cells).isin(part_names)
    same = cell_names == cells and region_names == regions == partial_names
    if not same or held_out.all() or not held_out.any() or np.sum(~held_out) != len(part_names):
        raise InputError(
            f"topics of {len(cell_names)} cells ({len(part_names)} without the held-out ones) x {len(region_names)} "
            f"regions",
            f"topics of this run's {len(cells)} cells and {len(regions)} regions, in their order",
            "run the original again",
        )
    return Fits(TopicModel(of_cells, of_regions), TopicModel(of_part, partial), np.asarray(held_out))
