"""AUCell by pySCENIC, in an environment apart (Aibar et al. 2017, doi 10.1038/nmeth.4463).

The program is workflow/originals/run_pyscenic_aucell.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError
from grnformer.core.methods import method

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp


@method("pyscenic_aucell", environment="pyscenic")
def take(
    expression: sp.csr_matrix,
    gene_sets: sp.csc_matrix,
    names: Sequence[str],
    cells: Sequence[str],
    fitted: np.ndarray,
    *,
    scored: pd.DataFrame,
    auc_threshold: float,
    detected_quantile: float,
) -> tuple[np.ndarray, int]:
    """Return the AUCs of `scored` (contract cell_auc), cells x eRegulons, float32, and pySCENIC's rank cut-off.

    `gene_sets`, `fitted` and `detected_quantile` are not used: all methods have one signature.

    Raises
    ------
    InputError
        If a cell or an eRegulon was not scored.
    """
    table = scored.set_index("cell")
    for kind, wanted, there in (
        ("cells", cells, table.index),
        ("eRegulons", names, table.columns),
    ):
        missing = [name for name in wanted if name not in there]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(wanted)} {kind} have no AUC by pySCENIC, first {missing[0]!r}",
                "AUCs of these very eRegulons in this very multiome",
                "run the original again",
            )
    return table.loc[list(cells), list(names)].to_numpy(np.float32), round(
        auc_threshold * expression.shape[1]
    )
