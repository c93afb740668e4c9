"""AUCell against pySCENIC's, beside rustscenic's, on one core: dense without ties, and sparse counts full of them."""

import numpy as np
from harness import find_python, run_task, why_absent
from table import Table, say

N_SETS = 200


def main() -> None:
    """Run both matrices, write benchmarks/results/aucell.tsv."""
    if find_python("pyscenic") is None:
        raise SystemExit(why_absent("pyscenic"))
    table = Table("aucell")
    rng = np.random.default_rng(1)
    ranks = np.argsort(rng.random((1000, 5000)), axis=1).astype(np.float32)
    compare(table, "1,000 x 5,000 dense, no ties", ranks, True, rng)
    counts = rng.poisson(rng.gamma(0.3, 0.4, 10_000), (1000, 10_000)).astype(np.float32)
    say(
        f"counts: the median cell detects {np.median((counts > 0).sum(axis=1)):.0f} of 10,000 genes"
    )
    compare(table, "1,000 x 10,000 counts, 9 of 10 are 0", counts, False, rng)
    table.write()


def compare(
    table: Table, name: str, matrix: np.ndarray, dense: bool, rng: np.random.Generator
) -> None:
    """Add the rows of one matrix."""
    n_genes = matrix.shape[1]
    members = np.zeros((n_genes, N_SETS), dtype=np.float32)
    for column in range(N_SETS):
        members[rng.choice(n_genes, rng.integers(10, 300), replace=False), column] = 1
    arrays = {"matrix": matrix, "members": members}
    options = {
        "auc_threshold": 0.05,
        "rank_cutoff": round(0.05 * n_genes),
        "dense": dense,
        "seeds": [1],
    }
    label = f"{name}, {N_SETS} sets"
    ours = run_task("aucell_ours", arrays, options)
    reference, second = (
        run_task(
            "aucell_pyscenic",
            arrays,
            {**options, "seeds": [seed]},
            find_python("pyscenic"),
        )
        for seed in (1, 2)
    )
    table.add_costs(f"{label}: ours against pySCENIC", ours, reference, 50)
    difference = np.abs(ours.result["auc"] - reference.result["auc"]).max()
    if dense:
        table.add_bound(
            f"{label}: largest difference from pySCENIC", "AUC", difference, 1e-6
        )
    else:
        seeds = np.abs(second.result["auc"] - reference.result["auc"]).max()
        table.add_cost(
            f"{label}: largest difference from pySCENIC seed 1, ours against seed 2",
            "AUC",
            difference,
            seeds,
        )
    alternatives = find_python("alternatives")
    if alternatives is None:
        say(why_absent("alternatives"))
        return
    other = run_task("aucell_rustscenic", arrays, options, alternatives)
    table.add_cost(f"{label}: ours against rustscenic: CPU", "s", ours.cpu, other.cpu)
    if dense:
        difference = np.abs(other.result["auc"] - reference.result["auc"]).max()
        say(f"rustscenic's largest difference from pySCENIC: {difference:.2g}")


if __name__ == "__main__":
    main()
