"""Section of the pretraining: curves of every arm and seed, held-out loss beside naive baselines, beta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.bench.summary import mean_difference
from grnformer.report.benchmarks import pairs_of_arms
from grnformer.report.forest import unit_name
from grnformer.report.page import Block, Figure, Note, Section, Table
from grnformer.report.style import INK, colours
from grnformer.report.verdict import Kind, classify, signed

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_TOLD = (
    "How to read held-out losses: the networks, and the thresholds above which eRegulons are active, were inferred "
    "from all cells, held-out ones included; which eRegulons are active in a cell is told from its genes that are not "
    "masked. An arm with edges is also told a cell's type, an arm without edges is not. Control graphs keep types and "
    "activities but not whose targets they speak of, so that a gain over them may still hold some of what the networks "
    "learnt from held-out cells. Drug response, whose profiles had no part in the networks, is free of it."
)
_SPLITS = {"train": "training cells", "heldout": "held-out cells"}


def training_section(dataset: str, curves: pd.DataFrame, heldout: pd.DataFrame, arms: dict[str, Any]) -> Section:
    """Section of stage pretrain.

    Parameters
    ----------
    curves
        Tables by contract ``training`` below each other, with the columns arm and seed.
    heldout
        One row an arm and seed: arm, seed, and the keys of contract ``heldout``.
    arms
        ``pretrain.arms`` of the configuration.
    """
    heldout = heldout.astype({"pearson": float, "baseline_cell_type_pearson": float})
    unit = str(heldout["loss_unit"].iloc[0])  # one backbone, hence one objective, for all arms of a run
    labels = _labels(unit)
    loss = "mean squared error of masked values, in units of each gene's SD"
    kind, baseline = "values", "each gene's mean over training cells; dotted: its mean"
    if unit == "nats":
        loss, kind = "nats a masked gene", "genes"
        baseline = "each gene's fraction of training tokens; dotted: its fraction"
    described = "; ".join(f"{name}: {_describe(arm)}" for name, arm in arms.items())
    summary, differences = summarise_heldout(heldout), compare_heldout(heldout, pairs_of_arms(arms))
    n = heldout.iloc[0]
    masked = f"{n['n']:,} masked {kind} of {n['heldout_cells']:,} held-out cells (trained on {n['train_cells']:,})"
    height = 150 + 34 * len(summary)
    blocks: list[Block] = [
        describe_gain(summary, differences, unit),
        *([Note(_TOLD)] if any(arm["graph"] != "none" for arm in arms.values()) else []),
        Figure(
            "curves",
            plot_curves(curves, unit),
            f"Training and held-out loss ({loss}) by "
            f"step; thin lines: single seeds, thick: their mean; {unit_name('seed', heldout['seed'].nunique())} an "
            f"arm. Arms: {described}.",
            400,
        ),
        Figure(
            "heldout",
            plot_heldout(heldout, unit),
            f"Loss after training on {masked}, the same for all arms and seeds; dots: seeds, bars: mean. Dashed: "
            f"{baseline} in the cell's type, which arms without edges are not given.",
            height,
            wide=False,
        ),
        Figure(
            "beta",
            plot_beta(heldout),
            "The adapter's weight beta after training; it starts at 0, where the adapter has no effect. Dots: seeds, "
            "bars: mean.",
            height,
            wide=False,
        ),
        Table(
            "pretrain_summary",
            summary,
            "Held-out loss of each arm: mean over seeds, and standard deviation (SD).",
            labels,
        ),
    ]
    if len(differences):
        blocks.append(
            Table(
                "pretrain_comparisons",
                differences,
                "Paired differences of held-out loss (positive: the first arm has less), with Student's t 95% "
                "intervals over seeds; all seeds share the held-out cells: the intervals say nothing of the choice of "
                "cells.",
                {"difference": f"less loss by ({unit})", "low": "95% low", "high": "95% high", "seeds": "seeds (n)"},
            )
        )
    blocks.append(Table("pretrain_heldout", heldout, f"Each of the {len(heldout)} models.", labels, folded=True))
    return Section("pretrain", "Pretraining", blocks, dataset)


def compare_heldout(heldout: pd.DataFrame, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Paired differences of held-out loss of each graph arm against the others; positive where it has less loss."""
    import pandas as pd

    losses = heldout.pivot_table(index="seed", columns="arm", values="loss")
    rows = []
    for arm, other in pairs:
        if arm in losses and other in losses:
            both = (losses[other] - losses[arm]).dropna().to_numpy()
            difference, low, high, seeds = mean_difference(both)
            rows.append([arm, other, difference, low, high, seeds, classify(difference, low, high)])
    return pd.DataFrame(rows, columns=["arm", "against", "difference", "low", "high", "seeds", "outcome"])


