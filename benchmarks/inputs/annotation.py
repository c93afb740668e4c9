"""Cell types: tables of barcode and type, and columns of obs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.prep.filters import filter_multiome
from grnformer.prep.pairing import label_cells, read_annotation
from grnformer.prep.sample import load_sample
from inputs.data import LINE_ENDS, PREP, atac, cut, ingest, rna, save, small, write
from inputs.rows import Kind

KIND = Kind("Annotation")
CELLS = list(small().rna.obs_names)
TYPES = small().annotation["cell_type"].tolist()
ROWS = list(zip(CELLS, TYPES, strict=True))


def table(rows: Any = ROWS, header: str = "barcode\tcell_type", sep: str = "\t") -> str:
    """A table of barcode and type."""
    lines = [sep.join(row) for row in rows]
    return "\n".join(([header.replace("\t", sep)] if header else []) + lines) + "\n"


def types(content: str | bytes, path: str = "types.tsv", **options: Any) -> list[str]:
    """Types of the cells that have one, when the annotation is this file."""
    return labelled(write(path, content), **options)


def labelled(path: str, min_annotated: float = 0.8) -> list[str]:
    """As the job ingest_sample reads a table, when all is read but the matrices."""
    cells = pd.Index(CELLS)
    found = label_cells(
        read_annotation(path, cells), cells, "sample s", min_annotated=min_annotated
    )
    return found[found != ""].tolist()


for given, content, path in [
    (".tsv with a header", table(), "types.tsv"),
    (".tsv without a header", table(header=""), "types.tsv"),
    (".csv", table(sep=","), "types.csv"),
    (".txt with tabs", table(), "types.txt"),
    (".tsv.gz", table(), "types.tsv.gz"),
    (".csv.gz", table(sep=","), "types.csv.gz"),
    ("another header", table(header="CellID\tcluster name"), "types.tsv"),
    ("spaces around types", table([(c, f" {t} ") for c, t in ROWS]), "types.tsv"),
    ("spaces around barcodes", table([(f" {c} ", t) for c, t in ROWS]), "types.tsv"),
    ("the same line twice", table([*ROWS, ROWS[0]]), "types.tsv"),
    ("cells in another order", table(ROWS[::-1]), "types.tsv"),
    ("cells that are not in the matrix", table([*ROWS, ("AAAA-1", "x")]), "types.tsv"),
    ("all fields quoted", table([(f'"{c}"', f'"{t}"') for c, t in ROWS]), "types.tsv"),
    ("a byte-order mark", "\ufeff" + table(), "types.tsv"),
    ("a byte-order mark, no header", "\ufeff" + table(header=""), "types.tsv"),
    ("blank lines between", table().replace("\n", "\n\n"), "types.tsv"),
    ("tabs at the ends of all lines", table().replace("\n", "\t\n"), "types.tsv"),
    ("no last line end", table().rstrip("\n"), "types.tsv"),
]:
    KIND.works(given, partial(types, content, path), TYPES)
for name, end in LINE_ENDS.items():
    KIND.works(f"line ends {name}", partial(types, table().replace("\n", end)), TYPES)
KIND.works(
    "a .tsv.gz that is not compressed",
    lambda: labelled(str(Path(write("t.tsv", table())).rename("t.tsv.gz"))),
    TYPES,
)

# barcodes spelt otherwise
for given, spell, warned in [
    ("without -1", lambda c: c.removesuffix("-1"), "suffix"),
    ("with sample_ before", lambda c: f"s1_{c}", "prefix"),
    ("with sample# before (ArchR)", lambda c: f"s1#{c}", "prefix"),
    ("in small letters", str.lower, "case"),
    ("with .1 in place of -1", lambda c: c.replace("-", "."), "suffix"),
]:
    rows = [(spell(c), t) for c, t in ROWS]
    KIND.works(f"barcodes {given}", partial(types, table(rows)), TYPES, warned)
    KIND.works(
        f"barcodes {given}, no header", partial(types, table(rows, "")), TYPES, warned
    )

# types that are words
for word in ("NA", "nan", "None", "null", "N/A", "<NA>", "#N/A", "NaN"):
    rows = [(c, word if i % 5 == 0 else t) for i, (c, t) in enumerate(ROWS)]
    left = [t for i, t in enumerate(TYPES) if i % 5]
    KIND.works(
        f"{word} for a fifth of the cells",
        partial(types, table(rows), min_annotated=0.5),
        left,
        word,
    )
    KIND.refused(
        f"{word} for a fifth of the cells, all are to have a type",
        partial(types, table(rows), min_annotated=0.9),
        "8 of 40 cells have no cell type",
        word,
    )
for word in ("True", "1", "007", "1e5", "inf", "-", "B/T cell", "T cell, CD4+", "α"):
    named = [word if i % 2 else t for i, t in enumerate(TYPES)]
    rows = zip(CELLS, [f'"{t}"' if "," in t else t for t in named], strict=True)
    KIND.works(f"a type called {word}", partial(types, table(list(rows))), named)
KIND.works(
    "an empty type for a fifth of the cells",
    lambda: types(
        table([(c, "" if i % 5 == 0 else t) for i, (c, t) in enumerate(ROWS)]),
        min_annotated=0.5,
    ),
    [t for i, t in enumerate(TYPES) if i % 5],
)
for one, other in [("α", "β"), ("Treg", "TREG"), ("T cell", "T/cell"), ("B+", "B+ ")]:
    named = [one if i % 2 else other for i in range(len(TYPES))]
    if other.strip() == one:
        KIND.works(
            f"types {one!r} and {other!r}",
            partial(types, table(list(zip(CELLS, named, strict=True)))),
            [one] * len(TYPES),
        )
        continue
    KIND.refused(
        f"types {one!r} and {other!r}",
        partial(types, table(list(zip(CELLS, named, strict=True)))),
        one,
        other,
        "rename",
    )

# files that are none
for given, content, path, *words in [
    ("latin-1", table([(c, "T\xe4") for c in CELLS]).encode("latin-1"), "t.tsv", "UTF-8"),
    ("UTF-16", table().encode("utf-16"), "t.tsv", "UTF-16", "UTF-8"),
    ("Excel", b"PK\x03\x04" + b"\0" * 99, "t.xlsx", "Excel"),
    ("old Excel", b"\xd0\xcf\x11\xe0" + b"\0" * 99, "t.xls", "Excel"),
    ("a NUL byte", table() + "A\0C\tx\n", "t.tsv", "NUL"),
    ("an odd quote", table() + 'AC\t"x\n', "t.tsv", "quote|EOF|end of"),
    ("empty", "", "t.tsv", "empty"),
    ("blank lines alone", "\n\n", "t.tsv", "empty"),
    ("a header alone", "barcode\tcell_type\n", "t.tsv", "no line but|no row"),
    (".csv with semicolons", table(sep=";"), "t.csv", "semicolons"),
    (".txt with commas", table(sep=","), "t.txt", "commas"),
    (".csv with tabs", table(), "t.csv", "tabs"),
    ("spaces between", table(sep=" "), "t.tsv", "1 columns"),
    ("barcodes alone", "\n".join(CELLS), "t.tsv", "1 columns"),
    ("three columns", table([(*r, "x") for r in ROWS], "a\tb\tc"), "t.tsv", "3 columns"),
    ("a line of three fields", table() + "A\tb\tc\n", "t.tsv", "line 42", "3 fields"),
    ("a line of one field", table() + "AAAA\n", "t.tsv", "line 42", "1 fields"),
    ("two types of one barcode", table([*ROWS, (CELLS[0], "x")]), "t.tsv", "two cell types", CELLS[0]),
    ("another sample", table([(c[::-1], t) for c, t in ROWS]), "t.tsv", "40 of 40 cells have no", CELLS[0][::-1]),
    ("another sample, no header", table([(c[::-1], t) for c, t in ROWS], ""), "t.tsv", "40 of 40 cells have no"),
    ("columns swapped", table([(t, c) for c, t in ROWS]), "t.tsv", "cell type"),
    ("half of the cells", table(ROWS[:20]), "t.tsv", "20 of 40 cells have no cell type", "min_annotated"),
]:  # fmt: skip
    KIND.refused(given, partial(types, content, path), *words)
KIND.refused(
    "a .tsv.gz cut off",
    lambda: labelled(cut(write("t.tsv.gz", table()))),
    "cut off",
    "t.tsv.gz",
)
KIND.refused("a folder", lambda: labelled(folder()), "folder")
KIND.works(
    "a whole sample with its table",
    lambda: ingest(annotation=write("types.tsv", table()))["types"],
    TYPES,
)
KIND.refused("a file that is not there", lambda: labelled("nowhere.tsv"), "nowhere.tsv")


def folder() -> str:
    """A folder in place of a table."""
    Path("types.tsv").mkdir()
    return "types.tsv"


# columns of obs
def column(values: Any, name: str = "cell_type", asked: str = "cell_type") -> list[str]:
    """Types from a column of the RNA's obs."""
    data = rna()
    del data.obs["cell_type"]
    data.obs[name] = values
    found = ingest(save(data, "rna.h5ad"), annotation=f"obs:{asked}", min_annotated=0.5)
    types: list[str] = found["types"]
    return types


