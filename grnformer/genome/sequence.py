"""Sequence of regions from a genome in FASTA."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_CODE = np.full(256, -1, dtype=np.int8)
_CODE[np.frombuffer(b"ACGTacgt", dtype=np.uint8)] = [0, 1, 2, 3, 0, 1, 2, 3]


def read_sequences(fasta: str | Path, regions: pd.DataFrame) -> list[np.ndarray]:
    """Read the sequence of each region.

    Parameters
    ----------
    fasta
        Genome, plain or compressed by bgzip; soft-masked sequence is read as any other.
    regions
        chrom, start, end (0-based, end exclusive, bp).

    Returns
    -------
    One int8 array a region: A, C, G, T are 0 to 3, anything else -1.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a chromosome or a position.
    """
    import pyfaidx

    path = Path(fasta)
    if not path.exists():
        raise InputError(f"no genome at {path}", "a FASTA file", "correct grn.cistromes.motif_scan.fasta")
    # indices, of a compressed genome two, go to a folder of our own: the genome's may not be writable
    with TemporaryDirectory() as folder:
        link = Path(folder) / path.name
        link.symlink_to(path.resolve())
        try:
            genome = pyfaidx.Fasta(str(link), as_raw=True)
        except (pyfaidx.FastaIndexingError, pyfaidx.UnsupportedCompressionFormat, ImportError, OSError) as error:
            raise InputError(
                f"{path} cannot be read: {error}",
                "a FASTA file, plain or compressed by bgzip",
                "unpack the genome (gunzip) and name that file in grn.cistromes.motif_scan.fasta",
            ) from error
        with genome:
            lengths = {name: len(genome[name]) for name in genome.keys()}  # noqa: SIM118
            for chrom, end in regions.groupby("chrom", sort=True)["end"].max().items():
                if lengths.get(str(chrom), 0) < end:
                    raise InputError(
                        f"{path} has {lengths.get(str(chrom), 'no')} bp of {chrom}, a region ends at {end}",
                        f"the genome of the regions; it has {', '.join(list(lengths)[:3])} ...",
                        "set grn.cistromes.motif_scan.fasta to the same build, with the same chromosome names",
                    )
            rows = zip(regions["chrom"], regions["start"], regions["end"], strict=True)
            return [_CODE[np.frombuffer(genome[c][s:e].encode(), dtype=np.uint8)] for c, s, e in rows]
