"""From the network stage's tables to a graph over the genes of a backbone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.graph.align import align_genes
from grnformer.graph.bundle import (
    EDGE_TYPES,
    Bundle,
    Graph,
    describe_graph,
    no_knowledge,
)
from grnformer.graph.knowledge import link_genes
from grnformer.graph.modes import MODES, reads_of, scales_of
from grnformer.graph.vocabulary import by_ortholog
from grnformer.grn.cell_type.edges import edge_signs

logger = logging.getLogger(__name__)

#: What an edge of an eRegulon weighs -> column of the eRegulons.
_CELL_WEIGHTS = {"tf_gene": "tf_gene_weight", "binding": "tf_region_weight"}


def build_bundle(
    multiome: str | Path,
    cell_type_folder: str | Path,
    eregulons: str | Path,
    cell_activity: str | Path,
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
    *,
    mode: str,
    min_cells: int,
    max_genes: int,
    max_regulators: int | None,
    cell_weight: str,
    seed: int,
    prior: str | Path | None = None,
    orthologs: Mapping[str, str] | None = None,
    knowledge: Mapping[str, Any] | None = None,
) -> Bundle:
    """Read the tables of the earlier stages and build the graph bundle of one mode.

    Every mode has the same genes: those of the network and the highly variable ones, found in `min_cells` cells or
    more, at most `max_genes` (genes of the network first, then by the number of cells they are found in).

    Parameters
    ----------
    multiome, cell_type_folder, eregulons, cell_activity
        multiome.h5mu; the folder with one edge table a cell type; eregulons.parquet; cell_activity.h5ad.
    vocabulary
        Gene -> id in the backbone's vocabulary.
    aliases
        Other gene name -> name in the vocabulary.
    mode
        A key of `grnformer.graph.modes.MODES`.
    min_cells, max_genes
        See above; cells, genes.
    max_regulators
        TFs of a gene that are kept, by weight, in each cell type and among the eRegulons; None: all.
    cell_weight
        See `number_eregulons`.
    seed
        Of the control graphs.
    prior
        prior.parquet, for modes that read it.
    orthologs
        Gene of the dataset -> gene of the vocabulary's species; None: it is the same species.
    knowledge
        Files by name, and settings of `link_genes`, for modes with this scale.
    """
    rna = io.read_modality(multiome, "rna", "multiome", "names")
    var, types = rna.var, read_networks(cell_type_folder, rna.obs["cell_type"])
    edges = pd.concat(
        [table.assign(cell_type=name) for name, table in types.items()],
        ignore_index=True,
    )
    triplets = io.read_table(eregulons, "eregulons")
    active = io.read_anndata(cell_activity, "cell_activity")

    # of both scales in every mode, so that all modes have the same genes
    network = pd.unique(
        pd.concat([edges["tf"], edges["gene"], triplets["tf"], triplets["gene"]])
    )
    chosen = choose_genes(var, network, min_cells=min_cells, max_genes=max_genes)
    of_species = (vocabulary, aliases)
    if orthologs is not None:
        of_species = (by_ortholog(vocabulary, aliases, orthologs), {})
    aligned, lost = align_genes(list(chosen), *of_species)
    lost = _lost(lost, network, set(chosen), edges, triplets)

    genes = pd.DataFrame(
        {
            "node": np.arange(len(aligned)),
            "gene": aligned["gene"],
            "token": aligned["token"],
        }
    )
    genes["is_tf"] = genes["gene"].isin([*edges["tf"], *triplets["tf"]])
    graph = Graph(
        genes,
        keep_regulators(number_edges(edges, genes, "cell_type"), max_regulators),
        *number_eregulons(triplets, active, genes, max_regulators, cell_weight),
        rank_cutoff=int(active.uns["rank_cutoff"]),
        knowledge=link_genes(genes, vocabulary, aliases, seed=seed, **knowledge)
        if knowledge
        else no_knowledge(),
    )

    # the mode's name is part of the seed: controls of one seed do not share their random numbers
    rng = np.random.default_rng([seed, *mode.encode()])
    beside = {
        "expression": lambda: read_expression(multiome, genes),
        "pairs": lambda: number_pairs(prior, genes),
    }
    changed = MODES[mode](
        graph, rng, **{name: beside[name]() for name in reads_of(mode)}
    )
    description = describe_graph(changed, lost, types)
    meta = {
        "mode": mode,
        "scales": scales_of(mode),
        "cell_types": list(types),
        **description,
        "seed": seed,
    }
    logger.info(
        "graph %s: %s",
        mode,
        {key: value for key, value in meta.items() if key != "eregulons"},
    )
    return Bundle(changed, lost, meta)


def read_expression(multiome: str | Path, genes: pd.DataFrame) -> sp.csc_matrix:
    """log1p of normalised counts (cells, genes), columns in the order of the nodes."""
    rna = io.read_modality(multiome, "rna", "multiome", "X")
    return sp.csc_matrix(rna[:, genes["gene"].tolist()].X)


def number_pairs(path: str | Path | None, genes: pd.DataFrame) -> pd.DataFrame:
    """Pairs of the table by contract prior whose ends are both in `genes`, by node number: tf, gene, sign.

    Raises
    ------
    InputError
        If there is none.
    """
    pairs = io.read_table(path or "", "prior")
    node = genes.set_index("gene")["node"]
    kept = pairs[pairs["tf"].isin(node.index) & pairs["gene"].isin(node.index)]
    if kept.empty:
        raise InputError(
            f"{path}: no pair of two genes of the graph",
            "known targets of TFs in the data's gene names",
            "correct grn.cistromes.prior.table, or take the mode prior out of pretrain.arms and fuse.graphs",
        )
    numbered = kept.assign(tf=kept["tf"].map(node), gene=kept["gene"].map(node))
    return numbered[["tf", "gene", "sign"]]


def read_networks(folder: str | Path, cell_type: pd.Series) -> dict[str, pd.DataFrame]:
    """Read the GRN (contract cell_type_grn) of every type, by the name of the type, not of its file.

    Raises
    ------
    InputError
        If a type of the cells has no table.
    """
    files = {
        name: Path(folder) / f"{stem}.parquet"
        for name, stem in file_names(sorted(set(cell_type))).items()
    }
    missing = [name for name, path in files.items() if not path.exists()]
    if missing:
        raise InputError(
            f"no edge table of the cell types {missing} in {folder}",
            "one a cell type",
            "run the stage grn again",
        )
    return {name: io.read_table(path, "cell_type_grn") for name, path in files.items()}


def choose_genes(
    var: pd.DataFrame, network: np.ndarray, *, min_cells: int, max_genes: int
) -> pd.Index:
    """Genes of the graph in the order of `var`: of the network or highly variable, in `min_cells` cells or more."""
    of_network = var.index.isin(network)
    n_cells = var["n_cells"].to_numpy()
    eligible = (of_network | var["highly_variable"].to_numpy()) & (n_cells >= min_cells)

    # of the network first, then by cells; a stable sort
    order = np.lexsort([-n_cells, ~of_network])
    best = order[eligible[order]][:max_genes]
    return var.index[np.sort(best)]


def number_edges(table: pd.DataFrame, genes: pd.DataFrame, group: str) -> pd.DataFrame:
    """Edges by node number: rows with both ends in `genes`, one row a (group, tf, gene), that of the largest weight.

    `group` is a column of `table`: cell_type or eregulon.
    """
    node = genes.set_index("gene")["node"]
    kept = table[table["tf"].isin(node.index) & table["gene"].isin(node.index)]
    numbered = kept[[group, "tf", "gene", "weight"]].assign(
        tf=kept["tf"].map(node),
        gene=kept["gene"].map(node),
        # a sign of 0 counts as positive: as a factor it would delete the edge
        sign=np.where(kept["sign"] < 0, -1, 1),
    )
    key = [group, "tf", "gene"]

    # largest weight first: it is the one of its key that stays
    numbered = numbered.sort_values(
        [*key, "weight"], ascending=[True, True, True, False]
    )
    return numbered.drop_duplicates(key, ignore_index=True).astype(EDGE_TYPES)


def keep_regulators(edges: pd.DataFrame, most: int | None) -> pd.DataFrame:
    """Keep the edges of each gene's `most` TFs of the largest weight, in each cell type if there are several."""
    if most is None:
        return edges
    within = [name for name in ("cell_type", "gene") if name in edges]

    # of equal weights, the TF of the lower number: the choice is fixed
    ordered = edges.sort_values(["weight", "tf"], ascending=[False, True])
    pairs = ordered[[*within, "tf"]].drop_duplicates()
    kept = pairs[pairs.groupby(within).cumcount() < most]
    return edges.merge(kept, on=[*within, "tf"])[edges.columns]


