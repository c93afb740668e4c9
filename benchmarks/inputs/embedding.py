"""Expression to embed, and files of a corpus: what the values are and which genes they are of."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.stored import read_lazily
from grnformer.data.cells import CellStore
from grnformer.graph.measured import read_measured
from grnformer.infer.expression import ExpressionRows, find_genes
from inputs.data import cut, save, write
from inputs.rows import Kind

KIND = Kind("Expression to embed, files of a corpus")
N_CELLS, N_GENES = 12, 300
GENES = [f"G{i}" for i in range(N_GENES)]
CARD = {"genes": GENES, "tokens": list(range(N_GENES))}


@cache
def counts() -> np.ndarray:
    """Counts of cells of unequal depth."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.3, 1.5, (N_CELLS, 1))
    return rng.poisson(depth * rng.gamma(1, 1, N_GENES))


def logs(values: np.ndarray, total: float = 1e4) -> np.ndarray:
    """log1p of counts per `total`."""
    return np.log1p(values / values.sum(1, keepdims=True) * total)


RIGHT = logs(counts())


def cells(values: Any, names: list[str] = GENES, **var: Any) -> anndata.AnnData:
    """Cells of values, one type."""
    obs = pd.DataFrame({"cell_type": "T"}, index=[f"c{i}" for i in range(len(values))])
    return anndata.AnnData(
        sp.csr_matrix(values, dtype=float), obs, pd.DataFrame(var, index=names)
    )


def embed_reads(data: anndata.AnnData, **options: Any) -> np.ndarray:
    """Values that embedding gives to a model, by its genes."""
    vocabulary, aliases = options.pop("vocabulary", {}), options.pop("aliases", {})
    columns, nodes = find_genes(data.var, CARD, vocabulary, aliases)
    blocks = [block for _, block in ExpressionRows(data, columns, 5)]
    found = np.zeros((data.n_obs, N_GENES))
    found[:, nodes] = sp.vstack(blocks).toarray()
    return found


def corpus_reads(data: anndata.AnnData, path: str = "cells.h5ad") -> np.ndarray:
    """Values that training reads of a corpus' file."""
    data.write_zarr(path) if path.endswith(".zarr") else save(data, path)
    what = read_measured(path)
    with CellStore(path, GENES, scale=what.values) as store:
        return store.read(np.arange(store.n_cells)).toarray().astype(float)


