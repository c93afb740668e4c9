"""Accessibility as measured: 1 where a cell has a count in the region."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.region_gene.signal import Data, Signal


@method("binary")
def observe(data: Data, *, metacell_size: int, seed: int) -> Signal:
    """Cells as units, binarised accessibility. `metacell_size` and `seed` are not used."""
    accessible = data.accessible.tocsc().astype(np.float32)
    return Signal(
        data.expression.tocsc(), lambda regions: accessible[:, regions].toarray().T
    )
