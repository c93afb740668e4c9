"""The bundles of a corpus' datasets as one: the union of their genes, types, eRegulons and active pairs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.graph.align import find_token
from grnformer.graph.bundle import EDGE_TYPES, Bundle, Graph, describe_graph
from grnformer.graph.measured import Measured

logger = logging.getLogger(__name__)


def join_bundles(
    bundles: dict[str, Bundle],
    measured: dict[str, Measured],
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
) -> Bundle:
    """Join the bundles of one mode.

    Genes are those of any bundle, matched by their place in the vocabulary. A cell type or eRegulon whose name several
    datasets have is named <dataset>/<name>, every cell <dataset>/<cell>.

    Parameters
    ----------
    bundles
        Dataset -> its bundle.
    measured
        Dataset, then files without networks -> what its cells measure.
    vocabulary, aliases
        As the bundles were built with.

    Raises
    ------
    InputError
        If the bundles are of several modes.
    """
    modes = {bundle.meta["mode"] for bundle in bundles.values()}
    if len(modes) != 1:
        raise InputError(f"bundles of the modes {sorted(modes)}", "one mode", "join bundles of the same mode")
    genes = _join_genes(bundles)
    types = _names({name: bundle.meta["cell_types"] for name, bundle in bundles.items()})
    regulons = _names({name: bundle.graph.eregulon_names for name, bundle in bundles.items()})
    first = np.cumsum([0, *(len(names) for names in regulons.values())]).tolist()
    tables: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("edges", "eregulons", "activity", "members", "thresholds")
    }
    datasets: dict[str, dict[str, Any]] = {}
    for (name, bundle), start in zip(bundles.items(), first, strict=False):
        graph = bundle.graph
        node = graph.genes["token"].map(genes.set_index("token")["node"]).to_numpy()
        moved = {
            part: getattr(graph, part).assign(eregulon=getattr(graph, part)["eregulon"] + start)
            for part in ("eregulons", "activity", "members", "thresholds")
        }
        edges = graph.edges.assign(cell_type=graph.edges["cell_type"].map(types[name]))
        tables["edges"].append(_renumber(edges, node))
        tables["eregulons"].append(_renumber(moved["eregulons"], node))
        tables["activity"].append(moved["activity"].assign(cell=f"{name}/" + moved["activity"]["cell"].astype(str)))
        tables["members"].append(moved["members"])
        tables["thresholds"].append(moved["thresholds"])
        datasets[name] = {
            "cell_types": types[name],
            "eregulons": [start, start + len(graph.eregulon_names)],
            "rank_cutoff": graph.rank_cutoff,
        }
    for name in (name for name in measured if name not in bundles):
        datasets[name] = {"eregulons": [first[-1], first[-1]], "rank_cutoff": 2, "cell_types": {}}
        for own in measured[name].cell_types.index:
            known = (of_dataset[own] for of_dataset in types.values() if own in of_dataset)
            datasets[name]["cell_types"][own] = next(known, own)
    joint = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    joint["edges"] = joint["edges"].sort_values(["cell_type", "tf", "gene"], ignore_index=True)
    graph = Graph(
        genes,
        **joint,
        eregulon_names=[name for names in regulons.values() for name in names.values()],
        rank_cutoff=max(bundle.graph.rank_cutoff for bundle in bundles.values()),
    )
    sources = _find_sources(bundles, measured, genes, vocabulary, aliases)
    cell_types = [name for of_dataset in types.values() for name in of_dataset.values()]
    described = {}
    for name, what in measured.items():
        lone = [own for own, joint_name in datasets[name]["cell_types"].items() if joint_name not in cell_types]
        described[name] = datasets[name] | {
            "genes": int((sources["dataset"] == name).sum()),
            "values": what.values,
            "cells": int(what.cell_types.sum()),
            "cells_without_network": int(what.cell_types.reindex(lone).sum()),
        }
    lost = _join_lost(bundles)
    meta = {
        "mode": modes.pop(),
        "scales": next(iter(bundles.values())).meta["scales"],
        "cell_types": cell_types,
        **describe_graph(graph, lost, cell_types),
        "seed": next(iter(bundles.values())).meta["seed"],
        "datasets": described,
    }
    summary = {name: {k: v for k, v in one.items() if k != "cell_types"} for name, one in described.items()}
    logger.info("joint graph of %d genes: %s", len(genes), summary)
    return Bundle(graph, lost, meta, sources)


def _join_genes(bundles: dict[str, Bundle]) -> pd.DataFrame:
    """Genes of any bundle, one a place in the vocabulary, by the name that the first dataset gives it."""
    every = pd.concat([bundle.graph.genes for bundle in bundles.values()], ignore_index=True)
    is_tf = every.groupby("token")["is_tf"].any()
    genes = every.drop_duplicates("token", ignore_index=True)
    return genes.assign(node=np.arange(len(genes)), is_tf=genes["token"].map(is_tf).astype(bool))


def _names(of_dataset: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """Dataset -> own name -> name in the corpus: <dataset>/<name> where several datasets have the name."""
    count = Counter(name for names in of_dataset.values() for name in names)
    return {
        dataset: {name: f"{dataset}/{name}" if count[name] > 1 else name for name in names}
        for dataset, names in of_dataset.items()
    }


def _renumber(edges: pd.DataFrame, node: np.ndarray) -> pd.DataFrame:
    return edges.assign(tf=node[edges["tf"].to_numpy()], gene=node[edges["gene"].to_numpy()]).astype(EDGE_TYPES)


def _find_sources(
    bundles: dict[str, Bundle],
    measured: dict[str, Measured],
    genes: pd.DataFrame,
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
) -> pd.DataFrame:
    """Which gene of each file is which node: as its own bundle has it, else by exact name before others."""
    node = dict(zip(genes["token"], genes["node"], strict=True))
    tables = []
    for name, what in measured.items():
        found: dict[int, str] = {}
        if name in bundles:
            own = bundles[name].graph.genes
            found = dict(zip(own["token"], own["gene"], strict=True))
        exact = [gene for gene in what.genes if gene in vocabulary]
        for gene in [*exact, *(gene for gene in what.genes if gene not in vocabulary)]:
            token = find_token(gene, vocabulary, aliases)
            if token is not None and token in node:
                found.setdefault(token, gene)
        if not found:
            raise InputError(
                f"none of the graph's genes are measured in {name}; genes are named like {what.genes[:3]}",
                f"names like {genes['gene'].head(3).tolist()}",
                "name genes by symbol, or give fuse.aliases a table that translates them",
            )
        rows = pd.DataFrame({"dataset": name, "gene": found.values(), "node": [node[token] for token in found]})
        tables.append(rows.sort_values("node"))
    return pd.concat(tables, ignore_index=True)


def _join_lost(bundles: dict[str, Bundle]) -> pd.DataFrame:
    every = pd.concat([bundle.lost for bundle in bundles.values()], ignore_index=True)
    grouped = every.groupby("gene", sort=True).agg(reason=("reason", "first"), edges_lost=("edges_lost", "sum"))
    return grouped.reset_index().astype({"edges_lost": int})
