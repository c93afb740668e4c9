"""Figures of the cells: QC histograms and violins, joint embedding, marker genes, barcodes of fragments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import (
    CATEGORIES,
    INK,
    NEGATIVE,
    SEQUENTIAL,
    add_bars,
    add_dots,
    colours,
    legend_above,
    panels,
    scale_within,
    scatter_points,
)
from grnformer.report.text import format_rows


class Metric(NamedTuple):
    """A metric of the QC table: what it is with its unit, its limits in the configuration, whether its scale is log."""

    label: str
    low: str = ""
    high: str = ""
    log: bool = False

    def scale(self, values: Any) -> Any:
        """Values as they are drawn."""
        # 1 more: cells without counts have a place on a log scale.
        return np.log10(values + 1.0) if self.log else values

    def ticks(self, values: pd.Series) -> dict[str, Any]:
        """Ticks that name the values behind log10(value + 1)."""
        if not self.log:
            return {}

        names = [0, *(digit * 10**power for power in range(7) for digit in (1, 2, 5))]
        # Ticks a little beyond the data, so that a narrow range still has two.
        low, high = values.min() - 0.1, values.max() + 0.1
        inside = {
            n: float(self.scale(n)) for n in names if low <= self.scale(n) <= high
        }
        return {
            "tickvals": list(inside.values()),
            "ticktext": [f"{n:,}" for n in inside],
        }


METRICS = {
    "n_umis": Metric("RNA counts (UMIs)", "min_umis", "max_umis", log=True),
    "n_genes": Metric("genes detected (n)", "min_genes", log=True),
    "percent_mito": Metric("mitochondrial UMIs (%)", high="max_percent_mito"),
    "n_atac_counts": Metric(
        "ATAC counts in regions", "min_atac_counts", "max_atac_counts", log=True
    ),
    "n_regions": Metric("accessible regions (n)", "min_regions", log=True),
    "percent_promoter": Metric("ATAC counts at promoters (%)"),
}
_DASHED = {"color": INK, "dash": "dash", "width": 1.4}


def plot_histograms(qc: pd.DataFrame, limits: dict[str, Any]) -> go.Figure:
    """Histograms of each QC metric, kept and dropped cells stacked, with the hard limits as lines."""
    figure, drawn = _metric_panels(qc)
    for number, (name, metric, place) in enumerate(drawn):
        values = metric.scale(qc[name])
        # Kept and dropped cells share their bins, so that bars stack.
        edges = np.histogram_bin_edges(values, bins=40)

        for label, chosen, colour in (
            ("kept", qc["kept"], CATEGORIES[0]),
            ("dropped", ~qc["kept"], NEGATIVE),
        ):
            # One entry in the legend for all panels.
            options = {"name": label, "legendgroup": label, "showlegend": number == 0}
            add_bars(figure, values[chosen], edges, colour, **options, **place)

        # A metric may have no limit on a side, or one that is switched off.
        for limit in (limits.get(metric.low), limits.get(metric.high)):
            if limit is not None:
                figure.add_vline(x=metric.scale(limit), line=_DASHED, **place)

        figure.update_xaxes(**metric.ticks(values), **place)

    figure.update_yaxes(title="cells (n)", col=1)
    return legend_above(figure, barmode="stack", bargap=0, margin_t=80)


def plot_violins(kept: pd.DataFrame, cell_types: pd.Series) -> go.Figure:
    """Violins of each QC metric by cell type."""
    figure, drawn = _metric_panels(kept)
    palette = colours(sorted(cell_types.unique()))

    for number, (name, metric, place) in enumerate(drawn):
        values = metric.scale(kept[name])
        for cell_type, colour in palette.items():
            figure.add_violin(
                # Three decimals are enough to draw, and keep the page small.
                y=np.round(values[(cell_types == cell_type).to_numpy()], 3),
                name=cell_type,
                # by panel: violins of one name would else be sized together
                scalegroup=f"{cell_type}{number}",
                line_color=colour,
                line_width=1.4,
                points=False,
                box_visible=True,
                showlegend=False,
                spanmode="hard",
                **place,
            )

        figure.update_yaxes(**metric.ticks(values), **place)

    return figure


def plot_umap(umap: np.ndarray, cell_types: pd.Series) -> go.Figure:
    """Embedding coloured by cell type, each named where most of its cells are."""
    figure = go.Figure()
    middles = {}
    for name, colour in colours(sorted(cell_types.unique())).items():
        of_type = (cell_types == name).to_numpy()
        label = f"{name} ({of_type.sum():,})"
        figure.add_trace(
            _embedded(umap[of_type], name=label, hoverinfo="name", marker_color=colour)
        )
        # the cell in the middle: a type of two clouds is named in one of them
        distances = np.abs(umap[of_type] - np.median(umap[of_type], axis=0)).sum(axis=1)
        middles[name] = umap[of_type][distances.argmin()]

    for name, (x, y) in spread_labels(middles, np.ptp(umap, axis=0)).items():
        figure.add_annotation(
            x=round(float(x), 2),
            y=round(float(y), 2),
            text=f"<b>{name}</b>",
            showarrow=False,
            font_size=12,
            bgcolor="rgba(255,255,255,.75)",
            borderpad=1,
        )

    legend_above(figure, 1.0, legend_itemsizing="constant", margin_t=84, margin_b=30)
    return _embedding_axes(figure)


def spread_labels(
    middles: dict[str, np.ndarray], span: np.ndarray
) -> dict[str, np.ndarray]:
    """Places of names, moved up or down where two would lie over each other; `span`: width and height of all points."""
    wide, high = 0.022 * span[0], 0.06 * span[1]  # of a letter, of a line
    placed: dict[str, np.ndarray] = {}
    for name, middle in sorted(middles.items(), key=lambda item: item[1][1]):
        place = np.array(middle, dtype=float)
        for other, taken in sorted(placed.items(), key=lambda item: item[1][1]):
            near = abs(place[0] - taken[0]) < wide * (len(name) + len(other)) / 2
            if near and abs(place[1] - taken[1]) < high:
                place[1] = taken[1] + high
        placed[name] = place
    return placed


def plot_umap_metric(umap: np.ndarray, kept: pd.DataFrame) -> go.Figure:
    """Embedding coloured by a QC metric, chosen by buttons."""
    names = [m for m in ("n_umis", "n_atac_counts", "percent_mito") if m in kept]
    figure, buttons = go.Figure(), []

    for name in names:
        metric = METRICS[name]
        trace = _embedded(
            umap,
            name=metric.label,
            hoverinfo="skip",
            visible=name == names[0],
            marker_showscale=True,
            marker_color=np.round(metric.scale(kept[name]), 3).tolist(),
            marker_colorscale=SEQUENTIAL,
            marker_colorbar_title_text="log10" if metric.log else "%",
            marker_colorbar_thickness=12,
        )

        figure.add_trace(trace)
        # A button shows its trace and hides the others.
        shown = [name == other for other in names]
        buttons.append(
            {"label": metric.label, "method": "update", "args": [{"visible": shown}]}
        )

    menu = {
        "type": "buttons",
        "direction": "right",
        "x": 0,
        "y": 1.02,
        "xanchor": "left",
        "yanchor": "bottom",
        "buttons": buttons,
        "font": {"size": 11},
        "showactive": True,
    }

    figure.update_layout(updatemenus=[menu], showlegend=False, margin_t=84, margin_b=30)
    return _embedding_axes(figure)


def plot_markers(dots: pd.DataFrame) -> go.Figure:
    """Dot plot of marker genes x cell types: columns gene, cell_type, mean (expression), fraction (of cells)."""
    return add_dots(
        go.Figure(),
        dots,
        "gene",
        "fraction",
        hovertext=format_rows(
            dots, "{gene} in {cell_type}: mean {mean:.3f}, in {fraction:.0%} of cells"
        ),
        marker_color=scale_within(dots["mean"], dots["gene"]),
        marker_colorbar_title_text="expression<br>(scaled)",
        marker_colorbar_thickness=12,
    )


def plot_barcodes(barcodes: pd.DataFrame, bounds: dict[str, Any]) -> go.Figure:
    """Scatter of TSS enrichment against unique fragments (log), kept and dropped barcodes apart."""
    figure = go.Figure()

    passed = barcodes["reason"].isna()
    for name, chosen, colour in (
        ("kept", passed, CATEGORIES[0]),
        ("dropped", ~passed, NEGATIVE),
    ):
        part = barcodes[chosen]
        figure.add_trace(
            scatter_points(
                part["n_fragments"],
                np.round(part["tss_enrichment"], 2),
                name=f"{name} ({len(part):,})",
                hoverinfo="x+y",
                marker_color=colour,
                marker_size=4,
                marker_opacity=0.6,
            )
        )

    figure.add_vline(x=bounds["min_fragments"], line=_DASHED)
    figure.add_hline(y=bounds["min_tss_enrichment"], line=_DASHED)
    figure.update_xaxes(type="log", title="unique fragments (n)", dtick=1)
    figure.update_yaxes(title="TSS enrichment (fold)", rangemode="tozero")

    return legend_above(figure, 1.0, legend_itemsizing="constant")


def _metric_panels(
    cells: pd.DataFrame,
) -> tuple[go.Figure, list[tuple[str, Metric, dict[str, int]]]]:
    metrics = {name: metric for name, metric in METRICS.items() if name in cells}
    titles = [metric.label for metric in metrics.values()]
    figure, places = panels(titles, 3, vertical_spacing=0.2, horizontal_spacing=0.07)
    return figure, [
        (name, metrics[name], place)
        for name, place in zip(metrics, places, strict=True)
    ]


def _embedded(umap: np.ndarray, **options: Any) -> go.Scatter | go.Scattergl:
    # Two decimals are enough to draw, and keep the page small.
    x, y = np.round(umap, 2).T
    return scatter_points(
        x, y, marker_size=4 if len(umap) <= 5000 else 2.5, marker_opacity=0.8, **options
    )


def _embedding_axes(figure: go.Figure) -> go.Figure:
    bare = {"showticklabels": False, "showgrid": False, "ticks": ""}
    return figure.update_xaxes(title="UMAP 1", **bare).update_yaxes(
        title="UMAP 2", **bare
    )
