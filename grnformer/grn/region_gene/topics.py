"""Topic-imputed accessibility: the probability of a region in a cell under the topic model, as in SCENIC+."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.region_gene.signal import Data, Signal


@method("topics")
def impute(data: Data, *, metacell_size: int, seed: int) -> Signal:
    """Cells as units; P(region | cell) = sum over topics of P(region | topic) P(topic | cell).

    `metacell_size` and `seed` are not used.
    """
    by_topic = np.ascontiguousarray(data.cell_topic.T, dtype=np.float32)
    loading = data.region_topic.astype(np.float32)
    return Signal(data.expression.tocsc(), lambda regions: loading[regions] @ by_topic)
