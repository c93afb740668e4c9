"""Section of the pretraining: curves of every arm and seed, held-out loss beside the naive floor, beta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.report.page import Figure, Section, Table
from grnformer.report.style import INK, colours

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def training_section(dataset: str, curves: pd.DataFrame, heldout: pd.DataFrame, arms: dict[str, Any]) -> Section:
    """Section of stage pretrain.

    Parameters
    ----------
    curves
        Tables by contract ``training`` below each other, with the columns arm and seed.
    heldout
        One row an arm and seed: arm, seed, heldout_mse, floor_mse, heldout_pearson, floor_pearson, beta, cells.
    arms
        ``pretrain.arms`` of the configuration.
    """
    described = "; ".join(f"{name}: {_describe(arm)}" for name, arm in arms.items())
    summary = summarise_heldout(heldout)
    seeds = heldout["seed"].nunique()
    return Section("pretrain", "Pretraining", [
        Figure("curves", plot_curves(curves), f"Training and held-out loss (masked-value mean squared error) by "
        f"step; thin "
               f"lines: single seeds, thick: their mean; {seeds} seeds an arm. Arms: {described}.", 400),
        Figure("heldout", plot_heldout(heldout), "Mean squared error of masked values of held-out cells at the end, "
        "on one "
               "fixed mask; dots: seeds, bars: mean. Dashed: the mean predictor (each gene's mean over training "
               "cells).",
               150 + 34 * len(summary), wide=False),
        Figure("beta", plot_beta(heldout), "The adapter's weight beta after training (starts at 0: no effect); dots: "
        "seeds.",
               150 + 34 * len(summary), wide=False),
        Table("pretrain_summary", summary, "Held-out error of each arm, mean and standard deviation over seeds.",
              {"seeds": "seeds (n)", "heldout_mse": "held-out MSE", "heldout_mse_sd": "SD over seeds",
               "floor_mse": "mean predictor MSE", "heldout_pearson": "held-out Pearson r"}),
        Table("pretrain_heldout", heldout, f"The same for each of the {len(heldout)} models.", folded=True),
    ], dataset)  # fmt: skip


def summarise_heldout(heldout: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over seeds of each arm's held-out error, with the floor and beta."""
    grouped = heldout.groupby("arm", sort=False)
    return grouped.agg(
        seeds=("seed", "nunique"),
        heldout_mse=("heldout_mse", "mean"),
        heldout_mse_sd=("heldout_mse", "std"),
        floor_mse=("floor_mse", "mean"),
        heldout_pearson=("heldout_pearson", "mean"),
        beta=("beta", "mean"),
    ).reset_index()


def plot_curves(curves: pd.DataFrame) -> go.Figure:
    """Loss by step, one panel a split, one colour an arm."""
    from plotly.subplots import make_subplots

    splits = [s for s in ("train", "heldout") if s in set(curves["split"])]
    figure = make_subplots(rows=1, cols=len(splits), subplot_titles=splits, shared_yaxes=True, horizontal_spacing=0.04)
    palette = colours(list(dict.fromkeys(curves["arm"])))
    for column, split in enumerate(splits, start=1):
        for arm, part in curves[curves["split"] == split].groupby("arm", sort=False):
            place: dict[str, Any] = {"row": 1, "col": column, "legendgroup": str(arm), "mode": "lines"}
            for _, one in part.groupby("seed", sort=True):
                line = {"color": palette[str(arm)], "width": 1}
                figure.add_scatter(
                    x=one["step"], y=one["loss"], opacity=0.35, line=line, showlegend=False, hoverinfo="skip", **place
                )
            mean = part.groupby("step")["loss"].mean()
            line = {"color": palette[str(arm)], "width": 2.6}
            figure.add_scatter(x=mean.index, y=mean, name=str(arm), line=line, showlegend=column == 1, **place)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="loss (MSE)", col=1)
    figure.update_layout(legend={"orientation": "h", "y": -0.2, "x": 0})
    return figure


def plot_heldout(heldout: pd.DataFrame) -> go.Figure:
    """Final held-out error of every seed and arm, with the mean predictor as a line."""
    figure = _dots(heldout, "heldout_mse")
    figure.add_vline(
        x=float(heldout["floor_mse"].mean()), line={"color": INK, "dash": "dash", "width": 1.4},
        annotation_text="mean predictor", annotation_position="top left",
    )  # fmt: skip
    figure.update_xaxes(title="held-out MSE (lower is better)")
    return figure


def plot_beta(heldout: pd.DataFrame) -> go.Figure:
    """Beta of every seed and arm that has an adapter."""
    figure = _dots(heldout.dropna(subset=["beta"]), "beta")
    figure.add_vline(x=0, line={"color": "#b8c1ca", "dash": "dot", "width": 1.4})
    figure.update_xaxes(title="beta")
    return figure


def _dots(rows: pd.DataFrame, column: str) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    palette = colours(list(dict.fromkeys(rows["arm"])))
    figure.add_scatter(
        x=rows[column], y=rows["arm"], mode="markers", showlegend=False, hovertext="seed " + rows["seed"].astype(str),
        marker={"size": 7, "opacity": 0.6, "color": rows["arm"].map(palette)},
    )  # fmt: skip
    means = rows.groupby("arm", sort=False)[column].mean()
    figure.add_scatter(
        x=means, y=means.index, mode="markers", showlegend=False,
        marker={"symbol": "line-ns-open", "size": 20, "line": {"width": 3}, "color": [palette[a] for a in means.index]},
    )  # fmt: skip
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def _describe(arm: dict[str, Any]) -> str:
    return ", ".join(f"{key} {str(value).lower() if isinstance(value, bool) else value}" for key, value in arm.items())
