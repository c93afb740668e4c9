"""Section of the graphs: genes aligned and lost, edges of each graph, degrees of TFs against other genes, and how edge
perturbation changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.report.page import Block, Figure, Note, Section, Table
from grnformer.report.perturbation import expressed_genes, perturbed_degrees, tabulate_perturbed
from grnformer.report.style import colours

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import plotly.graph_objects as go

    from grnformer.graph.bundle import Bundle


PERTURBED_CELLS = 64  # of a type: about two batches of the size tiny


def fusion_section(
    dataset: str, bundles: dict[str, Bundle], rna: anndata.AnnData, share: float, power: float, seed: int
) -> Section:
    """Section of stage fuse; `bundles` maps each graph mode to its bundle.

    `share`, `power` and `seed` are those of edge perturbation, whose effect on degrees is drawn with cells of `rna`.
    """
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
    blocks += perturbation_blocks(bundles, rna, share, power, seed)
    return Section("fuse", "Graphs", blocks, dataset)


def perturbation_blocks(
    bundles: dict[str, Bundle], rna: anndata.AnnData, share: float, power: float, seed: int
) -> list[Block]:
    """Degrees before and after edge perturbation, of the graph `hybrid` or the first that has edges of types."""
    usable = [name for name, bundle in bundles.items() if len(bundle.graph.edges)]
    if not usable:
        return []
    name = "hybrid" if "hybrid" in usable else usable[0]
    bundle = bundles[name]
    expressed = expressed_genes(rna, bundle.graph.genes["gene"].tolist(), PERTURBED_CELLS, seed)
    links = perturbed_degrees(bundle, expressed, share, power, seed)
    is_tf = bundle.graph.genes["is_tf"].to_numpy(dtype=bool)
    table: pd.DataFrame = tabulate_perturbed(links, is_tf)
    drawn = {
        strategy if not p else f"{strategy}, power {p:g}": (degree.ravel(), np.tile(is_tf, len(degree)))
        for (strategy, p), degree in links.items()
    }
    said = f"{share:.0%} of the edges replaced, graph {name}"
    return [
        Figure(
            "perturbed_degrees",
            plot_distributions(drawn),
            f"Share of genes with at least so many links in the graph of one cell type, before (none) and after one "
            f"draw of edge perturbation; {said}.",
            400,
        ),
        Table(
            "perturbation_degrees",
            table,
            f"Links of genes in the graph of one cell type before (none) and after one draw of edge perturbation, over "
            f"all types; {said}, co-expression in {PERTURBED_CELLS} cells a type at most. Power: new links fall to "
            f"genes in proportion to (1 + links) to it; this run: {power:g}.",
            {
                "degree_power": "power",
                "mean_degree": "mean degree",
                "median_degree": "median degree",
                "highest_degree": "highest degree",
                "unlinked": "without a link (share)",
            },
        ),
    ]


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
    """Complementary cumulative distribution of degrees, one colour a graph; TFs, and other genes."""
    drawn = {name: (degrees(b), b.graph.genes["is_tf"].to_numpy(dtype=bool)) for name, b in bundles.items()}
    return plot_distributions({name: case for name, case in drawn.items() if case[0].any()})


def plot_distributions(drawn: dict[str, tuple[np.ndarray, np.ndarray]]) -> go.Figure:
    """Complementary cumulative distributions; `drawn`: name -> degrees and whether each gene is a TF."""
    from plotly.subplots import make_subplots

    palette = colours(list(drawn))
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=["TFs", "other genes"], shared_yaxes=True, horizontal_spacing=0.04
    )
    for name, (links, is_tf) in drawn.items():
        for column, of_kind in enumerate((is_tf, ~is_tf), start=1):
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
