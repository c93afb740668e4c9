"""Pathways, complexes and interactions as one undirected graph of genes: read, projected, bounded, numbered.

A set of n genes links each two of its genes with weight 1 / (n - 1), so that a gene gets 1 in sum from every set that
it is in (Newman 2001, doi 10.1103/PhysRevE.64.016132). An interaction is a set of two.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import ArrowInvalid, parquet

from grnformer.core.errors import InputError
from grnformer.core.text import (
    as_flags,
    as_numbers,
    read_frame,
    read_lines,
    refuse,
    separator_of,
)
from grnformer.graph.align import find_token
from grnformer.graph.bundle import KNOWLEDGE_TYPES

logger = logging.getLogger(__name__)

_SETTING = "fuse.knowledge.sources"
_CORUM = ("Organism", "subunits(Gene name)")
_OMNIPATH = ("source", "target", "type", "is_stimulation", "is_inhibition")
# columns of a pair
ENDS = ["gene_a", "gene_b"]


def read_sets(path: str | Path, setting: str) -> pd.DataFrame:
    """Read gene sets: GMT (name, description, genes), or CORUM's table of complexes (human ones).

    Parameters
    ----------
    setting
        What names the file, for messages.

    Returns
    -------
    gene, group, without repeats.

    Raises
    ------
    InputError
        If the file is neither, or has no set of two genes or more.
    """
    lines = read_lines(path, setting)
    header = lines[0][1].split("\t")
    if set(_CORUM) <= set(header):
        links = _from_corum(path, setting)
    else:
        rows = [line.split("\t") for _, line in lines]
        links = pd.DataFrame(
            [(gene, row[0]) for row in rows for gene in row[2:] if gene],
            columns=["gene", "group"],
        )
    links = links.drop_duplicates(ignore_index=True)

    if not (links["group"].value_counts() > 1).any():
        raise InputError(
            f"{path} holds no set of two genes or more",
            "GMT (name, description, genes; tab-separated), or CORUM's allComplexes.txt",
            f"name another file in {setting}",
        )
    return links


def _from_corum(path: str | Path, setting: str) -> pd.DataFrame:
    table = read_frame(path, setting)
    human = table[table["Organism"] == "Human"].reset_index(drop=True)
    genes = human["subunits(Gene name)"].str.split(";").explode().str.strip()
    # the row, not the name: complexes of one name differ in their subunits
    links = pd.DataFrame({"gene": genes, "group": genes.index.astype(str)})
    return links[links["gene"] != ""]


def read_interactions(
    path: str | Path, setting: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read OmniPath's interactions, as TF-target pairs and as all others.

    Parameters
    ----------
    setting
        What names the file, for messages.

    Returns
    -------
    Both with source, target, sign (-1, 0, 1), without loops and repeats; of the prior, source is the TF.
    """
    table = read_frame(path, setting)
    if not set(_OMNIPATH) <= set(table):
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"OmniPath's {', '.join(_OMNIPATH)}",
            f"name another file in {setting}",
        )
    stimulates, inhibits = (
        as_flags(table[column], path, setting).astype(int)
        for column in ("is_stimulation", "is_inhibition")
    )
    pairs = table[["source", "target"]].assign(sign=stimulates - inhibits)

    kept = (pairs["source"] != pairs["target"]) & (pairs["source"] != "")
    is_prior = table["type"] == "transcriptional"
    first = pairs[kept & is_prior].drop_duplicates(["source", "target"])
    others = pairs[kept & ~is_prior].drop_duplicates(["source", "target"])
    return first.reset_index(drop=True), others.reset_index(drop=True)


def read_edges(path: str | Path, setting: str) -> pd.DataFrame:
    """Read a table of gene_a, gene_b and optionally weight (above 0; none: 1).

    Returns
    -------
    gene_a, gene_b, weight, as found: either way round, pairs may repeat.

    Raises
    ------
    InputError
        If a gene has no name, or a weight is no number above 0.
    """
    # without comments: a gene may be called #N/A by a spreadsheet, and is then found nowhere
    table = read_frame(path, setting, comments=())
    for end in ENDS:
        refuse(table[end], table[end] == "", "the name of a gene", path, setting)

    if "weight" not in table:
        return table[ENDS].assign(weight=1.0)
    weight = as_numbers(table["weight"], path, setting)
    refuse(table["weight"], ~(weight > 0), "a number above 0", path, setting)
    return table[ENDS].assign(weight=weight)


