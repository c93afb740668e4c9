"""The bundles of a corpus' datasets as one: the union of their genes, types, eRegulons and active pairs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.graph.align import check_shared, find_token
from grnformer.graph.bundle import (
    EDGE_TYPES,
    TABLES,
    TF_SCALES,
    Bundle,
    Graph,
    describe_graph,
)
from grnformer.graph.knowledge import link_genes
from grnformer.graph.measured import Measured
from grnformer.graph.modes import MODES
from grnformer.graph.vocabulary import by_ortholog

logger = logging.getLogger(__name__)


def join_bundles(
    bundles: dict[str, Bundle],
    measured: dict[str, Measured],
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
    knowledge: Mapping[str, Any] | None = None,
    orthologs: Mapping[str, str] | None = None,
) -> Bundle:
    """Join the bundles of one mode.

    Genes are those of any bundle, matched by their entry in the vocabulary. A cell type or eRegulon whose name several
    datasets have is named <dataset>/<name>, every cell <dataset>/<cell>.

    Parameters
    ----------
    bundles
        Dataset -> its bundle.
    measured
        Dataset, then files without networks -> what its cells measure.
    vocabulary, aliases
        As the bundles were built with.
    knowledge
        Also as these.
    orthologs
        Also as these; of all datasets and files, which are of one species.

    Raises
    ------
    InputError
        If the bundles are of several modes.
    """
    modes = {bundle.meta["mode"] for bundle in bundles.values()}
    if len(modes) != 1:
        raise InputError(
            f"bundles of the modes {sorted(modes)}",
            "one mode",
            "join bundles of the same mode",
        )

    genes = _join_genes(bundles)
    types = _names(
        {name: bundle.meta["cell_types"] for name, bundle in bundles.items()}
    )
    regulons = _names(
        {name: bundle.graph.eregulon_names for name, bundle in bundles.items()}
    )
    cell_types = [
        joint for of_dataset in types.values() for joint in of_dataset.values()
    ]
    eregulons = [
        joint for of_dataset in regulons.values() for joint in of_dataset.values()
    ]

    # by token: datasets may have different names of one gene
    node = genes.set_index("token")["node"]
    datasets: dict[str, dict[str, Any]] = {}
    # eRegulons are numbered through: each dataset has a range of the numbers
    moved, first = [], 0
    for name, bundle in bundles.items():
        last = first + len(bundle.graph.eregulon_names)
        moved.append(_move(bundle.graph, name, node, types[name], first))
        rank_cutoff = bundle.graph.rank_cutoff
        datasets[name] = {
            "cell_types": types[name],
            "eregulons": [first, last],
            "rank_cutoff": rank_cutoff,
        }
        first = last
    for name, what in measured.items():
        # a file without networks: no eRegulon is scored, a type has that of a dataset
        if name not in bundles:
            known = {own: _first_named(own, types) for own in what.cell_types.index}
            datasets[name] = {
                "cell_types": known,
                "eregulons": [first, first],
                # the least that AUCell takes
                "rank_cutoff": 2,
            }

    tables = {
        table: pd.concat([part[table] for part in moved], ignore_index=True)
        for table in moved[0]
    }
    tables["edges"] = tables["edges"].sort_values(
        ["cell_type", "tf", "gene"], ignore_index=True
    )

    # one number for the graph; cells are scored with that of their dataset
    rank_cutoff = max(bundle.graph.rank_cutoff for bundle in bundles.values())
    graph = Graph(genes, **tables, eregulon_names=eregulons, rank_cutoff=rank_cutoff)
    meta_of_first = next(iter(bundles.values())).meta
    graph = _add_knowledge(
        graph, modes.pop(), meta_of_first["seed"], vocabulary, aliases, knowledge
    )
    if orthologs is not None:
        vocabulary, aliases = by_ortholog(vocabulary, aliases, orthologs), {}
    sources = _find_sources(bundles, measured, genes, vocabulary, aliases)
    lost = _join_lost(bundles)

    described = {}
    for name, what in measured.items():
        joint = datasets[name]["cell_types"]
        without = [own for own in joint if joint[own] not in cell_types]
        described[name] = datasets[name] | {
            "genes": int((sources["dataset"] == name).sum()),
            "values": what.values,
            "cells": int(what.cell_types.sum()),
            "cells_without_network": int(what.cell_types.reindex(without).sum()),
        }
    meta = {
        "mode": meta_of_first["mode"],
        "scales": meta_of_first["scales"],
        "cell_types": cell_types,
        **describe_graph(graph, lost, cell_types),
        "seed": meta_of_first["seed"],
        "datasets": described,
    }
    summary = {
        name: {k: v for k, v in one.items() if k != "cell_types"}
        for name, one in described.items()
    }
    logger.info("joint graph of %d genes: %s", len(genes), summary)
    return Bundle(graph, lost, meta, sources)


def _add_knowledge(
    graph: Graph,
    mode: str,
    seed: int,
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
    knowledge: Mapping[str, Any] | None,
) -> Graph:
    """The graph with the knowledge graph of a mode over its genes.

    It is no union of those of the datasets: two rewired graphs share fewer pairs than two true ones, so that a control
    would have more edges.
    """
    if not knowledge:
        return graph
    pairs = link_genes(graph.genes, vocabulary, aliases, seed=seed, **knowledge)
    alone = replace(graph.without_edges(*TF_SCALES), knowledge=pairs)
    rng = np.random.default_rng([seed, *mode.encode()])
    return replace(graph, knowledge=MODES[mode](alone, rng).knowledge)


def _move(
    graph: Graph, dataset: str, node: pd.Series, types: dict[str, str], first: int
) -> dict[str, pd.DataFrame]:
    """Tables of a dataset's graph with the numbers and names of the corpus; its eRegulons are numbered from `first`."""
    tables = {
        name: getattr(graph, name) for name in (*TABLES["cell_type"], *TABLES["cell"])
    }
    for name in TABLES["cell"]:
        tables[name] = tables[name].assign(eregulon=tables[name]["eregulon"] + first)
    tables["activity"] = tables["activity"].assign(
        cell=f"{dataset}/" + graph.activity["cell"].astype(str)
    )
    tables["edges"] = tables["edges"].assign(
        cell_type=graph.edges["cell_type"].map(types)
    )

    # (genes of the dataset,), indexed by its node numbers
    joint_node = graph.genes["token"].map(node).to_numpy()
    for name in ("edges", "eregulons"):
        ends = {end: joint_node[tables[name][end]] for end in ("tf", "gene")}
        tables[name] = tables[name].assign(**ends).astype(EDGE_TYPES)
    return tables


