"""Reading motif collections: position matrices as probabilities."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)


def read_motifs(paths: Iterable[str | Path], *, background_fraction: float) -> dict[str, list[np.ndarray]]:
    """Read motifs in the forms of JASPAR, HOCOMOCO, CIS-BP, HOMER and cisTarget.

    These are MEME, JASPAR (with letters and brackets or four bare rows), TRANSFAC, Cluster-Buster (cb), four columns
    under a name (counts or probabilities, but no log odds), and CIS-BP's ``Pos A C G T``, named as the file. In
    cisTarget's collections one .cb file is one motif, of one or more matrices, and named as the file.

    Parameters
    ----------
    paths
        Files.
    background_fraction
        Share of the uniform background mixed into each position, 0 to 1: no base is impossible.

    Returns
    -------
    Motif to its matrices, each positions x 4 (A, C, G, T), rows sum to 1; sorted by name.

    Raises
    ------
    InputError
        If a file has no motif or an unreadable one, or two files have motifs of the same name.
    """
    found: dict[str, list[np.ndarray]] = {}
    for path in sorted(map(Path, paths)):
        if not path.exists():
            raise InputError(f"no motif file at {path}", "an existing file", "correct grn.cistromes.motif_scan.motifs")
        text = path.read_text(encoding="utf-8")
        parsed = [
            (name, _probabilities(counts, background_fraction, name, path)) for name, counts in _parse(text, path)
        ]
        of_file: dict[str, list[np.ndarray]] = {}
        for name, matrix in parsed:
            of_file.setdefault(path.stem if path.suffix == ".cb" else name, []).append(matrix)
        repeated = sorted(found.keys() & of_file)
        if repeated or not of_file:
            raise InputError(
                f"{path} " + (f"repeats the motif {repeated[0]!r} of another file" if of_file else "holds no motif"),
                "motifs in MEME, JASPAR, TRANSFAC, Cluster-Buster, CIS-BP or four-column form, each name in one file",
                "correct grn.cistromes.motif_scan.motifs",
            )
        found |= of_file
    if not found:
        raise InputError("no motif file", "at least one", "set grn.cistromes.motif_scan.motifs")
    logger.info("motifs: %d, of %d matrices", len(found), sum(map(len, found.values())))
    return dict(sorted(found.items()))


def _parse(text: str, path: Path) -> list[tuple[str, np.ndarray]]:
    """Names and matrices (positions x 4) as in the file; the form is told from its content."""
    from Bio import motifs as bio

    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    if "MEME version" in body:
        form, named = "minimal", "Background letter frequencies"
        body = re.sub(r"nsites=\s*\S+", "nsites= 1000000", body)  # the reader rounds probabilities to so many sites
        if named not in body:  # optional in MEME's format, not for its reader
            body = re.sub(
                r"^MOTIF\b", f"{named}\nA 0.25 C 0.25 G 0.25 T 0.25\n\nMOTIF", body, count=1, flags=re.MULTILINE
            )
    elif re.search(r"^P[0O]\s+A\s+C\s+G\s+T\b", body, re.MULTILINE):
        form = "transfac"
    elif re.match(r"\s*Pos\tA\tC\tG\tT\b", body):
        body, form = _with_name(body, path.stem), "clusterbuster"
    elif re.search(r"^>.*\n\s*(A\b|\[)", body, re.MULTILINE):
        form = "jaspar"
    elif first := re.search(r"^>.*\n(.*)\n", body, re.MULTILINE):
        form = "clusterbuster" if len(first.group(1).split()) == 4 else "pfm-four-rows"
    else:
        return []
    try:
        return [(_name(motif, form), _matrix(motif)) for motif in bio.parse(StringIO(body), form)]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"{path} does not read as motifs ({form} form): {error}",
            "MEME, JASPAR, TRANSFAC, Cluster-Buster, CIS-BP or four-column form",
            "correct the file",
        ) from error


def _with_name(table: str, name: str) -> str:
    """CIS-BP's table of one motif, as four columns under a name."""
    rows = [line.split("\t")[1:5] for line in table.strip().splitlines()[1:]]
    return f">{name}\n" + "".join("\t".join(row) + "\n" for row in rows)


def _name(motif: Any, form: str) -> str:
    if form == "jaspar":
        return str(motif.matrix_id)
    if form == "transfac":
        return str(motif.get("ID") or motif.get("AC"))
    fields = str(motif.name).split("\t")
    # HOMER: consensus, name, threshold
    name = fields[1] if len(fields) > 2 else fields[0]
    return name.split()[0] if form == "minimal" else name.strip()


def _matrix(motif: Any) -> np.ndarray:
    return np.array([list(motif.counts[base]) for base in "ACGT"], dtype=float).T


def _probabilities(counts: np.ndarray, background_fraction: float, name: str, path: Path) -> np.ndarray:
    total = counts.sum(axis=1, keepdims=True) if counts.size else np.zeros((1, 1))
    if not counts.size or (counts < 0).any() or (total <= 0).any():
        raise InputError(
            f"{path}: motif {name!r} has no position, negative values or a position without any",
            "counts or probabilities of A, C, G, T at each position",
            "correct the motif or leave it out",
        )
    return (1 - background_fraction) * counts / total + background_fraction / 4
