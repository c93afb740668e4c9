"""Prior knowledge of TF-target pairs: one plain table, whatever collection it came from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError
from grnformer.core.io import read_delimited

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

_OMNIPATH = ("source", "target", "type", "sources", "is_stimulation", "is_inhibition")
_TEXT = ("source", "target", "type", "sources", "tf", "gene")


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
    import pandas as pd

    path = Path(path)
    if not path.exists():
        raise InputError(f"no prior at {path}", "an existing file", "correct grn.cistromes.prior.table")
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
    else:
        table = read_delimited(path, "," if ".csv" in path.suffixes else "\t", _TEXT)
    if set(_OMNIPATH) <= set(table.columns):
        table = table[table["type"] == "transcriptional"]
        sign = table["is_stimulation"].astype(int) - table["is_inhibition"].astype(int)
        return pd.DataFrame(
            {"tf": table["source"], "gene": table["target"], "sign": sign, "sources": table["sources"].fillna("")}
        ).reset_index(drop=True)
    if not {"tf", "gene"} <= set(table.columns):
        raise InputError(
            f"{path} has the columns {list(table.columns)[:12]}",
            f"tf, gene and optionally sign, sources; or OmniPath's {list(_OMNIPATH)}",
            "rename the columns, or name another table in grn.cistromes.prior.table",
        )
    named = table[["tf", "gene"]].notna() & (table[["tf", "gene"]] != "")
    table = table[named.all(axis=1)]
    return pd.DataFrame(
        {
            "tf": table["tf"],
            "gene": table["gene"],
            "sign": np.sign(table["sign"].fillna(0)).astype(int) if "sign" in table else 0,
            "sources": table["sources"].fillna("").astype(str) if "sources" in table else path.name.split(".")[0],
        }
    ).reset_index(drop=True)


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
    import pandas as pd

    found = prior["sources"].str.split(";").map(frozenset)
    if collections:
        wanted = frozenset(collections)
        chosen = found.map(lambda s: bool(s & wanted))
        if not chosen.any():
            counts = found.explode().value_counts()
            raise InputError(
                f"no pair of the prior stems from {sorted(wanted)}",
                f"collections among its sources, such as {counts.index[:8].tolist()}",
                "set grn.cistromes.prior.collections",
            )
        prior, found = prior[chosen], found[chosen]
    table = _split_complexes(prior)
    table = (
        table.groupby(["tf", "gene"], sort=True)
        .agg(low=("sign", "min"), high=("sign", "max"), sources=("sources", ";".join))
        .reset_index()
    )
    parts = [sorted(set(s.split(";")) - {""}) for s in table["sources"]]
    derived = frozenset(chip_sources)
    out = pd.DataFrame(
        {
            "tf": table["tf"],
            "gene": table["gene"],
            # a pair reported both as activation and as repression has no sign
            "sign": np.where(table["low"] * table["high"] < 0, 0, table["low"] + table["high"]).clip(-1, 1),
            "sources": [";".join(p) for p in parts],
            "chip": [bool(derived.intersection(p)) for p in parts],
            "chip_only": [bool(derived.intersection(p)) and derived.issuperset(primary_sources(p)) for p in parts],
        }
    )
    keep = {"keep": np.ones(len(out), bool), "drop": ~out["chip_only"].to_numpy(), "only": out["chip"].to_numpy()}
    if chip not in keep:
        raise InputError(f"grn.cistromes.prior.chip is {chip!r}", f"one of {sorted(keep)}", "correct the config")
    out = out[keep[chip]].reset_index(drop=True)
    logger.info(
        "prior: %d pairs of %d TFs, %d with a ChIP-derived source, %d with no other",
        len(out), out["tf"].nunique(), out["chip"].sum(), out["chip_only"].sum(),
    )  # fmt: skip
    return out


def primary_sources(sources: Sequence[str]) -> list[str]:
    """Sources without the bare names of collections whose member is named too (DoRothEA in ReMap_DoRothEA)."""
    umbrellas = {s.rsplit("_", 1)[1] for s in sources if "_" in s}
    return [s for s in sources if s not in umbrellas]


def _split_complexes(prior: pd.DataFrame) -> pd.DataFrame:
    is_complex = prior["tf"].str.startswith("COMPLEX:")
    if not is_complex.any():
        return prior
    simple, complexes = prior[~is_complex], prior[is_complex]
    members = complexes["tf"].str.removeprefix("COMPLEX:").str.split("_")
    split = complexes.assign(tf=members).explode("tf")
    # UniProt accessions, https://www.uniprot.org/help/accession_numbers
    accession = split["tf"].str.fullmatch(r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}")
    logger.info(
        "prior: %d pairs of complexes split, %d rows named by accession dropped", len(complexes), accession.sum()
    )
    import pandas as pd

    return pd.concat([simple, split[~accession]], ignore_index=True)
