"""Figures of the cells: QC histograms and violins, joint embedding, marker genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.report.eregulons import mean_expression
from grnformer.report.style import CATEGORIES, INK, NEGATIVE, SEQUENTIAL, colours

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import plotly.graph_objects as go

# metric of the QC table -> what it is with its unit, lower and upper limit in the configuration, log scale
METRICS: dict[str, tuple[str, str | None, str | None, bool]] = {
    "n_umis": ("RNA counts (UMIs)", "min_umis", "max_umis", True),
    "n_genes": ("genes detected (n)", "min_genes", None, True),
    "percent_mito": ("mitochondrial UMIs (%)", None, "max_percent_mito", False),
    "n_atac_counts": ("ATAC counts in regions", "min_atac_counts", "max_atac_counts", True),
    "n_regions": ("accessible regions (n)", "min_regions", None, True),
    "percent_promoter": ("ATAC counts at promoters (%)", None, None, False),
}


def plot_histograms(qc: pd.DataFrame, limits: dict[str, Any]) -> go.Figure:
    """Histograms of each QC metric, kept and dropped cells stacked, with the hard limits as lines."""
    from plotly.subplots import make_subplots

    metrics = [m for m in METRICS if m in qc]
    figure = make_subplots(
        rows=2, cols=3, subplot_titles=[METRICS[m][0] for m in metrics], vertical_spacing=0.2, horizontal_spacing=0.07
    )
    for i, metric in enumerate(metrics):
        _, low, high, log = METRICS[metric]
        values = np.log10(qc[metric] + 1.0) if log else qc[metric]
        edges = np.histogram_bin_edges(values, bins=40)
        place = {"row": i // 3 + 1, "col": i % 3 + 1}
        for name, chosen, colour in (("kept", qc["kept"], CATEGORIES[0]), ("dropped", ~qc["kept"], NEGATIVE)):
            counts, _ = np.histogram(values[chosen], bins=edges)
            figure.add_bar(
                x=(edges[:-1] + edges[1:]) / 2, y=counts, name=name, legendgroup=name, showlegend=i == 0,
                marker={"color": colour, "line": {"width": 0}}, **place,
            )  # fmt: skip
        for limit in (limits.get(low) if low else None, limits.get(high) if high else None):
            if limit is not None:
                at = np.log10(limit + 1.0) if log else limit
                figure.add_vline(x=at, line={"color": INK, "dash": "dash", "width": 1.4}, **place)
        if log:
            figure.update_xaxes(**_log_ticks(values.min(), values.max()), **place)
    figure.update_yaxes(title="cells (n)", col=1)
    figure.update_layout(barmode="stack", bargap=0, legend={"orientation": "h", "y": 1.1, "x": 0, "yanchor": "bottom"})
    figure.update_layout(margin={"t": 80})
    return figure


def plot_violins(kept: pd.DataFrame, cell_types: pd.Series) -> go.Figure:
    """Violins of each QC metric by cell type."""
    from plotly.subplots import make_subplots

    metrics = [m for m in METRICS if m in kept]
    palette = colours(sorted(cell_types.unique()))
    figure = make_subplots(
        rows=2, cols=3, subplot_titles=[METRICS[m][0] for m in metrics], vertical_spacing=0.2, horizontal_spacing=0.07
    )
    for i, metric in enumerate(metrics):
        log = METRICS[metric][3]
        values = np.log10(kept[metric] + 1.0) if log else kept[metric]
        place = {"row": i // 3 + 1, "col": i % 3 + 1}
        for name, colour in palette.items():
            figure.add_violin(
                y=np.round(values[(cell_types == name).to_numpy()], 3), name=name, scalegroup=f"{name}{i}",
                line={"color": colour, "width": 1.4},
                points=False, box={"visible": True}, showlegend=False, spanmode="hard", **place,
            )  # fmt: skip
        if log:
            figure.update_yaxes(**_log_ticks(values.min(), values.max()), **place)
    return figure


def plot_umap(umap: np.ndarray, cell_types: pd.Series) -> go.Figure:
    """Embedding coloured by cell type."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, colour in colours(sorted(cell_types.unique())).items():
        of_type = (cell_types == name).to_numpy()
        figure.add_trace(
            _points(
                umap[of_type], {"color": colour}, name=f"{name} ({of_type.sum():,})", text=[name] * int(of_type.sum())
            )
        )
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "itemsizing": "constant"})
    figure.update_layout(margin={"t": 84, "b": 30})
    return _embedding_axes(figure)