def read_source(path: str | Path, setting: str) -> dict[str, pd.DataFrame]:
    """Read a source of the knowledge graph, whose form its name or columns tell.

    GMT (a file named .gmt or .gmt.gz), CORUM's complexes, OmniPath's interactions (its transcriptional ones, which are
    the TF network's, are left out), or a table of gene_a, gene_b and optionally weight.

    Returns
    -------
    Either `sets` (gene, group), or `edges` (gene_a, gene_b, weight).

    Raises
    ------
    InputError
        If the file has none of these forms.
    """
    if ".gmt" in Path(path).suffixes:
        return {"sets": read_sets(path, setting)}
    columns = _columns(path, setting)
    if set(_CORUM) <= set(columns):
        return {"sets": read_sets(path, setting)}
    if set(_OMNIPATH) <= set(columns):
        others = read_interactions(path, setting)[1]
        ends = others.rename(columns={"source": "gene_a", "target": "gene_b"})
        return {"edges": ends[ENDS].assign(weight=1.0)}
    if set(ENDS) <= set(columns):
        return {"edges": read_edges(path, setting)}
    raise InputError(
        f"{path} has the columns {columns[:12]}",
        "gene_a, gene_b and optionally weight; or OmniPath's interactions, CORUM's allComplexes.txt, or gene sets in "
        "a file named .gmt",
        f"rename the columns, or name another file in {setting}",
    )


def _columns(path: str | Path, setting: str) -> list[str]:
    if Path(path).suffix == ".parquet":
        # the names alone: a table of interactions takes long to read
        with suppress(OSError, ArrowInvalid):
            return list(parquet.read_schema(path).names)
        # says what is wrong with the file
        return list(read_frame(path, setting))
    header = read_lines(path, setting)[0][1]
    return [name.strip(' "') for name in header.split(separator_of(path))]


def link_sets(links: pd.DataFrame, max_set_size: int) -> pd.DataFrame:
    """Link each two genes of a set of at most `max_set_size`, with weight 1 / (size - 1) summed over the sets.

    Parameters
    ----------
    links
        gene, group, size (genes of the group, among `links` or not); without repeats.

    Returns
    -------
    gene_a, gene_b, weight; gene_a < gene_b.
    """
    used = links[links["size"].between(2, max_set_size)]
    rows = [
        (gene_a, gene_b, 1 / (size - 1))
        for (_, size), part in used.groupby(["group", "size"], sort=True)
        for gene_a, gene_b in combinations(sorted(part["gene"]), 2)
    ]
    pairs = pd.DataFrame(rows, columns=[*ENDS, "weight"])
    return pairs.groupby(ENDS, as_index=False)["weight"].sum()


def order_ends(pairs: pd.DataFrame) -> pd.DataFrame:
    """One row a pair, gene_a < gene_b, with its largest weight; a gene is no partner of itself."""
    ends = np.sort(pairs[ENDS].to_numpy(), axis=1)
    ordered = pairs.assign(gene_a=ends[:, 0], gene_b=ends[:, 1])
    ordered = ordered[ordered["gene_a"] != ordered["gene_b"]]
    return ordered.groupby(ENDS, as_index=False)["weight"].max()


