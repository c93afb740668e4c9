"""eRegulons as sets of features: their target genes, or their target regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp


def find_members(
    eregulons: pd.DataFrame, features: pd.Index, column: str
) -> tuple[list[str], sp.csc_matrix]:
    """Targets of each eRegulon.

    Parameters
    ----------
    eregulons
        Contract eregulons.
    features
        Names of the genes or regions of the data.
    column
        ``gene`` or ``region``; triplets without a region do not count.

    Returns
    -------
    Names of the eRegulons that have such a target, sorted; features x eRegulons with 1 for members.

    Raises
    ------
    InputError
        If the data lacks a target.
    """
    import scipy.sparse as sp

    # A gene with several regions, or a region with several genes, counts once.
    pairs = (
        eregulons.loc[eregulons[column] != "", ["eregulon", column]]
        .astype(str)
        .drop_duplicates()
    )
    position = features.get_indexer(pairs[column])
    missing = pairs[column][position < 0]
    if len(missing):
        raise InputError(
            f"{missing.nunique()} eRegulon {column}s are not in the data, first {missing.iloc[0]!r}",
            "eRegulons of the same data",
            "infer the eRegulons again from this multiome.h5mu",
        )

    names, number = np.unique(pairs["eregulon"].to_numpy(object), return_inverse=True)
    members = sp.csc_matrix(
        (np.ones(len(pairs)), (position, number)), (len(features), len(names))
    )
    return names.tolist(), members
