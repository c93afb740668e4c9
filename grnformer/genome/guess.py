"""Which genome data are of: species by the names of genes, build by where regions lie."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.build_check import tss_enrichment

_SPECIES = {"hg": "human", "mm": "mouse"}  # first letters of UCSC's builds
_IDS = {"human": r"ENSG\d{11}", "mouse": r"ENSMUSG\d{11}"}
# written in capitals or with a capital, digits aside: TP53, Trp53
_SYMBOLS = {"human": r"[A-Z][A-Z0-9]{2,9}", "mouse": r"[A-Z][a-z][a-z0-9]{1,9}"}
_MOST = 0.4  # fraction of the names that must be of one species
_TIMES = 3.0  # and so many times as many as of another
_LEAST_ENRICHED, _BETTER = 2.0, 1.5  # fold, and over the next best build


def species_of_genome(genome: str) -> str:
    """Species of a build by UCSC's name; "" if the name does not say."""
    letters = genome.rstrip("0123456789")
    return _SPECIES.get(letters, "")


def species_of_genes(names: pd.Index) -> str:
    """human or mouse, by Ensembl ids or by how symbols are written; "" if neither is clear."""
    words = pd.Series(pd.unique(names.astype(str)))
    words = words[words.str.contains("[A-Za-z]") & ~words.str.contains(":")]
    for patterns in (_IDS, _SYMBOLS):
        found = {
            kind: float(words.str.fullmatch(p).mean()) for kind, p in patterns.items()
        }
        first, second = sorted(found, key=lambda kind: -found[kind])[:2]
        if found[first] >= _MOST and found[first] >= _TIMES * found[second]:
            return first
    return ""


def guess_build(
    regions: pd.DataFrame, builds: Mapping[str, pd.DataFrame], where: str
) -> tuple[str, float]:
    """The build at whose TSSs regions (or fragments) gather, and how many times as often as beside them.

    Parameters
    ----------
    regions
        ``chrom, start, end``.
    builds
        Genome -> TSS table (contract `tss`).

    Raises
    ------
    InputError
        If they gather at those of none, or of two alike.
    """
    found = {name: tss_enrichment(regions, tss)[1] for name, tss in builds.items()}
    order = sorted(found, key=lambda name: -found[name])
    best, fold = order[0], found[order[0]]
    second = found[order[1]] if len(order) > 1 else 0.0
    if fold >= _LEAST_ENRICHED and fold >= _BETTER * second:
        return best, fold
    said = ", ".join(f"{name} {found[name]:.1f}" for name in order)
    raise InputError(
        f"{where}: TSSs are hit more often than places beside them by these factors: {said}",
        f"one build with {_LEAST_ENRICHED:g} or more, {_BETTER:g} times that of the next",
        "name the genome: --genome hg38; one that is not listed needs its TSS table under `genomes` in the config",
    )
