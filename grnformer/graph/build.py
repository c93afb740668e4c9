"""From the network stage's tables to a graph over the genes of a backbone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.graph.align import align_genes
from grnformer.graph.bundle import EDGE_TYPES, Bundle, Graph, describe_graph
from grnformer.graph.modes import MODES, scales_of
from grnformer.grn.cell_type.edges import edge_signs
from grnformer.grn.cell_type.names import file_names

logger = logging.getLogger(__name__)


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
    seed: int,
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
    seed
        Of the control graphs.
    """
    rna = io.read_modality(multiome, "rna", "multiome")
    var, types = rna.var, read_networks(cell_type_folder, rna.obs["cell_type"])
    del rna
    triplets = io.read_table(eregulons, "eregulons")
    active = io.read_anndata(cell_activity, "cell_activity")

    edges = pd.concat([t.assign(cell_type=name) for name, t in types.items()], ignore_index=True)
    network = pd.unique(pd.concat([edges["tf"], edges["gene"], triplets["tf"], triplets["gene"]]))
    chosen = choose_genes(var, network, min_cells=min_cells, max_genes=max_genes)
    aligned, lost = align_genes(list(chosen), vocabulary, aliases)
    tfs = set(edges["tf"]) | set(triplets["tf"])
    genes = aligned.assign(node=np.arange(len(aligned)), is_tf=aligned["gene"].isin(tfs))
    graph = Graph(
        genes[["node", "gene", "token", "is_tf"]],
        number_edges(edges, genes, ["cell_type"]),
        *number_eregulons(triplets, active, genes),
        rank_cutoff=int(active.uns["rank_cutoff"]),
    )
    lost = _lost(lost, network, set(chosen), edges, triplets)
    changed = MODES[mode](graph, np.random.default_rng([seed, *mode.encode()]))
    meta = {
        "mode": mode,
        "scales": scales_of(mode),
        "cell_types": list(types),
        **describe_graph(changed, lost, types),
        "seed": seed,
    }
    logger.info("graph %s: %s", mode, {k: v for k, v in meta.items() if k != "eregulons"})
    return Bundle(changed, lost, meta)


def read_networks(folder: str | Path, cell_type: pd.Series) -> dict[str, pd.DataFrame]:
    """Read the GRN (contract cell_type_grn) of every type, by the type's own name and not by its file's.

    Raises
    ------
    InputError
        If a type of the cells has no table.
    """
    files = {name: Path(folder) / f"{stem}.parquet" for name, stem in file_names(sorted(set(cell_type))).items()}
    missing = [name for name, path in files.items() if not path.exists()]
    if missing:
        raise InputError(
            f"no edge table of the cell types {missing} in {folder}", "one a cell type", "run the stage grn again"
        )
    return {name: io.read_table(path, "cell_type_grn") for name, path in files.items()}


def choose_genes(var: pd.DataFrame, network: np.ndarray, *, min_cells: int, max_genes: int) -> pd.Index:
    """Genes of the graph in the order of `var`: of the network or highly variable, in `min_cells` cells or more."""
    of_network = var.index.isin(network)
    eligible = (of_network | var["highly_variable"].to_numpy()) & (var["n_cells"].to_numpy() >= min_cells)
    order = np.lexsort([np.arange(len(var)), -var["n_cells"].to_numpy(), ~of_network])
    best = order[eligible[order]][:max_genes]
    return var.index[np.sort(best)]


def number_edges(table: pd.DataFrame, genes: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Edges by node number: rows with both ends in `genes`, one row a (keys, tf, gene), its largest weight."""
    node = genes.set_index("gene")["node"]
    kept = table[table["tf"].isin(node.index) & table["gene"].isin(node.index)]
    numbered = pd.DataFrame(
        {
            **{key: kept[key].to_numpy() for key in keys},
            "tf": kept["tf"].map(node).to_numpy(),
            "gene": kept["gene"].map(node).to_numpy(),
            "weight": kept["weight"].to_numpy(),
            "sign": np.where(kept["sign"].to_numpy() < 0, -1, 1),
        }
    ).astype(EDGE_TYPES)
    numbered = numbered.sort_values([*keys, "tf", "gene", "weight"], ascending=[True] * (len(keys) + 2) + [False])
    return numbered.drop_duplicates([*keys, "tf", "gene"], ignore_index=True)


def number_eregulons(
    triplets: pd.DataFrame, active: Any, genes: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str], pd.DataFrame, pd.DataFrame]:
    """Edges of the eRegulons by number, the active pairs, the names, all members, and the thresholds (see `Graph`).

    An edge weighs the percentile rank of its tf_gene_weight among the distinct (eRegulon, gene) pairs, mean of ties:
    known targets that inference gave no weight would vanish beside the others by the weight itself.
    """
    names = list(active.var_names)
    unknown = sorted(set(triplets["eregulon"]) - set(names))
    if unknown:
        logger.info("%d eRegulons have no activity and stay out of the cells' graphs: %s", len(unknown), unknown[:5])
    number = {name: k for k, name in enumerate(names)}
    table = triplets[triplets["eregulon"].isin(number)].astype({"eregulon": str})
    table = table.sort_values("tf_gene_weight", ascending=False).drop_duplicates(["eregulon", "gene"])
    table = table.assign(weight=table["tf_gene_weight"].rank(pct=True))
    table = table.assign(sign=edge_signs(table["eregulon"]), eregulon=table["eregulon"].map(number))
    edges = number_edges(table, genes, ["eregulon"]).astype({"eregulon": "int64"})
    linked = np.unique(edges["eregulon"])
    members = table.loc[table["eregulon"].isin(linked), ["eregulon", "gene"]].sort_values(
        ["eregulon", "gene"], ignore_index=True
    )
    thresholds = pd.DataFrame({"eregulon": linked, "threshold": active.var["threshold"].to_numpy(float)[linked]})
    rows, columns = active.layers["active"].nonzero()
    kept = np.isin(columns, linked)
    activity = pd.DataFrame(
        {"cell": active.obs_names.to_numpy(object)[rows[kept]], "eregulon": columns[kept].astype(np.int64)}
    )
    return edges, activity, names, members.astype({"gene": str}), thresholds


def _lost(
    lost: pd.DataFrame, network: np.ndarray, chosen: set[str], edges: pd.DataFrame, triplets: pd.DataFrame
) -> pd.DataFrame:
    """Add the network's genes that the gene choice left out, and count the edges that each lost gene takes along."""
    left_out = pd.DataFrame({"gene": sorted(set(network) - chosen), "reason": "in too few cells, or beyond max_genes"})
    lost = pd.concat([lost, left_out], ignore_index=True)
    pairs = pd.concat([edges[["tf", "gene"]], triplets[["tf", "gene"]]]).drop_duplicates()
    ends = pd.concat([pairs["tf"], pairs.loc[pairs["gene"] != pairs["tf"], "gene"]]).value_counts()
    return lost.assign(edges_lost=lost["gene"].map(ends).fillna(0).astype(int))