KIND.works("obs column of text", lambda: column(TYPES), TYPES)
KIND.works("obs column, categorical", lambda: column(pd.Categorical(TYPES)), TYPES)
KIND.works(
    "obs column of whole numbers",
    lambda: column(np.arange(40) % 3),
    [str(i % 3) for i in range(40)],
)
KIND.works(
    "obs column of true and false",
    lambda: column(np.arange(40) % 2 == 0),
    [str(i % 2 == 0) for i in range(40)],
)
KIND.works(
    "obs column, categorical with missing values",
    lambda: column(
        pd.Categorical([None if i % 5 == 0 else t for i, t in enumerate(TYPES)])
    ),
    [t for i, t in enumerate(TYPES) if i % 5],
)
KIND.works(
    "obs column with the word nan for a fifth",
    lambda: column(["nan" if i % 5 == 0 else t for i, t in enumerate(TYPES)]),
    [t for i, t in enumerate(TYPES) if i % 5],
    "nan",
)
KIND.refused(
    "obs column misspelt",
    lambda: column(TYPES, asked="celltype"),
    "celltype",
    "cell_type",
)
KIND.refused(
    "obs column of a .csv",
    lambda: ingest(write("rna.csv", small().rna.to_df().to_csv()), annotation="obs:x"),
    "no obs column 'x'",
    "h5ad",
)