def number_eregulons(
    triplets: pd.DataFrame,
    active: Any,
    genes: pd.DataFrame,
    max_regulators: int | None = None,
    cell_weight: str = "tf_gene",
) -> tuple[pd.DataFrame, pd.DataFrame, list[str], pd.DataFrame, pd.DataFrame]:
    """Edges of the eRegulons by number, the active pairs, the names, all members, and the thresholds (see `Graph`).

    An edge weighs the percentile rank of its tf_gene_weight (`cell_weight` tf_gene) or of its cistrome's score
    (binding) among the distinct (eRegulon, gene) pairs, mean of ties: by the weight itself, known targets that
    inference gave no weight would vanish beside the others.
    """
    column = _CELL_WEIGHTS[cell_weight]
    names = list(active.var_names)
    unknown = sorted(set(triplets["eregulon"]) - set(names))
    if unknown:
        logger.info(
            "%d eRegulons have no activity and stay out of the cells' graphs: %s",
            len(unknown),
            unknown[:5],
        )
    table = triplets[triplets["eregulon"].isin(names)].astype({"eregulon": str})

    # one row a region before: a gene with several counts once, by its best weight
    table = table.sort_values(column, ascending=False).drop_duplicates(
        ["eregulon", "gene"]
    )
    number = {name: k for k, name in enumerate(names)}
    table = table.assign(
        weight=table[column].rank(pct=True),
        sign=edge_signs(table["eregulon"]),
        eregulon=table["eregulon"].map(number),
    )
    edges = number_edges(table, genes, "eregulon").astype({"eregulon": "int64"})
    edges = keep_regulators(edges, max_regulators)

    # eRegulons without an edge among the genes open nothing: their activity is left out
    linked = np.unique(edges["eregulon"])
    members = table.loc[table["eregulon"].isin(linked), ["eregulon", "gene"]].astype(
        {"gene": str}
    )
    members = members.sort_values(["eregulon", "gene"], ignore_index=True)
    thresholds = pd.DataFrame(
        {
            "eregulon": linked,
            "threshold": active.var["threshold"].to_numpy(float)[linked],
        }
    )

    cell, eregulon = active.layers["active"].nonzero()
    kept = np.isin(eregulon, linked)
    cells = active.obs_names.to_numpy(object)
    activity = pd.DataFrame(
        {"cell": cells[cell[kept]], "eregulon": eregulon[kept].astype(np.int64)}
    )
    return edges, activity, names, members, thresholds


def _lost(
    lost: pd.DataFrame,
    network: np.ndarray,
    chosen: set[str],
    edges: pd.DataFrame,
    triplets: pd.DataFrame,
) -> pd.DataFrame:
    """Add the network's genes that the gene choice left out; count the edges that are lost with each gene."""
    left_out = pd.DataFrame(
        {
            "gene": sorted(set(network) - chosen),
            "reason": "in too few cells, or beyond max_genes",
        }
    )
    lost = pd.concat([lost, left_out], ignore_index=True)

    # an edge of several types, or of both scales, is lost once
    pairs = pd.concat(
        [edges[["tf", "gene"]], triplets[["tf", "gene"]]]
    ).drop_duplicates()
    # a loop counts once
    ends = pd.concat(
        [pairs["tf"], pairs.loc[pairs["gene"] != pairs["tf"], "gene"]]
    ).value_counts()
    return lost.assign(edges_lost=lost["gene"].map(ends).fillna(0).astype(int))