def _join_genes(bundles: dict[str, Bundle]) -> pd.DataFrame:
    """Genes of any bundle, one an entry of the vocabulary, by the name that the first dataset gives it."""
    every = pd.concat(
        [bundle.graph.genes for bundle in bundles.values()], ignore_index=True
    )

    # a gene that regulates in one dataset is a TF of the joint graph
    is_tf = every.groupby("token")["is_tf"].any()
    genes = every.drop_duplicates("token", ignore_index=True)
    return genes.assign(
        node=np.arange(len(genes)), is_tf=genes["token"].map(is_tf).astype(bool)
    )


def _names(of_dataset: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """Dataset -> name there -> name in the corpus: <dataset>/<name> where several datasets have the name."""
    count = Counter(name for names in of_dataset.values() for name in names)
    return {
        dataset: {
            name: f"{dataset}/{name}" if count[name] > 1 else name for name in names
        }
        for dataset, names in of_dataset.items()
    }


def _first_named(name: str, types: dict[str, dict[str, str]]) -> str:
    """Name in the corpus of a type, as the first dataset that has it; else its name."""
    return next(
        (of_dataset[name] for of_dataset in types.values() if name in of_dataset), name
    )


def _find_sources(
    bundles: dict[str, Bundle],
    measured: dict[str, Measured],
    genes: pd.DataFrame,
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
) -> pd.DataFrame:
    """Which gene of each file is which node: as in its bundle, else by exact name before others."""
    node = dict(zip(genes["token"], genes["node"], strict=True))
    tables = []
    for name, what in measured.items():
        # what the bundle chose stays: the rest only fills in
        found: dict[int, str] = {}
        if name in bundles:
            of_bundle = bundles[name].graph.genes
            found = dict(zip(of_bundle["token"], of_bundle["gene"], strict=True))
        # stable: exact names first
        for gene in sorted(what.genes, key=lambda gene: gene not in vocabulary):
            token = find_token(gene, vocabulary, aliases)
            if token is not None and token in node:
                found.setdefault(token, gene)
        check_shared(len(found), genes["gene"].tolist(), what.genes, name, "the graph")
        rows = pd.DataFrame(
            {
                "dataset": name,
                "gene": found.values(),
                "node": [node[token] for token in found],
            }
        )
        tables.append(rows.sort_values("node"))
    return pd.concat(tables, ignore_index=True)


def _join_lost(bundles: dict[str, Bundle]) -> pd.DataFrame:
    every = pd.concat([bundle.lost for bundle in bundles.values()], ignore_index=True)
    grouped = every.groupby("gene", sort=True).agg(
        reason=("reason", "first"), edges_lost=("edges_lost", "sum")
    )
    return grouped.reset_index().astype({"edges_lost": int})
