"""Expression matrices in all formats."""

from __future__ import annotations

import gzip
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from inputs.data import (
    as_text,
    counts_with,
    cut,
    folder_10x,
    ingest,
    rna,
    rna_read,
    save,
    small,
    truth,
    with_x,
    write,
)
from inputs.rows import Kind

KIND = Kind("Expression matrices")
RIGHT = truth()


def saved(data: anndata.AnnData, path: str = "rna.h5ad") -> pd.DataFrame:
    """Counts when the RNA is this .h5ad."""
    return rna_read(save(data, path))


def stored(matrix: Any) -> pd.DataFrame:
    """Counts when X is this matrix."""
    return saved(with_x(rna(), matrix))


def text(path: str, **options: Any) -> pd.DataFrame:
    """Counts when the RNA is a table."""
    separator = options.pop("sep", "," if ".csv" in path else "\t")
    frame = options.pop("frame", RIGHT)
    return rna_read(write(path, as_text(frame, separator, **options)))


def edited(path: str, old: str, new: str, count: int = 1) -> pd.DataFrame:
    """Counts when a piece of the table's text is replaced."""
    content = as_text(RIGHT, "," if ".csv" in path else "\t")
    assert old in content
    return rna_read(write(path, content.replace(old, new, count)))


# matrices in memory: types and layouts
X = small().rna.X
DENSE = X.toarray()
LAYOUTS = {
    "CSR of int32": X,
    "CSC": X.tocsc(),
    "dense float32": DENSE.astype(np.float32),
    "dense, stored by column": np.asfortranarray(DENSE),
    "float64 CSR": X.astype(np.float64),
    "float16 CSR": DENSE.astype(np.float16) if DENSE.max() < 2048 else DENSE,
    "int64 CSR": X.astype(np.int64),
    "int16 CSR": X.astype(np.int16),
    "uint16 CSR": X.astype(np.uint16),
    "uint32 CSR": X.astype(np.uint32),
    "float32 CSR, big-endian": DENSE.astype(">f4"),
    "CSR with int64 indices": sp.csr_matrix(
        (X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), X.shape
    ),
}
for name, matrix in LAYOUTS.items():
    KIND.works(f".h5ad, {name}", partial(stored, matrix), RIGHT)


def unsorted() -> sp.csr_matrix:
    """Column numbers of each row in falling order."""
    rows = [X[i] for i in range(X.shape[0])]
    data = np.concatenate([row.data[::-1] for row in rows])
    indices = np.concatenate([row.indices[::-1] for row in rows])
    return sp.csr_matrix((data, indices, X.indptr), X.shape)


def with_zeros() -> sp.csr_matrix:
    """Every entry stored, 0 too."""
    n_cells, n_genes = X.shape
    indices = np.tile(np.arange(n_genes), n_cells)
    return sp.csr_matrix(
        (DENSE.ravel(), indices, np.arange(n_cells + 1) * n_genes), X.shape
    )


def halved() -> sp.csr_matrix:
    """Every count in two entries of one place."""
    half = X.copy()
    half.data = X.data // 2
    data = np.concatenate([half.data, X.data - half.data])
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    order = np.argsort(np.concatenate([rows, rows]), kind="stable")
    indices = np.concatenate([X.indices, X.indices])
    return sp.csr_matrix((data[order], indices[order], X.indptr * 2), X.shape)


KIND.works(".h5ad, column numbers unsorted", lambda: stored(unsorted()), RIGHT)
KIND.works(".h5ad, zeros stored", lambda: stored(with_zeros()), RIGHT)
KIND.works(".h5ad, entries that stand twice", lambda: stored(halved()), RIGHT)

