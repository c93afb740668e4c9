"""What the adapter costs: a training step with hybrid graphs against one of the backbone alone; one core.

The size `base` of pretraining with the backbone scgpt, and for comparison `tiny`: drawing and perturbing the graphs,
forward, backward, update. At `base` the adapter stands in the place of the last of six layers, as in the paper, at
`tiny` after the last of two. A batch has fewer cells than the size says, for a CPU to hold it, which
speaks against the adapter: what the genes that send messages cost is shared by more cells in a larger batch. Graphs as
the demo's: 3,000 genes, 200 TFs, 6,000 edges a cell type, 300 eRegulons of 60 targets, a fifth of them active in a
cell. Both arms take turns; the median of their steps counts.
"""

import numpy as np
import yaml
from harness import HERE, run_task
from table import Table

GRAPHS = {"n_genes": 3000, "n_tfs": 200, "n_eregulons": 300, "n_edges": 6000, "active": 0.2}
N_CELLS, REPEATS = {"base": 8, "tiny": 32}, 4


def main() -> None:
    """Write benchmarks/results/adapter.tsv."""
    sizes = yaml.safe_load((HERE.parent / "config/config.yaml").read_text())["pretrain"]["sizes"]
    table = Table("adapter")
    for name, most in (("base", 1.3), ("tiny", None)):
        size = sizes[name]
        options = {"size": size, "n_cells": N_CELLS[name], "repeats": REPEATS, **GRAPHS}
        seconds = {arm: float(np.median(taken)) for arm, taken in run_task("adapter_step", {}, options).result.items()}
        label = f"{name}: CPU of a step of {N_CELLS[name]} cells x {size['n_tokens']} tokens, hybrid against none"
        table.add_cost(label, "s", seconds["graph"], seconds["none"], None if most is None else round(1 / most, 3))
    table.write()


if __name__ == "__main__":
    main()
