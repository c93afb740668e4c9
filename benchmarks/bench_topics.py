"""Topic models against the package lda (collapsed Gibbs), one core, the same priors, topics and sweeps.

Topics are fitted to nine tenths of the cells; the others give the held-out log-likelihood by document completion. Where
its environment is made, pycisTopic stands beside, by its own priors; it calls lda and then computes its metrics. Of
10,000 and 100,000 cells, with 100 accessible regions each, fewer sweeps are run, and pycisTopic's second seed is not.
"""

import argparse
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from bench_growth import topics as simulate_many
from harness import HERE, Measured, find_python, run_task, why_absent
from table import Table, say

from grnformer.settings.read import read_defaults

N_TOPICS = 20
MANY, SWEEPS = (10_000, 100_000), 50


def main() -> None:
    """Run on simulated topics and on the demo, write benchmarks/results/topics.tsv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--demo",
        type=Path,
        default=HERE.parent / "results/snareseq",
        help="results of the demo",
    )
    folder = parser.parse_args().demo
    table = Table("topics")
    compare(table, "simulation", simulate(np.random.default_rng(1)))
    if (folder / "prep/multiome.h5mu").exists():
        from grnformer.core.io import read_modality

        atac = sp.csr_matrix(
            read_modality(folder / "prep/multiome.h5mu", "atac", "multiome").X
        )
        compare(table, "demo", atac[:, atac.getnnz(axis=0) >= 5])
    else:
        say(f"demo: left out, no results in {folder} (make demo)")
    for n_cells in MANY:
        arrays = simulate_many(n_cells, np.random.default_rng(1))
        parts = arrays["data"], arrays["indices"], arrays["indptr"]
        matrix = sp.csr_matrix(parts, shape=tuple(arrays["shape"]))
        compare(table, f"simulation, {n_cells:,} cells", matrix, SWEEPS)
        table.write()
    table.write()


def simulate(rng: np.random.Generator, n_cells: int = 1000) -> sp.csr_matrix:
    """Cells x 10,000 regions, 20 topics; about 500 accessible regions a cell."""
    cell_topic = rng.dirichlet(np.full(N_TOPICS, 0.2), n_cells)
    region_topic = rng.gamma(0.2, size=(10_000, N_TOPICS))
    region_topic /= region_topic.sum(axis=0)
    depth = 600 * np.exp(0.4 * rng.standard_normal((n_cells, 1)))
    return sp.csr_matrix(
        rng.random((n_cells, 10_000))
        < -np.expm1(-depth * (cell_topic @ region_topic.T))
    )


def compare(
    table: Table, name: str, matrix: sp.csr_matrix, sweeps: int | None = None
) -> None:
    """Add the rows of one matrix (cells x regions; what is above 0 is accessible).

    `sweeps`: of all samplers; None: as many as by default, and pycisTopic also by a second seed.
    """
    from grnformer.topics.evaluate import count_distinct_topics, split_regions
    from grnformer.topics.model import (
        TopicModel,
        infer_cell_topics,
        token_log_likelihood,
    )

    settings = read_defaults("topics")
    evaluation = settings["evaluation"]
    matrix.data = np.ones(matrix.nnz, dtype=np.int32)
    say(
        f"{name}: {matrix.shape[0]} cells x {matrix.shape[1]} regions, {matrix.nnz} accessible"
    )
    rng = np.random.default_rng(0)
    held_out = rng.permutation(matrix.shape[0]) < round(
        evaluation["heldout_cells"] * matrix.shape[0]
    )
    seen, hidden = split_regions(matrix[held_out], rng)
    kept = matrix[~held_out]
    arrays = {
        "data": kept.data,
        "indices": kept.indices,
        "indptr": kept.indptr,
        "shape": np.array(kept.shape),
    }
    options = {**settings["lda_tomotopy"], "n_topics": N_TOPICS, "seed": 1}
    if sweeps:
        options["n_iterations"] = sweeps

    def likelihood(run: Measured) -> float:
        topics = run.result["region_topic"]
        cells = infer_cell_topics(seen, topics, alpha=evaluation["alpha"] / N_TOPICS)
        return float(token_log_likelihood(hidden, TopicModel(cells, topics)).mean())

    def distinct(run: Measured) -> int:
        return count_distinct_topics(
            run.result["region_topic"], evaluation["distinct_correlation"]
        )

    ours, reference = (
        run_task(task, arrays, options) for task in ("topics_ours", "topics_lda")
    )
    label = f"{name}, {N_TOPICS} topics, {options['n_iterations']} sweeps"
    table.add_costs(f"{label}: ours against lda", ours, reference, 3)
    table.add_score(
        f"{label}: distinct topics", "topics", distinct(ours), distinct(reference), 0
    )
    table.add_score(
        f"{label}: held-out log-likelihood",
        "nats a region",
        likelihood(ours),
        likelihood(reference),
        0.01,
    )
    python = find_python("pycistopic")
    if python is None:
        say(f"pycisTopic: left out, {why_absent('pycistopic')}")
        return
    theirs = {key: settings["pycistopic"][key] for key in ("alpha", "eta")}
    theirs |= {"n_topics": N_TOPICS, "n_iterations": options["n_iterations"]}
    first = run_task("topics_pycistopic", arrays, theirs | {"seed": 1}, python)
    label = f"{label}: ours against pycisTopic"
    table.add_costs(label, ours, first, 3)
    table.add_score(
        f"{label}: distinct topics", "topics", distinct(ours), distinct(first), 0
    )
    table.add_score(
        f"{label}: held-out log-likelihood",
        "nats a region",
        likelihood(ours),
        likelihood(first),
        0.01,
    )
    if sweeps:
        return
    second = run_task("topics_pycistopic", arrays, theirs | {"seed": 2}, python)
    like_ours = match_topics(ours.result["region_topic"], first.result["region_topic"])
    like_theirs = match_topics(
        second.result["region_topic"], first.result["region_topic"]
    )
    what = f"{name}, {N_TOPICS} topics: median correlation of matched topics with pycisTopic seed 1"
    table.add_score(
        f"{what}, ours against pycisTopic seed 2",
        "Pearson r",
        np.median(like_ours),
        np.median(like_theirs),
    )


def match_topics(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlations over regions of topics paired one to one, so that their sum is highest."""
    from scipy.optimize import linear_sum_assignment

    correlation = np.corrcoef(first.T, second.T)[: first.shape[1], first.shape[1] :]
    return correlation[linear_sum_assignment(-correlation)]


if __name__ == "__main__":
    main()