C = counts().astype(float)
READERS = {"embed": embed_reads, "corpus": corpus_reads}
SCALES = {
    "counts": C,
    "log1p of counts per 10,000": RIGHT,
    "log1p of counts per million": logs(C, 1e6),
    "log1p of counts per median depth (scanpy's default)": logs(
        C, float(np.median(C.sum(1)))
    ),
    "log1p of the counts themselves": np.log1p(C),
    "log1p of counts per 10,000, single precision": RIGHT.astype(np.float32),
}
for who, read in READERS.items():
    for given, values in SCALES.items():
        KIND.works(f"{who}: {given}", lambda r=read, v=values: r(cells(v)), RIGHT)
    for given, values, *words in [
        ("log2 of counts per 10,000", np.log2(C / C.sum(1, keepdims=True) * 1e4 + 1), "log|base 2"),
        ("counts per 10,000 without logarithm", C / C.sum(1, keepdims=True) * 1e4, "normalised|too large", "log1p|raw counts"),
        ("counts per million, rounded", np.round(C / C.sum(1, keepdims=True) * 1e6), "in each of 12 cells", "per million"),
        ("corrected counts (SoupX)", C * 0.93, "raw counts|round"),
        ("standardised values", (C - C.mean(0)) / C.std(0).clip(1), "negative"),
        ("square roots", np.sqrt(C), "fractions|logarithms|raw counts"),
        ("NaN in place of a value", np.where(np.arange(N_GENES) == 3, np.nan, C), "undefined"),
        ("infinity", np.where(np.arange(N_GENES) == 3, np.inf, C), "undefined"),
        ("half counts, half logarithms", np.vstack([C[:6], RIGHT[6:]]), "raw counts"),
        ("all values 0", C * 0, "express no gene|no value|empty|cells with counts|0"),
    ]:  # fmt: skip
        KIND.refused(f"{who}: {given}", lambda r=read, v=values: r(cells(v)), *words)

    # beside genes
    for kind, other in [
        ("Antibody Capture", 60),
        ("Peaks", 0.3),
        ("CRISPR Guide Capture", 9),
    ]:
        for column in ("feature_types", "feature_type"):

            def with_others(
                r: Any = read, k: str = kind, m: float = other, c: str = column
            ) -> Any:
                """Thirty features of another type."""
                more = np.random.default_rng(1).poisson(m, (N_CELLS, 30))
                types = ["Gene Expression"] * N_GENES + [k] * 30
                names = [*GENES, *(f"F{i}" for i in range(30))]
                return r(cells(np.c_[C, more], names, **{c: types}))

            KIND.works(
                f"{who}: counts of genes beside {kind} ({column})", with_others, RIGHT
            )

    def twins(r: Any = read) -> Any:
        """The first gene in two columns, half of its counts in each."""
        first = C[:, :1] // 2
        return r(cells(np.c_[first, C[:, :1] - first, C[:, 1:]], [GENES[0], *GENES]))

    KIND.works(
        f"{who}: a gene in two columns",
        twins,
        RIGHT,
        *(["summed"] if who == "embed" else []),
    )
    KIND.works(
        f"{who}: genes in another order",
        lambda r=read: r(cells(C[:, ::-1], GENES[::-1])),
        RIGHT,
    )

    def further(r: Any = read) -> Any:
        """Genes that the model does not know, of the same cells: they count for the depth."""
        return r(cells(np.c_[C, C[:, :50]], [*GENES, *(f"X{i}" for i in range(50))]))

    TOTAL = (C.sum(1) + C[:, :50].sum(1))[:, None]
    KIND.works(
        f"{who}: genes that the model does not know", further, np.log1p(C / TOTAL * 1e4)
    )

KIND.works("corpus: .zarr", lambda: corpus_reads(cells(C), "cells.zarr"), RIGHT)
KIND.works(
    "embed: one cell of counts",
    lambda: embed_reads(cells(C[:1])),
    RIGHT[:1],
)
KIND.works(
    "embed: one cell of log1p per 10,000",
    lambda: embed_reads(cells(RIGHT[:1])),
    RIGHT[:1],
)
KIND.works(
    "embed: one cell of log1p per million",
    lambda: embed_reads(cells(logs(C, 1e6)[:1])),
    RIGHT[:1],
)
DOWN = np.array(
    [
        np.bincount(
            np.random.default_rng(i).permutation(
                np.repeat(np.arange(N_GENES), C[i].astype(int))
            )[:100],
            minlength=N_GENES,
        )
        for i in range(N_CELLS)
    ]
)
KIND.works(
    "embed: counts sampled down to one total",
    lambda: embed_reads(cells(DOWN)),
    logs(DOWN),
)
KIND.works("embed: dense array", lambda: embed_reads(dense(C)), RIGHT)
KIND.works(
    "embed: stored by column (CSC)", lambda: embed_reads(dense(sp.csc_matrix(C))), RIGHT
)
KIND.works("embed: integers", lambda: embed_reads(dense(C.astype(np.int32))), RIGHT)
KIND.works(
    "embed: backed by a file",
    lambda: embed_reads(read_lazily(save(cells(C), "c.h5ad"))),
    RIGHT,
)


def dense(x: Any) -> anndata.AnnData:
    """Cells with this very matrix."""
    data = cells(C)
    return anndata.AnnData(x, data.obs, data.var)


