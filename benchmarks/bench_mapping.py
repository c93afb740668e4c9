"""Reference mapping by the approximate index against comparing every cell; one core.

10^4 and 10^5 cells, simulated, are mapped to as many reference cells in 64 dimensions, the width of the size `tiny`:
50 types whose centres stand apart by 3 deviations a dimension, in a space of 20 dimensions turned into 64 with noise.
"""

import numpy as np
from harness import run_task
from table import Table

N_DIMENSIONS, N_TYPES, N_TRUE, NOISE = 64, 50, 20, 0.1


def main() -> None:
    """Run both numbers of cells, write benchmarks/results/mapping.tsv."""
    table = Table("mapping")
    for n_cells in (10_000, 100_000):
        rng = np.random.default_rng(1)
        centres, turn = (
            3 * rng.normal(size=(N_TYPES, N_TRUE)),
            rng.normal(size=(N_TRUE, N_DIMENSIONS)),
        )
        types = rng.integers(0, N_TYPES, 2 * n_cells)
        points = (centres[types] + rng.normal(size=(2 * n_cells, N_TRUE))) @ turn
        points += NOISE * rng.normal(size=points.shape)
        arrays = {"reference": points[:n_cells], "query": points[n_cells:]}
        mine, exact = (
            run_task("mapping", arrays, {"exact": exact}) for exact in (False, True)
        )
        label = f"{n_cells:,} cells to {n_cells:,}"
        table.add_costs(label, mine, exact)
        same = float((mine.result["found"] == exact.result["found"]).mean())
        farther = float((mine.result["distance"] / exact.result["distance"]).mean())
        table.add_score(f"{label}: nearest cell found", "", same, 1.0, 0.05)
        table.add_bound(f"{label}: distance over the least, mean", "", farther, 1.01)
    table.write()


if __name__ == "__main__":
    main()
