"""Simulated data from which the inputs are made, and the readers as jobs call them."""

from __future__ import annotations

import gzip
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.genome.build_check import check_build, check_chromosomes
from grnformer.prep.features import as_atac, as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.sample import load_sample
from grnformer.settings.read import complete
from grnformer.simulate.multiome import Simulation, simulate_multiome

PREP = complete({})["prep"]
LINE_ENDS = {"\\n": "\n", "\\r\\n": "\r\n", "\\r": "\r"}


@cache
def small() -> Simulation:
    """40 cells, 60 genes, 180 regions, three types."""
    return simulate_multiome(seed=5, n_cells=40, n_genes=60, n_tfs=4)


def rna() -> anndata.AnnData:
    """A copy of the RNA."""
    return small().rna.copy()


def atac() -> anndata.AnnData:
    """A copy of the ATAC."""
    return small().atac.copy()


def truth(kind: str = "rna") -> pd.DataFrame:
    """Counts by cell and gene or region."""
    return getattr(small(), kind).to_df()


def save(data: anndata.AnnData, path: str) -> str:
    """Write an .h5ad; returns its path."""
    data.write_h5ad(path)
    return path


_FOLDER = tempfile.TemporaryDirectory()


@cache
def as_it_is(kind: str) -> str:
    """Path of the RNA or ATAC as it is, written once."""
    return save(getattr(small(), kind).copy(), f"{_FOLDER.name}/{kind}.h5ad")


def write(path: str, content: str | bytes) -> str:
    """Write a file, compressed where its name says so; returns its path."""
    raw = content.encode() if isinstance(content, str) else content
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(gzip.compress(raw, mtime=0) if path.endswith(".gz") else raw)
    return path


def ingest(
    rna_path: str = "", atac_path: str = "", annotation: str = "", **changes: Any
) -> dict[str, Any]:
    """One sample as the job ingest_sample reads it: counts of genes and of regions, cell types where annotated."""
    settings = PREP
    row = {
        "sample": "s",
        "donor": "d",
        "genome": "simulated",
        "rna": rna_path or as_it_is("rna"),
        "atac": atac_path or as_it_is("atac"),
        "annotation": annotation,
    }
    keys = ("min_known_genes", "counts", "min_barcode_overlap", "min_annotated")
    given: dict[str, Any] = {key: settings[key] for key in keys}
    given["build"] = settings["build"] | {"min_regions": 100}
    tss = changes.pop("tss", small().tss)
    data, _ = load_sample(row, tss, **(given | changes))
    barcodes = data.obs["barcode"].to_numpy()
    found: dict[str, Any] = {
        kind: data.mod[kind].to_df().set_axis(barcodes) for kind in ("rna", "atac")
    }
    if annotation:
        found["types"] = data.obs["cell_type"].astype(str).tolist()
    return found


def rna_read(path: str) -> pd.DataFrame:
    """Counts of genes when `path` is the RNA of a sample, as the job ingest_sample reads it before the ATAC."""
    least = PREP["min_known_genes"]
    where = f"sample s, RNA ({path})"
    data = as_rna(read_matrix(path), small().tss, where, min_known_genes=least)
    return data.to_df()


def atac_read(path: str) -> pd.DataFrame:
    """Counts of regions when `path` is the ATAC of a sample, as the job ingest_sample reads and checks it."""
    where = f"sample s, ATAC ({path})"
    data = as_atac(read_matrix(path), where)
    tss = small().tss
    check_chromosomes(data.var["chrom"].value_counts(), tss, where, what="regions")
    build = PREP["build"] | {"min_regions": 100}
    check_build(data.var, tss, "simulated", where, **build)
    return data.to_df()


def as_text(frame: pd.DataFrame, separator: str = ",", **options: Any) -> str:
    """A table as text."""
    return frame.to_csv(sep=separator, lineterminator="\n", **options)


def folder_10x(
    path: str,
    data: anndata.AnnData,
    *,
    features: list[str],
    name: str = "features.tsv",
    barcodes: str = "\n",
) -> str:
    """A matrix folder of 10x; `features` are its lines, `barcodes` ends a line of barcodes.tsv."""
    import scipy.io

    Path(path).mkdir()
    scipy.io.mmwrite(f"{path}/matrix.mtx", sp.coo_matrix(data.X.T))
    write(f"{path}/barcodes.tsv", "".join(f"{b}{barcodes}" for b in data.obs_names))
    write(f"{path}/{name}", "".join(f"{line}\n" for line in features))
    return path


def cut(path: str, fraction: float = 0.6) -> str:
    """Cut a file off."""
    raw = Path(path).read_bytes()
    Path(path).write_bytes(raw[: int(fraction * len(raw))])
    return path


def with_x(data: anndata.AnnData, matrix: Any) -> anndata.AnnData:
    """The same cells and genes with another matrix."""
    return anndata.AnnData(matrix, obs=data.obs.copy(), var=data.var.copy())


def counts_with(value: float, dtype: Any) -> anndata.AnnData:
    """The RNA with one count replaced."""
    dense = small().rna.X.toarray().astype(dtype)
    dense[0, 0] = dtype(value)
    return with_x(rna(), sp.csr_matrix(dense))


def rng() -> np.random.Generator:
    """A generator that gives the same numbers in each row."""
    return np.random.default_rng(0)
