"""Section of the graphs: genes aligned and lost, edges, degrees, and how edge perturbation changes degrees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import anndata
import numpy as np
import pandas as pd

from grnformer.graph.bundle import Bundle
from grnformer.report.figures.arms import arm_colours, family_of
from grnformer.report.figures.graphs import plot_distributions
from grnformer.report.page import Block, Config, Figure, Note, Section, table
from grnformer.workflow.arms import bundle_name

PERTURBED_CELLS = 64  # of a type: about two batches of the size tiny
_WORDS = {
    "none": "before",
    "random": "random edges",
    "coexpression": "co-expressed genes",
}
POWERS = (0.0, -1.0, 1.0)


def graphs_section(
    bundles: dict[str, Bundle],
    rna: anndata.AnnData,
    fraction: float,
    power: float,
    seed: int,
    arms: Config | None = None,
) -> Section:
    """Section of stage fuse.

    Parameters
    ----------
    bundles
        Graph mode -> its bundle.
    rna
        Cells in which edge perturbation finds co-expressed genes.
    fraction, power, seed
        Of edge perturbation: edges replaced, degree power, seed of the sample.
    arms
        ``pretrain.arms`` of the configuration: a graph has the colour of its arm.
    """
    first = next(iter(bundles.values()))
    genes, lost = first.graph.genes, first.lost

    blocks: list[Block] = [
        Note(
            f"{len(genes):,} genes have a place in the backbone's vocabulary, {genes['is_tf'].sum():,} of them TFs. "
            f"{len(lost):,} genes were lost on the way, with {lost['edges_lost'].sum():,} edges."
        ),
        table(
            "graph_sizes",
            tabulate_graphs(bundles),
            "Graphs built. Edges of types are summed over the cell types; edges of eRegulons are those that cell "
            "graphs look up; links of knowledge are pairs of genes in pathways, complexes or interactions.",
            nodes="genes (n)",
            type_edges="edges of types (n)",
            knowledge_edges="links of knowledge (n)",
            unlinked="genes without a link (fraction)",
            lost="genes lost (n)",
        ),
    ]

    if len(lost):
        # Alignment is the same for all graphs.
        reasons = (
            lost.groupby("reason")
            .agg(genes=("gene", "size"), edges=("edges_lost", "sum"))
            .reset_index()
        )
        blocks.append(table("genes_lost", reasons, "Why genes were lost."))

    blocks += _degree_blocks(bundles, arms or {})
    blocks += perturbation_blocks(bundles, rna, fraction, power, seed)
    return Section("fuse", "Graphs", blocks)


def _degree_blocks(bundles: dict[str, Bundle], arms: Config) -> list[Block]:
    links = {name: links_of(bundle) for name, bundle in bundles.items()}
    linked = {name: degrees for name, degrees in links.items() if degrees.any()}
    if not linked:
        return []
    # Genes and TFs are the same in all graphs.
    is_tf = _is_tf(next(iter(bundles.values())))
    colours = arm_colours(arms)
    palette = {bundle_name(arm): colours[name] for name, arm in arms.items()}
    controls = [
        name
        for name in linked
        if family_of({"graph": name.partition(".")[0]}) == "control"
    ]
    rows = [
        {"graph": name, "kind": kind, "genes": len(part), **_describe(part)}
        for name, degrees in linked.items()
        for kind, part in _by_kind(degrees, is_tf)
    ]

    return [
        Figure(
            "degrees",
            plot_distributions(linked, is_tf, palette, controls),
            f"Fraction of genes with at least this many links: {is_tf.sum():,} TFs against {(~is_tf).sum():,} other "
            "genes. Dotted: control graphs; one that keeps degrees lies on the data's. Links are the mean over the "
            "types' graphs, or those of eRegulons where a graph has no edges of types, with those of knowledge, and "
            "count both directions. Log scales; genes without a link are left out.",
            400,
        ),
        table(
            "graph_degrees",
            pd.DataFrame(rows),
            "Mean and median number of links in the same graphs.",
        ),
    ]


def perturbation_blocks(
    bundles: dict[str, Bundle],
    rna: anndata.AnnData,
    fraction: float,
    power: float,
    seed: int,
) -> list[Block]:
    """Degrees before and after edge perturbation, of the graph `hybrid` or the first that has edges of types."""
    usable = [name for name, bundle in bundles.items() if len(bundle.graph.edges)]
    if not usable:
        return []
    name = "hybrid" if "hybrid" in usable else usable[0]
    bundle = bundles[name]
    is_tf = _is_tf(bundle)
    # Co-expression links genes that the same cells express.
    expressed = expressed_genes(
        rna, bundle.graph.genes["gene"].tolist(), PERTURBED_CELLS, seed
    )
    links = perturbed_degrees(bundle, expressed, fraction, power, seed)
    rows = [
        {
            "strategy": strategy,
            "degree_power": p,
            "kind": kind,
            **_describe(part),
            "highest_degree": int(part.max()),
        }
        for (strategy, p), degrees in links.items()
        for kind, part in _by_kind(degrees, is_tf)
    ]
    columns = [
        "strategy",
        "degree_power",
        "kind",
        "mean_degree",
        "median_degree",
        "highest_degree",
        "unlinked",
    ]
    drawn = {}
    for (strategy, p), degrees in links.items():
        drawn[_WORDS[strategy] + (f", power {p:g}" if p else "")] = degrees
    said = f"{fraction:.0%} of the edges replaced, graph {name}"

    return [
        Figure(
            "perturbed_degrees",
            plot_distributions(drawn, is_tf),
            f"Fraction of genes ({is_tf.sum():,} TFs, {(~is_tf).sum():,} others) with at least this many links in the "
            f"graph of one cell type, before and after one sample of edge perturbation; {said}.",
            400,
        ),
        table(
            "perturbation_degrees",
            pd.DataFrame(rows)[columns],
            "Links of genes in the graph of one cell type, before (none) and after one sample of edge perturbation, "
            f"over all types; {said}. Co-expression is taken from at most {PERTURBED_CELLS} cells a type. Power p: a "
            f"gene gets new links in proportion to (1 + its links)^p; this run: {power:g}.",
        ),
    ]


def expressed_genes(
    rna: anndata.AnnData, genes: Sequence[str], n_cells: int, seed: int
) -> dict[str, list[np.ndarray]]:
    """For each cell type, the genes (places in `genes`) that up to `n_cells` of its cells express."""
    rng = np.random.default_rng(seed)
    types = rna.obs["cell_type"].astype(str).to_numpy()
    # Genes of the vocabulary that the cells lack have no place.
    place = rna.var_names.get_indexer_for(list(genes))
    known = np.flatnonzero(place >= 0)

    expressed = {}
    for name in np.unique(types):
        rows = np.flatnonzero(types == name)
        rows = np.sort(rng.choice(rows, size=min(n_cells, len(rows)), replace=False))
        matrix = rna[rows].X[:, place[known]].tocsr()
        # The indices between two pointers of CSR are the genes of one cell.
        expressed[str(name)] = [
            known[part] for part in np.split(matrix.indices, matrix.indptr[1:-1])
        ]

    return expressed


def perturbed_degrees(
    bundle: Bundle,
    expressed: Mapping[str, Sequence[np.ndarray]],
    fraction: float,
    power: float,
    seed: int,
) -> dict[tuple[str, float], np.ndarray]:
    """Links of each gene in the graph of each type before and after one sample, (strategy, power) -> (types, N).

    Parameters
    ----------
    bundle
        With edges of types.
    expressed
        Cell type -> genes (node numbers) that each of some cells expresses.
    fraction
        Of the edges to replace.
    power
        The run's degree power, measured beside `POWERS`.
    seed
        Of the sample.
    """
    from grnformer.graph.perturb import (
        STRATEGIES,
        Perturbation,
        count_links,
        perturb_edges,
    )
    from grnformer.graph.structure import read_edges

    n_genes = len(bundle.graph.genes)
    powers = list(dict.fromkeys([*POWERS, float(power)]))
    cases = [("none", 0.0), *((strategy, p) for strategy in STRATEGIES for p in powers)]
    tables = []
    for name, part in bundle.graph.edges.groupby("cell_type"):
        tables.append((expressed.get(str(name), []), read_edges(part)))

    links: dict[tuple[str, float], np.ndarray] = {}
    for strategy, p in cases:
        # The same stream for every case: they differ by the strategy only.
        rng = np.random.default_rng(seed)
        perturbed = [
            perturb_edges(
                edges, Perturbation(strategy, fraction, p), of_cells, n_genes, rng
            )
            for of_cells, edges in tables
        ]
        links[strategy, p] = np.stack(
            [count_links(edges, n_genes) for edges in perturbed]
        )

    return links


def links_of(bundle: Bundle) -> np.ndarray:
    """Links of each gene (node order) in the graph of a cell type, both directions, mean over types.

    These are TF-gene pairs, and pairs of the knowledge graph. A graph without edges of types is described by the
    union of its eRegulons.
    """
    graph, n_genes = bundle.graph, len(bundle.graph.genes)
    # Not the union of types: a control changes the edges of each type anew, and has more distinct ones.
    parts = (
        [part for _, part in graph.edges.groupby("cell_type")]
        if len(graph.edges)
        else [graph.eregulons]
    )
    known = graph.knowledge[["gene_a", "gene_b"]].to_numpy(dtype=int)
    links = np.bincount(known.ravel(), minlength=n_genes).astype(float)
    for part in parts:
        # A pair of two eRegulons is one link.
        pairs = part[["tf", "gene"]].drop_duplicates().to_numpy(dtype=int)
        links += np.bincount(pairs.ravel(), minlength=n_genes) / len(parts)
    return links


def tabulate_graphs(bundles: dict[str, Bundle]) -> pd.DataFrame:
    """Genes, TFs with links, edges of types and of eRegulons and links of knowledge of each graph."""
    rows = []
    for name, bundle in bundles.items():
        graph = bundle.graph
        rows.append(
            {
                "graph": name,
                "nodes": len(graph.genes),
                "tfs": pd.concat([graph.edges["tf"], graph.eregulons["tf"]]).nunique(),
                "type_edges": len(graph.edges),
                "eregulon_edges": len(graph.eregulons),
                "knowledge_edges": len(graph.knowledge),
                "unlinked": (links_of(bundle) == 0).mean(),
                "lost": len(bundle.lost),
            }
        )

    return pd.DataFrame(rows)


def _is_tf(bundle: Bundle) -> np.ndarray:
    return bundle.graph.genes["is_tf"].to_numpy(dtype=bool)


def _by_kind(
    degrees: np.ndarray, is_tf: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Degrees (..., N) of TFs and of other genes, where there are any."""
    for kind, chosen in (("TF", is_tf), ("other gene", ~is_tf)):
        if chosen.any():
            yield kind, degrees[..., chosen]


def _describe(degrees: np.ndarray) -> dict[str, float]:
    unlinked = (degrees == 0).mean()
    return {
        "mean_degree": degrees.mean(),
        "median_degree": np.median(degrees),
        "unlinked": unlinked,
    }
