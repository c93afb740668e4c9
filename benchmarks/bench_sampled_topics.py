"""Topics fitted to some of the cells: what that saves, and how like the topics of all cells they are.

SNARE-seq of mouse cortex (Chen et al. 2019, doi 10.1038/s41587-019-0290-0) from the mirror ($GRNFORMER_MIRROR), 10,309
cells, a quarter of the regions. Topics of 5,000 and 2,500 cells, by `topics.max_cells`, beside those of all cells:
log-likelihood of the same held-out cells, distinct topics, and correlation over regions with all cells' topics, where a
second seed of all cells is the most that can be had.
"""

import os
import time
from pathlib import Path

import anndata as ad
import numpy as np
import scipy.sparse as sp
from bench_topics import match_topics
from table import Table, say

from grnformer.settings.read import read_defaults
from grnformer.topics.evaluate import Fits, score_fits
from grnformer.topics.fit import binarize, fit_models

CORTEX = "paired/SNARE_mouse_cortex_atac_counts.h5ad"
N_TOPICS, EVERY, MIN_CELLS = 20, 4, 10
SIZES = (5_000, 2_500)
LESS = 0.01  # nats a region that the held-out likelihood may lose


def main() -> None:
    """Write benchmarks/results/sampled-topics.tsv."""
    atac = ad.read_h5ad(Path(os.environ["GRNFORMER_MIRROR"]) / CORTEX)
    matrix = binarize(sp.csr_matrix(atac.X))
    matrix = matrix[:, np.flatnonzero(matrix.getnnz(axis=0) >= MIN_CELLS)[::EVERY]]
    n_cells = matrix.shape[0]
    say(f"{n_cells} cells x {matrix.shape[1]} regions, {matrix.nnz} accessible")

    whole, seconds = measure(matrix, 1, None)
    scores = read_scores(matrix, whole)
    again, _ = measure(matrix, 2, None)
    most = median_match(again, whole)
    table = Table("sampled-topics")
    for size in SIZES:
        fits, cost = measure(matrix, 1, size)
        found = read_scores(matrix, fits)
        label = f"mouse cortex, {n_cells:,} cells, {N_TOPICS} topics of {size:,}"
        table.add_cost(f"{label}: CPU", "s", cost, seconds)
        for what, unit, less in (
            ("heldout_log_likelihood", "nats a region", LESS),
            ("distinct_topics", "topics", 0),
        ):
            name = what.replace("_", " ")
            table.add_score(f"{label}: {name}", unit, found[what], scores[what], less)
        name = "median correlation of matched topics with all cells, seed 1, against all cells' seed 2"
        table.add_score(
            f"{label}: {name}", "Pearson r", median_match(fits, whole), most
        )
        table.write()


def measure(
    matrix: sp.csr_matrix, seed: int, max_cells: int | None
) -> tuple[Fits, float]:
    """The models, and the CPU seconds that they took."""
    settings = read_defaults("topics") | {"seed": seed, "max_cells": max_cells}
    start = time.process_time()
    fits = fit_models(matrix, N_TOPICS, settings)
    return fits, time.process_time() - start


def read_scores(matrix: sp.csr_matrix, fits: Fits) -> dict[str, float]:
    """Scores as the workflow writes them; the held-out cells are those of the seed."""
    return score_fits(matrix, fits, read_defaults("topics")).iloc[0].to_dict()


def median_match(fits: Fits, other: Fits) -> float:
    """Median correlation of topics paired one to one."""
    pairs = match_topics(fits.model.region_topic, other.model.region_topic)
    return float(np.median(pairs))


if __name__ == "__main__":
    main()