def keep_strongest(
    pairs: pd.DataFrame, max_neighbours: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Keep at most `max_neighbours` partners of each gene: the heaviest pair first whose genes both have room.

    Pairs of one weight come in random order: interactions have all the same.

    Parameters
    ----------
    pairs
        gene_a, gene_b (node numbers), weight; one row a pair.
    """
    order = np.lexsort([rng.random(len(pairs)), -pairs["weight"].to_numpy()])
    a, b = (pairs[end].to_numpy()[order].tolist() for end in ENDS)
    room = dict.fromkeys((*a, *b), max_neighbours)

    kept = np.zeros(len(pairs), bool)
    for place, one, other in zip(order, a, b, strict=True):
        if room[one] and room[other]:
            room[one] -= 1
            room[other] -= 1
            kept[place] = True
    return pairs[kept].reset_index(drop=True)


def with_files(
    settings: Mapping[str, Any], files: Sequence[str | Path]
) -> dict[str, Any] | None:
    """Arguments of `link_genes` from a rule's settings, whose sources are names, and its files; None: neither."""
    if not settings:
        return None
    sources = dict(zip(settings["sources"], files, strict=True))
    return {**settings, "sources": sources}


def link_genes(
    genes: pd.DataFrame,
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
    *,
    sources: Mapping[str, str | Path],
    max_set_size: int,
    max_neighbours: int,
    seed: int,
) -> pd.DataFrame:
    """Join the sources to one graph over `genes`.

    In each source, pairs are bounded (`keep_strongest`) and then weigh the percentile rank of their weight, ties the
    highest, so that no source drowns another. A pair of several sources weighs the sum.

    Parameters
    ----------
    genes
        node, token: the graph's, matched by token.
    vocabulary, aliases
        Of the backbone.
    sources
        Name -> file; see `read_source`.
    max_set_size
        Genes; larger sets are left out.
    max_neighbours
        Partners of a gene in one source.
    seed
        Of the order of pairs of one weight.

    Returns
    -------
    gene_a < gene_b (node numbers), weight above 0: one row a pair.

    Raises
    ------
    InputError
        If there is no source, or one links no two of the genes.
    """
    if not sources:
        raise InputError(
            f"no source in {_SETTING}",
            "pathways, complexes or interactions for a graph with the scale knowledge",
            f"name a file in {_SETTING}, or leave such graphs out",
        )
    node = dict(zip(genes["token"], genes["node"], strict=True))

    def numbered(names: pd.Series) -> pd.Series:
        found = {name: find_token(name, vocabulary, aliases) for name in names.unique()}
        return names.map({name: node.get(token) for name, token in found.items()})

    tables = []
    for number, (name, path) in enumerate(sources.items()):
        of_source = read_source(path, f"{_SETTING}.{name}")
        pairs = _number_pairs(of_source, numbered, max_set_size)
        if pairs.empty:
            raise InputError(
                f"{path} links no two of the graph's {len(genes):,} genes, such as {genes['gene'].iloc[0]}",
                f"names as of the backbone's vocabulary, of the data's species; sets of 2 to {max_set_size} genes",
                f"name another file in {_SETTING}.{name}, or raise fuse.knowledge.max_set_size",
            )
        # a stream of its own: another source changes no tie of this one
        rng = np.random.default_rng([seed, number])
        kept = keep_strongest(pairs, max_neighbours, rng)
        kept["weight"] = kept["weight"].rank(pct=True, method="max")
        tables.append(kept)
        logger.info(
            "%s: %d pairs of the graph's genes, %d kept", name, len(pairs), len(kept)
        )

    joined = pd.concat(tables, ignore_index=True)
    summed = joined.groupby(ENDS, as_index=False)["weight"].sum()
    return summed.astype(KNOWLEDGE_TYPES)


def _number_pairs(
    source: Mapping[str, pd.DataFrame], numbered: Any, max_set_size: int
) -> pd.DataFrame:
    """Pairs of a source by node number, with both ends among the genes."""
    if "edges" in source:
        edges = source["edges"]
        ends = {end: numbered(edges[end]) for end in ENDS}
        return order_ends(edges.assign(**ends).dropna().astype(KNOWLEDGE_TYPES))

    # the size is that of the whole set, whatever the graph has of it
    links = source["sets"]
    size = links.groupby("group")["gene"].transform("size")
    links = links.assign(gene=numbered(links["gene"]), size=size).dropna()
    # two names of one gene are one member
    links = links.drop_duplicates(["gene", "group"]).astype({"gene": "int64"})
    return link_sets(links, max_set_size)
