"""Figures of conditions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import CATEGORIES, PALE, panels, scatter_points
from grnformer.report.text import format_rows

_POINT = "{eregulon}: difference {difference:.3f}, adjusted p {p_adjusted:.2g}"
_COLUMNS = 3


def plot_volcano(tested: pd.DataFrame, significant: float) -> go.Figure:
    """A panel a cell type and contrast: difference in activity against -log10 p.

    Parameters
    ----------
    tested
        Rows of the contract condition_eregulons with a p.
    significant
        p_adjusted up to which a point is coloured.
    """
    groups = list(tested.groupby(["cell_type", "condition"], sort=True))
    titles = [f"{cell_type}: {case}" for (cell_type, case), _ in groups]
    figure, places = panels(titles, min(_COLUMNS, len(groups)))
    for (_, part), place in zip(groups, places, strict=True):
        is_found = part["p_adjusted"] <= significant
        for rows, colour in (
            (part[~is_found], PALE),
            (part[is_found], CATEGORIES[0]),
        ):
            # 0 has no logarithm
            p = rows["p_value"].clip(lower=np.finfo(float).tiny)
            trace = scatter_points(
                rows["difference"].to_numpy(),
                -np.log10(p).to_numpy(),
                hovertext=format_rows(rows, _POINT),
                hoverinfo="text",
                marker_size=6,
                marker_color=colour,
                marker_opacity=0.7,
                showlegend=False,
            )
            figure.add_trace(trace, **place)
        figure.update_xaxes(title="difference in AUC", **place)
        figure.update_yaxes(title="-log10 p", rangemode="tozero", **place)
    return figure
