"""Sequence as codes: A, C, G, T are 0 to 3, anything else is -1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import read_text

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
_CODES = np.full(256, -1, dtype=np.int8)
_CODES[BASES] = range(4)
_CODES[BASES | 0x20] = range(4)  # lower case: soft-masked


def encode(bases: str) -> np.ndarray:
    """Codes of a sequence (bases,), int8; soft-masked bases are read as any other."""
    letters = bases.encode("ascii", "replace")
    return _CODES[np.frombuffer(letters, dtype=np.uint8)]


def pad(sequences: list[np.ndarray]) -> np.ndarray:
    """Codes of several sequences as (sequences, longest), int8, with -1 behind the shorter ones."""
    longest = max(map(len, sequences))
    codes = np.full((len(sequences), longest), -1, dtype=np.int8)
    for row, sequence in zip(codes, sequences, strict=True):
        row[: len(sequence)] = sequence
    return codes


def one_hot(codes: np.ndarray) -> np.ndarray:
    """Codes (sequences, bases) as (sequences, 4, bases), int8; an unknown base is 0 in all four rows."""
    of_base = np.arange(4, dtype=np.int8)[:, None]
    is_base = codes[:, None, :] == of_base
    return is_base.astype(np.int8)


def read_records(path: Path) -> list[tuple[str, str]]:
    """Header and bases of each record of a FASTA file, or of each line of a name and bases separated by a tab."""
    from Bio.SeqIO.FastaIO import SimpleFastaParser

    text = read_text(path, "the setting that names it")
    if text.startswith(">"):
        return list(SimpleFastaParser(StringIO(text)))

    records = []
    for line in text.splitlines():
        name, _, bases = line.partition("\t")
        records.append((name, bases.strip()))
    return records


def read_sequences(fasta: str | Path, regions: pd.DataFrame) -> list[np.ndarray]:
    """Read the sequence of each region.

    Parameters
    ----------
    fasta
        Genome, plain or compressed by bgzip.
    regions
        chrom, start, end (0-based, end exclusive, bp).

    Returns
    -------
    One array of codes a region, int8.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a chromosome or a position.
    """
    path = Path(fasta)
    with _open_genome(path) as genome:
        lengths = {name: len(sequence) for name, sequence in genome.items()}
        # checked first: a sequence read beyond its end would be short without an error
        furthest = regions.groupby("chrom", sort=True)["end"].max()
        for chrom, end in furthest.items():
            if lengths.get(chrom, 0) < end:
                raise InputError(
                    f"{path} has {lengths.get(chrom, 'no')} bp of {chrom}, a region ends at {end}",
                    f"the genome of the regions; it has {', '.join(list(lengths)[:3])} ...",
                    "set grn.cistromes.motif_scan.fasta to the same build, with the same chromosome names",
                )

        sequences = []
        for chrom, start, end in zip(
            regions["chrom"], regions["start"], regions["end"], strict=True
        ):
            bases = genome[chrom][start:end]
            sequences.append(encode(bases))
        return sequences


@contextmanager
def _open_genome(path: Path) -> Iterator[Any]:
    import pyfaidx

    if not path.exists():
        raise InputError(
            f"no genome at {path}",
            "a FASTA file",
            "correct grn.cistromes.motif_scan.fasta",
        )

    # The reader writes an index beside the genome, whose folder may be read-only: it gets a link in another folder.
    with TemporaryDirectory() as folder:
        link = Path(folder) / path.name
        link.symlink_to(path.resolve())
        try:
            genome = pyfaidx.Fasta(str(link), as_raw=True)
        except (
            pyfaidx.FastaIndexingError,
            pyfaidx.UnsupportedCompressionFormat,
            ImportError,
            OSError,
        ) as error:
            raise InputError(
                f"{path} cannot be read: {error}",
                "a FASTA file, plain or compressed by bgzip",
                "unpack the genome (gunzip) and name that file in grn.cistromes.motif_scan.fasta",
            ) from error
        with genome:
            yield genome
