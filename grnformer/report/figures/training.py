"""Figures of pretraining: curves, held-out loss and beta of every arm and seed."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import INK, legend_above, panels

_SPLITS = {"train": "training cells", "heldout": "held-out cells"}


def plot_curves(curves: pd.DataFrame, unit: str, palette: dict[str, str]) -> go.Figure:
    """Loss by step, one panel a split; single seeds thin, their mean thick. `palette`: arm -> colour."""
    splits = [split for split in _SPLITS if split in set(curves["split"])]
    titles = [_SPLITS[split] for split in splits]
    figure, places = panels(titles, shared_yaxes=True, horizontal_spacing=0.04)

    for split, place in zip(splits, places, strict=True):
        for arm, part in curves[curves["split"] == split].groupby("arm", sort=False):
            shared = {
                "legendgroup": str(arm),
                "mode": "lines+markers",
                "marker_size": 4,
                **place,
            }
            shared |= {"line_color": palette[str(arm)]}

            for _, one in part.groupby("seed", sort=True):
                figure.add_scatter(
                    x=one["step"],
                    y=one["loss"],
                    opacity=0.35,
                    line_width=1,
                    showlegend=False,
                    hoverinfo="skip",
                    **shared,
                )

            # Seeds evaluate at the same steps.
            mean = part.groupby("step")["loss"].mean()
            first = place["col"] == 1
            figure.add_scatter(
                x=mean.index,
                y=mean,
                name=str(arm),
                line_width=2.6,
                showlegend=first,
                **shared,
            )

    figure.update_xaxes(title="step")
    figure.update_yaxes(title=f"loss ({unit})", col=1)
    return legend_above(figure, margin_t=84)


def plot_heldout(
    heldout: pd.DataFrame, unit: str, palette: dict[str, str]
) -> go.Figure:
    """Final held-out loss of every seed and arm, with the baselines as lines."""
    figure = _dots(heldout, "loss", palette)
    # All models are scored on the same cells, and so are the baselines.
    for column, dash in (("baseline_loss", "dash"), ("baseline_cell_type_loss", "dot")):
        figure.add_vline(
            x=float(heldout[column].mean()),
            line_color=INK,
            line_dash=dash,
            line_width=1.4,
        )
    linear = heldout[["factor_loss", "ridge_loss"]].mean().min()
    if pd.notna(linear):
        figure.add_vline(
            x=float(linear), line_color=INK, line_dash="dashdot", line_width=1.4
        )
    return figure.update_xaxes(title=f"held-out loss ({unit}; lower is better)")


def plot_beta(heldout: pd.DataFrame, palette: dict[str, str]) -> go.Figure:
    """Beta of every seed and arm that has an adapter."""
    figure = _dots(heldout.dropna(subset=["beta"]), "beta", palette)
    figure.add_vline(x=0, line_color="#b8c1ca", line_dash="dot", line_width=1.4)
    return figure.update_xaxes(title="beta")


def _dots(rows: pd.DataFrame, column: str, palette: dict[str, str]) -> go.Figure:
    """One row an arm: its seeds as dots, their mean as a bar."""
    means = rows.groupby("arm", sort=False)[column].mean()
    figure = go.Figure()

    figure.add_scatter(
        x=rows[column],
        y=rows["arm"],
        mode="markers",
        showlegend=False,
        hovertext="seed " + rows["seed"].astype(str),
        marker_size=7,
        marker_opacity=0.6,
        marker_color=rows["arm"].map(palette),
    )

    figure.add_scatter(
        x=means,
        y=means.index,
        mode="markers",
        showlegend=False,
        marker_symbol="line-ns-open",
        marker_size=20,
        marker_line_width=3,
        marker_color=[palette[arm] for arm in means.index],
    )

    return figure.update_yaxes(type="category", autorange="reversed")
