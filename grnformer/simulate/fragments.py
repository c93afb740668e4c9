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
    simulation: Simulation, *, background_fraction: float, reads_per_fragment: float, seed: int
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
    cell, region = np.repeat(counts.row, counts.data), np.repeat(counts.col, counts.data)
    var = simulation.atac.var.iloc[region]
    start, end = var["start"].to_numpy(), var["end"].to_numpy()
    offset = np.round(_SD * rng.standard_normal(len(cell))).astype(np.int64)
    cut_inside = np.clip((start + end) // 2 + offset, start, end - 1)

    # background: uniform over the genome, by cells in proportion to their counts
    n_background = round(len(cell) * background_fraction / (1 - background_fraction))
    chromosomes = sorted(simulation.genome)
    lengths = np.array([len(simulation.genome[chrom]) for chrom in chromosomes])
    where = rng.choice(len(lengths), size=n_background, p=lengths / lengths.sum())
    cut_anywhere = np.floor(rng.random(n_background) * lengths[where]).astype(np.int64)

    chrom = np.concatenate([var["chrom"].to_numpy().astype(str), np.array(chromosomes)[where]])
    cut = np.concatenate([cut_inside, cut_anywhere])
    owner = np.concatenate([cell, rng.choice(cell, size=n_background)])
    first, second = _ends(cut, rng)
    limit = pd.Series(lengths, index=chromosomes)[chrom].to_numpy()
    table = pd.DataFrame(
        {
            "chrom": chrom,
            "start": first.clip(min=0),
            "end": np.minimum(second, limit),
            "barcode": simulation.atac.obs_names.to_numpy().astype(str)[owner],
            "reads": 1 + rng.poisson(reads_per_fragment - 1, size=len(cut)),
        }
    )
    table = table[table["end"] > table["start"]]
    return table.sort_values(["chrom", "start", "end", "barcode"], ignore_index=True)


def _ends(cut: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of fragments of which one end, either, is cut at `cut` (the base that the insertion falls on)."""
    mean, sd = np.array(_LENGTHS)[rng.choice(len(_FRACTIONS), size=len(cut), p=_FRACTIONS)].T
    length = np.maximum(np.round(mean + sd * rng.standard_normal(len(cut))), 25).astype(np.int64)
    forward = rng.random(len(cut)) < 0.5
    start = np.where(forward, cut, cut + 1 - length)
    return start, start + length
