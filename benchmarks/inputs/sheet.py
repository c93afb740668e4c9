"""The sample sheet and the paths in it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from grnformer.settings.read import complete
from grnformer.workflow.config import config_of_datasets, read_samples
from inputs.data import LINE_ENDS, cut, write
from inputs.rows import Kind

KIND = Kind("Sample sheet and paths")
CONFIG = complete({})
COLUMNS = (
    "dataset",
    "sample",
    "donor",
    "rna",
    "atac",
    "fragments",
    "genome",
    "annotation",
)
ROW = {
    "dataset": "pbmc", "sample": "s1", "donor": "d1", "rna": "rna.h5ad", "atac": "atac.h5ad", "fragments": "",
    "genome": "hg38", "annotation": "",
}  # fmt: skip


def sheet(
    *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, sep: str = "\t"
) -> str:
    """A sheet of rows, each what differs from the usual one."""
    lines = [sep.join((ROW | row)[c] for c in columns) for row in rows or ({},)]
    return "\n".join([sep.join(columns), *lines]) + "\n"


def read(
    content: str | bytes, path: str = "samples.tsv", registry: Any = None
) -> list[list[str]]:
    """Rows of a sheet, beside the files that it names by default."""
    for name in ("rna.h5ad", "atac.h5ad"):
        if not Path(name).exists():
            write(name, "x")
    write(path, content)
    found = read_samples(path, CONFIG, registry or {"pbmc.h5": {}})
    shown = [
        c for c in ("dataset", "sample", "donor", "rna", "atac", "genome") if c in found
    ]
    rows: list[list[str]] = found[shown].to_numpy().tolist()
    return rows


RIGHT = [["pbmc", "s1", "d1", "rna.h5ad", "atac.h5ad", "hg38"]]
PLAIN = sheet()
for given, content in [
    ("as documented", PLAIN),
    ("columns in another order", sheet(columns=COLUMNS[::-1])),
    ("optional columns left out", sheet(columns=("dataset", "sample", "donor", "rna", "atac", "genome"))),
    ("a byte-order mark", "\ufeff" + PLAIN),
    ("blank lines", PLAIN.replace("\n", "\n\n")),
    ("tabs at the ends of all lines", PLAIN.replace("\n", "\t\t\n")),
    ("lines without their last, empty cells", PLAIN.replace("hg38\t", "hg38")),
    ("spaces around cells", PLAIN.replace("\t", " \t ")),
    ("all cells quoted", "\n".join("\t".join(f'"{c}"' for c in line.split("\t")) for line in PLAIN.split("\n")[:2])),
    ("a line of comment", "# mine\n" + PLAIN),
    ("no last line end", PLAIN.rstrip("\n")),
    ("genome GRCh38", sheet({"genome": "GRCh38"})),
    ("genome GRCh38.p13", sheet({"genome": "GRCh38.p13"})),
    ("genome grch38", sheet({"genome": "grch38"})),
    ("NA in an unused cell", sheet({"fragments": "NA", "annotation": "NA"})),
    ("None in an unused cell", sheet({"fragments": "None"})),
    ("nan in an unused cell", sheet({"fragments": "nan"})),
]:  # fmt: skip
    KIND.works(given, partial(read, content), RIGHT)
for name, end in LINE_ENDS.items():
    KIND.works(f"line ends {name}", partial(read, PLAIN.replace("\n", end)), RIGHT)
KIND.works("a sheet compressed by gzip", lambda: read(PLAIN, "samples.tsv.gz"), RIGHT)
for genome, ours in [("GRCh37", "hg19"), ("GRCm38", "mm10")]:
    KIND.works(
        f"genome {genome}",
        lambda g=genome: read(sheet({"genome": g})),
        [[*RIGHT[0][:-1], ours]],
    )
for name in ("NA", "None", "007", "1", "true", "1e5", "-1"):
    KIND.works(
        f"a sample called {name}",
        partial(read, sheet({"sample": name})),
        [["pbmc", name, *RIGHT[0][2:]]],
    )
KIND.works(
    "a donor called donor #1",
    lambda: read(sheet({"donor": "donor #1"})),
    [["pbmc", "s1", "donor #1", *RIGHT[0][3:]]],
)


# paths
def at(path: str, cell: str | None = None) -> list[str]:
    """The RNA's path as read, when its file is at `path`."""
    write(path, "x")
    return [read(sheet({"rna": cell or path}))[0][3]]