# values that are no counts
for given, value, dtype, named in [
    ("a count of -2", -2, np.float32, "negative values, lowest -2"),
    ("a count of 0.5", 0.5, np.float32, "0.5"),
    ("NaN", np.nan, np.float32, "missing or infinite"),
    ("infinity", np.inf, np.float32, "missing or infinite"),
    ("int64 counts above 2^32", 2**32 + 7, np.int64, "4294967303"),
    ("an int64 count of 3e9", 3_000_000_000, np.int64, "3000000000"),
    ("a float64 count of 1e12", 1e12, np.float64, "1000000000000"),
    ("a uint32 of 4,294,967,295", 2**32 - 1, np.uint32, "4294967295"),
    ("a uint64 of 2^63", 2**63, np.uint64, "9223372036854775808"),
]:
    KIND.refused(
        f".h5ad, {given}", lambda v=value, d=dtype: saved(counts_with(v, d)), named
    )
KIND.refused(".h5ad, all counts 0", lambda: stored(X * 0), "all counts are 0")
KIND.refused(".h5ad, log1p", lambda: stored(X.log1p()), "whole numbers", "raw counts")
KIND.refused(
    ".h5ad, scaled to mean 0",
    lambda: stored(DENSE - DENSE.mean(0)),
    "negative",
)
PER_MILLION = np.round(DENSE / DENSE.sum(1, keepdims=True) * 1e6)
KIND.refused(
    ".h5ad, counts per million, rounded",
    lambda: stored(PER_MILLION),
    "in each of 40 cells",
    "per million",
)
KIND.works(".h5ad, whole numbers as bool", lambda: stored(DENSE > 0), (RIGHT > 0) * 1.0)


# places of counts in an .h5ad
def with_layer(name: str, layer: Any, x: Any) -> anndata.AnnData:
    """X, and a layer beside it."""
    data = with_x(rna(), x)
    data.layers[name] = layer
    return data


def with_raw() -> anndata.AnnData:
    """Logarithms in X, counts in raw."""
    data = rna()
    data.raw = rna()
    data.X = sp.csr_matrix(data.X, dtype=float).log1p()
    return data


LOGS = X.log1p()
KIND.works(
    "log1p in X, counts in layer counts",
    lambda: saved(with_layer("counts", X, LOGS)),
    RIGHT,
)
KIND.works("log1p in X, counts in raw", lambda: saved(with_raw()), RIGHT)
KIND.refused(
    "log1p in X, counts in layer raw_counts",
    lambda: saved(with_layer("raw_counts", X, LOGS)),
    "raw_counts",
    "rna.h5ad:layers/raw_counts",
)


def placed(data: anndata.AnnData, place: str) -> pd.DataFrame:
    """Counts when the sample sheet names the matrix behind the path."""
    return rna_read(f"{save(data, 'rna.h5ad')}:{place}")


KIND.works(
    "log1p in X, counts in layer raw_counts, which is named",
    lambda: placed(with_layer("raw_counts", X, LOGS), "layers/raw_counts"),
    RIGHT,
)
KIND.works(
    "counts in X, layer counts binarised, X is named",
    lambda: placed(with_layer("counts", (X > 0).astype(int), X), "X"),
    RIGHT,
)
KIND.refused(
    "a layer that is named and not there",
    lambda: placed(with_raw(), "layers/umi"),
    "layers/umi",
    "'raw'",
)
KIND.refused(
    "logarithms in X, which is named",
    lambda: placed(with_raw(), "X"),
    "whole numbers",
)
KIND.works(
    "counts in X, layer counts binarised",
    lambda: saved(with_layer("counts", (X > 0).astype(int), X)),
    (RIGHT > 0) * 1,
    "taken from layer 'counts'",
    "X",
)
KIND.refused(
    "an .h5ad without X",
    lambda: saved(anndata.AnnData(obs=rna().obs, var=rna().var)),
    "no matrix",
)
KIND.works(
    "X as doubled counts, layer counts right",
    lambda: saved(with_layer("counts", X, X * 2)),
    RIGHT,
    "taken from layer 'counts'",
)

