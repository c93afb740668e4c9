"""Do knock-downs of TFs move the genes that a network gives them? Against what each gene's rate expects.

Labels of PerturbQA (K562, RPE1). Observed are differentially expressed genes among a TF's targets, expected the sum of
these genes' rates over all perturbations. Intervals resample TFs. Needs the results of
`snakemake --configfile config/scenarios/promoters.yaml -- grn`, and of the demo for the networks of known targets.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from harness import HERE
from table import Table, say

AIM = 1.5
SCREENS = ("perturbqa_k562_de.csv", "perturbqa_rpe1_de.csv")
TABLES = ("dorothea_jaspar.tsv", "dorothea_hocomoco.tsv")
LOG_ODDS = (1, 2, 3)
N_RESAMPLES = 2000


def main() -> None:
    """Score the sets of edges; write benchmarks/results/edge-effects.tsv."""
    parser = argparse.ArgumentParser(description=__doc__)
    root = HERE.parent
    parser.add_argument("--results", type=Path, default=root / "results/snareseq")
    parser.add_argument("--resources", type=Path, default=root / "resources")
    given = parser.parse_args()
    labels = read_labels([given.resources / name for name in SCREENS])

    table = Table("edge-effects")
    for name, edges in read_edges(given.results, given.resources).items():
        ratio, low, high, n = measure(labels, edges)
        what = f"{name}: {n['tfs']} TFs, {n['pairs']} pairs, {n['found']} DE"
        say(f"{what}: {ratio:.2f} [{low:.2f}, {high:.2f}]")
        table.add_score(f"{what}: DE over expected, against the aim", "", ratio, AIM, 0)
        table.add_score(f"{what}: low end of 95%, against 1", "", low, 1, 0)
        table.add_score(f"{what}: high end of 95%", "", high, 1)
    table.write()


def read_labels(paths: list[Path]) -> pd.DataFrame:
    """Table tf, gene, observed (0, 1), expected (the gene's rate in its screen)."""
    screens = []
    for path in paths:
        screen = pd.read_csv(path)
        rate = screen.groupby("gene")["label"].transform("mean")
        screens.append(
            pd.DataFrame(
                {
                    "tf": screen["pert"],
                    "gene": screen["gene"],
                    "observed": screen["label"],
                    "expected": rate,
                }
            )
        )
    return pd.concat(screens, ignore_index=True)


def read_edges(results: Path, resources: Path) -> dict[str, pd.DataFrame]:
    """Sets of pairs tf, gene: by binding, by tables of motifs, by expression, and each TF's with other genes."""
    from grnformer.core import io

    targets = io.read_table(
        results / "grn/promoter_targets.parquet", "promoter_targets"
    )
    edges = {
        f"binding, log odds >= {least}": targets[targets["log_odds"] >= least]
        for least in LOG_ODDS
    }
    for name in TABLES:
        listed = pd.read_csv(resources / name, sep="\t")
        edges[f"table {name}"] = listed.rename(columns={"target": "gene"})

    network = io.read_table(results / "grn/cell_type/K562.parquet", "cell_type_grn")
    edges["network of K562"] = network
    strongest = network["weight"] >= network["weight"].quantile(0.95)
    edges["network of K562, top 5% by weight"] = network[strongest]

    shuffled = np.random.default_rng(1).permutation(network["gene"].to_numpy())
    edges["network of K562, genes permuted"] = network.assign(gene=shuffled)
    tf_gene = io.read_table(results / "grn/tf_gene.parquet", "tf_gene")
    strongest = tf_gene["importance"] >= tf_gene["importance"].quantile(0.95)
    edges["TF-gene importance, top 5%"] = tf_gene[strongest]
    return edges


def measure(
    labels: pd.DataFrame, edges: pd.DataFrame
) -> tuple[float, float, float, dict[str, int]]:
    """Observed over expected, its 95% interval over TFs, and the numbers behind it."""
    pairs = edges[["tf", "gene"]].drop_duplicates()
    found = labels.merge(pairs, on=["tf", "gene"])
    by_tf = found.groupby("tf")[["observed", "expected"]].sum().to_numpy()

    drawn = np.random.default_rng(1).integers(0, len(by_tf), (N_RESAMPLES, len(by_tf)))
    sums = by_tf[drawn].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    observed, expected = by_tf.sum(axis=0)
    n = {"tfs": len(by_tf), "pairs": len(found), "found": int(observed)}
    return observed / expected, low, high, n


if __name__ == "__main__":
    main()
