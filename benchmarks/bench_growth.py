"""Growth of the stages' time and memory with the number of cells: 1,000, 10,000, 100,000; one core, simulated.

Fewer regions, genes, targets and sweeps than a real run has, so that it ends within minutes: what is told is how
costs grow, not what a run costs. CPU: the slope of log cost over log cells, over all sizes, and from 10,000 to
100,000 cells alone, where fixed costs no longer hide it. Memory: megabytes for a thousand cells more, between the two
largest sizes; at 1,000 cells it is less than the noise of its measurement.
"""

import numpy as np
from harness import Measured, run_task
from simulate import simulate_network
from table import Table, say

from grnformer.settings.read import complete

CELLS = [1_000, 10_000, 100_000]
N_TFS, N_TARGETS, N_TOPICS, SWEEPS, N_LINKED, N_COMPARED = 50, 8, 20, 20, 8, 200


def main() -> None:
    """Run every stage at every size, write benchmarks/results/growth.tsv."""
    settings = complete({})
    grn = settings["grn"]
    lda = {
        **settings["topics"]["lda_tomotopy"],
        "n_iterations": SWEEPS,
        "n_topics": N_TOPICS,
        "seed": 1,
    }
    links = {**grn["region_gene"], "accessibility": "topics", "seed": 1}
    prep = settings["prep"]["embedding"]
    joint = {name: prep[name] for name in ("n_neighbors", "max_exact_cells")}
    stages = {
        "neighbours, 30 + 30 dimensions": ("neighbours_ours", embeddings, {**joint, "seed": 1}),
        "lsi, 5,000 regions": ("lsi_ours", topics, {"n_lsi": prep["n_lsi"], "seed": 1}),
        f"dars, {N_COMPARED} regions": (
            "dars_ours", imputed, {"block_size": settings["topics"]["dar"]["block_size"]},
        ),
        f"topics, {SWEEPS} sweeps": ("topics_ours", topics, lda),
        f"tf_gene, {N_TARGETS} targets, {N_TFS} TFs": (
            "tf_gene_ours", tf_gene, {**grn["tf_gene"]["hist_boosting"], "seed": 1},
        ),
        f"link_regions, {N_LINKED} genes, 150 regions each": ("region_gene_ours", link_regions, links),
        f"link_regions, cells not pooled, {N_LINKED} genes": (
            "region_gene_ours", link_regions, {**links, "max_cells": None},
        ),
        "aucell, 2,000 genes, 100 sets": ("aucell_ours", aucell, {"rank_cutoff": 100}),
    }  # fmt: skip
    table = Table("growth")
    for name, (task, simulate, options) in stages.items():
        runs = []
        for n_cells in CELLS:
            runs.append(
                run_task(task, simulate(n_cells, np.random.default_rng(1)), options)
            )
            say(
                f"{name}, {n_cells} cells: {runs[-1].cpu:.2f} s, {runs[-1].memory:.0f} MB"
            )
        add_growth(table, name, runs)
    table.write()


def add_growth(table: Table, name: str, runs: list[Measured]) -> None:
    """Rows of one stage: costs at each size, and how they grow."""
    cpu, memory = [run.cpu for run in runs], [run.memory for run in runs]
    for what, unit, values in (
        ("CPU", "s", cpu),
        ("memory added at peak", "MB", memory),
    ):
        for n_cells, value in zip(CELLS, values, strict=True):
            table.add_figure(f"{name}: {what}, {n_cells:,} cells", unit, value)
    of_all = np.polyfit(np.log(CELLS), np.log(cpu), 1)[0]
    table.add_figure(f"{name}: CPU, exponent", "log/log", float(of_all))
    *_, before, last = CELLS
    of_last = np.log(cpu[-1] / cpu[-2]) / np.log(last / before)
    label = f"{name}: CPU, exponent from {before:,} to {last:,} cells"
    table.add_figure(label, "log/log", float(of_last))
    added = (memory[-1] - memory[-2]) / (last - before) * 1000
    table.add_figure(f"{name}: memory, for 1,000 cells more", "MB", added)