for path in ("run#3/rna.h5ad", "#3.h5ad", "my data/rna.h5ad", "dätä/rna.h5ad", "a;b,c/rna.h5ad", "it's/rna.h5ad", "x=1&y/rna.h5ad", "[1]{2}/rna.h5ad"):  # fmt: skip
    KIND.works(f"path {path}", partial(at, path), [path])
KIND.works(
    "path $DATA/rna.h5ad, the variable set",
    lambda: with_variable(),
    ["data/r.h5ad"],
)
KIND.works("path ./rna.h5ad", lambda: at("./rna.h5ad"), ["./rna.h5ad"])


def with_variable() -> list[str]:
    """A path with a variable of the environment."""
    os.environ["GRN_TRY"] = "data"
    try:
        found = at("data/r.h5ad", "$GRN_TRY/r.h5ad")
    finally:
        del os.environ["GRN_TRY"]
    return [path.replace("$GRN_TRY", "data") for path in found]


def beside() -> list[str]:
    """A path that begins where the sheet is."""
    write("project/rna2.h5ad", "x")
    return [read(sheet({"rna": "rna2.h5ad"}), "project/samples.tsv")[0][3]]


KIND.works("path relative to the sheet", beside, ["project/rna2.h5ad"])
KIND.works(
    "resource:pbmc.h5",
    lambda: [read(sheet({"rna": "resource:pbmc.h5"}))[0][3]],
    ["resource:pbmc.h5"],
)
for given, cell, *words in [
    ("a path that is not there", "nowhere.h5ad", "nowhere.h5ad", "column rna", "absolute", "sample sheet"),
    ("~ where nothing is", "~/nowhere.h5ad", "nowhere.h5ad", os.path.expanduser("~")),
    ("a variable that is not set", "$GRN_NOT_SET/rna.h5ad", "GRN_NOT_SET", "not set"),
    ("a resource that is not known", "resource:nope.h5", "unknown resource 'nope.h5'"),
    ("a resource without a name", "resource:", "unknown resource"),
    ("an address of the web", "https://x.org/rna.h5ad", "https://x.org"),
    ("a path with a backslash", "data\\rna.h5ad", "data"),
]:  # fmt: skip
    KIND.refused(given, lambda c=cell: read(sheet({"rna": c})), *words)

