"""Motif-to-TF tables: which TFs a motif stands for, and on what ground."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.io import read_delimited

logger = logging.getLogger(__name__)

GROUNDS = ("direct", "orthology", "similarity", "similarity_and_orthology")
_CISTARGET = ["#motif_id", "gene_name", "motif_similarity_qvalue", "orthologous_identity", "description"]
_RCISTARGET = ["motif", "TF", "directAnnotation", "inferred_Orthology", "inferred_MotifSimil"]
_TEXT = ["#motif_id", "gene_name", "description", "motif", "TF", "tf"]


def read_annotations(path: str | Path, *, motif_similarity_fdr: float, orthologous_identity: float) -> pd.DataFrame:
    """Read a motif-to-TF table.

    Three forms: cisTarget's motif2TF snapshot (v9, v10; ``#motif_id, gene_name, motif_similarity_qvalue,
    orthologous_identity, description``), RcisTarget's table (``motif, TF, directAnnotation, inferred_Orthology,
    inferred_MotifSimil``), or a plain table ``motif, tf``, all direct. Tab- or comma-separated, may be gzipped.

    Parameters
    ----------
    motif_similarity_fdr, orthologous_identity
        Of a snapshot: the largest q-value and the least identity (0 to 1) of a row.

    Returns
    -------
    Table motif, tf, ground (direct, orthology, similarity, similarity_and_orthology), distinct rows, sorted.

    Raises
    ------
    InputError
        If the columns are of none of the three, or no row is left.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"no motif-to-TF table at {path}", "a table", "correct grn.cistromes.motifs_to_tfs")
    table = read_delimited(path, "," if ".csv" in path.suffixes else "\t", _TEXT)
    if set(_CISTARGET) <= set(table):
        passed = (table["motif_similarity_qvalue"] <= motif_similarity_fdr) & (
            table["orthologous_identity"] >= orthologous_identity
        )
        table = table[passed].rename(columns={"#motif_id": "motif", "gene_name": "tf"})
        text = table["description"]
        similar, orthologous = text.str.contains("similar"), text.str.contains("orthologous")
        direct = text == "gene is directly annotated"
    elif set(_RCISTARGET) <= set(table):
        table = table.rename(columns={"TF": "tf"})
        direct, orthologous, similar = (table[column].astype(bool) for column in _RCISTARGET[2:])
    elif {"motif", "tf"} <= set(table):
        direct = pd.Series(True, index=table.index)
        similar = orthologous = ~direct
    else:
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"{_CISTARGET}, {_RCISTARGET} or ['motif', 'tf']",
            "rename the columns, or name another table in grn.cistromes.motifs_to_tfs",
        )
    ground = np.select([direct, similar & orthologous, similar, orthologous], [GROUNDS[i] for i in (0, 3, 2, 1)], "")
    table = table[["motif", "tf"]].assign(ground=ground)
    table = table[(table["motif"] != "") & (table["tf"] != "")]
    kept = table[table["ground"] != ""].drop_duplicates().sort_values(["motif", "tf", "ground"], ignore_index=True)
    if kept.empty:
        raise InputError(
            f"{path}: no row says on what ground a TF is annotated, or none passes",
            f"rows with q-value up to {motif_similarity_fdr} and identity from {orthologous_identity}",
            "loosen grn.cistromes.cistarget.motif_similarity_fdr or .orthologous_identity",
        )
    logger.info(
        "motif-to-TF table: %d motifs, %d TFs; %s; %d rows without a ground",
        kept["motif"].nunique(), kept["tf"].nunique(), kept["ground"].value_counts().to_dict(),
        (table["ground"] == "").sum(),
    )  # fmt: skip
    return kept