def embeddings(n_cells: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ten types of cells, apart in both modalities."""
    types = rng.integers(10, size=n_cells)
    return {
        name: (
            rng.normal(size=(n_cells, 30)) + 3 * rng.normal(size=(10, 30))[types]
        ).astype(np.float32)
        for name in ("rna", "atac")
    }


def imputed(n_cells: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Topics of cells and regions; a cell's type is its largest topic."""
    return {
        "cell_topic": rng.dirichlet(np.full(N_TOPICS, 0.2), n_cells),
        "region_topic": rng.dirichlet(np.full(N_COMPARED, 0.5), N_TOPICS).T,
    }


def topics(n_cells: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Cells x 5,000 regions, about 100 accessible a cell, of 20 topics."""
    region_topic = rng.gamma(0.2, size=(5_000, N_TOPICS))
    chosen = np.cumsum(region_topic / region_topic.sum(axis=0), axis=0)
    share = rng.dirichlet(np.full(N_TOPICS, 0.2), n_cells).cumsum(axis=1)
    topic = (share[:, None] < rng.random((n_cells, 100, 1))).sum(axis=2)
    drawn = rng.random(topic.shape)
    region = np.empty(topic.shape, dtype=np.int32)
    for number in range(N_TOPICS):
        here = topic.clip(max=N_TOPICS - 1) == number
        region[here] = np.searchsorted(chosen[:, number], drawn[here]).clip(max=4_999)
    region.sort(axis=1)
    new = np.ones(region.shape, dtype=bool)
    new[:, 1:] = region[:, 1:] != region[:, :-1]
    indptr = np.append(0, np.cumsum(new.sum(axis=1)))
    shape = np.array([n_cells, 5_000])
    return {
        "data": np.ones(indptr[-1], np.int32),
        "indices": region[new],
        "indptr": indptr,
        "shape": shape,
    }


def tf_gene(n_cells: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Log1p counts of a planted network: 50 TFs and 8 targets."""
    matrix, _ = simulate_network(
        n_cells, N_TFS + N_TARGETS, N_TFS, seed=int(rng.integers(1000))
    )
    return {
        "matrix": matrix,
        "tfs": np.arange(N_TFS),
        "targets": np.arange(N_TFS, N_TFS + N_TARGETS),
    }


def link_regions(n_cells: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Regions of 500 bp every 2 kb and genes every 20 kb, expression by the first region of each."""
    n_regions = 160 + 10 * N_LINKED
    cell_topic = rng.dirichlet(np.full(N_TOPICS, 0.2), n_cells)
    region_topic = rng.gamma(0.3, size=(n_regions, N_TOPICS))
    region_topic /= region_topic.sum(axis=0)
    drive = cell_topic @ region_topic[80 : 80 + 10 * N_LINKED : 10].T
    drive = (drive - drive.mean(axis=0)) / drive.std(axis=0)
    expression = np.log1p(rng.poisson(np.exp(0.8 * np.minimum(drive, 4) - 0.7))).astype(
        np.float32
    )
    start, tss = np.arange(n_regions) * 2_000, 160_000 + np.arange(N_LINKED) * 20_000
    return {"expression": expression, "cell_topic": cell_topic, "region_topic": region_topic, "region_start": start,
            "tss": tss}  # fmt: skip


def aucell(n_cells: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Counts of 2,000 genes, 5% above 0; 100 sets of 20 genes."""
    matrix = np.zeros((n_cells, 2_000), dtype=np.float32)
    matrix[np.arange(n_cells)[:, None], rng.integers(2_000, size=(n_cells, 100))] = (
        rng.poisson(2, (n_cells, 100)) + 1
    )
    members = np.zeros((2_000, 100), dtype=np.float32)
    members[rng.integers(2_000, size=(20, 100)), np.arange(100)] = 1
    return {"matrix": matrix, "members": members}


if __name__ == "__main__":
    main()
