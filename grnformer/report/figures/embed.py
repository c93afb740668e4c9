"""Figure of the types that embedded cells map to."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import legend_above

_COLOURS = {"in domain": "#0072B2", "out of domain": "#B5548A"}


def plot_mapped_types(types: pd.DataFrame) -> go.Figure:
    """Bars of cells by file and mapped type, those out of domain apart.

    Parameters
    ----------
    types
        ``file, cell_type, cells, out_of_domain`` (numbers of cells).
    """
    counts = {
        "in domain": types["cells"] - types["out_of_domain"],
        "out of domain": types["out_of_domain"],
    }
    figure = go.Figure()
    for name, cells in counts.items():
        figure.add_bar(
            x=[types["file"], types["cell_type"]],
            y=cells,
            name=name,
            marker_color=_COLOURS[name],
        )
    figure.update_layout(barmode="stack", yaxis_title="cells")
    return legend_above(figure)
