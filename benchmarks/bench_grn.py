"""TF-gene networks: our engine against arboreto's GRNBoost2, beside XGBoost and rustscenic. One core each.

Targets are sampled; every tool gets the same ones, and the same log1p matrix. Each seed is a whole new run: the
agreement of arboreto's two seeds is the most that any other engine can reach.
"""

import argparse
from pathlib import Path

import numpy as np
from harness import HERE, find_python, run_task, why_absent
from simulate import simulate_network
from table import Table, say

from grnformer.settings.read import read_defaults

N_TARGETS = {"simulation": 200, "demo": 300, "pbmc68k": 200}
SPEED = {"simulation": 350}  # against arboreto
FASTER = {"simulation": 3, "demo": 20, "pbmc68k": 3}  # than rustscenic
MIN_CELLS = 10


def main() -> None:
    """Run on every matrix there is, write benchmarks/results/grn.tsv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--demo",
        type=Path,
        default=HERE.parent / "results/snareseq",
        help="results of the demo",
    )
    parser.add_argument(
        "--tfs",
        type=Path,
        default=HERE.parent / "resources/motif_tfs.tsv.gz",
        help="TFs of pbmc68k",
    )
    arguments = parser.parse_args()
    if find_python("pyscenic") is None:
        raise SystemExit(why_absent("pyscenic"))
    table = Table("grn")
    compare(table, "simulation", *simulation())
    if (arguments.demo / "grn/tfs.txt").exists():
        compare(table, "demo", *demo(arguments.demo))
    else:
        say(f"demo: left out, no results in {arguments.demo} (make demo)")
    compare(table, "pbmc68k", *pbmc68k(arguments.tfs))
    table.write()


def simulation() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """1,000 cells x 1,000 genes x 100 TFs: matrix, TF columns, columns of possible targets, truth."""
    matrix, truth = simulate_network(1000, 1000, 100, seed=1)
    return matrix, np.arange(100), np.arange(100, 1000), truth


def demo(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """The demo's genes and TFs, as the rule infer_tf_gene has them."""
    from grnformer.core.io import read_modality

    rna = read_modality(folder / "prep/multiome.h5mu", "rna", "multiome")
    rna = rna[:, rna.X.getnnz(axis=0) >= MIN_CELLS]
    return as_input(
        rna.X.toarray(), rna.var_names, (folder / "grn/tfs.txt").read_text().split()
    )


def pbmc68k(tfs: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """scanpy's 700 cells x 765 genes, log1p as shipped."""
    import scanpy

    from grnformer.grn.tfs import read_tf_list

    rna = scanpy.datasets.pbmc68k_reduced().raw.to_adata()
    rna = rna[:, rna.X.getnnz(axis=0) >= MIN_CELLS]
    return as_input(rna.X.toarray(), rna.var_names, read_tf_list(tfs))


def as_input(
    matrix: np.ndarray, genes, tfs: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Matrix, TF columns, target columns, and no truth."""
    return (
        matrix.astype(np.float32),
        np.flatnonzero(genes.isin(tfs)),
        np.arange(len(genes)),
        None,
    )


def compare(table: Table, name: str, matrix, tfs, candidates, truth) -> None:
    """Add the rows of one matrix."""
    targets = np.sort(
        np.random.default_rng(0).choice(candidates, N_TARGETS[name], replace=False)
    )
    say(
        f"{name}: {matrix.shape[0]} cells x {matrix.shape[1]} genes ({(matrix > 0).mean():.1%} above 0), "
        f"{len(tfs)} TFs, {len(targets)} targets"
    )
    arrays = {"matrix": matrix, "tfs": tfs, "targets": targets}
    settings = read_defaults("grn")["tf_gene"]["hist_boosting"]
    python = find_python("pyscenic")
    ours, second = (
        run_task("tf_gene_ours", arrays, {**settings, "seed": seed}) for seed in (1, 2)
    )
    reference, ceiling = (
        run_task("tf_gene_arboreto", arrays, {"seed": seed}, python) for seed in (1, 2)
    )
    label = f"{name}, {len(targets)} targets"
    table.add_costs(f"{label}: ours against arboreto", ours, reference, SPEED.get(name))
    found = [run.result["importance"] for run in (ours, second, reference, ceiling)]
    if truth is not None:
        scores = [auprc(importance, truth[targets]) for importance in found]
        means = np.mean(scores[:2]), np.mean(scores[2:])
        table.add_score(
            f"{label}: AUPRC, mean of 2 seeds, ours against arboreto",
            "",
            *means,
            slack=0,
        )
    near = [
        np.mean([measure(found[2], one) for one in found[:2]])
        for measure in (agreement, overlap)
    ]
    highest = [measure(found[2], found[3]) for measure in (agreement, overlap)]
    names = [
        f"{label}: {what} with arboreto seed 1"
        for what in ("Spearman", "top-5% overlap")
    ]
    for what, one, other, slack in zip(names, near, highest, (None, 0.02), strict=True):
        table.add_score(f"{what}, ours against arboreto seed 2", "", one, other, slack)
    alternatives = find_python("alternatives")
    if alternatives is None:
        say(why_absent("alternatives"))
        return
    for tool in ("xgboost", "rustscenic"):
        other = run_task(f"tf_gene_{tool}", arrays, {"seed": 1}, alternatives)
        share = len(targets) / float(other.result.get("fitted", len(targets)))
        table.add_cost(
            f"{label}: ours against {tool}: CPU",
            "s",
            ours.cpu,
            other.cpu * share,
            FASTER[name] if tool == "rustscenic" else None,
        )
        importance = other.result["importance"]
        if truth is not None:
            table.add_score(
                f"{label}: AUPRC, ours against {tool}",
                "",
                means[0],
                auprc(importance, truth[targets]),
            )
        for what, one, measure in zip(names, near, (agreement, overlap), strict=True):
            table.add_score(
                f"{what}, ours against {tool}", "", one, measure(found[2], importance)
            )


def auprc(importance: np.ndarray, truth: np.ndarray) -> float:
    """Area under the precision-recall curve over all pairs."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth.ravel(), importance.ravel()))


def agreement(left: np.ndarray, right: np.ndarray) -> float:
    """Spearman correlation over all pairs."""
    from scipy.stats import spearmanr

    return float(spearmanr(left.ravel(), right.ravel()).statistic)


def overlap(left: np.ndarray, right: np.ndarray) -> float:
    """Share of the top 5% of pairs in both."""
    best = []
    for importance in (left, right):
        best.append(
            set(
                np.argsort(-importance.ravel(), kind="stable")[
                    : round(0.05 * importance.size)
                ].tolist()
            )
        )
    return len(best[0] & best[1]) / len(best[0])


if __name__ == "__main__":
    main()