def plot_umap_metric(umap: np.ndarray, kept: pd.DataFrame) -> go.Figure:
    """Embedding coloured by a QC metric, chosen by buttons."""
    import plotly.graph_objects as go

    metrics = [m for m in ("n_umis", "n_atac_counts", "percent_mito") if m in kept]
    figure = go.Figure()
    for i, metric in enumerate(metrics):
        log = METRICS[metric][3]
        values = np.log10(kept[metric] + 1.0) if log else kept[metric]
        marker = {
            "color": np.round(values, 3).tolist(),
            "colorscale": SEQUENTIAL,
            "showscale": True,
            "colorbar": {"title": {"text": "log10" if log else "%"}, "thickness": 12},
        }
        figure.add_trace(_points(umap, marker, name=METRICS[metric][0], text=None, visible=i == 0))
    buttons = [
        {"label": METRICS[m][0], "method": "update", "args": [{"visible": [i == j for j in range(len(metrics))]}]}
        for i, m in enumerate(metrics)
    ]
    menu = {"type": "buttons", "direction": "right", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom",
            "buttons": buttons, "font": {"size": 11}, "showactive": True}  # fmt: skip
    figure.update_layout(updatemenus=[menu], showlegend=False, margin={"t": 84, "b": 30})
    return _embedding_axes(figure)


def plot_markers(top: pd.DataFrame, rna: anndata.AnnData, cell_types: pd.Series) -> go.Figure:
    """Dot plot of marker genes x cell types."""
    import pandas as pd
    import plotly.graph_objects as go

    genes = [g for g in dict.fromkeys(top["gene"]) if g in rna.var_names]
    means = mean_expression(rna, genes, cell_types)
    counted = rna[:, genes].layers["counts"]

    share = pd.DataFrame((counted > 0).toarray(), columns=genes).groupby(cell_types.to_numpy()).mean().T
    scaled = means.sub(means.min(axis=1), axis=0).div(np.ptp(means, axis=1).replace(0, np.nan), axis=0)
    types = sorted(cell_types.unique())
    figure = go.Figure()
    figure.add_scatter(
        x=[g for g in genes for _ in types],
        y=[t for _ in genes for t in types],
        mode="markers",
        hovertext=[
            f"{g} in {t}: mean {means.loc[g, t]:.3f}, in {share.loc[g, t]:.0%} of cells" for g in genes for t in types
        ],
        hoverinfo="text",
        marker={
            "size": [3 + 13 * float(np.sqrt(share.loc[g, t])) for g in genes for t in types],
            "color": [scaled.loc[g, t] for g in genes for t in types],
            "colorscale": SEQUENTIAL,
            "line": {"width": 0.6, "color": "#8a949e"},
            "colorbar": {"title": {"text": "expression<br>(scaled)"}, "thickness": 12},
        },
    )
    figure.update_xaxes(tickangle=-60, type="category", tickfont={"size": 11})
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def _points(umap: np.ndarray, marker: dict[str, Any], name: str, text: list[str] | None, visible: bool = True) -> Any:
    import plotly.graph_objects as go

    # SVG stays sharp and prints; WebGL is for more points than a browser draws well
    kind = go.Scatter if len(umap) <= 5000 else go.Scattergl
    size = 4 if len(umap) <= 5000 else 2.5
    return kind(
        x=np.round(umap[:, 0], 2), y=np.round(umap[:, 1], 2), mode="markers", name=name, visible=visible,
        hoverinfo="name" if text else "skip", marker={"size": size, "opacity": 0.8} | marker,
    )  # fmt: skip


def _embedding_axes(figure: go.Figure) -> go.Figure:
    figure.update_xaxes(title="UMAP 1", showticklabels=False, showgrid=False, ticks="")
    figure.update_yaxes(title="UMAP 2", showticklabels=False, showgrid=False, ticks="")
    return figure


def _log_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks that name the values behind log10(value + 1)."""
    names = [0, *(digit * 10**power for power in range(7) for digit in (1, 2, 5))]
    inside = [n for n in names if low - 0.1 <= np.log10(n + 1) <= high + 0.1]
    return {"tickvals": [float(np.log10(n + 1)) for n in inside], "ticktext": [f"{n:,}" for n in inside]}
