"""Prior knowledge of TF-target pairs: one plain table, whatever collection it came from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import as_flags, as_numbers, read_frame
from grnformer.genome.orthologs import genes_by_ortholog

logger = logging.getLogger(__name__)

_OMNIPATH = ("source", "target", "type", "sources", "is_stimulation", "is_inhibition")
_SETTING = "grn.cistromes.prior.table"
#: Words of TRRUST, OmniPath and others for the sign of a pair.
_SIGNS = {
    "+": 1, "activation": 1, "activating": 1, "activator": 1, "stimulation": 1, "positive": 1,
    "-": -1, "repression": -1, "repressing": -1, "repressor": -1, "inhibition": -1, "negative": -1,
    "unknown": 0, "undefined": 0, "?": 0, ".": 0,
}  # fmt: skip
# UniProt accessions, https://www.uniprot.org/help/accession_numbers
_ACCESSION = r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}"


def read_prior(path: str | Path) -> pd.DataFrame:
    """Read TF-target pairs from OmniPath's interactions or from a plain table.

    OmniPath: columns source, target, type (rows of type ``transcriptional`` are taken), sources, is_stimulation,
    is_inhibition. Plain: tf, gene and optionally sign (a number, + or -, or a word such as TRRUST's Activation,
    Repression, Unknown; none: 0) and sources. Sources are separated by semicolons.

    Returns
    -------
    Table tf, gene, sign, sources, as found: names may be complexes, pairs may repeat.

    Raises
    ------
    InputError
        If the file cannot be read, its columns are neither, or a sign or flag is none.
    """
    path = Path(path)
    # without comments: a gene may be called #N/A by a spreadsheet, and is then found nowhere
    table = read_frame(path, _SETTING, comments=())
    if set(_OMNIPATH) <= set(table):
        return _from_omnipath(table, path)
    if not {"tf", "gene"} <= set(table):
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"tf, gene and optionally sign, sources; or OmniPath's {list(_OMNIPATH)}",
            "rename the columns, or name another table in grn.cistromes.prior.table",
        )
    return _from_plain(table, path)


def _from_omnipath(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    stimulates = as_flags(table["is_stimulation"], path, _SETTING)
    inhibits = as_flags(table["is_inhibition"], path, _SETTING)

    # both set is a contradiction and, like neither, no sign
    sign = stimulates.astype(int) - inhibits.astype(int)
    pairs = pd.DataFrame(
        {
            "tf": table["source"],
            "gene": table["target"],
            "sign": sign,
            "sources": table["sources"],
        }
    )
    is_transcriptional = table["type"] == "transcriptional"
    return _named(pairs[is_transcriptional], path)


def _from_plain(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Pairs of a plain table; the file's name is the source of one that names none."""
    pairs = table[["tf", "gene"]].assign(sign=0, sources=path.name.split(".")[0])
    if "sign" in table:
        pairs["sign"] = read_signs(table["sign"], path, _SETTING)
    if "sources" in table:
        pairs["sources"] = table["sources"]
    return _named(pairs, path)


def read_signs(column: pd.Series, path: str | Path, setting: str) -> pd.Series:
    """Signs -1, 0, 1 of numbers of any size or of words, 0 where there is none; InputError for another word."""
    words = column.str.lower().map(_SIGNS)
    is_word = words.notna()
    numbers = as_numbers(column.where(~is_word, "0"), path, setting)
    signs = np.sign(numbers.fillna(0)).where(~is_word, words)
    return signs.astype(int)


def _named(pairs: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Pairs of which both genes have a name."""
    named = (pairs[["tf", "gene"]] != "").all(axis=1)
    if not named.any():
        raise InputError(
            f"{path}: no pair among its rows",
            "a TF and a gene a row",
            f"fill the table, or name another one in {_SETTING}",
        )
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


def translate_prior(prior: pd.DataFrame, orthologs: Mapping[str, str]) -> pd.DataFrame:
    """Return the pairs (of `prepare_prior`) whose genes have orthologs, by the names of these.

    Parameters
    ----------
    orthologs
        Gene of the dataset -> gene of the prior's species, see `read_orthologs`. What several genes have as ortholog
        stands for each of them.

    Raises
    ------
    InputError
        If no pair has both.
    """
    names = genes_by_ortholog(orthologs)
    table = prior.assign(tf=prior["tf"].map(names), gene=prior["gene"].map(names))
    table = table.dropna(subset=["tf", "gene"]).explode("tf").explode("gene")
    if table.empty:
        raise InputError(
            f"none of {len(prior)} pairs of the prior, such as {prior['tf'].iloc[0]} and {prior['gene'].iloc[0]}, has "
            f"orthologs for both; the orthologs are such as {list(orthologs.items())[:2]}",
            "the dataset's gene in the first column, the prior's in the second",
            "correct grn.cistromes.prior.orthologs or grn.cistromes.prior.table",
        )
    logger.info("prior: %d of %d pairs have orthologs", len(table), len(prior))
    return table.sort_values(["tf", "gene"], ignore_index=True)


def _join_repeated(table: pd.DataFrame, chip_sources: frozenset[str]) -> pd.DataFrame:
    """One row a pair, with the columns of `prepare_prior`."""
    grouped = table.groupby(["tf", "gene"], sort=True)
    joined = grouped.agg(low=("sign", "min"), high=("sign", "max")).reset_index()

    # gathered here: pandas takes a table for each of the pairs
    gathered: list[list[str]] = [[] for _ in range(len(joined))]
    for pair, text in zip(grouped.ngroup(), table["sources"], strict=True):
        if pair >= 0:
            gathered[pair].append(text)

    texts: list[str] = []
    has_chip: list[bool] = []
    only_chip: list[bool] = []
    for found in gathered:
        names = sorted(set(";".join(found).split(";")) - {""})
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
