"""A picture of a cell type's GRN: its strongest TFs and their strongest targets, edges by sign."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import INK, NEGATIVE, PALE, POSITIVE, legend_above


def strongest_edges(
    edges: pd.DataFrame, tfs: list[str], n_tfs: int, n_targets: int
) -> pd.DataFrame:
    """Edges of the picture: the first `n_tfs` of `tfs` (else those with most weight), their strongest targets.

    Edges between the chosen TFs are kept whatever their rank.

    Parameters
    ----------
    edges
        Table by contract ``cell_type_grn``.
    tfs
        TFs in order of preference (by specificity); those without edges in this type are passed over.
    """
    totals = (
        edges.groupby("tf")["weight"].sum().sort_values(ascending=False, kind="stable")
    )
    # The order of TFs says how specific they are; weights decide only where it says nothing.
    preferred = [tf for tf in tfs if tf in totals.index]
    chosen = list(dict.fromkeys([*preferred, *totals.index]))[:n_tfs]
    # Ties go by name, so that every run draws the same edges.
    part = edges[edges["tf"].isin(chosen)].sort_values(
        ["weight", "tf", "gene"], ascending=[False, True, True]
    )
    strong = part.groupby("tf").cumcount() < n_targets

    return part[strong | part["gene"].isin(chosen)]


def place_nodes(graph: nx.DiGraph, tfs: list[str], seed: int) -> dict[str, np.ndarray]:
    """Places of the nodes: TFs and shared targets by a spring layout, targets of a single TF on a circle around it.

    `tfs` are sorted.
    """
    core = nx.Graph()
    core.add_nodes_from(tfs)
    # Weak springs keep parts without a link from drifting apart.
    core.add_edges_from(((a, b) for a in tfs for b in tfs if a < b), weight=0.08)
    leaves: dict[str, list[str]] = {tf: [] for tf in tfs}

    for gene in sorted(set(graph).difference(tfs)):
        regulators = sorted(graph.predecessors(gene))
        # Leaves need no spring: they stand around their TF, where they overlap no other node.
        if len(regulators) == 1:
            leaves[regulators[0]].append(gene)
        else:
            core.add_edges_from(((tf, gene) for tf in regulators), weight=1.0)

    between = graph.subgraph(tfs).edges
    core.add_edges_from(((a, b) for a, b in between if a != b), weight=1.0)

    places = nx.spring_layout(
        core, seed=seed, iterations=300, k=2.4 / np.sqrt(len(core))
    )
    centre = np.mean([places[tf] for tf in tfs], axis=0)

    for tf, genes in leaves.items():
        x, y = places[tf] - centre
        # At least eight steps to a round: few leaves stay on the outer side.
        outward, step = np.arctan2(y, x), 2 * np.pi / max(len(genes), 8)
        for i, gene in enumerate(genes):
            # Begin on the side that faces away from the centre, and go round in both directions.
            angle = outward + step * (i - (len(genes) - 1) / 2)
            # Two radii in turn leave room for the names.
            radius = 0.2 if i % 2 else 0.26
            places[gene] = places[tf] + radius * np.array(
                [np.cos(angle), np.sin(angle)]
            )

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
    # The layout depends on the order in which edges are added.
    edges = edges.sort_values(["tf", "gene"])
    graph = nx.from_pandas_edgelist(edges, "tf", "gene", create_using=nx.DiGraph)
    tfs = sorted(set(edges["tf"]))
    places = place_nodes(graph, tfs, seed)

    figure = go.Figure()
    for sign, name, colour, dash in (
        (1, "activates", POSITIVE, "solid"),
        (-1, "represses", NEGATIVE, "dash"),
    ):
        ends = edges.loc[edges["sign"] == sign, ["tf", "gene"]].to_numpy()
        if len(ends):
            # A missing point between two edges lifts the pen.
            drawn = [(places[tf], places[gene], (np.nan, np.nan)) for tf, gene in ends]
            x, y = np.array(drawn).reshape(-1, 2).T
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                name=name,
                line_color=colour,
                line_width=1,
                line_dash=dash,
                opacity=0.6,
                hoverinfo="skip",
            )

    # Nodes come last, and lie above the edges.
    degree = edges.groupby("tf").size()
    targets = sorted(set(graph).difference(tfs))

    _add_nodes(
        figure,
        places,
        targets,
        targets,
        name="target gene",
        marker_size=6,
        marker_color=PALE,
        textfont_size=8,
        textfont_color="#5b6773",
    )

    _add_nodes(
        figure,
        places,
        tfs,
        [f"{tf}, {degree[tf]} edges drawn" for tf in tfs],
        name="TF",
        marker_size=15,
        marker_color=INK,
        textfont_size=12,
        textfont_color=INK,
    )

    margin = {"l": 8, "r": 8, "b": 8, "t": 60}
    return legend_above(
        figure, 1.0, xaxis_visible=False, yaxis_visible=False, margin=margin
    )


def _add_nodes(
    figure: go.Figure,
    places: dict[str, np.ndarray],
    names: list[str],
    hover: list[str],
    **style: object,
) -> None:
    # Two rows even where there are no nodes.
    x, y = np.array([places[name] for name in names]).reshape(-1, 2).T
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers+text",
        text=names,
        textposition="top center",
        hovertext=hover,
        hoverinfo="text",
        marker_line_color="white",
        marker_line_width=1,
        **style,
    )
