"""Lists of TFs, and prior networks."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core import text
from grnformer.grn.prior import prepare_prior, read_prior
from grnformer.grn.tfs import read_tf_list, select_tfs
from inputs.data import LINE_ENDS, cut, write
from inputs.rows import Kind

KIND = Kind("Lists of TFs and priors")
TFS = ["PAX5", "SPI1"]


def tfs(content: str | bytes, path: str = "tfs.txt") -> list[str]:
    """Symbols of a list."""
    return read_tf_list(write(path, content))


for given, content, path in [
    ("one a line", "SPI1\nPAX5\n", "tfs.txt"),
    ("gzipped", "SPI1\nPAX5\n", "tfs.txt.gz"),
    ("blank lines", "\nSPI1\n\nPAX5\n\n", "tfs.txt"),
    ("comments", "# AnimalTFDB\nSPI1\nPAX5\n", "tfs.txt"),
    ("spaces around", " SPI1 \nPAX5\t\n", "tfs.txt"),
    ("a symbol twice", "SPI1\nPAX5\nSPI1\n", "tfs.txt"),
    ("a byte-order mark", "\ufeffSPI1\nPAX5\n", "tfs.txt"),
    ("no last line end", "SPI1\nPAX5", "tfs.txt"),
    ("a table with a column tf", "tf\tfamily\nSPI1\tETS\nPAX5\tPAX\n", "tfs.tsv"),
    ("a .csv with a column tf", "family,tf\nETS,SPI1\nPAX,PAX5\n", "tfs.csv"),
    ("a quoted .csv", '"","tf"\n"1","SPI1"\n"2","PAX5"\n', "tfs.csv"),
    ("symbols in quotes", '"SPI1"\n"PAX5"\n', "tfs.txt"),
]:
    KIND.works(f"TFs: {given}", partial(tfs, content, path), TFS)
for name, end in LINE_ENDS.items():
    KIND.works(f"TFs: line ends {name}", partial(tfs, f"SPI1{end}PAX5{end}"), TFS)
for name in ("NA", "nan", "None", "T", "HLA-A", "AC093323.1", "Nkx2-5", "l(1)sc"):
    KIND.works(
        f"TFs: one called {name}", partial(tfs, f"{name}\nZZZ\n"), sorted([name, "ZZZ"])
    )
for given, content, *words in [
    ("empty", "", "empty"),
    ("comments alone", "# a\n", "empty"),
    ("several a line, spaces", "SPI1 PAX5\n", "line 1", "one symbol a line"),
    ("several a line, commas", "SPI1,PAX5\n", "columns", "tf"),
    ("several a line, semicolons", "SPI1;PAX5\n", "line 1", "one symbol"),
    ("a table without a column tf", "symbol\tfamily\nSPI1\tx\n", "columns", "'tf'"),
    ("a table, column TF in capitals", "TF\tfamily\nSPI1\tx\n", "columns", "'tf'"),
    ("latin-1", "SPI1\nA\xdf\n".encode("latin-1"), "line 2", "UTF-8"),
    ("UTF-16", "SPI1\n".encode("utf-16"), "UTF-16"),
    ("Excel", b"PK\x03\x04" + b"\0" * 40, "Excel"),
    ("bzip2", b"BZh91AY", "bzip2"),
    ("zstd", b"\x28\xb5\x2f\xfd\0", "zstd"),
    ("a NUL byte", "SPI1\nPA\0X5\n", "line 2", "NUL"),
    ("a web page in place of a list", "<!DOCTYPE html>\n<html>\n<p>404 not found</p>\n", "line 1"),
]:  # fmt: skip
    KIND.refused(f"TFs: {given}", partial(tfs, content), *words)
KIND.refused(
    "TFs: gzip cut off",
    lambda: read_tf_list(cut(write("t.gz", "PAX5\n" * 99))),
    "cut off",
)
KIND.refused("TFs: a folder", lambda: read_tf_list("."), "folder")
KIND.refused(
    "TFs: not there", lambda: read_tf_list("no.txt"), "no.txt", "grn.tfs.lists"
)


def bomb() -> Any:
    """Some kilobytes that unpack beyond the limit, which is lower here to save time."""
    limit, text._LARGEST = text._LARGEST, 1 << 24
    try:
        return tfs("PAX5\n" * 4_000_000, "t.gz")
    finally:
        text._LARGEST = limit


KIND.refused("TFs: gzip that unpacks beyond the limit", bomb, "more than 16 MiB")
for given, named, words in [
    ("of mouse for genes of man", ["Pax5", "Spi1"], ("0 are measured|case", "PAX5")),
    ("ids for genes by symbol", ["ENSG00000196092"], ("0 are measured", "PAX5")),
    ("none in enough cells", ["LOW"], ("min_cells",)),
]:
    KIND.refused(
        f"TFs: {given}",
        lambda n=named: select_tfs(
            n, ["PAX5", "SPI1", "LOW"], np.array([90, 80, 1]), min_cells=10
        ),
        *words,
    )

# priors
PAIRS = [["A", "B", 1], ["C", "D", -1]]


def prior(content: str | bytes, path: str = "prior.tsv") -> list[list[Any]]:
    """TF, gene, sign of each pair."""
    return read_prior(write(path, content))[["tf", "gene", "sign"]].to_numpy().tolist()


PLAIN = "tf\tgene\tsign\nA\tB\t1\nC\tD\t-1\n"
FLAGS = "source\ttarget\ttype\tsources\tis_stimulation\tis_inhibition\n"
OMNIPATH = (
    FLAGS + "A\tB\ttranscriptional\tx\t{0}\t{1}\nC\tD\ttranscriptional\tx\t{1}\t{0}\n"
)
for given, content, path in [
    ("plain table", PLAIN, "prior.tsv"),
    ("plain table, .csv", PLAIN.replace("\t", ","), "prior.csv"),
    ("plain table, .tsv.gz", PLAIN, "prior.tsv.gz"),
    ("columns in another order", "sign\tgene\ttf\n1\tB\tA\n-1\tD\tC\n", "prior.tsv"),
    ("signs + and -", PLAIN.replace("\t1\n", "\t+\n").replace("-1", "-"), "prior.tsv"),
    ("signs in words (TRRUST)", PLAIN.replace("\t1\n", "\tActivation\n").replace("-1", "Repression"), "prior.tsv"),
    ("signs stimulation, inhibition", PLAIN.replace("\t1\n", "\tstimulation\n").replace("-1", "inhibition"), "prior.tsv"),
    ("signs as weights (CollecTRI)", PLAIN.replace("\t1\n", "\t0.7\n").replace("-1", "-3.2"), "prior.tsv"),
    ("a row without a TF", PLAIN + "\tE\t1\n", "prior.tsv"),
    ("a byte-order mark", "\ufeff" + PLAIN, "prior.tsv"),
    ("OmniPath, TRUE and FALSE", OMNIPATH.format("TRUE", "FALSE"), "prior.tsv"),
    ("OmniPath, True and False", OMNIPATH.format("True", "False"), "prior.tsv"),
    ("OmniPath, 1 and 0", OMNIPATH.format("1", "0"), "prior.tsv"),
    ("OmniPath, T and F", OMNIPATH.format("T", "F"), "prior.tsv"),
    ("OmniPath, 1.0 and 0.0", OMNIPATH.format("1.0", "0.0"), "prior.tsv"),
    ("OmniPath, yes and missing", OMNIPATH.format("yes", "NA"), "prior.tsv"),
    ("OmniPath with another type of row", OMNIPATH.format("1", "0") + "X\tY\tpost_translational\tx\t1\t0\n", "prior.tsv"),
]:  # fmt: skip
    KIND.works(f"prior: {given}", partial(prior, content, path), PAIRS)
for name, end in LINE_ENDS.items():
    KIND.works(
        f"prior: line ends {name}", partial(prior, PLAIN.replace("\n", end)), PAIRS
    )
UNSIGNED = [["A", "B", 0], ["C", "D", 0]]
for given, content in [
    ("no signs", "tf\tgene\nA\tB\nC\tD\n"),
    ("signs NA", PLAIN.replace("\t1\n", "\tNA\n").replace("-1", "")),
    (
        "signs Unknown (TRRUST)",
        PLAIN.replace("\t1\n", "\tUnknown\n").replace("-1", "?"),
    ),
    ("OmniPath, both set", OMNIPATH.format("1", "1")),
]:
    KIND.works(f"prior: {given}", partial(prior, content), UNSIGNED)
for name in ("NA", "nan", "None", "True", "007", "inf"):
    KIND.works(
        f"prior: a gene called {name}",
        partial(prior, PLAIN.replace("B", name)),
        [["A", name, 1], PAIRS[1]],
    )


def of_parquet(table: pd.DataFrame) -> list[list[Any]]:
    """Pairs of a Parquet file."""
    table.to_parquet("prior.parquet")
    return read_prior("prior.parquet")[["tf", "gene", "sign"]].to_numpy().tolist()


FRAME = pd.DataFrame(PAIRS, columns=["tf", "gene", "sign"])
KIND.works("prior: Parquet", lambda: of_parquet(FRAME), PAIRS)
KIND.works(
    "prior: Parquet, categorical",
    lambda: of_parquet(FRAME.astype({"tf": "category"})),
    PAIRS,
)
KIND.works(
    "prior: Parquet, float signs",
    lambda: of_parquet(FRAME.astype({"sign": float})),
    PAIRS,
)
KIND.works(
    "prior: Parquet of pandas with an index",
    lambda: of_parquet(FRAME.set_axis(["x", "y"])),
    PAIRS,
)
for given, stimulation, inhibition in [
    ("OmniPath's flags as bool", [True, False], [False, True]),
    ("flags with missing values", [True, None], [None, True]),
]:
    flagged = pd.DataFrame(
        {
            "source": ["A", "C"],
            "target": ["B", "D"],
            "type": "transcriptional",
            "sources": "x",
            "is_stimulation": stimulation,
            "is_inhibition": inhibition,
        }
    )
    KIND.works(f"prior: Parquet, {given}", partial(of_parquet, flagged), PAIRS)
KIND.works(
    "prior: one pair as activation and as repression",
    lambda: prepare_prior(
        read_prior(write("p.tsv", PLAIN + "A\tB\t-1\n")),
        collections=[],
        chip_sources=[],
        chip="keep",
    )["sign"].tolist(),
    [0, -1],
)
for given, content, *words in [
    ("empty", "", "empty"),
    ("a header alone", "tf\tgene\n", "no row"),
    ("columns from, to", "from\tto\nA\tB\n", "columns", "rename"),
    ("columns TF, Gene", "TF\tGene\nA\tB\n", "columns", "rename"),
    ("no header", "A\tB\t1\nC\tD\t1\n", "columns"),
    ("a column twice", "tf\tgene\tgene\nA\tB\tC\n", "'gene' stands twice"),
    ("commas in a .tsv", PLAIN.replace("\t", ","), "columns|separated"),
    ("a line with a field more", PLAIN + "A\tB\t1\tx\n", "line 4 has 4 fields"),
    ("a line with a field less", PLAIN + "A\tB\n", "line 4 has 2 fields"),
    ("R's row names", "tf\tgene\n1\tA\tB\n", "row names"),
    ("a sign of another word", PLAIN.replace("-1", "binds"), "'binds'"),
    ("an infinite sign", PLAIN.replace("-1", "inf"), "inf"),
    ("a decimal comma", PLAIN.replace("-1", "-0,5"), "-0,5"),
    ("OmniPath, a flag of another word", OMNIPATH.format("maybe", "0"), "'maybe'", "TRUE or FALSE"),
    ("OmniPath, a flag of 2", OMNIPATH.format("2", "0"), "'2'", "TRUE or FALSE"),
    ("OmniPath, no row of a TF", OMNIPATH.format("1", "0").replace("transcriptional", "x"), "no pair|transcriptional"),
    ("no TF in any row", "tf\tgene\n\tB\n\tD\n", "no pair"),
    ("latin-1", PLAIN.replace("B", "\xdf").encode("latin-1"), "UTF-8"),
    ("UTF-16", PLAIN.encode("utf-16"), "UTF-16"),
    ("Excel", b"PK\x03\x04" + b"\0" * 40, "Excel"),
    ("an odd quote", PLAIN + '"A\tB\t1\n', "line 4"),
    ("a field of 200 kB", PLAIN + "A" * 200_000 + "\tB\t1\n", "field larger|line 4"),
]:  # fmt: skip
    KIND.refused(f"prior: {given}", partial(prior, content), *words)
KIND.refused("prior: Parquet, cut off", lambda: prior(b"PAR1", "p.parquet"), "Parquet")
KIND.refused(
    "prior: Parquet named .tsv",
    lambda: prior(b"PAR1" + b"\0" * 9),
    "Parquet",
    "name it .parquet",
)
KIND.refused("prior: .tsv named .parquet", lambda: prior(PLAIN, "p.parquet"), "Parquet")
KIND.refused(
    "prior: Parquet with lists",
    lambda: of_parquet(FRAME.assign(tf=[["A"], ["C"]])),
    "'tf' holds",
)
for given, settings, *words in [
    ("a collection that no pair has", {"collections": ["TRRUST"], "chip": "keep"}, "TRRUST", "collections"),
    ("chip: all", {"collections": [], "chip": "all"}, "'all'", "keep"),
]:  # fmt: skip
    KIND.refused(
        f"prior: {given}",
        lambda s=settings: prepare_prior(
            read_prior(write("p.tsv", PLAIN)), chip_sources=[], **s
        ),
        *words,
    )
