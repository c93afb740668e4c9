"""Figures of eRegulon activity: thresholds, the doubtful ones first, and how activity follows the TF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.report.style import CATEGORIES, MUTED, NEGATIVE

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import plotly.graph_objects as go


def explain_doubt(thresholds: pd.DataFrame) -> pd.Series:
    """Why each threshold (contract thresholds) is doubtful; empty for those that are not."""
    import pandas as pd

    reasons = np.select(
        [
            ~thresholds["doubtful"],
            thresholds["method"] == "constant",
            thresholds["n_active"] == 0,
            thresholds["genes_seen"] < 2,
            thresholds["method"] == "bimodal",
        ],
        [
            "",
            "all cells have the same AUC",
            "no cell is above the threshold",
            "the median active cell detects fewer than 2 of its genes",
            "the two modes overlap, or the fit did not converge",
        ],
        "the fit did not converge",
    )
    return pd.Series(reasons, index=thresholds.index, dtype=object)


def choose_examples(thresholds: pd.DataFrame, specificity: pd.DataFrame, most: int) -> list[str]:
    """Examples for the threshold figure: doubtful ones first, up to two of three, then others to compare.

    Of the doubtful ones, the most specific eRegulons of each reason in turn; of the others, of each threshold method.
    """
    best = specificity.groupby("eregulon")["rss"].max()
    ranked = thresholds.assign(_rss=thresholds["eregulon"].map(best).fillna(0.0), _doubt=explain_doubt(thresholds))
    ranked = ranked.sort_values(["_rss", "eregulon"], ascending=[False, True])
    chosen: dict[bool, list[str]] = {}
    for doubtful, by in ((True, "_doubt"), (False, "method")):
        part = ranked[ranked["doubtful"] == doubtful]
        turns = part.groupby(by, sort=True).cumcount()
        chosen[doubtful] = part.assign(_turn=turns).sort_values(["_turn", by], kind="stable")["eregulon"].tolist()
    n_doubtful = min(len(chosen[True]), max(most - most // 3, most - len(chosen[False])))
    return [*chosen[True][:n_doubtful], *chosen[False][: most - n_doubtful]]


def plot_thresholds(activity: anndata.AnnData, examples: list[str], doubts: dict[str, str]) -> go.Figure:
    """Histograms of AUC over cells with the threshold above which the eRegulon counts as active.

    `doubts` says of each eRegulon why its threshold is doubtful, or is empty.
    """
    from plotly.subplots import make_subplots

    columns = min(3, len(examples))
    rows = -(-len(examples) // columns)
    titles = [
        f"{e}<br><sub>{activity.var.loc[e, 'threshold_method']}{'; doubtful: ' + doubts[e] if doubts[e] else ''}</sub>"
        for e in examples
    ]
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=titles, horizontal_spacing=0.07, vertical_spacing=0.4 / max(rows, 1)
    )
    for i, eregulon in enumerate(examples):
        column = activity[:, [eregulon]].X
        values = (column.toarray() if hasattr(column, "toarray") else np.asarray(column)).ravel()
        counts, edges = np.histogram(values, bins=50)
        place = {"row": i // columns + 1, "col": i % columns + 1}
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            marker={"color": CATEGORIES[5], "line": {"width": 0}},
            showlegend=False,
            **place,
        )
        threshold = float(activity.var.loc[eregulon, "threshold"])
        figure.add_vline(x=threshold, line={"color": NEGATIVE, "width": 2}, **place)
        share = float((values > threshold).mean())
        figure.add_annotation(
            x=0.98, y=0.95, xref="x domain", yref="y domain", xanchor="right", yanchor="top", showarrow=False,
            text=f"active in {share:.0%} of cells", font={"size": 11, "color": MUTED}, **place,
        )  # fmt: skip
        figure.update_xaxes(title="AUC" if i >= len(examples) - columns else None, **place)
    figure.update_yaxes(title="cells (n)", col=1)
    figure.update_layout(bargap=0, margin={"t": 84})
    return figure


def plot_quality(quality: pd.DataFrame) -> go.Figure:
    """Correlation of the TF with its target genes' activity against that with its target regions'."""
    import plotly.graph_objects as go

    figure = go.Figure()
    shown = quality.dropna(subset=["rho_genes", "rho_regions"])
    for passed, name, colour in ((True, "follows its TF", CATEGORIES[0]), (False, "falls short", NEGATIVE)):
        part = shown[shown["passed"] == passed]
        hover = [
            f"{r.eregulon}<br>target genes {r.rho_genes:.2f}, target regions {r.rho_regions:.2f}<br>"
            f"falls short in: {r.falls_short_in}"
            for r in part.itertuples()
        ]
        figure.add_scatter(
            x=part["rho_genes"], y=part["rho_regions"], mode="markers", name=f"{name} ({len(part):,})",
            hovertext=hover, hoverinfo="text", marker={"size": 7, "color": colour, "opacity": 0.7},
        )  # fmt: skip
    figure.update_xaxes(title="correlation of TF expression with target genes' activity", range=[-1.05, 1.05])
    figure.update_yaxes(title="with target regions' activity", range=[-1.05, 1.05])
    return figure
