"""A picture of a cell type's GRN: its strongest TFs and their strongest targets, edges by sign."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import (
    INK,
    NEGATIVE,
    PALE,
    POSITIVE,
    REFERENCE,
    SEQUENTIAL,
    legend_above,
)
from grnformer.report.figures.labels import place_labels

# pixels of edges: the weakest third of the weights drawn, the middle, the strongest
_WIDTHS = (0.8, 1.8, 3.2)
_RIM = (0.16, 0.09)  # room for names at the rim, in widths and heights of the nodes
_MARGINS = (16, 68)  # pixels beside and above the nodes


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


def plot_network(
    edges: pd.DataFrame, seed: int, size: tuple[int, int] = (520, 560)
) -> go.Figure:
    """Draw TF-gene edges by a spring layout: activation solid blue, repression dashed orange, wider with more weight.

    TFs are large, and coloured by their mean expression in the type. A name that would lie over another is left to the
    hover.

    Parameters
    ----------
    edges
        Columns tf, gene, weight, sign (+1, -1); optional: tf_expression, the TF's mean expression (log1p; NaN where
        it was not measured).
    seed
        Seed of the layout.
    size
        Pixels, width and height, that names are placed for.
    """
    # The layout depends on the order in which edges are added.
    edges = edges.sort_values(["tf", "gene"])
    graph = nx.from_pandas_edgelist(edges, "tf", "gene", create_using=nx.DiGraph)
    tfs = sorted(set(edges["tf"]))
    places = place_nodes(graph, tfs, seed)

    thirds = weight_thirds(edges["weight"])

    figure = go.Figure()
    for sign, name, colour, dash in (
        (1, "activates", POSITIVE, "solid"),
        (-1, "represses", NEGATIVE, "dash"),
    ):
        of_sign = edges["sign"] == sign
        for third, width in enumerate(_WIDTHS):
            ends = edges.loc[of_sign & (thirds == third), ["tf", "gene"]].to_numpy()
            if not len(ends):
                continue
            # A missing point between two edges lifts the pen.
            drawn = [(places[tf], places[gene], (np.nan, np.nan)) for tf, gene in ends]
            x, y = np.array(drawn).reshape(-1, 2).T
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                name=name,
                legendgroup=name,
                showlegend=bool(third == thirds[of_sign].max()),
                line_color=colour,
                line_width=width,
                line_dash=dash,
                opacity=0.6,
                hoverinfo="skip",
            )

    # Nodes come last, and lie above the edges.
    degree = edges.groupby("tf").size()
    targets = sorted(set(graph).difference(tfs))

    small, large = (8, 11) if size[1] < 400 else (9, 12)
    # TFs are named first: where there is no room, a target goes without its name.
    beside = place_labels(
        {name: places[name] for name in (*tfs, *targets)},
        {name: large if name in degree.index else small for name in (*tfs, *targets)},
        {name: 8 if name in degree.index else 4 for name in (*tfs, *targets)},
        (
            (size[0] - 2 * _MARGINS[0] - 60) / (1 + 2 * _RIM[0]),
            (size[1] - _MARGINS[1] - _MARGINS[0]) / (1 + 2 * _RIM[1]),
        ),
    )
    _add_nodes(
        figure,
        places,
        targets,
        beside,
        hovertext=targets,
        name="target gene",
        marker_size=6,
        marker_color=PALE,
        textfont_size=small,
        textfont_color="#4d5966",
    )

    if "tf_expression" not in edges:
        edges = edges.assign(tf_expression=np.nan)
    expression = edges.groupby("tf")["tf_expression"].first()
    known = expression.notna().any()
    _add_nodes(
        figure,
        places,
        tfs,
        beside,
        hovertext=[
            f"{tf}, {degree[tf]} edges drawn<br>mean expression "
            + ("not measured" if np.isnan(expression[tf]) else f"{expression[tf]:.2f}")
            for tf in tfs
        ],
        name="TF",
        marker_size=15,
        marker_color=[
            float(value) for value in expression[tfs].fillna(expression.min())
        ]
        if known
        else REFERENCE,
        marker_colorscale=SEQUENTIAL,
        marker_reversescale=True,
        marker_cmin=0,
        marker_showscale=bool(known),
        marker_colorbar={
            "title": {"text": "TF<br>log1p", "font": {"size": 10}},
            "thickness": 9,
            "len": 0.6,
            "tickfont": {"size": 10},
        },
        textfont_size=large,
        textfont_color=INK,
    )

    x, y = np.array([places[name] for name in (*tfs, *targets)]).T
    wide, high = _RIM[0] * (np.ptp(x) or 1.0), _RIM[1] * (np.ptp(y) or 1.0)
    side, top = _MARGINS
    return legend_above(
        figure,
        1.0,
        xaxis={"visible": False, "range": [x.min() - wide, x.max() + wide]},
        yaxis={"visible": False, "range": [y.min() - high, y.max() + high]},
        margin={"l": side, "r": side, "b": side, "t": top - side},
        legend_font_size=11,
    )


def weight_thirds(weights: pd.Series) -> pd.Series:
    """0 for the weakest third of the weights, 1 for the middle, 2 for the strongest; 1 where all are equal."""
    if weights.nunique() < 2:
        return pd.Series(1, index=weights.index)
    ranks = weights.rank(pct=True, method="average")
    # a little less: a rank at the end of a third belongs to it
    return pd.Series(np.digitize(ranks - 1e-9, [1 / 3, 2 / 3]), index=weights.index)


def _add_nodes(
    figure: go.Figure,
    places: dict[str, np.ndarray],
    names: list[str],
    beside: dict[str, str],
    **style: object,
) -> None:
    # Two rows even where there are no nodes.
    x, y = np.array([places[name] for name in names]).reshape(-1, 2).T
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers+text",
        text=[name if beside[name] else "" for name in names],
        textposition=[beside[name] or "top center" for name in names],
        hoverinfo="text",
        marker_line_color="white",
        marker_line_width=1,
        **style,
    )
