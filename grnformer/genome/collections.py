"""Motif collections with the TFs that their motifs stand for."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grnformer.core.errors import InputError
from grnformer.genome.motif_tfs import read_annotations
from grnformer.genome.motifs import read_motifs

logger = logging.getLogger(__name__)


def read_collections(
    motif_files: Sequence[str | Path], tf_files: Sequence[str | Path], *, background_fraction: float
) -> list[tuple[np.ndarray, list[str]]]:
    """Read motif collections, each with its own table of TFs.

    Parameters
    ----------
    motif_files
        What ``grnformer.genome.motifs.read_motifs`` reads, or ``.json[.gz]``: a list of motifs with ``ID`` and
        ``counts`` (4 x positions).
    tf_files
        Of the same collections: what ``read_annotations`` reads, or ``.mat`` (a matrix ``Match2`` of motif and TF).
    background_fraction
        Share of the uniform background mixed into each position, 0 to 1.

    Returns
    -------
    (positions x 4 probabilities, sorted TFs) of each motif that stands for a TF; TFs in capitals.

    Raises
    ------
    InputError
        If a collection has no motif that stands for a TF, or a file is unreadable.
    """
    motifs: list[tuple[np.ndarray, list[str]]] = []
    for motif_file, tf_file in zip(map(Path, motif_files), map(Path, tf_files), strict=True):
        json_form = ".json" in motif_file.suffixes
        matrices = _read_json(motif_file, background_fraction) if json_form else read_motifs(
            [motif_file], background_fraction=background_fraction
        )  # fmt: skip
        pairs = _read_pairs(tf_file)
        tfs: dict[str, set[str]] = {}
        for motif, tf in pairs:
            tfs.setdefault(motif, set()).add(tf.upper())
        found = [(matrix, sorted(tfs[name])) for name in matrices if name in tfs for matrix in matrices[name]]
        if not found:
            raise InputError(
                f"none of {len(matrices)} motifs of {motif_file} (such as {next(iter(matrices), '')!r}) stands in "
                f"{tf_file} (such as {next(iter(tfs), '')!r})",
                "a table of the same collection",
                "correct grn.binding.collections",
            )
        logger.info("%s: %d matrices of %d TFs", motif_file.name, len(found), len({t for _, of in found for t in of}))
        motifs += found
    return motifs


def _read_json(path: Path, background_fraction: float) -> dict[str, list[np.ndarray]]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as handle:
            content = json.load(handle)
        counts = {str(motif["ID"]): np.array(motif["counts"], dtype=float).T for motif in content}
        if any(matrix.ndim != 2 or matrix.shape[1] != 4 for matrix in counts.values()):
            raise ValueError("counts are not 4 x positions")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not read as motifs: {error}",
            "a JSON list of motifs with ID and counts (4 x positions)",
            "correct grn.binding.collections",
        ) from error
    return {
        name: [(1 - background_fraction) * matrix / matrix.sum(axis=1, keepdims=True) + background_fraction / 4]
        for name, matrix in sorted(counts.items())
    }


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    if path.suffix == ".mat":
        import scipy.io

        try:
            table = scipy.io.loadmat(path, variable_names=["Match2"])["Match2"]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{path} has no table Match2 ({error})", "motif and TF", "correct grn.binding.collections"
            ) from error
        return [(str(np.ravel(motif)[0]), str(np.ravel(tf)[0])) for motif, tf in table]
    table = read_annotations(path, motif_similarity_fdr=1.0, orthologous_identity=0.0)
    direct = table[table["ground"] == "direct"]
    return list(zip(direct["motif"], direct["tf"], strict=True))
