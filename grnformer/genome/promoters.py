"""Promoter sequences of genes, and background sequences like them."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grnformer.core.errors import InputError
from grnformer.genome.sequence import encode, pad, read_records

logger = logging.getLogger(__name__)

_SETTING = "grn.cistromes.promoter.promoters"
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


def read_promoters(
    path: str | Path, genes: list[str], *, min_genes: float
) -> Promoters:
    """Read promoter sequences, as the Eukaryotic Promoter Database names them: ``<symbol>_<number>``.

    Parameters
    ----------
    path
        FASTA (one of a header's words is the promoter's name), or a name and a sequence a line.
    genes
        Symbols of the dataset's genes; promoters of others are left out.
    min_genes
        Least fraction of `genes` that must have a promoter, 0 to 1.

    Raises
    ------
    InputError
        If a line is of neither form, or too few genes have a promoter.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"no promoters at {path}", "promoter sequences", f"correct {_SETTING}"
        )

    number = {gene: i for i, gene in enumerate(genes)}
    gene_of = []
    sequences = []
    for header, bases in read_records(path):
        gene = _gene_of(header, bases, path)
        if gene in number:
            gene_of.append(number[gene])
            sequences.append(encode(bases))

    found = len(set(gene_of))
    if not found or found < min_genes * len(genes):
        raise InputError(
            f"{path} has promoters of {found} of {len(genes)} genes",
            f"names such as {genes[0]}_1, of at least {min_genes:.0%} of the genes",
            f"set {_SETTING} to the promoters of the dataset's genome, or lower grn.cistromes.promoter.min_genes",
        )

    codes = pad(sequences)
    logger.info(
        "promoters: %d of %d of %d genes, up to %d bp",
        len(codes),
        found,
        len(genes),
        codes.shape[1],
    )
    return Promoters(codes, np.array(gene_of))


def _gene_of(header: str, bases: str, path: Path) -> str:
    for word in header.split():
        named = _NUMBERED.fullmatch(word)
        if named and bases:
            return named.group(1)
    raise InputError(
        f"{path}: {header[:60]!r} with {len(bases)} bases",
        "a name <symbol>_<number> and its bases, as FASTA or separated by a tab",
        f"correct the file, or name another in {_SETTING}",
    )


def draw_background(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one sequence for each promoter by the promoters' frequencies of pairs of bases.

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
    n_known = known.sum(axis=1)
    n_gc = np.isin(codes, (1, 2)).sum(axis=1)
    gc = n_gc / np.maximum(n_known, 1)

    levels = np.arange(1, _GC_CLASSES) / _GC_CLASSES
    edges = np.quantile(gc, levels)
    gc_class = np.digitize(gc, edges)

    drawn = np.empty_like(codes)
    for number in np.unique(gc_class):
        rows = gc_class == number
        drawn[rows] = _draw_chain(codes[rows], rng)
    return np.where(known, drawn, -1).astype(np.int8)


def _draw_chain(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many sequences as given from the Markov chain of order 1 that fits them."""
    before = codes[:, :-1]
    after = codes[:, 1:]
    seen = (before >= 0) & (after >= 0)

    # counts from 1: a pair never seen is not impossible
    counts = np.ones((4, 4))
    np.add.at(counts, (before[seen], after[seen]), 1)

    of_base = counts.sum(axis=1)
    base = of_base / counts.sum()
    next_base = counts / of_base[:, None]

    # A base is drawn by where a uniform number falls among cumulated probabilities. The last bound is left off: it is
    # 1 up to rounding, and a number above it would be a fifth base.
    start = np.cumsum(base)[:3]
    follow = np.cumsum(next_base, axis=1)[:, :3]

    n_sequences, length = codes.shape
    drawn = np.empty_like(codes)
    drawn[:, 0] = np.searchsorted(start, rng.random(n_sequences))
    for position in range(1, length):
        bounds = follow[drawn[:, position - 1]]
        uniform = rng.random((n_sequences, 1))
        above = uniform > bounds
        drawn[:, position] = above.sum(axis=1)
    return drawn
