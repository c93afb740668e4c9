"""TF-target tables made from motifs elsewhere: which of a TF's best targets by its motifs a gene is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import read_frame, read_parquet

logger = logging.getLogger(__name__)

_SETTING = "grn.cistromes.promoter.tables"
_OF_PROMOTERS = ("peak_id", "gene_short_name")  # CellOracle's columns beside TFs


def read_target_tables(
    paths: Sequence[str | Path], genes: Sequence[str]
) -> pd.DataFrame:
    """Read the pairs of tables such as DoRothEA's of motifs (Garcia-Alonso et al. 2019, doi 10.1101/gr.240663.118).

    Parameters
    ----------
    paths
        Tables with the columns tf and target or gene; or CellOracle's of promoters x TFs (Kamimoto et al. 2023, doi
        10.1038/s41586-022-05688-9; .parquet): peak_id, gene_short_name, and a TF each, above 0 where it has a motif.
    genes
        The dataset's genes; targets that are none of them are left out.

    Returns
    -------
    Table tf (in capitals, as of motif collections), gene, tables (how many list the pair); a row a pair.

    Raises
    ------
    InputError
        If a file lacks the columns, or none of its targets is a gene of the dataset.
    """
    known = set(genes)
    parts = [_read(Path(path), known) for path in paths]
    if not parts:
        return pd.DataFrame({"tf": [], "gene": [], "tables": []})

    pairs = pd.concat(parts, ignore_index=True)
    return pairs.groupby(["tf", "gene"]).size().rename("tables").reset_index()


def tfs_of_promoters(path: str | Path, setting: str) -> list[str]:
    """TFs of CellOracle's table of promoters, its columns behind the first two; InputError if it is another table."""
    names = list(read_parquet(path, setting).columns.map(str))
    if not set(_OF_PROMOTERS) <= set(names):
        raise InputError(
            f"{path} has the columns {names[:8]}",
            f"{', '.join(_OF_PROMOTERS)} and a TF each",
            f"correct the file, or name another one in {setting}",
        )
    return [name for name in names if name not in _OF_PROMOTERS]


def _read_promoters(table: pd.DataFrame, known: set[str]) -> pd.DataFrame:
    """Pairs tf, gene of CellOracle's promoters x TFs, where a value is above 0."""
    table = table[table["gene_short_name"].isin(known)]
    tfs = table.columns.drop(list(_OF_PROMOTERS))
    row, column = np.nonzero(table[tfs].to_numpy() > 0)
    genes = table["gene_short_name"].to_numpy(object)
    return pd.DataFrame({"tf": tfs.to_numpy(object)[column], "gene": genes[row]})


def _read(path: Path, known: set[str]) -> pd.DataFrame:
    if path.suffix == ".parquet":
        whole = read_parquet(path, _SETTING)
        if set(_OF_PROMOTERS) <= set(whole):
            targets = whole["gene_short_name"]
            return _of_dataset(_read_promoters(whole, known), targets, path, known)

    table = read_frame(path, _SETTING, comments=())
    target = "target" if "target" in table else "gene"
    if not {"tf", target} <= set(table):
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            "the columns tf and target",
            f"rename the columns, or leave the table out of {_SETTING}",
        )

    pairs = pd.DataFrame({"tf": table["tf"], "gene": table[target]})
    return _of_dataset(pairs, pairs["gene"], path, known)


def _of_dataset(
    pairs: pd.DataFrame, all_targets: pd.Series, path: Path, known: set[str]
) -> pd.DataFrame:
    """Pairs of the dataset's genes, once each, TFs in capitals; InputError if there is none."""
    pairs = pairs.assign(tf=pairs["tf"].str.upper())
    kept = pairs[pairs["gene"].isin(known)].drop_duplicates()
    if kept.empty:
        raise InputError(
            f"{path}: none of its {all_targets.nunique()} targets (such as {all_targets.head(3).tolist()}) is a "
            f"gene of the dataset (such as {sorted(known)[:3]})",
            "a table of this species, with the RNA's kind of gene names",
            f"leave it out of {_SETTING}",
        )
    logger.info("%s: %d pairs of %d TFs", path.name, len(kept), kept["tf"].nunique())
    return kept


def count_tables(
    pairs: pd.DataFrame, tfs: Sequence[str], genes: Sequence[str]
) -> np.ndarray:
    """How many tables list each pair, as (TFs, genes), int64; pairs of other TFs or genes are left out."""
    row = pd.Index(tfs).get_indexer(pairs["tf"])
    column = pd.Index(genes).get_indexer(pairs["gene"])
    inside = (row >= 0) & (column >= 0)

    counts = np.zeros((len(tfs), len(genes)), dtype=np.int64)
    counts[row[inside], column[inside]] = pairs["tables"].to_numpy()[inside]
    return counts
