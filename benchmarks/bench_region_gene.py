"""Region-gene links against SCENIC+'s recipe with scikit-learn, one core: 100,000 regions x 10,000 genes, simulated.

Ours links the first tenth of the genes, the reference a sample of these; costs are given a gene.
"""

import itertools

import numpy as np
import pandas as pd
from harness import Measured, run_task
from table import Table, say

from grnformer.settings.read import read_defaults

SLACK = {"Spearman": 0.03, "top-10 overlap": 0.05}
N_CELLS, N_REGIONS, N_GENES, N_TOPICS, N_LINKED, N_SAMPLED = (
    1000,
    100_000,
    10_000,
    20,
    1000,
    20,
)


def main() -> None:
    """Run with our default settings and with SCENIC+'s, write benchmarks/results/region-gene.tsv."""
    from grnformer.grn.region_gene.windows import find_pairs

    arrays = simulate(np.random.default_rng(1))
    settings = read_defaults("grn")["region_gene"]
    settings = {**settings, "accessibility": "topics", "seed": 1}
    start = arrays["region_start"]
    sampled = np.sort(
        np.random.default_rng(0).choice(N_LINKED, N_SAMPLED, replace=False)
    )
    pairs = find_pairs(
        pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 500}),
        pd.DataFrame(
            {
                "gene": sampled,
                "chrom": "chr1",
                "tss": arrays["tss"][sampled],
                "strand": "+",
            }
        ),
        sampled.tolist(),
        window=settings["window"],
        min_window=settings["min_window"],
        stop_at_neighbours=settings["stop_at_neighbours"],
    )
    say(
        f"{N_CELLS} cells x {N_REGIONS} regions x {N_GENES} genes; {len(pairs) / N_SAMPLED:.0f} regions a gene"
    )
    part = {
        "expression": arrays["expression"][:, sampled],
        "cell_topic": arrays["cell_topic"],
        "region_topic": arrays["region_topic"],
        "starts": np.append(
            0, np.cumsum(np.bincount(pairs["gene"], minlength=N_SAMPLED))
        ),
        "pair_region": pairs["region"].to_numpy(),
    }
    reference, second, whole = (
        run_task("region_gene_sklearn", part, {"seed": seed, "whole": cut})
        for seed, cut in ((1, 0), (2, 0), (2, 1))
    )
    linked = {
        **arrays,
        "expression": arrays["expression"][:, :N_LINKED],
        "tss": arrays["tss"][:N_LINKED],
    }
    table = Table("region-gene")
    scenicplus = {
        **settings,
        "n_trees": 500,
        "learning_rate": 0.01,
        "feature_fraction": 0.1,
    }
    for label, options in (
        ("SCENIC+'s settings", scenicplus),
        ("our default settings", settings),
    ):
        ours = run_task("region_gene_ours", linked, options)
        label = f"{label}, ours {N_LINKED} genes, scikit-learn {N_SAMPLED}"
        table.add_cost(
            f"{label}: CPU a gene",
            "s",
            ours.cpu / N_LINKED,
            reference.cpu / N_SAMPLED,
            10,
        )
        table.add_cost(
            f"{label}: wall a gene, one core",
            "s",
            ours.wall / N_LINKED,
            reference.wall / N_SAMPLED,
        )
        found = of_sample(ours, sampled)
        scores = [
            agree(values, reference, part["starts"])
            for values in (found["importance"], second)
        ]
        for name, one, highest in zip(
            ("Spearman", "top-10 overlap"), *scores, strict=True
        ):
            what = f"{label}: {name} of importances with seed 1, a gene, ours against scikit-learn's seed 2"
            table.add_score(what, "", one, highest, slack=SLACK[name])
        difference = np.abs(found["rho"] - reference.result["rho"]).max()
        table.add_bound(f"{label}: largest difference of rho", "rho", difference, 1e-3)
    least = agree(whole, reference, part["starts"])
    say(
        f"scikit-learn with accessibility cut to whole numbers, as pycisTopic does: {least[0]:.3f}, {least[1]:.3f}"
    )
    say(f"ours added {ours.memory:.0f} MB at its peak, for {N_LINKED} genes")
    table.write()


def simulate(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Regions of 500 bp every 2 kb, genes every 20 kb; one region in its window drives each gene, up or down."""
    cell_topic = rng.dirichlet(np.full(N_TOPICS, 0.2), N_CELLS)
    region_topic = rng.gamma(0.3, size=(N_REGIONS, N_TOPICS))
    region_topic /= region_topic.sum(axis=0)
    tss = np.arange(N_GENES) * 20_000 + 10_000
    driver = np.clip(
        np.arange(N_GENES) * 10 + rng.integers(-70, 70, N_GENES), 0, N_REGIONS - 1
    )
    drive = cell_topic @ region_topic[driver].T
    drive = (
        (drive - drive.mean(axis=0)) / drive.std(axis=0) * rng.choice([-1, 1], N_GENES)
    )
    counts = rng.poisson(np.exp(0.8 * np.minimum(drive, 4) - 0.7))
    return {
        "expression": np.log1p(counts).astype(np.float32),
        "cell_topic": cell_topic,
        "region_topic": region_topic,
        "region_start": np.arange(N_REGIONS) * 2_000,
        "tss": tss,
    }


def of_sample(run: Measured, sampled: np.ndarray) -> pd.DataFrame:
    """The sampled genes' links, by gene and region."""
    links = pd.DataFrame(run.result)
    return links[links["gene"].isin(sampled)].sort_values(
        ["gene", "region"], ignore_index=True
    )


def agree(values, reference: Measured, starts: np.ndarray) -> tuple[float, float]:
    """Spearman correlation and overlap of the ten best regions, means over genes."""
    from scipy.stats import spearmanr

    values = np.asarray(
        values.result["importance"] if isinstance(values, Measured) else values
    )
    rho, shared = [], []
    for low, high in itertools.pairwise(starts):
        one, other = values[low:high], reference.result["importance"][low:high]
        rho.append(spearmanr(one, other).statistic)
        shared.append(
            len(set(np.argsort(-one)[:10]) & set(np.argsort(-other)[:10])) / 10
        )
    return float(np.mean(rho)), float(np.mean(shared))


if __name__ == "__main__":
    main()
