"""Topic-imputed accessibility: the probability of a region in a cell under the topic model, as in SCENIC+."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from grnformer.core.methods import method
from grnformer.grn.region_gene.groups import group_cells
from grnformer.grn.region_gene.signal import Data, Signal

logger = logging.getLogger(__name__)


@method("topics")
def impute(
    data: Data, *, metacell_size: int, max_cells: int | None, seed: int
) -> Signal:
    """Cells as units; P(region | cell) = sum over topics of P(region | topic) P(topic | cell).

    Of more than `max_cells` cells, groups of cells of like topics are boosted, see `group_cells`, and the cells
    correlated. `metacell_size` and `seed` are not used.
    """
    loading = data.region_topic.astype(np.float32)

    def imputed(cell_topic: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        by_topic = np.ascontiguousarray(cell_topic.T, dtype=np.float32)
        return lambda regions: loading[regions] @ by_topic

    cells = Signal(data.expression.tocsc(), imputed(data.cell_topic))
    n_cells = len(data.cell_topic)
    if max_cells is None or n_cells <= max_cells:
        return cells

    unit = group_cells(data.cell_topic, max_cells)
    sizes = np.bincount(unit)
    logger.info(
        "%d cells in %d groups of %d or %d cells (grn.region_gene.max_cells)",
        n_cells,
        len(sizes),
        sizes.min(),
        sizes.max(),
    )
    share = (1 / sizes[unit]).astype(np.float32)
    mean = sp.csr_matrix((share, (unit, np.arange(n_cells))))
    expression = sp.csc_matrix(mean @ data.expression)
    return Signal(expression, imputed(mean @ data.cell_topic), cells)
