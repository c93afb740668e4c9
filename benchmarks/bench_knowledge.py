"""Co-expression of genes that pathways, complexes and interactions link, against rewired links, in deep single cells.

Squared Pearson correlation over cells of log1p of counts per 10,000 (Li: less the mean of the cell's line), genes found
in a tenth of the cells. Rewired: as many partners of each gene, but others; mean of five. The pairs of TFs and targets
are OmniPath's transcriptional ones. Links are bounded as in the knowledge graph. Its defaults were taken after a
look at both data sets; other bounds are shown on Li.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from harness import HERE
from table import Table

from grnformer.graph.knowledge import ENDS, link_genes, read_interactions
from grnformer.graph.modes.knowledge_degree_preserving import swap_partners

RESOURCES = HERE.parent / "resources"
N_REWIRED, LEAST_FOUND, AT_ONCE = 5, 0.1, 20_000
CHOSEN = {"max_set_size": 100, "max_neighbours": 10}
TRIED = [
    {"max_set_size": 10, "max_neighbours": 10},
    {"max_set_size": 30, "max_neighbours": 10},
    {"max_set_size": 300, "max_neighbours": 10},
    {"max_set_size": 100, "max_neighbours": 5},
    {"max_set_size": 100, "max_neighbours": 20},
]
SETS = ("complexes", "pathways")


def main() -> None:
    """Measure both data sets, write benchmarks/results/knowledge.tsv."""
    table = Table("knowledge")
    with tempfile.TemporaryDirectory() as folder:
        sources = name_sources(Path(folder))
        for cells, (z, genes) in {"Li": read_li(), "K562 10x": read_k562()}.items():
            for name, path in sources.items():
                add_rows(table, f"{cells}: {name}", z, genes, path, CHOSEN)
            for settings in TRIED if cells == "Li" else ():
                for name in SETS:
                    add_rows(
                        table, f"{cells}: {name}", z, genes, sources[name], settings
                    )
    table.write()


def name_sources(folder: Path) -> dict[str, Path]:
    """Name -> file; TF-target pairs as a table of their own."""
    prior, _ = read_interactions(RESOURCES / "regulatory_prior.parquet", "the prior")
    targets = folder / "targets.tsv"
    pairs = prior.set_axis([*ENDS, "sign"], axis=1)[ENDS]
    pairs.to_csv(targets, sep="\t", index=False)
    return {
        "complexes": RESOURCES / "corum_complexes.txt",
        "pathways": RESOURCES / "reactome_pathways.gmt",
        "interactions": RESOURCES / "regulatory_prior.parquet",
        "TFs and targets": targets,
    }


def read_k562() -> tuple[np.ndarray, pd.DataFrame]:
    """1,000 cells, see `standardise`."""
    parts = [
        pd.read_csv(RESOURCES / f"k562_rna_cluster{number}.csv.gz", index_col=0)
        for number in (1, 2)
    ]
    summed = [part.groupby(level=0).sum() for part in parts]
    counts = pd.concat(summed, axis=1, join="inner")
    return standardise(counts, np.zeros(counts.shape[1]))


def read_li() -> tuple[np.ndarray, pd.DataFrame]:
    """561 cells of seven lines, see `standardise`."""
    counts = pd.read_csv(RESOURCES / "li.csv", index_col=0)
    return standardise(counts, pd.read_csv(RESOURCES / "li_labels.csv").iloc[:, -1])


def standardise(
    counts: pd.DataFrame, line: pd.Series
) -> tuple[np.ndarray, pd.DataFrame]:
    """(cells, genes) with mean 0 in each line and SD 1, and the genes as of a graph.

    Parameters
    ----------
    counts
        (genes, cells); index: symbols.
    line
        Of each cell.
    """
    counts = counts[~counts.index.duplicated()]
    x = counts.to_numpy(np.float64)
    found = (x > 0).mean(1) >= LEAST_FOUND
    logs = np.log1p(1e4 * x[found] / x.sum(0)).T
    for name in np.unique(line):
        logs[np.asarray(line) == name] -= logs[np.asarray(line) == name].mean(0)

    sd = logs.std(0)
    names = counts.index[found][sd > 0].astype(str)
    numbers = np.arange(len(names))
    genes = pd.DataFrame({"node": numbers, "token": numbers, "gene": names})
    return logs[:, sd > 0] / sd[sd > 0], genes


def add_rows(
    table: Table,
    what: str,
    z: np.ndarray,
    genes: pd.DataFrame,
    path: Path,
    settings: dict[str, int],
) -> None:
    """Mean over pairs; mean over genes with the interval of the gain."""
    vocabulary = dict(zip(genes["gene"], genes["token"], strict=True))
    pairs = link_genes(
        genes, vocabulary, {}, sources={"source": path}, seed=1, **settings
    )
    true = correlate(z, pairs)
    others = [swap_partners(pairs, np.random.default_rng(n)) for n in range(N_REWIRED)]
    rewired = [correlate(z, other) for other in others]

    bounds = (
        f"sets up to {settings['max_set_size']}, {settings['max_neighbours']} partners"
    )
    label = f"{what} ({bounds})"
    table.add_figure(f"{label}: pairs", "n", len(pairs))
    table.add_score(f"{label}: over pairs", "r2", true.mean(), np.mean(rewired))
    of_genes = over_genes(pairs, true, len(genes))
    # the same degrees: the same genes have partners
    of_others = np.mean(
        [
            over_genes(other, values, len(genes))
            for other, values in zip(others, rewired, strict=True)
        ],
        axis=0,
    )
    linked = ~np.isnan(of_genes)
    table.add_paired(
        f"{label}: over {linked.sum():,} genes",
        "r2",
        of_genes[linked],
        of_others[linked],
        more_is_better=True,
        decides=settings == CHOSEN,
    )


def correlate(z: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """Squared correlation of each pair."""
    a, b = (pairs[end].to_numpy() for end in ENDS)
    parts = []
    for first in range(0, len(a), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        parts.append(np.einsum("cp,cp->p", z[:, a[some]], z[:, b[some]]) / len(z))
    return np.concatenate(parts) ** 2


def over_genes(pairs: pd.DataFrame, values: np.ndarray, n_genes: int) -> np.ndarray:
    """Mean over the pairs of each gene, NaN where it has none."""
    total, count = np.zeros(n_genes), np.zeros(n_genes)
    for end in ENDS:
        total += np.bincount(pairs[end], values, n_genes)
        count += np.bincount(pairs[end], minlength=n_genes)
    with np.errstate(invalid="ignore"):
        return total / count


if __name__ == "__main__":
    main()
