"""Promoter sequences of genes, and background sequences like them."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)

_CODE = np.full(256, -1, dtype=np.int8)
_CODE[np.frombuffer(b"ACGTacgt", dtype=np.uint8)] = [0, 1, 2, 3, 0, 1, 2, 3]
_NUMBERED = re.compile(r"(.+)_\d+")
_GC_CLASSES = 10


@dataclass(frozen=True)
class Promoters:
    """Promoters of the genes of a dataset; a gene may have several, or none.

    Attributes
    ----------
    codes
        (promoters, bases), int8: A, C, G, T are 0 to 3, anything else, and padding at the end, -1.
    gene
        (promoters,): number of its gene.
    """

    codes: np.ndarray
    gene: np.ndarray


def read_promoters(path: str | Path, genes: list[str], *, min_genes: float) -> Promoters:
    """Read promoter sequences, as the Eukaryotic Promoter Database names them: ``<symbol>_<number>``.

    Parameters
    ----------
    path
        FASTA (one of a header's words is the promoter's name), or a name and a sequence a line.
    genes
        Symbols of the dataset's genes; promoters of others are left out.
    min_genes
        Least share of `genes` that must have a promoter, 0 to 1.

    Raises
    ------
    InputError
        If a line is of neither form, or too few genes have a promoter.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"no promoters at {path}", "promoter sequences", "correct grn.binding.promoters")
    place = {gene: number for number, gene in enumerate(genes)}
    kept = [(place[gene], bases) for gene, bases in _records(path) if gene in place]
    found = len({gene for gene, _ in kept})
    if not kept or found < min_genes * len(genes):
        raise InputError(
            f"{path} has promoters of {found} of {len(genes)} genes",
            f"names such as {genes[0]}_1, of a share of {min_genes} of the genes at least",
            "set grn.binding.promoters to the promoters of the dataset's genome, or lower grn.binding.min_genes",
        )
    codes = np.full((len(kept), max(len(bases) for _, bases in kept)), -1, dtype=np.int8)
    for row, (_, bases) in enumerate(kept):
        codes[row, : len(bases)] = _CODE[np.frombuffer(bases.encode("ascii", "replace"), dtype=np.uint8)]
    logger.info("promoters: %d of %d of %d genes, up to %d bp", len(kept), found, len(genes), codes.shape[1])
    return Promoters(codes, np.array([gene for gene, _ in kept]))


def _records(path: Path) -> list[tuple[str, str]]:
    """Gene and bases of each promoter of the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith(">"):
        rows: list[tuple[str, str]] = []
        for line in lines:
            if line.startswith(">"):
                rows.append((line[1:], ""))
            else:
                rows[-1] = (rows[-1][0], rows[-1][1] + line.strip())
    else:
        rows = [(name, bases.strip()) for name, _, bases in (line.partition("\t") for line in lines)]
    records = []
    for header, bases in rows:
        named = next((match for word in header.split() if (match := _NUMBERED.fullmatch(word))), None)
        if named is None or not bases:
            raise InputError(
                f"{path}: {header[:60]!r} with {len(bases)} bases",
                "a name <symbol>_<number> and its bases, as FASTA or separated by a tab",
                "correct the file, or name another in grn.binding.promoters",
            )
        records.append((named.group(1), bases))
    return records


def draw_background(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one sequence for each promoter from promoters' own frequencies of pairs of bases.

    A Markov chain of order 1 is fitted to each of ten classes of GC content, so that what sets a promoter apart from
    its background is neither its GC content nor its CpGs, but longer words.

    Parameters
    ----------
    codes
        (promoters, bases), -1 for unknown bases, which stay where they are.

    Returns
    -------
    (promoters, bases), int8.
    """
    known = codes >= 0
    gc = ((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    edges = np.quantile(gc, np.arange(1, _GC_CLASSES) / _GC_CLASSES)
    of_class = np.digitize(gc, edges)
    drawn = np.empty_like(codes)
    for number in np.unique(of_class):
        rows = np.flatnonzero(of_class == number)
        part = codes[rows]
        counts = np.ones((4, 4))  # a pair never seen is not impossible
        pairs = (part[:, :-1] >= 0) & (part[:, 1:] >= 0)
        np.add.at(counts, (part[:, :-1][pairs], part[:, 1:][pairs]), 1)
        base = counts.sum(axis=1) / counts.sum()
        follow = np.cumsum(counts / counts.sum(axis=1, keepdims=True), axis=1)[:, :3]
        drawn[rows, 0] = np.searchsorted(np.cumsum(base)[:3], rng.random(len(rows)))
        for position in range(1, codes.shape[1]):
            previous = drawn[rows, position - 1]
            drawn[rows, position] = (rng.random(len(rows))[:, None] > follow[previous]).sum(axis=1)
    return np.where(known, drawn, -1).astype(np.int8)
