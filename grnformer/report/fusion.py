"""Section of the graphs: genes aligned and lost, edges of each graph, degrees of TFs against other genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.report.page import Block, Figure, Note, Section, Table
from grnformer.report.style import colours

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from grnformer.fuse.graph import Bundle


def fusion_section(dataset: str, bundles: dict[str, Bundle]) -> Section:
    """Section of stage fuse; `bundles` maps each graph mode to its bundle."""
    graphs = tabulate_graphs(bundles)
    lost = tabulate_lost(bundles)
    degrees = tabulate_degrees(bundles)
    first = next(iter(bundles.values()))
    blocks: list[Block] = [
        Note(
            f"{len(first.graph.genes):,} genes have a place in the backbone's vocabulary, "
            f"{int(first.graph.genes['is_tf'].sum()):,} of them TFs; {len(first.lost):,} genes were lost on the way, "
            f"with {int(first.lost['edges_lost'].sum()):,} edges."
        ),
        Table(
            "graph_sizes",
            graphs,
            "Graphs built. Edges of types: summed over the cell types; edges of eRegulons: those that cell graphs "
            "look up.",
            {
                "nodes": "genes (n)",
                "type_edges": "edges of types (n)",
                "tfs": "TFs (n)",
                "eregulon_edges": "edges of eRegulons (n)",
                "unlinked": "genes without a link (share)",
                "lost": "genes lost (n)",
            },
        ),
    ]
    if len(lost):
        blocks.append(Table("genes_lost", lost, "Why genes were lost.", {"genes": "genes (n)", "edges": "edges (n)"}))
    if len(degrees):
        blocks += [
            Figure(
                "degrees",
                plot_degrees(bundles),
                "Share of genes with at least so many links, in the union of the types' graphs (of the eRegulons' "
                "edges where a graph has no type edges); TFs against other genes. Links count both directions; log "
                "scales, genes without a link are left out of the lines.",
                400,
            ),
            Table(
                "graph_degrees",
                degrees,
                "Mean and median number of links in the same graphs.",
                {
                    "genes": "genes (n)",
                    "mean_degree": "mean degree",
                    "median_degree": "median degree",
                    "unlinked": "without a link (share)",
                },
            ),
        ]
    return Section("fuse", "Graphs", blocks, dataset)


def degrees(bundle: Bundle) -> np.ndarray:
    """Links of each gene (node order), both directions, over the union of distinct TF-gene pairs."""
    source = bundle.graph.edges if len(bundle.graph.edges) else bundle.graph.eregulons
    pairs = source[["tf", "gene"]].drop_duplicates().to_numpy(dtype=int)
    return np.bincount(pairs.ravel(), minlength=len(bundle.graph.genes))


def tabulate_graphs(bundles: dict[str, Bundle]) -> pd.DataFrame:
    """Genes, TFs with links, edges of types and of eRegulons of each graph."""
    import pandas as pd

    rows = [
        {
            "graph": name,
            "nodes": len(b.graph.genes),
            "tfs": int(pd.concat([b.graph.edges["tf"], b.graph.eregulons["tf"]]).nunique()),
            "type_edges": len(b.graph.edges),
            "eregulon_edges": len(b.graph.eregulons),
            "unlinked": float((degrees(b) == 0).mean()),
            "lost": len(b.lost),
        }
        for name, b in bundles.items()
    ]
    return pd.DataFrame(rows)


def tabulate_lost(bundles: dict[str, Bundle]) -> pd.DataFrame:
    """Genes and edges lost for each reason, of the first bundle (alignment is the same for all graphs)."""
    lost = next(iter(bundles.values())).lost
    return lost.groupby("reason").agg(genes=("gene", "size"), edges=("edges_lost", "sum")).reset_index()


def tabulate_degrees(bundles: dict[str, Bundle]) -> pd.DataFrame:
    """Mean and median degree of TFs and of other genes, for each graph that has edges."""
    import pandas as pd

    rows = []
    for name, bundle in bundles.items():
        links = degrees(bundle)
        for label, of_kind in _kinds(bundle):
            if links.any() and of_kind.any():
                part = links[of_kind]
                rows.append(
                    {
                        "graph": name,
                        "kind": label,
                        "genes": int(of_kind.sum()),
                        "mean_degree": float(part.mean()),
                        "median_degree": float(np.median(part)),
                        "unlinked": float((part == 0).mean()),
                    }
                )
    return pd.DataFrame(rows)


def plot_degrees(bundles: dict[str, Bundle]) -> go.Figure:
    """Complementary cumulative distribution of degrees, one colour a graph; TFs solid, other genes dotted."""
    from plotly.subplots import make_subplots

    drawn = {name: b for name, b in bundles.items() if degrees(b).any()}
    palette = colours(list(drawn))
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=["TFs", "other genes"], shared_yaxes=True, horizontal_spacing=0.04
    )
    for name, bundle in drawn.items():
        links = degrees(bundle)
        for column, (_, of_kind) in enumerate(_kinds(bundle), start=1):
            values, counts = np.unique(links[of_kind], return_counts=True)
            share = counts[::-1].cumsum()[::-1] / max(of_kind.sum(), 1)
            linked = values > 0
            figure.add_scatter(
                x=values[linked], y=np.round(share[linked], 5), mode="lines", name=name, legendgroup=name,
                showlegend=column == 1,
                line={"color": palette[name], "width": 2, "shape": "hv"}, row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(type="log", title="links (n)", dtick=1)
    figure.update_yaxes(type="log", dtick=1, tickformat="~%")
    figure.update_yaxes(title="share of genes", col=1)
    figure.update_layout(legend={"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0}, margin={"t": 84})
    return figure


def _kinds(bundle: Bundle) -> list[tuple[str, np.ndarray]]:
    is_tf = bundle.graph.genes["is_tf"].to_numpy(dtype=bool)
    return [("TF", is_tf), ("other gene", ~is_tf)]
