"""The GRN of every cell type, and a summary of their sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.cell_type.edges import build_cell_type_grn
from grnformer.grn.cell_type.openness import count_cells, measure_openness

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp


def build_cell_type_grns(
    eregulons: pd.DataFrame,
    specificity: pd.DataFrame,
    genes: list[str],
    regions: list[str],
    expression: sp.csr_matrix,
    accessible: sp.csr_matrix,
    cell_type: np.ndarray,
    cell_topic: np.ndarray,
    region_topic: np.ndarray,
    *,
    openness: str,
    min_openness: float,
    **settings: Any,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Build the GRN of every type: see `build_cell_type_grn`.

    Parameters
    ----------
    specificity
        Contract specificity: eregulon, cell_type, rss.
    genes, regions
        Names of the columns of `expression` and `accessible`.
    expression, accessible
        cells x genes and cells x regions.
    cell_type
        Type of each cell.
    cell_topic, region_topic
        cells x topics, regions x topics, in the same order.

    openness
        See `measure_openness`.
    min_openness, settings
        See `build_cell_type_grn`.

    Returns
    -------
    GRN per type, and the summary (contract cell_type_summary).

    Raises
    ------
    InputError
        If a type has no edge.
    """
    import pandas as pd

    types = sorted({str(name) for name in cell_type})
    open_cells = count_cells(accessible, cell_type, types)
    detected = count_cells(expression, cell_type, types)
    relative = measure_openness(
        openness, open_cells, cell_topic, region_topic, cell_type, types
    )

    networks, summary = {}, []
    for i, name in enumerate(types):
        rss = specificity[specificity["cell_type"] == name].set_index("eregulon")["rss"]
        n_cells = int((cell_type == name).sum())
        # (genes,) fraction of the type's cells; (regions,) relative openness;
        # (regions,) cells
        network = build_cell_type_grn(
            eregulons,
            rss,
            pd.Series(detected[i] / n_cells, index=genes),
            pd.Series(relative[i], index=regions),
            pd.Series(open_cells[i], index=regions),
            min_openness=min_openness,
            **settings,
        )
        if network.empty:
            raise InputError(
                f"cell type {name!r} ({n_cells} cells) has no edge: of {eregulons['eregulon'].nunique()} eRegulons "
                f"{len(rss)} have a specificity in it; {int((relative[i] >= min_openness).sum())} regions are open",
                "at least one eRegulon with its TF detected and a region open in every type",
                "lower min_rss_quantile, min_tf_cells, min_openness or min_open_cells of grn.cell_type, or merge "
                "types; where eRegulons are few, lower grn.eregulons.min_targets",
            )
        networks[name] = network
        summary.append({"cell_type": name, "cells": n_cells, **describe_size(network)})
    return networks, pd.DataFrame(summary)


def describe_size(network: pd.DataFrame) -> dict[str, float]:
    """Numbers of the GRN of a type, as in the contract cell_type_summary."""
    n_tfs = network["tf"].nunique()
    return {
        "eregulons": network["eregulons"].explode().nunique(),
        "tfs": n_tfs,
        "genes": network["gene"].nunique(),
        "regions": network["regions"].explode().nunique(),
        "edges": len(network),
        "activating": int((network["sign"] > 0).sum()),
        "repressing": int((network["sign"] < 0).sum()),
        "mean_targets": len(network) / n_tfs,
    }
