"""A picture of a cell type's GRN: its strongest TFs and their strongest targets, edges by sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.report.style import INK, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    import plotly.graph_objects as go


def strongest_edges(edges: pd.DataFrame, tfs: list[str], n_tfs: int, n_targets: int) -> pd.DataFrame:
    """Edges of the picture: the first `n_tfs` of `tfs` (else those with most weight), their strongest targets.

    Edges between the chosen TFs are kept whatever their rank.

    Parameters
    ----------
    edges
        Table by contract ``cell_type_grn``.
    tfs
        TFs in order of preference (by specificity); those without edges in this type are passed over.
    """
    totals = edges.groupby("tf")["weight"].sum().sort_values(ascending=False, kind="stable")
    preferred = [t for t in dict.fromkeys(tfs) if t in totals.index]
    chosen = (preferred + [t for t in totals.index if t not in preferred])[:n_tfs]
    part = edges[edges["tf"].isin(chosen)].sort_values(["weight", "tf", "gene"], ascending=[False, True, True])
    strong = part.groupby("tf").cumcount() < n_targets
    return part[strong | part["gene"].isin(chosen)]


def place_nodes(graph: nx.DiGraph, tfs: set[str], seed: int) -> dict[str, np.ndarray]:
    """Places of the nodes: TFs and shared targets by a spring layout, targets of one TF alone on a circle around it.

    Weak springs between all TFs keep parts without a link from drifting apart.
    """
    import networkx as nx

    core = nx.Graph()
    core.add_nodes_from(sorted(tfs))
    core.add_edges_from(((a, b) for a in sorted(tfs) for b in sorted(tfs) if a < b), weight=0.08)
    leaves: dict[str, list[str]] = {tf: [] for tf in sorted(tfs)}
    for gene in sorted(set(graph) - tfs):
        regulators = sorted(graph.predecessors(gene))
        if len(regulators) == 1:
            leaves[regulators[0]].append(gene)
        else:
            core.add_edges_from(((tf, gene) for tf in regulators), weight=1.0)
    core.add_edges_from(((a, b) for a, b in graph.edges if a in tfs and b in tfs and a != b), weight=1.0)
    places = nx.spring_layout(core, seed=seed, iterations=300, k=2.4 / np.sqrt(len(core)))
    centre = np.mean([places[tf] for tf in sorted(tfs)], axis=0)
    for tf, genes in leaves.items():
        away = places[tf] - centre
        start = np.arctan2(away[1], away[0])
        for i, gene in enumerate(genes):
            # Begin on the side that faces away from the centre, and go round in both directions.
            angle = start + np.pi * (i - (len(genes) - 1) / 2) * 2 / max(len(genes), 8)
            radius = 0.2 if i % 2 else 0.26
            places[gene] = places[tf] + radius * np.array([np.cos(angle), np.sin(angle)])
    return places


def plot_network(edges: pd.DataFrame, seed: int) -> go.Figure:
    """Draw TF-gene edges by a spring layout: TFs large and named, activation solid blue, repression dashed orange.

    Parameters
    ----------
    edges
        Columns tf, gene, weight, sign (+1, -1).
    seed
        Seed of the layout.
    """
    import networkx as nx
    import plotly.graph_objects as go

    graph = nx.DiGraph()
    for row in edges.sort_values(["tf", "gene"]).itertuples():
        graph.add_edge(row.tf, row.gene, sign=row.sign)
    tfs = set(edges["tf"])
    places = place_nodes(graph, tfs, seed)
    figure = go.Figure()
    for sign, name, colour, dash in ((1, "activates", POSITIVE, "solid"), (-1, "represses", NEGATIVE, "dash")):
        x: list[float | None] = []
        y: list[float | None] = []
        for tf, gene, data in graph.edges(data=True):
            if np.sign(data["sign"]) == sign:
                x += [places[tf][0], places[gene][0], None]
                y += [places[tf][1], places[gene][1], None]
        if x:
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                name=name,
                line={"color": colour, "width": 1, "dash": dash},
                opacity=0.6,
                hoverinfo="skip",
            )
    degree = edges.groupby("tf").size()
    for names, label, size, colour in (
        (sorted(set(graph) - tfs), "target gene", 6, "#aab4be"),
        (sorted(tfs), "TF", 15, INK),
    ):
        figure.add_scatter(
            x=[places[n][0] for n in names],
            y=[places[n][1] for n in names],
            mode="markers+text",
            name=label,
            text=names,
            textposition="top center",
            textfont={"size": 12 if label == "TF" else 8, "color": INK if label == "TF" else "#5b6773"},
            hovertext=[f"{n}, {degree[n]} edges drawn" if n in tfs else n for n in names],
            hoverinfo="text",
            marker={"size": size, "color": colour, "line": {"color": "white", "width": 1}},
        )
    for axis in ("xaxis", "yaxis"):
        figure.update_layout({axis: {"visible": False}})
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0})
    figure.update_layout(margin={"l": 8, "r": 8, "b": 8, "t": 60})
    return figure