# types after the filter
def filtered(names: list[str], **cells: Any) -> list[str]:
    """Types that pass prep's filter."""
    row = {
        "sample": "s",
        "genome": "simulated",
        "annotation": write("t.tsv", table(list(zip(CELLS, names, strict=True)))),
    }
    row |= {"rna": save(rna(), "r.h5ad"), "atac": save(atac(), "a.h5ad")}
    settings = PREP
    keys = ("min_known_genes", "counts", "min_barcode_overlap", "min_annotated")
    build = settings["build"] | {"min_regions": 100}
    data, _ = load_sample(
        row, small().tss, **{k: settings[k] for k in keys}, build=build
    )
    asked = {"min_genes": 10, "min_regions": 10, "min_umis": 10, "min_atac_counts": 10}
    chosen = {k: settings[k] for k in ("doublets", "genes", "regions")}
    chosen["doublets"] = chosen["doublets"] | {"enabled": False}
    chosen["cells"] = settings["cells"] | asked | cells
    left, _, _ = filter_multiome(data, small().tss, seed=1, settings=chosen)
    return sorted(set(left.obs["cell_type"]))


KIND.works("one type", lambda: filtered(["K562"] * 40), ["K562"])
KIND.works("a type of 2 cells", lambda: filtered(["B"] * 2 + ["T"] * 38), ["T"])
KIND.refused(
    "every cell its own type",
    lambda: filtered(CELLS),
    "all 40 cell types have fewer than 10 cells",
    "min_per_type",
)
for given, cells, *words in [
    (
        "no cell passes",
        {"min_umis": 10**6},
        "no cell passes",
        "n_umis below",
        "medians",
    ),
    (
        "1 cell passes",
        {"min_umis": 0, "min_genes": 58},
        "cell passes|kept",
        "n_genes below",
    ),
]:
    KIND.refused(given, partial(filtered, TYPES, **cells), *words)
