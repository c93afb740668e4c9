"""The transcription factors of a run: named by lists or the prior, and measured in the RNA."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)


def read_tf_list(path: str | Path) -> list[str]:
    """Read TF symbols: one a line, or the column `tf` of a tab- or comma-separated table (may be gzipped).

    Returns
    -------
    Sorted, distinct symbols.

    Raises
    ------
    InputError
        If the file holds no symbol, or is a table without a column `tf`.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"no TF list at {path}", "an existing file", "correct grn.tfs.lists"
        )
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as handle:
        lines = handle.read().splitlines()

    head = lines[0] if lines else ""
    # no symbol holds a tab or a comma: with one, the first line is a header
    separator = next((s for s in "\t," if s in head), None)
    if separator:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
        if "tf" not in table:
            raise InputError(
                f"{path} has the columns {list(table)[:8]}",
                "one symbol a line, or a table with a column 'tf'",
                "correct the file, or name another one in grn.tfs.lists",
            )
        lines = table["tf"].tolist()

    symbols = {line.strip() for line in lines if not line.startswith("#")} - {""}
    if not symbols:
        raise InputError(
            f"{path} holds no TF", "at least one symbol", "correct grn.tfs.lists"
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
