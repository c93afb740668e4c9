"""Figures of genes set in silico: the genes that shift most, and how far the cell embedding shifts."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import legend_above

_COLOURS = {"shift": "#0072B2", "rewired": "#B5548A", "no edges": "#999999"}


def plot_top_shifts(top: pd.DataFrame, unit: str) -> go.Figure:
    """Bars of the targets that shift most, with the shift of the controls beside.

    Parameters
    ----------
    top
        target, shift, rewired_shift, no_edges_shift; first the largest.
    unit
        Of the shifts.
    """
    figure = go.Figure()
    columns = {
        "shift": "shift",
        "rewired": "rewired_shift",
        "no edges": "no_edges_shift",
    }
    for name, column in columns.items():
        if top[column].isna().all():
            continue
        figure.add_bar(
            x=top["target"], y=top[column], name=name, marker_color=_COLOURS[name]
        )
    figure.update_layout(barmode="group", yaxis_title=f"shift ({unit})")
    return legend_above(figure)


def plot_cell_shifts(cells: pd.DataFrame) -> go.Figure:
    """Length of the embedding's shift for each gene and kind, by cell type; a group an arm.

    Parameters
    ----------
    cells
        Contract ``perturbed_cells``, rows with a shift.
    """
    figure = go.Figure()
    for arm, part in cells.groupby("arm", sort=False):
        label = part["gene"] + ", " + part["kind"].str.replace("_", " ")
        figure.add_bar(
            x=[label, part["cell_type"]],
            y=part["shift"],
            error_y={"type": "data", "array": part["sd"].fillna(0.0)},
            name=str(arm),
        )
    figure.update_layout(barmode="group", yaxis_title="shift (SD)")
    return legend_above(figure)
