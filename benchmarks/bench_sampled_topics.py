"""Topics fitted to some of the cells: what that saves, and how like the topics of all cells they are.

By `topics.max_tokens`, beside those of all cells: log-likelihood of the same held-out cells, distinct topics, and
correlation over regions with all cells' topics, where a second seed of all cells is the most that can be had. On 4,000
simulated cells of about 500 regions, and on SNARE-seq of mouse cortex (Chen et al. 2019, doi
10.1038/s41587-019-0290-0) from the mirror ($GRNFORMER_MIRROR), whose 10,309 cells have about 95 each: of such cells
none should be left out.
"""

import os
import time
from pathlib import Path

import anndata as ad
import numpy as np
import scipy.sparse as sp
from bench_pooled_links import CORTEX
from bench_topics import match_topics, simulate
from table import Table, say

from grnformer.settings.read import read_defaults
from grnformer.topics.evaluate import Fits, score_fits
from grnformer.topics.fit import binarize, fit_models

N_TOPICS, N_CELLS, MIN_CELLS = 20, 4_000, 10
FRACTIONS = (0.5, 0.25)
LESS = 0.01  # nats a region that the held-out likelihood may lose
MATCH = "median correlation of matched topics with all cells, seed 1"


def main() -> None:
    """Write benchmarks/results/sampled-topics.tsv."""
    table = Table("sampled-topics")
    add_rows(table, "simulation", simulate(np.random.default_rng(1), N_CELLS))
    mirror = os.environ.get("GRNFORMER_MIRROR")
    if mirror:
        atac = ad.read_h5ad(Path(mirror) / CORTEX.format("atac"))
        add_rows(table, "mouse cortex", sp.csr_matrix(atac.X))
    else:
        say("mouse cortex: left out, GRNFORMER_MIRROR is not set")
    table.write()


def add_rows(table: Table, name: str, matrix: sp.csr_matrix) -> None:
    """Topics of all cells under two seeds, then of fewer."""
    matrix = binarize(matrix)
    matrix = matrix[:, matrix.getnnz(axis=0) >= MIN_CELLS]
    say(f"{name}: {matrix.shape}, {matrix.nnz} accessible")
    whole, seconds = measure(matrix, 1, None)
    scores = read_scores(matrix, whole)
    again, _ = measure(matrix, 2, None)
    most = median_match(again, whole)
    for fraction in FRACTIONS:
        n_tokens = round(fraction * matrix.nnz)
        fits, cost = measure(matrix, 1, n_tokens)
        found, n_fitted = read_scores(matrix, fits), len(fits.partial.cell_topic)
        label = f"{name}, {matrix.shape[0]:,} cells of {matrix.nnz // matrix.shape[0]} regions"
        label += f", {N_TOPICS} topics of {n_fitted:,}"
        table.add_cost(f"{label}: CPU", "s", cost, seconds)
        for what, unit, less in (
            ("heldout_log_likelihood", "nats a region", LESS),
            ("distinct_topics", "topics", 0),
        ):
            text = f"{label}: {what.replace('_', ' ')}"
            table.add_score(text, unit, found[what], scores[what], less)
        text = f"{label}: {MATCH}, against all cells' seed 2"
        table.add_score(text, "Pearson r", median_match(fits, whole), most)


def measure(
    matrix: sp.csr_matrix, seed: int, max_tokens: int | None
) -> tuple[Fits, float]:
    """The models, and the CPU seconds that they took."""
    settings = read_defaults("topics") | {"seed": seed, "max_tokens": max_tokens}
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
