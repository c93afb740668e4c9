"""Reading motif collections: position matrices as probabilities."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.core.text import read_text

logger = logging.getLogger(__name__)

_FORMS = "MEME, JASPAR, TRANSFAC, Cluster-Buster, CIS-BP, four-column or JSON form"
_BACKGROUND = "Background letter frequencies"


def read_motifs(
    paths: Iterable[str | Path],
    *,
    background_fraction: float,
    setting: str = "grn.cistromes.motif_scan.motifs",
) -> dict[str, list[np.ndarray]]:
    """Read motifs in the forms of JASPAR, HOCOMOCO, CIS-BP, HOMER and cisTarget.

    These are MEME, JASPAR (with letters and brackets or four bare rows), TRANSFAC, Cluster-Buster (cb), four columns
    under a name (counts or probabilities, but no log odds), CIS-BP's ``Pos A C G T``, named as the file, and
    ``.json[.gz]``, a list of motifs with ``ID`` and ``counts`` (4 x positions). In cisTarget's collections one .cb file
    is one motif, of one or more matrices, and named as the file.

    Parameters
    ----------
    paths
        Files.
    background_fraction
        Fraction of the uniform background mixed into each position, 0 to 1: no base is impossible.
    setting
        Where the config names the files, for error messages.

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
        of_file: dict[str, list[np.ndarray]] = {}
        for name, counts in _read_counts(path, setting):
            matrix = _probabilities(counts, background_fraction, name, path)
            # a .cb file is one motif, whose matrices have names that no table of TFs knows
            plain = path.with_suffix("") if path.suffix == ".gz" else path
            motif = plain.stem if plain.suffix == ".cb" else name
            of_file.setdefault(motif, []).append(matrix)

        if not of_file:
            raise InputError(
                f"{path} holds no motif", f"motifs in {_FORMS}", f"correct {setting}"
            )
        repeated = sorted(found.keys() & of_file)
        if repeated:
            raise InputError(
                f"{path} repeats the motif {repeated[0]!r} of another file",
                "each name in one file",
                f"correct {setting}",
            )
        found |= of_file

    if not found:
        raise InputError("no motif file", "at least one", f"set {setting}")
    n_matrices = sum(map(len, found.values()))
    logger.info("motifs: %d, of %d matrices", len(found), n_matrices)
    return dict(sorted(found.items()))


def _read_counts(path: Path, setting: str) -> list[tuple[str, np.ndarray]]:
    """Names and matrices (positions x 4) as in the file; the form is inferred from its content."""
    text = read_text(path, setting)
    form = "JSON"
    try:
        if ".json" in path.suffixes:
            return _parse_json(text)

        form, body = _find_form(text, path.stem)
        return _parse(body, form) if form else []
    # Biopython's parsers raise whatever they trip over
    except Exception as error:
        raise InputError(
            f"{path} does not read as motifs ({form} form): {error or type(error).__name__}",
            _FORMS,
            f"correct the file or {setting}",
        ) from error


def _parse_json(text: str) -> list[tuple[str, np.ndarray]]:
    matrices = []
    for motif in json.loads(text):
        counts = np.array(motif["counts"], dtype=float)
        if counts.ndim != 2 or len(counts) != 4:
            raise ValueError("counts are not 4 x positions")
        matrices.append((str(motif["ID"]), counts.T))
    return matrices


def _parse(body: str, form: str) -> list[tuple[str, np.ndarray]]:
    from Bio import motifs as bio

    matrices = []
    for motif in bio.parse(StringIO(body), form):
        name = _name(motif, form)
        rows = [motif.counts[base] for base in "ACGT"]
        matrices.append((name, np.array(rows, dtype=float).T))
    return matrices


def _find_form(text: str, stem: str) -> tuple[str, str]:
    """Biopython's name of the form ("" where it is none), and the text as its reader takes it."""
    body = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    if "MEME version" in body:
        return "minimal", _complete_meme(body)
    if re.search(r"^P[0O]\s+A\s+C\s+G\s+T\b", body, re.MULTILINE):
        return "transfac", body
    if re.match(r"\s*Pos\tA\tC\tG\tT\b", body):
        return "clusterbuster", _name_columns(body, stem)
    if re.search(r"^>.*\n\s*(A\b|\[)", body, re.MULTILINE):
        return "jaspar", body
    first = re.search(r"^>.*\n(.*)\n", body, re.MULTILINE)
    if first is None:
        return "", body

    # four columns of any number of rows, or four rows of any number of columns: four by four reads as columns
    n_columns = len(first.group(1).split())
    return "clusterbuster" if n_columns == 4 else "pfm-four-rows", body


def _name_columns(body: str, name: str) -> str:
    """CIS-BP's table of one motif, as four columns under a name."""
    lines = [f">{name}"]
    for line in body.strip().splitlines()[1:]:
        columns = line.split("\t")
        lines.append("\t".join(columns[1:5]))
    return "\n".join(lines) + "\n"


def _complete_meme(body: str) -> str:
    """MEME text as Biopython needs it."""
    # its reader rounds probabilities to counts of this many sites
    body = re.sub(r"nsites=\s*\S+", "nsites= 1000000", body)
    if _BACKGROUND in body:
        return body

    # optional in MEME's format, not for the reader
    head = f"{_BACKGROUND}\nA 0.25 C 0.25 G 0.25 T 0.25\n\nMOTIF"
    return re.sub(r"^MOTIF\b", head, body, count=1, flags=re.MULTILINE)


def _name(motif: Any, form: str) -> str:
    if form == "jaspar":
        return str(motif.matrix_id)
    if form == "transfac":
        return str(motif.get("ID") or motif.get("AC"))

    # HOMER's header: consensus, name, threshold
    fields = str(motif.name).split("\t")
    name = fields[1] if len(fields) > 2 else fields[0]
    return name.split()[0] if form == "minimal" else name.strip()


def _probabilities(
    counts: np.ndarray, background_fraction: float, name: str, path: Path
) -> np.ndarray:
    total = counts.sum(axis=1, keepdims=True)

    # log odds, too, have negative values: they are no probabilities and are refused
    broken = (counts < 0).any() or (total <= 0).any() or not np.isfinite(total).all()
    if not counts.size or broken:
        raise InputError(
            f"{path}: motif {name!r} has no position, negative or infinite values or a position without any",
            "counts or probabilities of A, C, G, T at each position",
            "correct the motif or leave it out",
        )
    # without a part of the background a base that was never seen would have a log odds of minus infinity
    return (1 - background_fraction) * counts / total + background_fraction / 4