# text
KIND.works(".csv, cells in rows", lambda: text("rna.csv"), RIGHT)
KIND.works(".csv, genes in rows", lambda: text("rna.csv", frame=RIGHT.T), RIGHT)
KIND.works(".tsv", lambda: text("rna.tsv"), RIGHT)
KIND.works(".txt with tabs", lambda: text("rna.txt"), RIGHT)
KIND.works(".csv.gz", lambda: text("rna.csv.gz"), RIGHT)
KIND.works(".tsv.gz, genes in rows", lambda: text("rna.tsv.gz", frame=RIGHT.T), RIGHT)
KIND.works(
    ".csv, all fields quoted", lambda: text("rna.csv", quoting=1, frame=RIGHT), RIGHT
)
KIND.works(
    ".csv, no field above the row names (R)",
    lambda: rna_read(write("rna.csv", as_text(RIGHT).removeprefix(","))),
    RIGHT,
)
KIND.works(
    ".csv with a byte-order mark",
    lambda: rna_read(write("rna.csv", "\ufeff" + as_text(RIGHT))),
    RIGHT,
)
KIND.works(
    ".csv without a field above the names, with a byte-order mark",
    lambda: rna_read(write("rna.csv", "\ufeff" + as_text(RIGHT).removeprefix(","))),
    RIGHT,
)
KIND.works(
    ".csv with line ends \\r\\n",
    lambda: rna_read(write("rna.csv", as_text(RIGHT).replace("\n", "\r\n"))),
    RIGHT,
)
KIND.works(
    ".csv with line ends \\r (old Mac)",
    lambda: rna_read(write("rna.csv", as_text(RIGHT).replace("\n", "\r"))),
    RIGHT,
)
KIND.works(
    ".csv without a last line end",
    lambda: rna_read(write("rna.csv", as_text(RIGHT).rstrip("\n"))),
    RIGHT,
)
KIND.works(
    ".csv with an empty last line",
    lambda: rna_read(write("rna.csv", as_text(RIGHT) + "\n")),
    RIGHT,
)
KIND.works(
    ".csv with counts as 3.0",
    lambda: text("rna.csv", frame=RIGHT.astype(float)),
    RIGHT,
)
KIND.works(
    ".csv with counts as 3e0",
    lambda: text("rna.csv", frame=RIGHT.astype(float), float_format="%e"),
    RIGHT,
)
KIND.works(
    ".csv.gz that is not compressed",
    lambda: rna_read(str(Path(write("t.csv", as_text(RIGHT))).rename("rna.csv.gz"))),
    RIGHT,
)
KIND.works(
    ".csv that is compressed",
    lambda: rna_read(str(Path(write("t.csv.gz", as_text(RIGHT))).rename("rna.csv"))),
    RIGHT,
)
KIND.refused(
    ".csv with semicolons", lambda: text("rna.csv", sep=";"), "semicolon|separated by"
)
KIND.refused(".tsv with commas", lambda: text("rna.tsv", sep=","), "comma|separated by")
KIND.refused(".csv with tabs", lambda: text("rna.csv", sep="\t"), "tab|separated by")
KIND.refused(".tsv with spaces", lambda: text("rna.tsv", sep=" "), "separated by")
KIND.refused(
    ".csv with semicolons and decimal commas",
    lambda: text("rna.csv", sep=";", decimal=",", frame=RIGHT.astype(float)),
    "separated by|semicolon",
)
KIND.refused(
    ".tsv with decimal commas",
    lambda: text("rna.tsv", decimal=",", frame=RIGHT.astype(float)),
    r"\d,0",
)
KIND.refused(
    ".tsv with thousands separators",
    lambda: text("rna.tsv", frame=(RIGHT + 1000).map("{:,.0f}".format)),
    r"1,\d\d\d",
)
KIND.refused(
    ".csv, a line with a field more",
    lambda: rna_read(write("rna.csv", as_text(RIGHT).rstrip("\n") + ",7\n")),
    "columns|fields",
)
KIND.refused(
    ".csv cut off in a line",
    lambda: rna_read(write("rna.csv", as_text(RIGHT)[:-40])),
    "columns|fields",
)
for word in ("", "NA", "nan", "-", "many"):
    KIND.refused(
        f".csv with {word or 'nothing'} in place of a count",
        lambda w=word: text("rna.csv", frame=RIGHT.astype(object).replace(0, w)),
        "missing|conver|number",
    )
