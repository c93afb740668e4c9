"""A given network in the place of an inferred one: eRegulons and the networks of cell types, by the same contracts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.digests import sha256
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.grn.cell_type.build import describe_size
from grnformer.grn.cell_type.edges import list_distinct
from grnformer.grn.eregulons.gene_based import COLUMNS, NO_REGION
from grnformer.grn.given.read import Network, read_network

logger = logging.getLogger(__name__)

SETTING = "grn.given"
RULE = "take_given_network"
# of the network's genes that the data must have: fewer, and names or species are others
_LEAST, _USUAL = 0.05, 0.5


@dataclass(frozen=True)
class Taken:
    """What the stage grn writes of a given network.

    Attributes
    ----------
    eregulons, funnel, summary
        Tables by the contracts eregulons, funnel, cell_type_summary.
    networks
        Cell type -> table by contract cell_type_grn.
    about
        Contract given_network.
    """

    eregulons: pd.DataFrame
    funnel: pd.DataFrame
    summary: pd.DataFrame
    networks: dict[str, pd.DataFrame]
    about: dict[str, Any]


def read_given(paths: Sequence[str | Path], cell_types: Sequence[str]) -> Network:
    """Read a network of all cell types, or a folder's tables, each named by its cell type.

    Raises
    ------
    InputError
        See `read_network`; also if a file of several is not named by a type, or a type has several or none.
    """
    # Snakemake and others leave hidden files in folders
    files = [Path(path) for path in paths if not Path(path).name.startswith(".")]
    type_of = {stem: name for name, stem in file_names(cell_types).items()}
    if len(files) == 1 and files[0].name.split(".")[0] not in type_of:
        return read_network(files[0], SETTING)

    parts: dict[str, Network] = {}
    for file in files:
        # a name may hold dots
        stem = file.name if file.name in type_of else _without_suffixes(file.name)
        name = type_of.get(stem)
        if name is None or name in parts:
            raise InputError(
                f"{file}, which is named by {'no cell type' if name is None else 'the cell type of another file'}",
                f"one table a cell type, named by it: {', '.join(type_of)}",
                f"rename the file, or give one table with a column cell_type ({SETTING})",
            )
        parts[name] = read_network(file, SETTING)
    first = next(iter(parts.values()))
    others = {(part.form, part.weighted) for part in parts.values()}
    if len(others) > 1:
        raise InputError(
            f"tables of several forms: {sorted(form for form, _ in others)}",
            "the same columns in every file",
            f"write them alike ({SETTING})",
        )
    table = pd.concat(
        [part.table.assign(cell_type=name) for name, part in parts.items()],
        ignore_index=True,
    )
    signs = {part.signs for part in parts.values()}
    return Network(table, first.form, first.weighted, "/".join(sorted(signs)))


def _without_suffixes(name: str) -> str:
    for suffix in (".gz", ".parquet", ".csv", ".tsv", ".txt", ".gmt", ".loom", ".h5ad"):
        name = name.removesuffix(suffix)
    return name


def take_network(
    network: Network,
    genes: Sequence[str],
    cell_type: Sequence[str],
    *,
    min_targets: int,
    files: Sequence[str | Path] = (),
) -> Taken:
    """Put a given network in the place of an inferred one.

    Left out, and counted, are pairs of a gene that the data lacks, loops, and weights of 0 (but not of regulons, whose
    rows state members). Of a pair that stands
    several times the row of the largest absolute weight stays; signs that contradict each other at the same weight are
    none. A pair without a sign counts as activating, as in every graph. An edge of a cell type weighs the percentile
    rank of its absolute weight among the type's edges (mean of ties), 1 where the file has no weights.

    eRegulons, for the activity in cells, are the targets of a TF of one sign (and annotation, where the file has it),
    over all cell types; none has regions.

    Parameters
    ----------
    genes
        Of the data.
    cell_type
        Of each cell.
    min_targets
        Genes an eRegulon must have; edges of smaller ones stay in the networks of cell types.
    files
        Where the network was read, for the record.

    Raises
    ------
    InputError
        If few of its genes are in the data, a cell type has no edge, or no eRegulon has enough targets.
    """
    cells = pd.Series(list(cell_type), dtype=object).value_counts().sort_index()
    types = cells.index.tolist()
    table = network.table
    found = _check_genes(table, genes)
    known = table["tf"].isin(genes) & table["gene"].isin(genes)
    # a row of a regulon says that the gene is a member, whatever it weighs
    zero = (table["weight"] == 0) & (network.signs != "names")
    loop = table["tf"] == table["gene"]
    kept = table[known & ~loop & ~zero]
    kept = kept.assign(
        weight=kept["weight"].abs(),
        evidence=f"given:{network.form}",
        eregulon=_name_eregulons(kept),
    )
    eregulons = _as_eregulons(kept, min_targets)
    with_activity = kept[kept["eregulon"].isin(eregulons["eregulon"])]
    by_type = _by_type(kept, types)
    edges = {name: _one_row_each(rows) for name, rows in by_type.items()}
    networks = {
        name: _as_grn(rows, network.weighted, with_activity)
        for name, rows in edges.items()
    }
    _check_whole(networks, eregulons, min_targets)

    pairs = pd.concat(edges.values()) if "cell_type" in table else edges[types[0]]
    counts = {
        "rows": len(table),
        "not_in_the_data": int((~known).sum()),
        "loops": int((known & loop).sum()),
        "weights_of_0": int((known & ~loop & zero).sum()),
        "edges": len(pairs),
        "without_sign": int((pairs["sign"] == 0).sum()),
    }
    steps = {
        "in the file": table,
        "taken (both genes in the data, no loop, not of weight 0)": kept,
        "with enough targets": eregulons,
    }
    funnel = pd.DataFrame(
        {
            "step": list(steps),
            "rule": RULE,
            "tfs": [part["tf"].nunique() for part in steps.values()],
            "pairs": [
                len(part[["tf", "gene"]].drop_duplicates()) for part in steps.values()
            ],
        }
    )
    about = {
        "form": network.form,
        "signs": network.signs,
        "weighted": network.weighted,
        "by_cell_type": "cell_type" in table,
        "genes": found,
        "counts": counts,
        "files": {Path(file).name: sha256(file) for file in files},
    }
    logger.info("given network: %s", about)
    stems = file_names(types)
    summary = pd.DataFrame(
        {
            "cell_type": name,
            "file": f"{stems[name]}.parquet",
            "cells": number,
            **describe_size(networks[name]),
        }
        for name, number in cells.items()
    )
    return Taken(eregulons, funnel, summary, networks, about)


def _check_genes(table: pd.DataFrame, genes: Sequence[str]) -> dict[str, int]:
    """How many genes the network has, and how many of them the data; InputError if few."""
    have = set(genes)
    named = set(table["tf"]) | set(table["gene"])
    shared, tfs = named & have, set(table["tf"]) & have
    fraction = len(shared) / len(named)
    if fraction < _LEAST or not tfs:
        upper = {gene.upper() for gene in have}
        alike = sum(name.upper() in upper for name in named) / len(named)
        hint = (
            "; if capitals are ignored, "
            f"{alike:.0%} are: is one of them of mouse, the other of human?"
            if alike >= _LEAST
            else ""
        )
        absent = sorted(named - have)
        raise InputError(
            f"{len(shared)} of {len(named)} genes of the given network and {len(tfs)} of its "
            f"{table['tf'].nunique()} TFs are in the data, which has no {absent[0]!r}, but {next(iter(genes))!r}{hint}",
            "symbols of the same species, written as in the data",
            f"give the network of this species with its genes' symbols ({SETTING})",
        )
    if fraction < _USUAL:
        logger.warning(
            "%d of %d genes of the given network are in the data",
            len(shared),
            len(named),
        )
    return {
        "in_the_network": len(named),
        "in_the_data": len(shared),
        "tfs_in_the_network": int(table["tf"].nunique()),
        "tfs_in_the_data": len(tfs),
    }


def _name_eregulons(pairs: pd.DataFrame) -> pd.Series:
    """<TF>_<annotation>_<sign>/<sign of the regions, or 0>; a pair without a sign is activating."""
    sign = np.where(pairs["sign"] < 0, "-", "+")
    return pairs["tf"] + "_" + pairs["annotation"] + "_" + sign + "/" + pairs["regions"]


def _by_type(pairs: pd.DataFrame, types: list[str]) -> dict[str, pd.DataFrame]:
    """The pairs of each type; all of them for every type where the network is of all."""
    if "cell_type" not in pairs:
        return dict.fromkeys(types, pairs)
    named = set(pairs["cell_type"])
    if missing := sorted(set(types) - named):
        raise InputError(
            f"the given network has edges in {sorted(named)}, and none in {missing} whose genes are in the data",
            "edges in every cell type of the data",
            f"name the types alike (annotation in the sample sheet, or {SETTING}), or leave the column cell_type out: "
            "the network is then of all types",
        )
    if others := sorted(named - set(types)):
        logger.warning(
            "the given network has cell types that the data lacks: %s", others
        )
    return {name: pairs[pairs["cell_type"] == name] for name in types}


def _one_row_each(pairs: pd.DataFrame) -> pd.DataFrame:
    """One row a TF and gene: the largest weight; sign 0 where rows of that weight contradict each other."""
    key = ["tf", "gene"]
    largest = pairs.groupby(key)["weight"].transform("max")
    top = pairs[pairs["weight"] == largest]
    merged = top.groupby(key, sort=True).agg(
        weight=("weight", "first"),
        low=("sign", "min"),
        high=("sign", "max"),
        evidence=("evidence", "first"),
    )
    sign = (merged["low"] + merged["high"]).clip(-1, 1)
    return merged.assign(sign=sign).reset_index()


def _as_eregulons(pairs: pd.DataFrame, min_targets: int) -> pd.DataFrame:
    best = pairs.sort_values(
        ["eregulon", "gene", "weight"], ascending=[True, True, False]
    ).drop_duplicates(["eregulon", "gene"])
    size = best.groupby("eregulon")["gene"].transform("size")
    kept = best[size >= min_targets]
    return kept.assign(
        region=NO_REGION,
        tf_gene_weight=kept["weight"],
        # the file need not state correlations, and nothing here rests on them
        tf_gene_rho=0.0,
        region_gene_weight=0.0,
        region_gene_rho=0.0,
    )[COLUMNS].reset_index(drop=True)


def _as_grn(
    edges: pd.DataFrame, weighted: bool, with_activity: pd.DataFrame
) -> pd.DataFrame:
    """Contract cell_type_grn; `with_activity`: the rows that eRegulons are made of."""
    pairs = pd.MultiIndex.from_frame(edges[["tf", "gene"]])
    return edges.assign(
        weight=edges["weight"].rank(pct=True) if weighted else 1.0,
        # in a graph a sign of 0 would delete the edge
        sign=np.where(edges["sign"] < 0, -1, 1),
        regions=[[] for _ in range(len(edges))],
        eregulons=list_distinct(with_activity, "eregulon", pairs),
    )[["tf", "gene", "weight", "sign", "regions", "eregulons", "evidence"]]


def _check_whole(
    networks: dict[str, pd.DataFrame], eregulons: pd.DataFrame, min_targets: int
) -> None:
    empty = [name for name, edges in networks.items() if edges.empty]
    if empty:
        raise InputError(
            f"no edge of the given network is left in {empty}: its pairs are loops, weigh 0, or have a gene that the "
            "data lacks",
            "an edge in every cell type",
            f"mend the network ({SETTING})",
        )
    if eregulons.empty:
        raise InputError(
            f"no TF of the given network has {min_targets} targets of one sign in the data",
            "at least one, so that the activity of a regulon can be scored",
            f"lower grn.eregulons.min_targets, or give a larger network ({SETTING})",
        )
