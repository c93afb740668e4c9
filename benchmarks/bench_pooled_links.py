"""Region-gene links of cells pooled by like topics: what that saves, and how like the links of all cells they are.

Likeness on real cells, SNARE-seq of mouse cortex (Chen et al. 2019, doi 10.1038/s41587-019-0290-0) from the mirror
($GRNFORMER_MIRROR): importances and correlations of all 10,309 cells against those of pooled and of sampled cells,
beside those of all cells under a second seed, which no reduction can beat; an eighth of the genes. Cost on simulated
topics at 100,000 cells: a hundredth of 200,000 regions and 20,000 genes, at about 60 regions a gene, scaled by a
hundred.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from harness import HERE
from scipy.stats import rankdata
from table import Table, say

from grnformer.genome.tss import read_tss
from grnformer.grn.region_gene.link import link_regions
from grnformer.grn.region_gene.signal import Data
from grnformer.settings.read import read_defaults
from grnformer.topics.fit import binarize
from grnformer.topics.lda_tomotopy import fit_lda

CORTEX = "paired/SNARE_mouse_cortex_{}_counts.h5ad"
SITES = HERE.parent / "resources/tss_mm10.bed"
N_TOPICS, TOP = 20, 0.05
SIZES = (5_000, 2_500, 1_000)
N_LIKE = 3  # simulated genes that are compared, as all cells take long
HOURS = 4  # of CPU, at 100,000 cells x 200,000 regions x 20,000 genes
N_CELLS, N_REGIONS, N_GENES, PART = 100_000, 2_000, 200, 100


def main() -> None:
    """Write benchmarks/results/pooled-links.tsv."""
    settings = read_defaults("grn")["region_gene"] | {"accessibility": "topics"}
    table = Table("pooled-links")
    cortex = take_genes(read_cortex(), slice(0, None, 8))
    add_likeness(table, "mouse cortex", cortex, settings)
    simulated = simulate(np.random.default_rng(1))
    few = take_genes(simulated, slice(0, N_LIKE))
    add_likeness(table, f"simulation, {N_LIKE} genes", few, settings, (10_000,))
    links, seconds = measure(simulated, settings | {"seed": 1})
    say(f"{len(links) / N_GENES:.0f} regions a gene")
    table.add_bound(
        f"{N_CELLS:,} cells x {N_REGIONS * PART:,} regions x {N_GENES * PART:,} genes: CPU, {PART} times a hundredth",
        "hours",
        seconds * PART / 3600,
        HOURS,
    )
    table.write()


def measure(given: tuple, settings: dict) -> tuple[pd.DataFrame, float]:
    """Links, and the CPU seconds that they took."""
    start = time.process_time()
    links = link_regions(*given, **settings)
    return links, time.process_time() - start


def add_likeness(
    table: Table, name: str, given: tuple, settings: dict, sizes=SIZES
) -> None:
    """Rows of one data set: all cells under two seeds, then fewer units."""
    # compiled before anything is measured
    measure((take(given[0], np.arange(200)), *given[1:]), settings | {"seed": 0})
    whole, seconds = measure(given, settings | {"seed": 1, "max_cells": None})
    again, _ = measure(given, settings | {"seed": 2, "max_cells": None})
    n_cells = len(given[0].cell_topic)
    say(f"{name}: {n_cells} cells, {len(whole)} links, {seconds:.1f} s")
    ceiling = likeness(whole, again)
    rng = np.random.default_rng(0)
    for size in sizes:
        sampled = np.sort(rng.choice(n_cells, size, replace=False))
        for way, part, most in (
            ("pooled into", given, size),
            ("sampled:", (take(given[0], sampled), *given[1:]), None),
        ):
            links, cost = measure(part, settings | {"seed": 2, "max_cells": most})
            label = f"{name}, {n_cells:,} cells {way} {size:,}"
            table.add_cost(f"{label}: CPU", "s", cost, seconds)
            for (what, unit), value in likeness(whole, links).items():
                if what.startswith("largest"):
                    table.add_figure(f"{label}: {what}", unit, value)
                    continue
                what = (
                    f"{label}: {what} with all cells, seed 1, against all cells' seed 2"
                )
                table.add_score(what, unit, value, ceiling[what_of(what), unit])


def what_of(text: str) -> str:
    """The score's name in a row's text."""
    return text.split(": ")[-1].partition(" with all cells")[0]


def likeness(one: pd.DataFrame, other: pd.DataFrame) -> dict[tuple[str, str], float]:
    """How like two tables of links are; pairs that only one has count as not alike."""
    both = one.merge(other, on=["gene", "region"], suffixes=("", "_other"))
    weights = both["importance"], both["importance_other"]
    tops = [set(w.nlargest(int(TOP * len(one))).index) for w in weights]
    ranks = [both.groupby("gene")[w.name].rank() for w in weights]
    several = both.groupby("gene")["region"].transform("size") > 4
    within = [
        np.corrcoef(part[0], part[1])[0, 1]
        for _, part in pd.DataFrame({0: ranks[0], 1: ranks[1]})[several].groupby(
            both["gene"][several]
        )
        if part.std().min() > 0
    ]
    over_all = np.corrcoef(rankdata(weights[0]), rankdata(weights[1]))[0, 1]
    difference = np.quantile(np.abs(both["rho"] - both["rho_other"]), 0.99)
    return {
        ("Spearman of importances, all links", ""): float(over_all),
        ("Spearman of importances within a gene, mean", ""): float(np.mean(within)),
        (f"overlap of the {TOP:.0%} of most importance", ""): len(tops[0] & tops[1])
        / len(tops[0]),
        ("largest difference of rho but for 1% of links", "rho"): float(difference),
    }


def take_genes(given: tuple, chosen: slice) -> tuple:
    """The same cells and regions with some of the genes."""
    data, genes, *rest = given
    return replace(data, expression=data.expression[:, chosen]), genes[chosen], *rest


def take(data: Data, cells: np.ndarray) -> Data:
    """Some of the cells."""
    parts = ("expression", "rna_counts", "accessible", "cell_topic")
    return replace(data, **{name: getattr(data, name)[cells] for name in parts})


def read_cortex() -> tuple[Data, list[str], pd.DataFrame, pd.DataFrame]:
    """Cells of mouse cortex with topics, their genes and regions, and TSSs."""
    if "GRNFORMER_MIRROR" not in os.environ:
        sys.exit(
            f"GRNFORMER_MIRROR is not set. Expected: a folder with {CORTEX.format('rna')} and {CORTEX.format('atac')}."
        )
    mirror = Path(os.environ["GRNFORMER_MIRROR"])
    rna, atac = (ad.read_h5ad(mirror / CORTEX.format(name)) for name in ("rna", "atac"))
    atac = atac[rna.obs_names]
    atac = atac[:, atac.X.getnnz(axis=0) >= 10]
    counts = sp.csr_matrix(rna.X, dtype=np.float32)
    scale = 1e4 / np.maximum(counts.sum(axis=1).A1, 1)
    expression = sp.csr_matrix(sp.diags(scale.astype(np.float32)) @ counts).log1p()
    accessible = binarize(sp.csr_matrix(atac.X))
    topics = read_defaults("topics")["lda_tomotopy"]
    model = fit_lda(accessible, N_TOPICS, seed=1, **topics)
    places = atac.var_names.str.extract(r"(\w+):(\d+)-(\d+)").to_numpy()
    regions = pd.DataFrame(
        {
            "region": atac.var_names,
            "chrom": places[:, 0],
            "start": places[:, 1].astype(int),
            "end": places[:, 2].astype(int),
        }
    )
    data = Data(expression, counts, accessible, model.cell_topic, model.region_topic)
    return data, list(rna.var_names), regions, read_tss(SITES)


def simulate(
    rng: np.random.Generator,
) -> tuple[Data, list[str], pd.DataFrame, pd.DataFrame]:
    """Regions every 5 kb and genes every 50 kb; each gene follows one region of its window, up or down."""
    cell_topic = rng.dirichlet(np.full(N_TOPICS, 0.2), N_CELLS)
    region_topic = rng.gamma(0.3, size=(N_REGIONS, N_TOPICS))
    region_topic /= region_topic.sum(axis=0)
    driver = np.arange(N_GENES) * 10 + rng.integers(10, size=N_GENES)
    drive = cell_topic @ region_topic[driver].T
    drive = (drive - drive.mean(axis=0)) / drive.std(axis=0)
    drive *= rng.choice([-1, 1], N_GENES)
    counts = sp.csr_matrix(
        rng.poisson(np.exp(0.8 * np.minimum(drive, 4) - 1.5)), dtype=np.float32
    )
    genes = [f"gene{number:03d}" for number in range(N_GENES)]
    start = np.arange(N_REGIONS) * 5_000
    regions = pd.DataFrame({"region": start.astype(str), "chrom": "chr1"})
    regions = regions.assign(start=start, end=start + 500)
    tss = pd.DataFrame({"gene": genes, "chrom": "chr1", "strand": "+"})
    tss["tss"] = np.arange(N_GENES) * 50_000 + 25_000
    unused = sp.csr_matrix((N_CELLS, N_REGIONS), dtype=np.float32)
    data = Data(counts.log1p(), counts, unused, cell_topic, region_topic)
    return data, genes, regions, tss


if __name__ == "__main__":
    main()