# sheets that are wrong
for given, content, *words in [
    ("commas in place of tabs", sheet(sep=","), "columns", "tab-separated"),
    ("semicolons in place of tabs", sheet(sep=";"), "columns", "tab-separated"),
    ("spaces in place of tabs", sheet(sep=" "), "columns", "tab-separated"),
    ("column genome missing", sheet(columns=tuple(c for c in COLUMNS if c != "genome")), "missing \\['genome'\\]"),
    ("an unknown column", sheet(columns=(*COLUMNS, "rna")).replace("\trna\n", "\tage\n"), "unknown \\['age'\\]"),
    ("a column twice", sheet(columns=(*COLUMNS, "rna")), "'rna' stands twice"),
    ("column names in capitals", sheet().replace("dataset", "Dataset"), "missing \\['dataset'\\]", "Dataset"),
    ("a header alone", sheet().split("\n")[0], "header line and no row"),
    ("no header", sheet().split("\n")[1], "columns|header"),
    ("empty", "", "empty"),
    ("comments alone", "# a\n# b\n", "empty"),
    ("latin-1", sheet({"donor": "J\xfcrgen"}).encode("latin-1"), "UTF-8"),
    ("UTF-16", sheet().encode("utf-16"), "UTF-16", "UTF-8"),
    ("Excel", b"PK\x03\x04" + b"\0" * 50, "Excel", "tab"),
    ("a NUL byte", sheet({"donor": "a\0b"}), "NUL"),
    ("an odd quote", sheet({"donor": '"a'}), "line 2"),
    ("a line with a field more", sheet().rstrip("\n") + "x\ty\tz\n", "fields"),
    ("an empty sample", sheet({"sample": ""}), "empty sample"),
    ("an empty dataset", sheet({"dataset": ""}), "empty dataset"),
    ("an empty genome", sheet({"genome": ""}), "empty genome"),
    ("an empty rna", sheet({"rna": ""}), "empty rna"),
    ("NA for the rna", sheet({"rna": "NA"}), "NA", "column rna"),
    ("a sample twice", sheet({}, {}), "s1|twice|unique|sample"),
    ("a sample called a/b", sheet({"sample": "a/b"}), "a/b", "letters, digits"),
    ("a sample called ../x", sheet({"sample": "../x"}), "\\.\\./x", "letters, digits"),
    ("a sample called .hidden", sheet({"sample": ".hidden"}), "hidden", "letters, digits"),
    ("a dataset called report", sheet({"dataset": "report"}), "report", "rename"),
    ("a dataset called T cells", sheet({"dataset": "T cells"}), "T cells", "letters"),
    ("genome hg18", sheet({"genome": "hg18"}), "hg18", "GRCh38 is hg38"),
    ("genome GRCm39", sheet({"genome": "GRCm39"}), "GRCm39", "mm39"),
    ("genome T2T-CHM13", sheet({"genome": "T2T-CHM13"}), "T2T", "declare"),
    ("ATAC of one sample, RNA alone of another", sheet({}, {"sample": "s2", "atac": ""}), "with and without ATAC"),
    ("both atac and fragments", sheet({"fragments": "rna.h5ad"}), "both atac and fragments"),
    ("one dataset, two genomes", sheet({}, {"sample": "s2", "genome": "hg19"}), "mixes genomes"),
    ("atac in one sample, fragments in another", sheet({}, {"sample": "s2", "atac": "", "fragments": "rna.h5ad"}), "peak counts", "fragments"),
    ("an annotation that is not there", sheet({"annotation": "types.tsv"}), "types.tsv", "annotation"),
]:  # fmt: skip
    KIND.refused(given, partial(read, content), *words)
KIND.refused(
    "cut off in gzip",
    lambda: read_samples(cut(write("s.tsv.gz", PLAIN * 50)), CONFIG, {}),
    "cut off",
)
KIND.refused(
    "a sheet that is not there", lambda: read_samples("x.tsv", CONFIG, {}), "x.tsv"
)
KIND.refused("a folder as sheet", lambda: folder(), "folder")
for place, config in [
    ("datasets", {"datasets": {"pbcm": {"prep": {"seed": 2}}}}),
    ("pretrain.datasets", {"pretrain": {"datasets": ["pbcm"]}}),
    ("bench.compare", {"bench": {"compare": [["pbmc", "pbcm"]]}}),
    ("bench.grn_accuracy.lines", {"bench": {"grn_accuracy": {"lines": [{"dataset": "pbcm", "cell_type": "x", "line": "y"}]}}}),
]:  # fmt: skip
    KIND.refused(
        f"a dataset misspelt in {place}",
        lambda c=config: config_of_datasets(complete(c), ["pbmc"]),
        "pbcm",
        "pbmc",
    )


def folder() -> Any:
    """A folder where the sheet should be."""
    Path("samples.tsv").mkdir()
    return read_samples("samples.tsv", CONFIG, {})
