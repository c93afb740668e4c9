"""The transcription factors of a run: named by lists or the prior, and measured in the RNA."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from grnformer.core.errors import InputError
from grnformer.core.text import name_columns, read_lines, read_rows
from grnformer.genome.target_tables import tfs_of_promoters

logger = logging.getLogger(__name__)

_SETTING = "grn.tfs.lists"


def read_tf_list(path: str | Path) -> list[str]:
    """Read TF symbols: one a line, or the column `tf` of a tab- or comma-separated table (may be gzipped).

    Of CellOracle's table of promoters (.parquet), the TFs are its columns.

    Returns
    -------
    Sorted, distinct symbols.

    Raises
    ------
    InputError
        If the file cannot be read, holds no symbol or several a line, or is a table without a column `tf`.
    """
    if Path(path).suffix == ".parquet":
        return sorted(set(tfs_of_promoters(path, _SETTING)))

    first = read_lines(path, _SETTING)[0][1]
    separator = "\t" if "\t" in first else ","
    table = read_rows(path, _SETTING, separator=separator)
    header = table.iloc[0].to_list()
    if len(header) > 1 and "tf" not in header:
        raise InputError(
            f"{path} has the columns {header[:8]}",
            "one symbol a line, or a table with a column 'tf'",
            f"correct the file, or name another one in {_SETTING}",
        )
    named = name_columns(table, path, _SETTING)["tf"] if "tf" in header else table[0]
    lines = list(named.items())

    for number, symbol in lines:
        if re.search(r"[\s,;]", symbol):
            raise InputError(
                f"{path} line {number}: {symbol!r}",
                "one symbol a line",
                f"correct the file, or name another one in {_SETTING}",
            )

    symbols = {symbol for _, symbol in lines if not symbol.startswith("#")} - {""}
    if not symbols:
        raise InputError(
            f"{path} holds no TF", "at least one symbol", f"correct {_SETTING}"
        )
    return sorted(symbols)


def select_tfs(
    named: Iterable[str],
    genes: Sequence[str],
    n_cells: np.ndarray,
    *,
    min_cells: int,
    dataset: str = "the dataset",
) -> list[str]:
    """Return the TFs among `named` that are measured in at least `min_cells` cells, sorted.

    Parameters
    ----------
    named
        Candidate symbols.
    genes
        Symbols of the measured genes.
    n_cells
        Cells with at least one count, per gene.

    Raises
    ------
    InputError
        If no TF is left.
    """
    candidates = set(named)
    measured = dict(zip(genes, n_cells, strict=True))
    present = candidates & measured.keys()
    kept = sorted(tf for tf in present if measured[tf] >= min_cells)
    logger.info(
        "TFs: %d named, %d measured, %d in at least %d cells",
        len(candidates),
        len(present),
        len(kept),
        min_cells,
    )
    if not kept:
        raise InputError(
            f"of {len(candidates)} named TFs {len(present)} are measured in {dataset} and none in {min_cells} cells "
            f"(TFs such as {sorted(candidates)[:3]}, genes such as {list(genes)[:3]})",
            "TFs and genes under the same kind of symbol",
            "set grn.tfs.lists to TFs of this species, or lower grn.tfs.min_cells",
        )
    return kept