UPPER = {g: g for g in GENES}
KIND.works(
    "embed: genes by an alias",
    lambda: embed_reads(
        cells(C, [f"old_{g}" for g in GENES]), aliases={f"old_{g}": g for g in GENES}
    ),
    RIGHT,
)
KIND.works(
    "embed: ids as names, symbols in var",
    lambda: embed_reads(
        cells(C, [f"ENSG{i:011d}" for i in range(N_GENES)], gene_symbols=GENES)
    ),
    RIGHT,
)
KIND.works(
    "embed: a synonym in a column before the gene's own name",
    lambda: embed_reads(
        cells(np.c_[C[:, 5:6], C], ["old", *GENES]), aliases={"old": GENES[0]}
    ),
    np.log1p(C / (C.sum(1) + C[:, 5])[:, None] * 1e4),
)
for given, data, *words in [
    ("genes of another kind", lambda: cells(C, [f"x{i}" for i in range(N_GENES)]), "0 of the model's 300 genes"),
    ("genes in small letters", lambda: cells(C, [g.lower() for g in GENES]), "0 of the model's 300 genes"),
    ("10 of 300 genes", lambda: cells(C[:, :10], GENES[:10]), "10 of the model's 300 genes"),
    ("no cell", lambda: cells(C[:0]), "no rows"),
    ("one empty cell", lambda: cells(np.where(np.arange(N_CELLS)[:, None] == 4, 0, C)), "'c4'", "drop empty cells"),
    ("an AnnData without X", lambda: anndata.AnnData(obs=cells(C).obs, var=cells(C).var), "without X"),
    ("peaks and antibodies alone", lambda: cells(C, feature_types="Peaks"), "types \\['Peaks'\\]"),
]:  # fmt: skip
    KIND.refused(f"embed: {given}", lambda d=data: embed_reads(d()), *words)
KIND.works(
    "embed: 100 of 300 genes",
    lambda: embed_reads(cells(C[:, :100], GENES[:100])),
    np.c_[logs(C[:, :100]), np.zeros((N_CELLS, 200))],
    "only 100",
)
for given, change, *words in [
    ("no cell types", lambda d: d.obs.pop("cell_type"), "no column cell_type"),
    ("a cell without a type", lambda d: d.obs.__setitem__("cell_type", [None] + ["T"] * 11), "1 of 12 cells"),
    ("a type NA", lambda d: d.obs.__setitem__("cell_type", ["NA"] + ["T"] * 11), "1 of 12 cells"),
    ("X stored by column", lambda d: setattr(d, "X", sp.csc_matrix(d.X)), "CSR"),
    ("X dense", lambda d: setattr(d, "X", d.X.toarray()), "CSR"),
]:  # fmt: skip

    def changed(change: Any = change) -> Any:
        """A corpus' file with a change."""
        data = cells(C)
        change(data)
        return corpus_reads(data)

    KIND.refused(f"corpus: {given}", changed, *words)
KIND.refused(
    "corpus: a gene of the graph missing",
    lambda: corpus_reads(cells(C[:, 1:], GENES[1:])),
    "1 genes of the graph",
    "'G0'",
)
for who, read in [("corpus", read_measured), ("embed", read_lazily)]:
    KIND.refused(
        f"{who}: .h5ad cut off",
        lambda r=read: r(cut(save(cells(C), "c.h5ad"))),
        "c.h5ad",
    )
    KIND.refused(f"{who}: empty file", lambda r=read: r(write("c.h5ad", "")), "c.h5ad")
    KIND.refused(
        f"{who}: text named .h5ad", lambda r=read: r(write("c.h5ad", "a,b\n")), "c.h5ad"
    )
    KIND.refused(f"{who}: not there", lambda r=read: r("no.h5ad"), "no.h5ad")
    KIND.refused(
        f"{who}: an HDF5 of something else", lambda r=read: r(other_hdf5()), "c.h5ad"
    )
    KIND.refused(f"{who}: an empty folder", lambda r=read: r(folder()), "c.zarr")


def other_hdf5() -> str:
    """HDF5, but no AnnData."""
    import h5py

    with h5py.File("c.h5ad", "w") as file:
        file["x"] = [1, 2]
    return "c.h5ad"


def folder() -> str:
    """A folder without a store."""
    Path("c.zarr").mkdir()
    return "c.zarr"