KIND.refused(
    ".csv with a NUL byte",
    lambda: rna_read(
        write("rna.csv", as_text(RIGHT).replace(RIGHT.index[3], "AC\0GT"))
    ),
    "NUL",
)
KIND.refused(
    ".csv in latin-1",
    lambda: rna_read(write("rna.csv", as_text(RIGHT).encode() + b"\xdf" + b",1" * 60)),
    "UTF-8",
)
KIND.refused(
    ".csv in UTF-16",
    lambda: rna_read(write("rna.csv", as_text(RIGHT).encode("utf-16"))),
    "UTF-16",
)
KIND.refused(
    ".csv that is an Excel workbook",
    lambda: rna_read(write("rna.csv", b"PK\x03\x04" + b"\0" * 60)),
    "Excel",
)
KIND.refused(".csv, empty", lambda: rna_read(write("rna.csv", "")), "no line|empty")
KIND.refused(
    ".csv, a header alone",
    lambda: text("rna.csv", frame=RIGHT[:0]),
    "no line of counts|header",
)
KIND.refused(
    ".csv, barcodes alone",
    lambda: text("rna.csv", frame=RIGHT[[]]),
    "one field a line|separated",
)
KIND.refused(
    ".csv with columns n_counts and total_umis beside the genes",
    lambda: text(
        "rna.csv",
        frame=RIGHT.assign(n_counts=RIGHT.sum(axis=1), total_umis=RIGHT.sum(axis=1)),
    ),
    "n_counts",
    "total_umis",
)
KIND.refused(
    ".csv with a column Total in the last place",
    lambda: text("rna.csv", frame=RIGHT.assign(Total=RIGHT.sum(axis=1))),
    "Total",
)
WORDS = ["NA", "nan", "None", "null", "<NA>", "#N/A", "True", "inf", "1e5", "007"]
WORDY = RIGHT.set_axis([*WORDS, *RIGHT.columns[10:]], axis=1)
KIND.works(
    f".csv with genes called {', '.join(WORDS)}",
    lambda: text("rna.csv", frame=WORDY),
    WORDY,
)
WORDY_CELLS = RIGHT.set_axis([*WORDS, *RIGHT.index[10:]])
KIND.works(
    f".tsv with cells called {', '.join(WORDS)}",
    lambda: text("rna.tsv", frame=WORDY_CELLS),
    WORDY_CELLS,
)
TOTALS = pd.concat([RIGHT, RIGHT.sum().to_frame("Total").T])
KIND.works(
    ".csv with a row Total below the cells, which pairs with no cell of the ATAC",
    lambda: ingest(write("rna.csv", as_text(TOTALS)))["rna"],
    RIGHT,
)
KIND.refused(
    ".csv with genes in rows and a row Total below",
    lambda: text("rna.csv", frame=RIGHT.assign(Total=RIGHT.sum(axis=1)).T),
    "Total",
)
KIND.refused(
    ".csv with a column percent.mt",
    lambda: text("rna.csv", frame=RIGHT.assign(**{"percent.mt": 1})),
    "percent.mt",
)
KIND.refused(
    ".csv with a column cell_type of words",
    lambda: text("rna.csv", frame=RIGHT.assign(cell_type="T cell")),
    "T cell|number",
)
KIND.refused(
    ".csv with a column Unnamed: 0 of row numbers",
    lambda: rna_read(write("rna.csv", as_text(RIGHT.reset_index()))),
    "number|row numbers",
)
KIND.refused(
    ".csv with row numbers as barcodes",
    lambda: text("rna.csv", frame=RIGHT.reset_index(drop=True)),
    "row numbers",
)
KIND.refused(
    ".csv with V1, V2 ... as barcodes (R)",
    lambda: text("rna.csv", frame=RIGHT.set_axis([f"V{i}" for i in range(1, 41)])),
    "row numbers",
)
KIND.refused(
    ".csv, one barcode twice",
    lambda: text("rna.csv", frame=pd.concat([RIGHT, RIGHT[:1]])),
    "repeated barcodes",
    RIGHT.index[0],
)
DOUBLED = pd.concat([RIGHT, RIGHT.iloc[:, [0]]], axis=1)
SUMMED = RIGHT.assign(**{RIGHT.columns[0]: 2 * RIGHT.iloc[:, 0]})
KIND.works(
    ".csv, one gene twice",
    lambda: text("rna.csv", frame=DOUBLED),
    SUMMED,
    "summed",
)


