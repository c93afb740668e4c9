"""Prior knowledge of TF-target pairs: one plain table, whatever collection it came from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.io import read_delimited

logger = logging.getLogger(__name__)

_OMNIPATH = ("source", "target", "type", "sources", "is_stimulation", "is_inhibition")
_TEXT = ("source", "target", "type", "sources", "tf", "gene")
# UniProt accessions, https://www.uniprot.org/help/accession_numbers
_ACCESSION = r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}"


def read_prior(path: str | Path) -> pd.DataFrame:
    """Read TF-target pairs from OmniPath's interactions or from a plain table.

    OmniPath: columns source, target, type (rows of type ``transcriptional`` are taken), sources, is_stimulation,
    is_inhibition. Plain: tf, gene and optionally sign (-1, 0, 1) and sources. Sources are separated by semicolons.

    Returns
    -------
    Table tf, gene, sign, sources, as found: names may be complexes, pairs may repeat.

    Raises
    ------
    InputError
        If the columns are neither.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"no prior at {path}",
            "an existing file",
            "correct grn.cistromes.prior.table",
        )
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
    else:
        separator = "," if ".csv" in path.suffixes else "\t"
        table = read_delimited(path, separator, _TEXT)

    if set(_OMNIPATH) <= set(table):
        return _from_omnipath(table)
    if not {"tf", "gene"} <= set(table):
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"tf, gene and optionally sign, sources; or OmniPath's {list(_OMNIPATH)}",
            "rename the columns, or name another table in grn.cistromes.prior.table",
        )
    return _from_plain(table, path.name.split(".")[0])


def _from_omnipath(table: pd.DataFrame) -> pd.DataFrame:
    # OmniPath also has interactions of signalling, miRNAs and more
    table = table[table["type"] == "transcriptional"]

    # both set is a contradiction and, like neither, no sign
    sign = table["is_stimulation"].astype(int) - table["is_inhibition"].astype(int)
    pairs = pd.DataFrame(
        {
            "tf": table["source"],
            "gene": table["target"],
            "sign": sign,
            "sources": table["sources"].fillna(""),
        }
    )
    return pairs.reset_index(drop=True)


def _from_plain(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Pairs of a plain table; `name` is the source of a table that names none."""
    pairs = table[["tf", "gene"]].assign(sign=0, sources=name)
    if "sign" in table:
        sign = table["sign"].fillna(0)
        # signed weights count by their direction only
        pairs["sign"] = np.sign(sign).astype(int)
    if "sources" in table:
        sources = table["sources"].fillna("")
        pairs["sources"] = sources.astype(str)

    symbols = pairs[["tf", "gene"]]
    is_given = symbols.notna() & (symbols != "")
    named = is_given.all(axis=1)
    return pairs[named].reset_index(drop=True)


def prepare_prior(
    prior: pd.DataFrame,
    *,
    collections: Sequence[str],
    chip_sources: Sequence[str],
    chip: str,
) -> pd.DataFrame:
    """Keep the pairs of the chosen collections, one row a TF-gene pair.

    Complexes of gene symbols (``COMPLEX:FOS_JUN``) are split into their members; complexes of protein
    accessions cannot be named and are dropped (counted in the log). Repeated pairs are joined: sources united,
    contradicting signs become 0.

    Parameters
    ----------
    prior
        Table tf, gene, sign, sources.
    collections
        Sources of which a pair must have at least one; empty for all.
    chip_sources
        Sources that stem from ChIP experiments: circular where ChIP is the truth.
    chip
        What to do with them: ``keep`` all pairs, ``drop`` pairs with no other source, or ``only`` pairs with one.

    Returns
    -------
    Table tf, gene, sign (-1, 0, 1), sources (sorted, ';'-separated), chip (any source is ChIP-derived),
    chip_only (no source but ChIP-derived ones and the bare name of a collection).
    """
    # before pairs are joined, so that sources of rows left out do not come along
    chosen = _choose(prior, collections)
    table = _join_repeated(_split_complexes(chosen), frozenset(chip_sources))
    kept = {
        "keep": np.ones(len(table), bool),
        "drop": ~table["chip_only"],
        "only": table["chip"],
    }
    if chip not in kept:
        raise InputError(
            f"grn.cistromes.prior.chip is {chip!r}",
            f"one of {sorted(kept)}",
            "correct the config",
        )

    table = table[kept[chip]].reset_index(drop=True)
    logger.info(
        "prior: %d pairs of %d TFs, %d with a ChIP-derived source, %d with no other",
        len(table),
        table["tf"].nunique(),
        table["chip"].sum(),
        table["chip_only"].sum(),
    )
    return table


def _join_repeated(table: pd.DataFrame, chip_sources: frozenset[str]) -> pd.DataFrame:
    """One row a pair, with the columns of `prepare_prior`."""
    grouped = table.groupby(["tf", "gene"], sort=True)
    joined = grouped.agg(
        low=("sign", "min"),
        high=("sign", "max"),
        sources=("sources", ";".join),
    ).reset_index()

    texts: list[str] = []
    has_chip: list[bool] = []
    only_chip: list[bool] = []
    for text in joined["sources"]:
        names = sorted(set(text.split(";")) - {""})
        texts.append(";".join(names))
        has_chip.append(not chip_sources.isdisjoint(names))
        only_chip.append(chip_sources.issuperset(primary_sources(names)))

    # a pair reported both as activation and as repression has no sign; one with and without a sign has it
    low = joined["low"]
    high = joined["high"]
    sign = np.where(low * high < 0, 0, low + high)

    # a pair without any source has no other than ChIP-derived ones, but no ChIP-derived one either
    chip = np.array(has_chip, dtype=bool)
    return joined[["tf", "gene"]].assign(
        sign=sign.clip(-1, 1),
        sources=texts,
        chip=chip,
        chip_only=chip & np.array(only_chip, dtype=bool),
    )


def primary_sources(sources: Sequence[str]) -> list[str]:
    """Sources without the bare names of collections whose member is named too (DoRothEA in ReMap_DoRothEA)."""
    umbrellas = {source.rsplit("_", 1)[1] for source in sources if "_" in source}
    return [source for source in sources if source not in umbrellas]


def _choose(prior: pd.DataFrame, collections: Sequence[str]) -> pd.DataFrame:
    if not collections:
        return prior

    found = prior["sources"].str.split(";")
    wanted = frozenset(collections)
    has_wanted = [not wanted.isdisjoint(names) for names in found]
    chosen = prior[has_wanted]
    if chosen.empty:
        counts = found.explode().value_counts()
        raise InputError(
            f"no pair of the prior stems from {sorted(wanted)}",
            f"collections among its sources, such as {counts.index[:8].tolist()}",
            "set grn.cistromes.prior.collections",
        )
    return chosen


def _split_complexes(prior: pd.DataFrame) -> pd.DataFrame:
    is_complex = prior["tf"].str.startswith("COMPLEX:")
    if not is_complex.any():
        return prior

    simple = prior[~is_complex]
    complexes = prior[is_complex]
    members = complexes["tf"].str.removeprefix("COMPLEX:").str.split("_")
    split = complexes.assign(tf=members).explode("tf")

    # no table of accessions is at hand that says which gene each is
    accession = split["tf"].str.fullmatch(_ACCESSION)
    logger.info(
        "prior: %d pairs of complexes split, %d rows named by accession dropped",
        len(complexes),
        accession.sum(),
    )
    return pd.concat([simple, split[~accession]], ignore_index=True)
