"""Fragments of a simulated multiome, as 10x writes them: `draw_fragments`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.simulate.multiome import Simulation

# Lengths, bp: between nucleosomes, around one, around two. Fractions as in good single-cell ATAC.
_LENGTHS = ((75.0, 18.0), (190.0, 20.0), (380.0, 30.0))
_FRACTIONS = (0.6, 0.3, 0.1)
_SD = 60.0  # bp, of cuts around a region's middle: what gives peaks a summit


def draw_fragments(
    simulation: Simulation,
    *,
    background_fraction: float,
    reads_per_fragment: float,
    seed: int,
) -> pd.DataFrame:
    """Draw one fragment for each ATAC count, cut within its region, and others anywhere in the genome.

    Regions lie at transcription start sites too, so that cuts are enriched there.

    Parameters
    ----------
    background_fraction
        Fraction of all fragments that lie anywhere, 0 to below 1.
    reads_per_fragment
        Mean number of reads of a fragment, at least 1; those beyond the first are duplicates.

    Returns
    -------
    pandas.DataFrame
        Columns ``chrom, start, end`` (0-based, half-open, bp), ``barcode, reads``, sorted by position.
    """
    rng = np.random.default_rng(seed)
    counts = simulation.atac.X.tocoo()
    cell = np.repeat(counts.row, counts.data)
    region = np.repeat(counts.col, counts.data)
    var = simulation.atac.var.iloc[region]
    chrom_inside = var["chrom"].to_numpy().astype(str)
    cut_inside = _cut_regions(var, rng)

    # background: uniform over the genome, by cells in proportion to their counts
    n_background = round(len(cell) * background_fraction / (1 - background_fraction))
    lengths = pd.Series(
        {chrom: len(bases) for chrom, bases in sorted(simulation.genome.items())}
    )
    chrom_anywhere, cut_anywhere = _cut_anywhere(lengths, n_background, rng)
    cell_anywhere = rng.choice(cell, size=n_background)

    chrom = np.concatenate([chrom_inside, chrom_anywhere])
    cut = np.concatenate([cut_inside, cut_anywhere])
    all_cells = np.concatenate([cell, cell_anywhere])
    first, second = _ends(cut, rng)
    barcodes = simulation.atac.obs_names.to_numpy().astype(str)
    table = pd.DataFrame(
        {
            "chrom": chrom,
            "start": first.clip(min=0),
            "end": np.minimum(second, lengths[chrom].to_numpy()),
            "barcode": barcodes[all_cells],
            "reads": 1 + rng.poisson(reads_per_fragment - 1, size=len(cut)),
        }
    )

    # a fragment beyond the end of its chromosome has no length left
    table = table[table["end"] > table["start"]]
    return table.sort_values(["chrom", "start", "end", "barcode"], ignore_index=True)


def _cut_regions(regions: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """A cut in each row's region, most of them near its middle."""
    start = regions["start"].to_numpy()
    end = regions["end"].to_numpy()
    middle = (start + end) // 2
    offset = np.round(_SD * rng.standard_normal(len(regions)))
    return np.clip(middle + offset.astype(np.int64), start, end - 1)


def _cut_anywhere(
    lengths: pd.Series, number: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Chromosome and position of cuts that are uniform over the genome."""
    size = lengths.to_numpy()
    where = rng.choice(len(size), size=number, p=size / size.sum())
    position = np.floor(rng.random(number) * size[where])
    names = lengths.index.to_numpy().astype(str)
    return names[where], position.astype(np.int64)


def _ends(cut: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of fragments of which one end, either, is cut at `cut` (the base that the insertion falls on)."""
    kind = rng.choice(len(_FRACTIONS), size=len(cut), p=_FRACTIONS)
    mean, sd = np.array(_LENGTHS)[kind].T
    drawn = np.round(mean + sd * rng.standard_normal(len(cut)))

    # a transposase needs room: two cuts are never nearer than this
    length = np.maximum(drawn, 25).astype(np.int64)

    forward = rng.random(len(cut)) < 0.5
    start = np.where(forward, cut, cut + 1 - length)
    return start, start + length