def describe_gain(summary: pd.DataFrame, differences: pd.DataFrame, unit: str) -> Note:
    """In words: the loss against the baselines, and what the comparisons of arms allow to say."""
    best = summary.sort_values(["loss", "arm"]).iloc[0]
    outcomes = differences["outcome"].tolist()
    text = (
        f"Pretraining: least held-out loss {best['loss']:.3f} ({unit}) by {best['arm']}, against "
        f"{best['baseline_loss']:.3f} of each gene's naive baseline and {best['baseline_cell_type_loss']:.3f} of "
        "that in the cell's type."
    )
    if outcomes:
        better, worse = outcomes.count("better"), outcomes.count("worse")
        text += f" Arms with the data's graph against arms without it: less loss in {better} of {len(outcomes)} "
        text += f"comparisons, more in {worse}, no difference shown in {len(outcomes) - better - worse}."
        text += " The networks were inferred from held-out cells too: see how to read held-out losses."
    items = tuple(
        f"{row.arm} against {row.against}: {row.outcome} ({signed(row.difference)}"
        + (f" [{signed(row.low)}, {signed(row.high)}])." if not np.isnan(row.low) else ").")
        for row in differences.itertuples()
    )
    kind: Kind = "nothing"
    if outcomes and outcomes.count("better") == len(outcomes):
        kind = "gain"
    elif "better" not in outcomes and "worse" in outcomes:
        kind = "loss"
    return Note(text, items, kind)


def summarise_heldout(heldout: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD over seeds of each arm's held-out loss, with the baselines and beta."""
    grouped = heldout.groupby("arm", sort=False)
    return grouped.agg(
        seeds=("seed", "nunique"),
        loss=("loss", "mean"),
        loss_sd=("loss", "std"),
        baseline_loss=("baseline_loss", "mean"),
        baseline_cell_type_loss=("baseline_cell_type_loss", "mean"),
        pearson=("pearson", "mean"),
        beta=("beta", "mean"),
    ).reset_index()


def plot_curves(curves: pd.DataFrame, unit: str) -> go.Figure:
    """Loss by step, one panel a split, one colour an arm."""
    from plotly.subplots import make_subplots

    splits = [s for s in ("train", "heldout") if s in set(curves["split"])]
    figure = make_subplots(
        rows=1,
        cols=len(splits),
        subplot_titles=[_SPLITS[s] for s in splits],
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    palette = _palette(curves)
    for column, split in enumerate(splits, start=1):
        for arm, part in curves[curves["split"] == split].groupby("arm", sort=False):
            place: dict[str, Any] = {
                "row": 1,
                "col": column,
                "legendgroup": str(arm),
                "mode": "lines+markers",
                "marker": {"size": 4},
            }
            for _, one in part.groupby("seed", sort=True):
                line = {"color": palette[str(arm)], "width": 1}
                figure.add_scatter(
                    x=one["step"], y=one["loss"], opacity=0.35, line=line, showlegend=False, hoverinfo="skip", **place
                )
            mean = part.groupby("step")["loss"].mean()
            line = {"color": palette[str(arm)], "width": 2.6}
            figure.add_scatter(x=mean.index, y=mean, name=str(arm), line=line, showlegend=column == 1, **place)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title=f"loss ({unit})", col=1)
    figure.update_layout(legend={"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0}, margin={"t": 84})
    return figure


def plot_heldout(heldout: pd.DataFrame, unit: str) -> go.Figure:
    """Final held-out loss of every seed and arm, with the baselines as lines."""
    figure = _dots(heldout, "loss", _palette(heldout))
    for column, dash in (("baseline_loss", "dash"), ("baseline_cell_type_loss", "dot")):
        figure.add_vline(x=float(heldout[column].mean()), line={"color": INK, "dash": dash, "width": 1.4})
    figure.update_xaxes(title=f"held-out loss ({unit}; lower is better)")
    return figure


def plot_beta(heldout: pd.DataFrame) -> go.Figure:
    """Beta of every seed and arm that has an adapter."""
    figure = _dots(heldout.dropna(subset=["beta"]), "beta", _palette(heldout))
    figure.add_vline(x=0, line={"color": "#b8c1ca", "dash": "dot", "width": 1.4})
    figure.update_xaxes(title="beta")
    return figure


def _labels(unit: str) -> dict[str, str]:
    """Headers of the tables of held-out losses, which are in `unit`."""
    of_genes = unit == "nats"
    baseline = "gene's fraction" if of_genes else "gene's mean"
    return {
        "seeds": "seeds (n)",
        "loss": f"held-out loss ({unit})",
        "loss_sd": "SD over seeds",
        "loss_unit": "unit of losses",
        "baseline_loss": f"baseline: {baseline} ({unit})",
        "baseline_cell_type_loss": f"baseline: {baseline} in type ({unit})",
        "baseline_cell_type_pearson": f"baseline: {baseline} in type, r",
        "pearson": "Pearson r",
        "n": "masked genes (n)" if of_genes else "masked values (n)",
        "heldout_cells": "held-out cells (n)",
        "train_cells": "training cells (n)",
        "parameters": "parameters (n)",
    }


def _palette(rows: pd.DataFrame) -> dict[str, str]:
    return colours(list(dict.fromkeys(rows["arm"])))


def _dots(rows: pd.DataFrame, column: str, palette: dict[str, str]) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
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
