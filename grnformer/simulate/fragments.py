"""Fragments of a simulated multiome, as 10x writes them: `draw_fragments`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from grnformer.simulate.multiome import Simulation

# Lengths, bp: between nucleosomes, around one, around two. Shares as in good single-cell ATAC.
_LENGTHS = ((75.0, 18.0), (190.0, 20.0), (380.0, 30.0))
_SHARES = (0.6, 0.3, 0.1)
_SPREAD = 60.0  # bp, standard deviation of cuts around a region's middle: what gives peaks a summit


def draw_fragments(
    simulation: Simulation, *, background_fraction: float, reads_per_fragment: float, seed: int
) -> pd.DataFrame:
    """Draw one fragment for each ATAC count, cut within its region, and others anywhere in the genome.

    Regions lie at transcription start sites too, so that cuts are enriched there.

    Parameters
    ----------
    background_fraction
        Share of all fragments that lie anywhere, 0 to below 1.
    reads_per_fragment
        Mean number of reads of a fragment, at least 1; those beyond the first are duplicates.

    Returns
    -------
    pandas.DataFrame
        Columns ``chrom, start, end`` (0-based, half-open, bp), ``barcode, reads``, sorted by position.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    matrix = simulation.atac.X.tocoo()
    cell, region = np.repeat(matrix.row, matrix.data), np.repeat(matrix.col, matrix.data)
    var = simulation.atac.var.iloc[region]
    start, end = var["start"].to_numpy(), var["end"].to_numpy()
    middle = (start + end) // 2
    cut = np.clip(middle + np.round(_SPREAD * rng.standard_normal(len(cell))).astype(np.int64), start, end - 1)

    n_background = round(len(cell) * background_fraction / (1 - background_fraction))
    chromosomes = sorted(simulation.genome)
    lengths = np.array([len(simulation.genome[chrom]) for chrom in chromosomes])
    where = rng.choice(len(lengths), size=n_background, p=lengths / lengths.sum())
    anywhere = np.floor(rng.random(n_background) * lengths[where]).astype(np.int64)

    chrom = np.concatenate([var["chrom"].to_numpy().astype(str), np.array(chromosomes)[where]])
    cut = np.concatenate([cut, anywhere])
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
    mean, spread = np.array(_LENGTHS)[rng.choice(len(_SHARES), size=len(cut), p=_SHARES)].T
    length = np.maximum(np.round(mean + spread * rng.standard_normal(len(cut))), 25).astype(np.int64)
    forward = rng.random(len(cut)) < 0.5
    start = np.where(forward, cut, cut + 1 - length)
    return start, start + length
