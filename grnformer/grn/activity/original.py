"""AUCs that pySCENIC has computed in its own environment (Aibar et al. 2017, doi 10.1038/nmeth.4463).

The program is workflow/originals/run_pyscenic_aucell.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def take_auc(
    scored: pd.DataFrame, cells: Sequence[str], names: Sequence[str], *, n_genes: int, auc_threshold: float
) -> tuple[np.ndarray, int]:
    """Return the AUCs of `scored` (contract cell_auc), cells x eRegulons, float32, and pySCENIC's rank cut-off.

    Raises
    ------
    InputError
        If a cell or an eRegulon was not scored.
    """
    table = scored.set_index("cell")
    for kind, wanted, there in (("cells", cells, table.index), ("eRegulons", names, table.columns)):
        missing = [name for name in wanted if name not in there]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(wanted)} {kind} have no AUC by pySCENIC, first {missing[0]!r}",
                "AUCs of these very eRegulons in this very multiome",
                "run the original again",
            )
    return table.loc[list(cells), list(names)].to_numpy(np.float32), round(auc_threshold * n_genes)
