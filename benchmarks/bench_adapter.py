"""What the adapter costs: a training step with hybrid graphs against one of the backbone alone; one core.

The sizes `base` and `tiny` of pretraining with the backbone scgpt and each layer of the graph encoders: drawing and
perturbing the graphs, forward, backward, update. At `base` the adapter stands in the place of the last of six layers,
as in the paper, at `tiny` after the last of two. A batch of `base` has 8 cells where the size says 64, for a CPU to
hold it, which speaks against the adapter: what is done once for each gene is shared by more cells in a larger batch.
Graphs as the demo's: 3,000 genes, 200 TFs, 6,000 edges a cell type, 300 eRegulons of 60 targets, a fifth of them
active in a cell. Both arms take turns; the median of their steps counts.
"""

import numpy as np
from harness import run_task
from table import Table

from grnformer.settings.read import read_defaults

GRAPHS = {
    "n_genes": 3000,
    "n_tfs": 200,
    "n_eregulons": 300,
    "n_edges": 6000,
    "active": 0.2,
}
N_CELLS, MOST = {"base": 8, "tiny": 32}, {"base": 1.2, "tiny": 2.0}
# a step of base takes seconds
REPEATS = {"base": 3, "tiny": 9}
LAYERS = ("sage", "gcn", "gat", "gin")


def main() -> None:
    """Write benchmarks/results/adapter.tsv."""
    sizes = read_defaults("pretrain")["sizes"]
    table = Table("adapter")
    for name, most in MOST.items():
        for layer in LAYERS:
            size = {**sizes[name], "gnn": sizes[name]["gnn"] | {"name": layer}}
            options = {
                "size": size,
                "n_cells": N_CELLS[name],
                "repeats": REPEATS[name],
                **GRAPHS,
            }
            taken = run_task("adapter_step", {}, options).result
            seconds = {arm: float(np.median(of_arm)) for arm, of_arm in taken.items()}
            label = f"{name}, {layer}: CPU of a step of {N_CELLS[name]} cells x {size['n_tokens']} tokens"
            label += ", hybrid against none"
            table.add_cost(
                label,
                "s",
                seconds["graph"],
                seconds["none"],
                None if most is None else round(1 / most, 3),
            )
    table.write()


if __name__ == "__main__":
    main()
