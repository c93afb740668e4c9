"""Motif enrichment on one core against ctxcore and pySCENIC: made-up rankings, a few motifs enriched in each set."""

from pathlib import Path

import numpy as np
from harness import find_python, run_task, why_absent
from table import Table, say

N_REGIONS, N_MOTIFS, N_SETS = 50_000, 1_000, 20
N_GENES, N_TFS = 5_000, 10


def main() -> None:
    """Write benchmarks/results/cistarget.tsv."""
    python = find_python("pyscenic")
    if python is None:
        raise SystemExit(why_absent("pyscenic"))
    rng = np.random.default_rng(1)
    scores = rng.random((N_REGIONS, N_MOTIFS), dtype=np.float32)
    members = np.zeros((N_REGIONS, N_SETS), dtype=bool)
    for column in range(N_SETS):
        members[
            rng.choice(N_REGIONS, rng.integers(300, 3000), replace=False), column
        ] = True
        for motif in rng.choice(N_MOTIFS, 5, replace=False):
            bound = members[:, column] & (rng.random(N_REGIONS) < 0.3)
            scores[bound, motif] += 0.9
    ranks = np.argsort(np.argsort(-scores, axis=0), axis=0).astype(np.int32)
    arrays = {"ranks": ranks, "members": members}
    options = {
        "total": N_REGIONS,
        "auc_threshold": 0.005,
        "rank_threshold": 0.05,
        "nes_threshold": 3.0,
    }
    ours = run_task("cistarget_ours", arrays, options)
    reference = run_task("cistarget_ctxcore", arrays, options, python)
    table = Table("cistarget")
    label = f"{N_REGIONS:,} regions x {N_MOTIFS:,} motifs, {N_SETS} sets"
    table.add_costs(f"{label}: ours against ctxcore", ours, reference, 1)
    for name in ("auc", "nes"):
        difference = np.abs(ours.result[name] - reference.result[name]).max()
        table.add_bound(
            f"{label}: largest difference from ctxcore", name, difference, 1e-6
        )
    same = (ours.result["peaks"] == reference.result["peaks"])[
        reference.result["peaks"] >= 0
    ]
    say(
        f"{len(same)} enriched motifs; the leading edge ends at ctxcore's rank in {same.mean():.1%}"
    )
    add_modules(table, rng, python)
    table.write()


def add_modules(table: Table, rng: np.random.Generator, python: Path) -> None:
    """The route of regulons: modules from a network, motifs of each module's TF near its genes."""
    scores = rng.random((N_GENES, N_MOTIFS), dtype=np.float32)
    importance, rho = (
        rng.exponential(size=(N_TFS, N_GENES)),
        rng.normal(0, 0.2, (N_TFS, N_GENES)),
    )
    for tf in range(N_TFS):
        targets = rng.choice(N_GENES, 150, replace=False)
        importance[tf, targets] += 3
        rho[tf, targets] = np.abs(rho[tf, targets]) + 0.05
        for motif in range(10 * tf, 10 * tf + 10):
            scores[targets[rng.random(150) < 0.5], motif] += 0.9
    tf, gene = np.nonzero(
        (importance > 0.7) & (np.arange(N_TFS)[:, None] != np.arange(N_GENES))
    )
    arrays = {
        "ranks": np.argsort(np.argsort(-scores, axis=0), axis=0).astype(np.int32),
        "tf": tf, "gene": gene, "importance": importance[tf, gene], "rho": rho[tf, gene],
        # of a TF's ten motifs, seven are known to be its own
        "motif": np.flatnonzero(np.arange(10 * N_TFS) % 10 < 7), "owner": np.repeat(np.arange(N_TFS), 7),
    }  # fmt: skip
    options = {
        "percentiles": [0.75, 0.9], "top_targets": [50], "top_regulators": [5, 10], "min_genes": 20,
        "auc_threshold": 0.05, "rank_threshold": 1500, "nes_threshold": 3.0,
    }  # fmt: skip
    ours = run_task("modules_ours", arrays, options)
    reference = run_task("modules_pyscenic", arrays, options, python)
    label = f"{N_TFS} TFs x {N_GENES:,} genes, {N_MOTIFS:,} motifs"
    table.add_costs(
        f"{label}: regulons, ours against pySCENIC's ctx", ours, reference, 1
    )
    if ours.result["key"].tolist() != reference.result["key"].tolist():
        raise SystemExit(
            "ours and pySCENIC do not find the same motifs in the same modules"
        )
    difference = np.abs(ours.result["nes"] - reference.result["nes"]).max()
    table.add_bound(
        f"{label}: largest difference from pySCENIC", "nes", difference, 1e-6
    )
    same = (ours.result["edge"] == reference.result["edge"]).mean()
    say(f"{len(ours.result['nes'])} motifs of their modules' TFs; pySCENIC's leading edge in {same:.1%} (it mixes "
        "up those of a module where not every enriched motif stands for the TF)")  # fmt: skip


if __name__ == "__main__":
    main()
