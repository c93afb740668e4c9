"""Topics by pycisTopic, in an environment apart (Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4).

The program is workflow/originals/run_pycistopic.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grnformer.core.errors import InputError
from grnformer.core.methods import method
from grnformer.settings.key import Settings, key
from grnformer.topics.evaluate import Fits
from grnformer.topics.model import TopicModel, from_table

if TYPE_CHECKING:
    import pandas as pd


class Pycistopic(Settings):
    """pycisTopic's run_cgs_models, by default (Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4)."""

    n_iterations: int = key(
        150,
        "Gibbs sweeps over all accessible regions of all cells",
        unit="sweeps",
        ge=1,
    )
    alpha: float = key(
        50,
        "Dirichlet prior of a cell's topics, summed over topics",
        unit="regions",
        gt=0,
    )
    eta: float = key(
        0.1, "Dirichlet prior of each of a topic's regions", unit="cells", gt=0
    )


@method("pycistopic", settings=Pycistopic, environment="pycistopic")
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
    # In the order of the run too: rows meet the matrix by place, not by name. A cell
    # that is not of the run, in the partial model, leaves fewer matches than rows.
    same = cell_names == cells and region_names == regions == partial_names
    n_part = len(part_names)
    if not same or n_part in (0, len(cells)) or (~held_out).sum() != n_part:
        raise InputError(
            f"topics of {len(cell_names)} cells ({n_part} without the held-out ones) x {len(region_names)} regions",
            f"topics of this run's {len(cells)} cells and {len(regions)} regions, in their order",
            "run the original again",
        )
    return Fits(
        TopicModel(of_cells, of_regions), TopicModel(of_part, partial), held_out
    )
