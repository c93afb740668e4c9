"""Motif enrichment against ctxcore's, on one core: made-up rankings of which a few motifs are enriched in each set."""

import numpy as np
from harness import find_python, run_task, why_absent
from table import Table, say

N_REGIONS, N_MOTIFS, N_SETS = 50_000, 1_000, 20


def main() -> None:
    """Write benchmarks/results/cistarget.tsv."""
    python = find_python("pyscenic")
    if python is None:
        raise SystemExit(why_absent("pyscenic"))
    rng = np.random.default_rng(1)
    scores = rng.random((N_REGIONS, N_MOTIFS), dtype=np.float32)
    members = np.zeros((N_REGIONS, N_SETS), dtype=bool)
    for column in range(N_SETS):
        members[rng.choice(N_REGIONS, rng.integers(300, 3000), replace=False), column] = True
        for motif in rng.choice(N_MOTIFS, 5, replace=False):
            bound = members[:, column] & (rng.random(N_REGIONS) < 0.3)
            scores[bound, motif] += 0.9
    ranks = np.argsort(np.argsort(-scores, axis=0), axis=0).astype(np.int32)
    arrays = {"ranks": ranks, "members": members}
    options = {"total": N_REGIONS, "auc_threshold": 0.005, "rank_threshold": 0.05, "nes_threshold": 3.0}
    ours = run_task("cistarget_ours", arrays, options)
    reference = run_task("cistarget_ctxcore", arrays, options, python)
    table = Table("cistarget")
    label = f"{N_REGIONS:,} regions x {N_MOTIFS:,} motifs, {N_SETS} sets"
    table.add_costs(f"{label}: ours against ctxcore", ours, reference, 1)
    for name in ("auc", "nes"):
        difference = np.abs(ours.result[name] - reference.result[name]).max()
        table.add_bound(f"{label}: largest difference from ctxcore", name, difference, 1e-6)
    same = (ours.result["peaks"] == reference.result["peaks"])[reference.result["peaks"] >= 0]
    say(f"{len(same)} enriched motifs; the leading edge ends at ctxcore's rank in {same.mean():.1%}")
    table.write()


if __name__ == "__main__":
    main()
