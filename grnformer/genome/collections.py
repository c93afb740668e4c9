"""Motif collections with the TFs that their motifs stand for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from grnformer.core.errors import InputError
from grnformer.genome.motif_tfs import read_annotations
from grnformer.genome.motifs import read_motifs

logger = logging.getLogger(__name__)

_SETTING = "grn.cistromes.promoter.collections"


class Motif(NamedTuple):
    """One matrix of a motif, with the TFs that it stands for."""

    name: str
    matrix: np.ndarray
    """Positions x 4, probabilities of A, C, G, T."""
    tfs: list[str]
    """Sorted, in capitals."""


def read_collections(
    motif_files: Sequence[str | Path],
    tf_files: Sequence[str | Path],
    *,
    background_fraction: float,
) -> list[Motif]:
    """Read motif collections, each with its table of TFs.

    Parameters
    ----------
    motif_files
        What ``grnformer.genome.motifs.read_motifs`` reads.
    tf_files
        Of the same collections: what ``grnformer.genome.motif_tfs.read_annotations`` reads. Direct annotations count.
    background_fraction
        Fraction of the uniform background mixed into each position, 0 to 1.

    Returns
    -------
    The matrices that stand for a TF.

    Raises
    ------
    InputError
        If a collection has no motif that stands for a TF, or a file is unreadable.
    """
    motifs: list[Motif] = []
    for motif_file, tf_file in zip(motif_files, tf_files, strict=True):
        matrices = read_motifs(
            [motif_file],
            background_fraction=background_fraction,
            setting=_SETTING,
        )
        tfs = _direct_tfs(tf_file)

        found: list[Motif] = []
        for name, of_motif in matrices.items():
            if name in tfs:
                found += [Motif(name, matrix, tfs[name]) for matrix in of_motif]
        if not found:
            raise InputError(
                f"none of {len(matrices)} motifs of {motif_file} (such as {next(iter(matrices))!r}) stands in "
                f"{tf_file} (such as {next(iter(tfs), '')!r})",
                "a table of the same collection",
                f"correct {_SETTING}",
            )

        named = {tf for motif in found for tf in motif.tfs}
        logger.info(
            "%s: %d matrices of %d TFs", Path(motif_file).name, len(found), len(named)
        )
        motifs += found
    return motifs


def _direct_tfs(path: str | Path) -> dict[str, list[str]]:
    """Motif to the TFs that are annotated directly."""
    # these bounds pass all rows of a snapshot: direct annotations have no similarity or identity to judge
    table = read_annotations(
        path,
        motif_similarity_fdr=1.0,
        orthologous_identity=0.0,
        setting=_SETTING,
    )
    direct = table[table["evidence"] == "direct"]

    # collections of mouse and human name the same TF in different cases
    symbols = direct["tf"].str.upper()
    return {
        name: sorted(set(of_motif))
        for name, of_motif in symbols.groupby(direct["motif"])
    }
