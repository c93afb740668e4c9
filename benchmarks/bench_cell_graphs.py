"""The cell graphs of a batch, and the messages through them, against one Python loop per cell; one core.

A bundle of the demo's kind, simulated: 3,000 genes, 300 eRegulons of 60 targets, a fifth of them active in a cell. The
batches are those of the sizes `tiny` and `base` of pretraining. Graphs: each cell's whole graph, which ours never
writes out (a row of activity over edges that all cells share) and the reference does. Messages: what the encoder needs
of them, the signed mean over the open edges into the cell's tokens. Two references: edge by edge, and with numpy's
and torch's operations on whole arrays inside the loop over cells. Results are asserted to be equal.
"""

import numpy as np
from harness import run_task
from table import Table

from grnformer.settings.read import read_defaults

N_GENES, N_TFS, N_EREGULONS, N_TARGETS, ACTIVE, N_CELLS = 3000, 200, 300, 60, 0.2, 1000
REPEATS = 50  # batches of ours, and a tenth as many of the reference: the clock is coarse


def main() -> None:
    """Run both sizes, write benchmarks/results/cell-graphs.tsv."""
    sizes = read_defaults("pretrain")["sizes"]
    table = Table("cell-graphs")
    for name in ("tiny", "base"):
        size = sizes[name]
        arrays = simulate(size["batch_size"], size["n_tokens"], size["gnn"]["width"], np.random.default_rng(1))
        for what, target in (("graphs", 50), ("messages", None)):
            mine = run_task("cell_graphs_ours", arrays, {"repeats": REPEATS, "what": what})
            for how in ("edge by edge", "arrays"):
                other = run_task("cell_graphs_loop", arrays, {"how": how, "what": what, "repeats": REPEATS // 10})
                check_equal(mine.result, other.result, arrays["eregulon"])
                label = (
                    f"{name}: {what} of {size['batch_size']} cells x {size['n_tokens']} tokens, against a loop, {how}"
                )
                table.add_cost(f"{label}: CPU a batch", "s", mine.cpu / REPEATS, other.cpu / (REPEATS // 10), target)
    table.write()


def simulate(n_batch: int, n_tokens: int, width: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A bundle's eRegulons and activity, and a batch: cells, tokens, features of the genes in each cell."""
    tf = np.repeat(rng.integers(0, N_TFS, N_EREGULONS), N_TARGETS)
    gene = np.concatenate([rng.choice(N_GENES, N_TARGETS, replace=False) for _ in range(N_EREGULONS)])
    cell, eregulon = np.nonzero(rng.random((N_CELLS, N_EREGULONS)) < ACTIVE)
    return {
        "tf": tf,
        "gene": gene,
        "eregulon": np.repeat(np.arange(N_EREGULONS), N_TARGETS),
        "weight": rng.uniform(0.1, 1, len(tf)).astype(np.float32) * rng.choice([-1, 1], len(tf)).astype(np.float32),
        "active_cell": cell,
        "active_eregulon": eregulon,
        "cells": rng.choice(N_CELLS, n_batch, replace=False),
        "tokens": np.stack([rng.choice(N_GENES, n_tokens, replace=False) for _ in range(n_batch)]),
        "features": rng.normal(size=(N_GENES, n_batch, width)).astype(np.float32),
    }


def check_equal(ours: dict[str, np.ndarray], other: dict[str, np.ndarray], eregulon: np.ndarray) -> None:
    """Raise unless both have the same graphs (edges of a cell in any order) or the same messages."""
    if "messages" in ours:
        np.testing.assert_allclose(ours["messages"], other["messages"], atol=1e-5)
        return
    cell, edge = np.nonzero(ours["active"][:, eregulon])
    order = np.lexsort((other["edge"], other["cell"]))
    np.testing.assert_array_equal([cell, edge], [other["cell"][order], other["edge"][order]])


if __name__ == "__main__":
    main()