# folders of 10x
def lines_of_features(*columns: str) -> list[str]:
    """Lines of features.tsv."""
    known = small().tss.drop_duplicates("gene").set_index("gene")["gene_id"]
    parts = {"id": [known[g] for g in RIGHT], "name": list(RIGHT)}
    parts["type"] = ["Gene Expression"] * len(parts["id"])
    return ["\t".join(row) for row in zip(*(parts[c] for c in columns), strict=True)]


THREE = lines_of_features("id", "name", "type")


def folder(features: list[str] = THREE, **options: Any) -> pd.DataFrame:
    """Counts when the RNA is a folder."""
    return rna_read(folder_10x("m", rna(), features=features, **options))


KIND.works("10x folder, three columns of features", folder, RIGHT)
KIND.works(
    "10x folder, genes.tsv of two columns (Cell Ranger 2)",
    lambda: folder(lines_of_features("id", "name"), name="genes.tsv"),
    RIGHT,
)
KIND.works("10x folder, names alone", lambda: folder(lines_of_features("name")), RIGHT)
KIND.works("10x folder, ids alone", lambda: folder(lines_of_features("id")), RIGHT)
KIND.works(
    "10x folder, barcodes with line ends \\r\\n", lambda: folder(barcodes="\r\n"), RIGHT
)
KIND.works(
    "10x folder, features with line ends \\r\\n",
    lambda: folder([f"{line}\r" for line in THREE]),
    RIGHT,
)
KIND.works(
    "10x folder, features with a byte-order mark",
    lambda: folder(["\ufeff" + THREE[0], *THREE[1:]]),
    RIGHT,
)
KIND.works(
    "10x folder, features with a blank last line", lambda: folder([*THREE, ""]), RIGHT
)
KIND.works("10x folder, spaces behind barcodes", lambda: folder(barcodes=" \n"), RIGHT)
KIND.works(
    "10x folder, features in quotes (R)",
    lambda: folder(['"' + line.replace("\t", '"\t"') + '"' for line in THREE]),
    RIGHT,
)
KIND.refused(
    "10x folder, a feature with an odd quote",
    lambda: folder([THREE[0].replace("\t", '\t"'), *THREE[1:]]),
    "features.tsv",
    "quote|EOF|characters",
)
KIND.refused(
    "10x folder, a line of features.tsv missing",
    lambda: folder(THREE[1:]),
    "59 features",
)
KIND.refused(
    "10x folder, a header above features.tsv",
    lambda: folder(["id\tname\ttype", *THREE]),
    "61 features",
)
KIND.refused(
    "10x folder, a line of features.tsv with a field less",
    lambda: folder([*THREE[:-1], THREE[-1].rpartition("\t")[0]]),
    "features.tsv line 60",
    "filled field",
)
KIND.refused("10x folder, empty features.tsv", lambda: folder([]), "empty")
KIND.refused(
    "10x folder, features in latin-1",
    lambda: latin_folder(),
    "UTF-8",
    "features.tsv",
)


def latin_folder() -> pd.DataFrame:
    """A gene with a letter of latin-1."""
    folder_10x("m", rna(), features=THREE)
    write("m/features.tsv", "\n".join([*THREE[1:], "IFN\xdf\tx\ty"]).encode("latin-1"))
    return rna_read("m")


