"""Figures of the eRegulons: dot plot, specificity ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.report.style import INK, NEGATIVE, SEQUENTIAL

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import plotly.graph_objects as go


def top_eregulons(specificity: pd.DataFrame, per_type: int) -> list[str]:
    """The most specific eRegulons of each type, type by type, each named once.

    Parameters
    ----------
    specificity
        Columns eregulon, cell_type, rss.
    """
    ranked = specificity.sort_values(["cell_type", "rss", "eregulon"], ascending=[True, False, True])
    return list(dict.fromkeys(ranked.groupby("cell_type", sort=True).head(per_type)["eregulon"]))


def mean_expression(rna: anndata.AnnData, genes: list[str], cell_types: pd.Series) -> pd.DataFrame:
    """Mean log-normalised expression of genes (rows, present ones) in each type (columns)."""
    import pandas as pd

    present = [g for g in dict.fromkeys(genes) if g in rna.var_names]
    values = rna[:, present].X
    dense = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    types = cell_types.reindex(rna.obs_names).astype(str).to_numpy()
    return pd.DataFrame(dense, columns=present).groupby(types).mean().T


def describe_dots(
    eregulons: list[str],
    activity: anndata.AnnData,
    specificity: pd.DataFrame,
    expression: pd.DataFrame,
) -> pd.DataFrame:
    """Numbers behind the dot plot, one row an eRegulon and cell type.

    Parameters
    ----------
    activity
        AnnData by contract ``cell_activity``.
    expression
        Mean expression of TFs (rows) in cell types (columns).

    Returns
    -------
    Columns eregulon, tf, genes, cell_type, cells, rss, mean_auc, active_fraction (0 to 1), tf_expression.
    """
    import pandas as pd

    types = activity.obs["cell_type"].astype(str).to_numpy()
    part = activity[:, eregulons]
    auc = part.X.toarray() if hasattr(part.X, "toarray") else np.asarray(part.X)
    active = part.layers["active"].toarray()
    rss = specificity.set_index(["eregulon", "cell_type"])["rss"]
    rows = []
    for name in sorted(set(types)):
        of_type = types == name
        for j, eregulon in enumerate(eregulons):
            tf = str(part.var["tf"].iloc[j])
            rows.append(
                {
                    "eregulon": eregulon,
                    "tf": tf,
                    "genes": int(part.var["n_genes"].iloc[j]),
                    "cell_type": name,
                    "cells": int(of_type.sum()),
                    "rss": float(rss.get((eregulon, name), np.nan)),
                    "mean_auc": float(auc[of_type, j].mean()),
                    "active_fraction": float(active[of_type, j].mean()),
                    "tf_expression": float(expression.loc[tf, name]) if tf in expression.index else np.nan,
                }
            )
    return pd.DataFrame(rows)


def plot_dots(dots: pd.DataFrame) -> go.Figure:
    """Dot plot: eRegulons x cell types, colour TF expression (scaled per TF), size share of cells where active."""
    import plotly.graph_objects as go

    expression = dots.pivot_table(index="eregulon", columns="cell_type", values="tf_expression", dropna=False)
    scaled = expression.sub(expression.min(axis=1), axis=0).div(np.ptp(expression, axis=1).replace(0, np.nan), axis=0)
    colour = [scaled.loc[e, t] for e, t in zip(dots["eregulon"], dots["cell_type"], strict=True)]
    hover = [
        f"{r.eregulon} in {r.cell_type}<br>active in {r.active_fraction:.0%} of {r.cells:,} cells<br>RSS {r.rss:.3f}, "
        f"mean AUC {r.mean_auc:.3f}<br>mean TF expression {r.tf_expression:.3f} (log1p)"
        for r in dots.itertuples()
    ]
    figure = go.Figure()
    figure.add_scatter(
        x=dots["eregulon"],
        y=dots["cell_type"],
        mode="markers",
        showlegend=False,
        hovertext=hover,
        hoverinfo="text",
        marker={
            "size": 3 + 13 * np.sqrt(dots["active_fraction"]),
            "color": colour,
            "colorscale": SEQUENTIAL,
            "cmin": 0,
            "cmax": 1,
            "line": {"width": 0.6, "color": "#8a949e"},
            "colorbar": {"title": {"text": "TF expression<br>(scaled)"}, "thickness": 12, "len": 0.9, "y": 0.5},
        },
    )
    for share in (0.1, 0.5, 1.0):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=f"active in {share:.0%} of cells",
            marker={"size": 3 + 13 * np.sqrt(share), "color": "white", "line": {"width": 1, "color": INK}},
        )
    figure.update_xaxes(tickangle=-60, type="category", tickfont={"size": 11})
    figure.update_yaxes(type="category", autorange="reversed")
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemsizing": "trace"})
    figure.update_layout(margin={"t": 60})
    return figure


def plot_ranking(specificity: pd.DataFrame, labelled: int) -> go.Figure:
    """RSS of all eRegulons by rank, one panel a cell type, the first `labelled` named."""
    from plotly.subplots import make_subplots

    types = sorted(specificity["cell_type"].unique())
    columns = min(4, len(types))
    rows = -(-len(types) // columns)
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=types, horizontal_spacing=0.06, vertical_spacing=0.3 / max(rows, 1)
    )
    for i, name in enumerate(types):
        part = specificity[specificity["cell_type"] == name].sort_values(["rss", "eregulon"], ascending=[False, True])
        place = {"row": i // columns + 1, "col": i % columns + 1}
        ranks = np.arange(1, len(part) + 1)
        top = np.arange(len(part)) < labelled
        figure.add_scatter(
            x=ranks,
            y=part["rss"],
            mode="markers",
            showlegend=False,
            hovertext=part["eregulon"],
            marker={"size": np.where(top, 7, 4), "color": np.where(top, NEGATIVE, "#9aa5b1").tolist()},
            **place,
        )
        listed = "<br>".join(part["eregulon"].head(labelled))
        figure.add_annotation(
            x=0.98, y=0.97, xref="x domain", yref="y domain", xanchor="right", yanchor="top", align="right",
            text=listed,
            showarrow=False, font={"size": 11, "color": NEGATIVE}, bgcolor="rgba(255,255,255,.8)", **place,
        )  # fmt: skip
        figure.update_xaxes(title="rank" if i >= len(types) - columns else None, **place)
    figure.update_yaxes(title="RSS", col=1)
    return figure
