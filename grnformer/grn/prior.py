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
        raise InputError(f"no prior at {path}", "an existing file", "correct grn.cistromes.prior.table")
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
    else:
        table = read_delimited(path, "," if ".csv" in path.suffixes else "\t", _TEXT)

    if set(_OMNIPATH) <= set(table):
        table = table[table["type"] == "transcriptional"]
        sign = table["is_stimulation"].astype(int) - table["is_inhibition"].astype(int)
        pairs = table[["source", "target"]].set_axis(["tf", "gene"], axis=1)
        return pairs.assign(sign=sign, sources=table["sources"].fillna("")).reset_index(drop=True)

    if not {"tf", "gene"} <= set(table):
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"tf, gene and optionally sign, sources; or OmniPath's {list(_OMNIPATH)}",
            "rename the columns, or name another table in grn.cistromes.prior.table",
        )
    pairs = table[["tf", "gene"]]
    named = (pairs.notna() & (pairs != "")).all(axis=1)
    sign = np.sign(table["sign"].fillna(0)).astype(int) if "sign" in table else 0
    sources = table["sources"].fillna("").astype(str) if "sources" in table else path.name.split(".")[0]
    return pairs.assign(sign=sign, sources=sources)[named].reset_index(drop=True)


def prepare_prior(
    prior: pd.DataFrame, *, collections: Sequence[str], chip_sources: Sequence[str], chip: str
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
    table = _split_complexes(_choose(prior, collections))
    joined = (
        table.groupby(["tf", "gene"], sort=True)
        .agg(low=("sign", "min"), high=("sign", "max"), sources=("sources", ";".join))
        .reset_index()
    )
    low, high = joined["low"], joined["high"]
    sources = [sorted(set(text.split(";")) - {""}) for text in joined["sources"]]
    derived = frozenset(chip_sources)
    has_chip = np.array([not derived.isdisjoint(names) for names in sources], dtype=bool)
    only_chip = np.array([derived.issuperset(primary_sources(names)) for names in sources], dtype=bool)

    out = joined[["tf", "gene"]].assign(
        # a pair reported both as activation and as repression has no sign
        sign=np.where(low * high < 0, 0, low + high).clip(-1, 1),
        sources=[";".join(names) for names in sources],
        chip=has_chip,
        chip_only=has_chip & only_chip,
    )
    kept = {"keep": np.ones(len(out), bool), "drop": ~out["chip_only"], "only": out["chip"]}
    if chip not in kept:
        raise InputError(f"grn.cistromes.prior.chip is {chip!r}", f"one of {sorted(kept)}", "correct the config")
    out = out[kept[chip]].reset_index(drop=True)
    logger.info(
        "prior: %d pairs of %d TFs, %d with a ChIP-derived source, %d with no other",
        len(out), out["tf"].nunique(), out["chip"].sum(), out["chip_only"].sum(),
    )  # fmt: skip
    return out


def primary_sources(sources: Sequence[str]) -> list[str]:
    """Sources without the bare names of collections whose member is named too (DoRothEA in ReMap_DoRothEA)."""
    umbrellas = {source.rsplit("_", 1)[1] for source in sources if "_" in source}
    return [source for source in sources if source not in umbrellas]


def _choose(prior: pd.DataFrame, collections: Sequence[str]) -> pd.DataFrame:
    if not collections:
        return prior
    found = prior["sources"].str.split(";")
    chosen = prior[[not set(collections).isdisjoint(names) for names in found]]
    if chosen.empty:
        counts = found.explode().value_counts()
        raise InputError(
            f"no pair of the prior stems from {sorted(set(collections))}",
            f"collections among its sources, such as {counts.index[:8].tolist()}",
            "set grn.cistromes.prior.collections",
        )
    return chosen


def _split_complexes(prior: pd.DataFrame) -> pd.DataFrame:
    is_complex = prior["tf"].str.startswith("COMPLEX:")
    if not is_complex.any():
        return prior
    simple, complexes = prior[~is_complex], prior[is_complex]

    members = complexes["tf"].str.removeprefix("COMPLEX:").str.split("_")
    split = complexes.assign(tf=members).explode("tf")
    accession = split["tf"].str.fullmatch(_ACCESSION)
    logger.info(
        "prior: %d pairs of complexes split, %d rows named by accession dropped", len(complexes), accession.sum()
    )
    return pd.concat([simple, split[~accession]], ignore_index=True)