def packed_folder(name: str = "", **cut_off: float) -> pd.DataFrame:
    """All three files gzipped, one of them cut off."""
    path = Path(folder_10x("m", rna(), features=THREE))
    for file in sorted(path.iterdir()):
        packed = file.with_name(file.name + ".gz")
        packed.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        file.unlink()
    if name:
        cut(f"m/{name}.gz")
    return rna_read("m")


KIND.works("10x folder, gzipped", packed_folder, RIGHT)
for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
    KIND.refused(
        f"10x folder, {name}.gz cut off",
        lambda n=name: packed_folder(n),
        "cut off",
        f"{name}.gz",
    )
    KIND.refused(
        f"10x folder without {name}",
        lambda n=name: lacking(n),
        name.split(".")[0],
        "holds",
    )


def lacking(name: str) -> pd.DataFrame:
    """A folder without one of its files."""
    folder_10x("m", rna(), features=THREE)
    Path("m", name).unlink()
    return rna_read("m")


def edited_mtx(old: str, new: str) -> pd.DataFrame:
    """A folder whose matrix.mtx is changed."""
    folder_10x("m", rna(), features=THREE)
    content = Path("m/matrix.mtx").read_text()
    assert old in content
    write("m/matrix.mtx", content.replace(old, new, 1))
    return rna_read("m")


KIND.works(
    "10x folder, matrix.mtx of kind real",
    lambda: edited_mtx("integer", "real"),
    RIGHT,
)
KIND.refused(
    "10x folder, matrix.mtx of kind pattern",
    lambda: edited_mtx("integer", "pattern"),
    "matrix.mtx",
)
KIND.refused(
    "10x folder, matrix.mtx without its first line",
    lambda: edited_mtx("%%MatrixMarket matrix coordinate integer general\n", ""),
    "matrix.mtx",
)
KIND.refused(
    "10x folder, sizes of matrix.mtx too large by one",
    lambda: edited_mtx("60 40", "61 40"),
    "61 x 40",
)
KIND.refused("an empty folder", lambda: rna_read(empty_folder()), "holds \\[\\]")


def empty_folder() -> str:
    """A folder without a file."""
    Path("m").mkdir()
    return "m"


# 10x .h5
def h5(path: str, change: Any = None, genome: str = "GRCh38") -> str:
    """The RNA as Cell Ranger 3 writes it; `change` alters the open group."""
    data = rna()
    by_column = data.X.astype(np.int32)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["data"], group["indices"] = by_column.data, by_column.indices
        group["indptr"] = by_column.indptr
        group["shape"] = np.array([data.n_vars, data.n_obs])
        group["barcodes"] = data.obs_names.to_numpy().astype("S")
        features = group.create_group("features")
        ids = [line.split("\t")[0] for line in THREE]
        features["id"] = np.array(ids, "S")
        features["name"] = data.var_names.to_numpy().astype("S")
        features["feature_type"] = np.array([b"Gene Expression"] * data.n_vars)
        features["genome"] = np.array([genome.encode()] * data.n_vars)
        if change:
            change(group)
    return path


