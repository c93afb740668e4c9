"""Accessibility as measured: 1 where a cell has a count in the region."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.region_gene.signal import Data, Signal


@method("binary")
def observe(
    data: Data, *, metacell_size: int, max_cells: int | None, seed: int
) -> Signal:
    """Cells as units, binarised accessibility. `metacell_size`, `max_cells` and `seed` are not used."""
    accessible = data.accessible.tocsc().astype(np.float32)
    return Signal(
        data.expression.tocsc(), lambda regions: accessible[:, regions].toarray().T
    )
