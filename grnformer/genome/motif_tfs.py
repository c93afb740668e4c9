"""Motif-to-TF tables: which TFs a motif stands for, and by what evidence."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import as_flags, as_numbers, existing, read_frame

logger = logging.getLogger(__name__)

_CISTARGET = [
    "#motif_id",
    "gene_name",
    "motif_similarity_qvalue",
    "orthologous_identity",
    "description",
]
_RCISTARGET = [
    "motif",
    "TF",
    "directAnnotation",
    "inferred_Orthology",
    "inferred_MotifSimil",
]


def read_annotations(
    path: str | Path,
    *,
    motif_similarity_fdr: float,
    orthologous_identity: float,
    setting: str = "grn.cistromes.motifs_to_tfs",
) -> pd.DataFrame:
    """Read a motif-to-TF table.

    Four forms: cisTarget's motif2TF snapshot (v9, v10; ``#motif_id, gene_name, motif_similarity_qvalue,
    orthologous_identity, description``), RcisTarget's table (``motif, TF, directAnnotation, inferred_Orthology,
    inferred_MotifSimil``), a plain table ``motif, tf``, all direct, or ``.mat`` (a matrix ``Match2`` of motif and TF,
    likewise). Text is tab- or comma-separated and may be gzipped.

    Parameters
    ----------
    motif_similarity_fdr, orthologous_identity
        Of a snapshot: the largest q-value and the least identity (0 to 1) of a row.
    setting
        Where the config names the file, for error messages.

    Returns
    -------
    Table motif, tf, evidence (direct, orthology, similarity, similarity_and_orthology), distinct rows, sorted.

    Raises
    ------
    InputError
        If the file cannot be read, the columns are of none of the forms, a number or flag is none, or no row is left.
    """
    path = existing(path, setting)
    # without comments: the header of a snapshot begins with #
    table = (
        _read_matlab(path, setting)
        if path.suffix == ".mat"
        else read_frame(path, setting, comments=())
    )

    table = _with_evidence(
        table, path, motif_similarity_fdr, orthologous_identity, setting
    )
    table = table[(table["motif"] != "") & (table["tf"] != "")]
    known = table["evidence"] != ""
    kept = table[known].drop_duplicates()
    kept = kept.sort_values(["motif", "tf", "evidence"], ignore_index=True)
    if kept.empty:
        raise InputError(
            f"{path}: no row says by what evidence a TF is annotated, or none passes",
            f"rows with q-value up to {motif_similarity_fdr} and identity from {orthologous_identity}",
            "loosen grn.cistromes.cistarget.motif_similarity_fdr or .orthologous_identity",
        )

    counts = kept["evidence"].value_counts()
    logger.info(
        "motif-to-TF table: %d motifs, %d TFs; %s; %d rows without evidence",
        kept["motif"].nunique(),
        kept["tf"].nunique(),
        counts.to_dict(),
        (~known).sum(),
    )
    return kept


def _with_evidence(
    table: pd.DataFrame,
    path: Path,
    motif_similarity_fdr: float,
    orthologous_identity: float,
    setting: str,
) -> pd.DataFrame:
    """Table motif, tf, evidence of the rows that pass; the evidence is "" where none is named."""
    if set(_CISTARGET) <= set(table):
        fdr = as_numbers(table["motif_similarity_qvalue"], path, setting)
        identity = as_numbers(table["orthologous_identity"], path, setting)
        passed = (fdr <= motif_similarity_fdr) & (identity >= orthologous_identity)
        table = table[passed].rename(columns={"#motif_id": "motif", "gene_name": "tf"})
        text = table["description"]
        direct = text == "gene is directly annotated"
        orthologous = text.str.contains("orthologous")
        similar = text.str.contains("similar")
    elif set(_RCISTARGET) <= set(table):
        table = table.rename(columns={"TF": "tf"})
        direct = as_flags(table["directAnnotation"], path, setting)
        orthologous = as_flags(table["inferred_Orthology"], path, setting)
        similar = as_flags(table["inferred_MotifSimil"], path, setting)
    elif {"motif", "tf"} <= set(table):
        direct = pd.Series(True, index=table.index)
        similar = orthologous = ~direct
    else:
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"{_CISTARGET}, {_RCISTARGET} or ['motif', 'tf']",
            f"rename the columns, or name another table in {setting}",
        )

    # the first that holds counts
    kinds = {
        "direct": direct,
        "similarity_and_orthology": similar & orthologous,
        "similarity": similar,
        "orthology": orthologous,
    }
    evidence = np.select(list(kinds.values()), list(kinds), "")
    return table[["motif", "tf"]].assign(evidence=evidence)


def _read_matlab(path: Path, setting: str) -> pd.DataFrame:
    import scipy.io

    try:
        pairs = scipy.io.loadmat(path, variable_names=["Match2"])["Match2"]
        # a text is an array of one text, in a cell of the matrix
        rows = [[str(np.ravel(cell)[0]) for cell in pair] for pair in pairs]
        return pd.DataFrame(rows, columns=["motif", "tf"])
    # a damaged file may raise whatever its reader trips over
    except Exception as error:
        raise InputError(
            f"{path} has no table Match2 ({error})",
            "motif and TF",
            f"correct {setting}",
        ) from error