def of_two_genomes(group: Any) -> None:
    """Half of the genes of mouse."""
    n = len(group["features/genome"])
    group["features/genome"][...] = np.array(
        [b"GRCh38", b"mm10"] * (n // 2), group["features/genome"].dtype
    )


def without(*names: str) -> Any:
    """A change that deletes parts."""

    def change(group: Any) -> None:
        for name in names:
            del group[name]

    return change


KIND.works("10x .h5", lambda: rna_read(h5("rna.h5")), RIGHT)
KIND.refused(
    "10x .h5 of two genomes (column genome)",
    lambda: rna_read(h5("rna.h5", of_two_genomes)),
    "mixed-species",
    "GRCh38",
)
KIND.refused("10x .h5, cut off", lambda: rna_read(cut(h5("rna.h5"))), "rna.h5")
KIND.refused(
    "10x .h5 without barcodes",
    lambda: rna_read(h5("rna.h5", without("barcodes"))),
    "rna.h5",
    "barcodes",
)
KIND.refused(
    "10x .h5 without features",
    lambda: rna_read(h5("rna.h5", without("features"))),
    "rna.h5",
    "features",
)


def old_h5(genomes: list[str]) -> str:
    """As Cell Ranger 2 writes it: a group a genome."""
    with h5py.File("rna.h5", "w") as file:
        for name in genomes:
            group = file.create_group(name)
            group["data"], group["indices"] = X.data, X.indices
            group["indptr"] = X.indptr
            group["shape"] = np.array([X.shape[1], X.shape[0]])
            group["barcodes"] = rna().obs_names.to_numpy().astype("S")
            group["genes"] = np.array([line.split("\t")[0] for line in THREE], "S")
            group["gene_names"] = rna().var_names.to_numpy().astype("S")
    return "rna.h5"


KIND.works("Cell Ranger 2 .h5", lambda: rna_read(old_h5(["hg38"])), RIGHT)
KIND.refused(
    "Cell Ranger 2 .h5 of two genomes",
    lambda: rna_read(old_h5(["hg19", "mm10"])),
    "mixed-species",
    "hg19",
)


def named_otherwise(suffix: str, data: anndata.AnnData | None = None) -> str:
    """An .h5ad under another suffix."""
    return str(Path(save(data or rna(), "t.h5ad")).rename(f"rna{suffix}"))


KIND.refused(
    ".h5ad named .h5", lambda: rna_read(named_otherwise(".h5")), "name it .h5ad"
)
KIND.refused(
    "10x .h5 named .h5ad",
    lambda: rna_read(h5("rna.h5ad")),
    "Cell Ranger",
    "name it .h5",
)
KIND.refused(".h5ad named .csv", lambda: rna_read(named_otherwise(".csv")), "HDF5")
KIND.refused(
    ".h5ad named .loom", lambda: rna_read(named_otherwise(".loom")), "not known"
)
KIND.refused(
    ".h5ad without a suffix", lambda: rna_read(named_otherwise("")), "not known"
)
KIND.refused(
    ".csv named .h5ad",
    lambda: rna_read(write("rna.h5ad", as_text(RIGHT))),
    "rna.h5ad cannot be read",
)
KIND.works(
    ".H5AD in capital letters",
    lambda: rna_read(named_otherwise(".H5AD")),
    RIGHT,
)
KIND.refused(
    ".rds of R",
    lambda: rna_read(write("rna.rds", b"\x1f\x8b\x08 RDX3")),
    "not known",
    "h5ad",
)
KIND.refused(
    ".h5ad.gz",
    lambda: rna_read(write("rna.h5ad.gz", Path(save(rna(), "t.h5ad")).read_bytes())),
    "unpack|compressed|gz",
)


def h5mu(path: str, name: str = "rna") -> str:
    """Both modalities as MuData; the RNA's is called `name`."""
    mudata.set_options(pull_on_update=False)
    mudata.MuData({name: rna(), "atac": small().atac.copy()}).write_h5mu("t.h5mu")
    return str(Path("t.h5mu").rename(path))


KIND.works(".h5mu", lambda: rna_read(h5mu("rna.h5mu")), RIGHT)
KIND.works(
    ".h5mu, the modality named behind the path",
    lambda: rna_read(h5mu("rna.h5mu", "GEX") + ":GEX"),
    RIGHT,
)
KIND.refused(".h5mu named .h5ad", lambda: rna_read(h5mu("rna.h5ad")), "MuData")
KIND.refused(
    ".h5mu without the modality rna",
    lambda: rna_read(h5mu("rna.h5mu", "GEX")),
    "GEX",
    "no modality 'rna'",
)
KIND.refused(
    ".h5ad, cut off", lambda: rna_read(cut(save(rna(), "rna.h5ad"))), "rna.h5ad"
)
KIND.refused(".h5ad, empty", lambda: rna_read(write("rna.h5ad", b"")), "rna.h5ad")
KIND.refused(
    "a path that is not there", lambda: rna_read("nowhere.h5ad"), "nowhere.h5ad"
)
KIND.refused(
    ".h5ad of no cell", lambda: saved(rna()[:0].copy()), "empty matrix, 0 x 60"
)
KIND.refused(
    ".h5ad of no gene", lambda: saved(rna()[:, :0].copy()), "empty matrix, 40 x 0"
)
KIND.works(".h5ad, transposed", lambda: saved(rna().T.copy()), RIGHT)


# zarr
def zarr(change: Any = None, **options: Any) -> str:
    """The RNA as a zarr store; `change` alters its files."""
    data = with_x(rna(), DENSE) if options.pop("dense", False) else rna()
    data.write_zarr("rna.zarr", **options)
    if change:
        change(Path("rna.zarr"))
    return "rna.zarr"


def cut_chunk(store: Path) -> None:
    """Cut off the largest chunk of X."""
    chunks = [f for f in store.rglob("*") if f.is_file() and not f.name.startswith(".")]
    chunks = [f for f in chunks if f.suffix != ".json" and "X" in f.parts]
    cut(str(max(chunks, key=lambda f: f.stat().st_size)))


def no_tables(store: Path) -> None:
    """Delete obs and var."""
    for name in ("obs", "var"):
        shutil.rmtree(store / name)


KIND.works(".zarr", lambda: rna_read(zarr()), RIGHT)
KIND.works(".zarr, dense in chunks", lambda: rna_read(zarr(dense=True)), RIGHT)
KIND.refused(
    ".zarr with a chunk cut off", lambda: rna_read(zarr(cut_chunk)), "rna.zarr"
)
KIND.refused(
    ".zarr without obs and var",
    lambda: rna_read(zarr(no_tables)),
    "AnnData",
    "rna.zarr",
)
KIND.refused(
    "an empty folder named .zarr",
    lambda: rna_read(str(Path(empty_folder()).rename("rna.zarr"))),
    "rna.zarr",
)


# genes beside other features
def both(column: str, genes: str, peaks: str) -> str:
    """One .h5ad of genes and peaks."""
    joined = anndata.concat([rna(), small().atac.copy()], axis=1, merge="first")
    joined.var[column] = [genes] * 60 + [peaks] * (joined.n_vars - 60)
    return save(joined, "both.h5ad")


BOTH = {"rna": RIGHT, "atac": truth("atac")}
for genes, peaks in [("Gene Expression", "Peaks"), ("GEX", "ATAC"), ("gene", "peak")]:
    for column in ("feature_types", "feature_type"):
        KIND.works(
            f"one .h5ad of both, var.{column} {genes}/{peaks}",
            lambda c=column, g=genes, p=peaks: ingest(*[both(c, g, p)] * 2),
            BOTH,
        )
KIND.refused(
    "one .h5ad of both, features called 1 and 2",
    lambda: ingest(*[both("feature_types", "1", "2")] * 2),
    "types \\['1', '2'\\]",
    "var\\['feature_types'\\]",
)
KIND.refused(
    "one .h5ad of both, without feature types",
    lambda: ingest(*[both("other", "a", "b")] * 2),
    "feature_types",
)
KIND.refused(
    ".h5ad of float16 with a count above 2,048",
    lambda: stored(np.where(DENSE.max() == DENSE, 4097, DENSE).astype(np.float16)),
    "float16",
    "float32 or integers",
)


def antibodies() -> anndata.AnnData:
    """Genes beside antibodies of large counts."""
    names = [f"CD{i}" for i in range(5)]
    others = anndata.AnnData(
        sp.csr_matrix(np.full((40, 5), 900)), rna().obs, pd.DataFrame(index=names)
    )
    joined = anndata.concat([rna(), others], axis=1, merge="first")
    joined.var["feature_types"] = ["Gene Expression"] * 60 + ["Antibody Capture"] * 5
    return joined


KIND.works("genes beside antibodies", lambda: saved(antibodies()), RIGHT)
