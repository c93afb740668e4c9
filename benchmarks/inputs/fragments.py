"""Fragments of samples without peaks."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from grnformer.prep.fragments.barcodes import (
    check_chromosomes_of_fragments,
    judge_barcodes,
    read_sizes,
)
from grnformer.prep.fragments.consensus import read_blacklist
from grnformer.prep.fragments.scan import scan_fragments
from grnformer.prep.pairing import spell_as_rna
from inputs.data import cut, small, write
from inputs.rows import Kind

KIND = Kind("Fragments")
LINES = ["chr1\t10\t60\tAA-1\t2", "chr1\t20\t220\tCC-1\t1", "chr2\t5\t55\tAA-1\t3"]
RIGHT = [["AA-1", 2, 5], ["CC-1", 1, 1]]


def scan(content: str | bytes, path: str = "f.tsv.gz") -> list[list[Any]]:
    """Fragments and reads of each barcode."""
    found, _ = scan_fragments(write(path, content), {"chr1", "chr2"})
    return found[["barcode", "n_fragments", "n_reads"]].to_numpy().tolist()


def text(*lines: str, end: str = "\n") -> str:
    """A fragments file."""
    return end.join(lines or LINES) + end


for given, content, path in [
    ("gzipped", text(), "f.tsv.gz"),
    ("plain", text(), "f.tsv"),
    (".bed", text(), "f.bed.gz"),
    ("comments at the head", "# id=x\n#\n" + text(), "f.tsv.gz"),
    ("a sixth column", text(*(f"{line}\t+" for line in LINES)), "f.tsv.gz"),
    ("line ends \\r\\n", text(end="\r\n"), "f.tsv.gz"),
    ("no last line end", text().rstrip("\n"), "f.tsv.gz"),
    ("a scaffold without genes", text(*LINES, "scaffold\t1\t9\tGG-1\t1"), "f.tsv.gz"),
]:
    KIND.works(given, partial(scan, content, path), RIGHT)


KIND.works(
    "reads of 0, as where they are not known",
    lambda: scan(text("chr1\t10\t60\tAA-1\t0", *LINES[1:])),
    [["AA-1", 2, 3], RIGHT[1]],
)


def unnamed() -> list[list[Any]]:
    """Compressed, though its name does not say so."""
    import gzip

    return scan(gzip.compress(text().encode()), "f.tsv")


def plain_named_gz() -> list[list[Any]]:
    """Not compressed, though its name says so."""
    from pathlib import Path

    Path("f.tsv").write_text(text())
    Path("f.tsv").rename("f.tsv.gz")
    found, _ = scan_fragments("f.tsv.gz", {"chr1", "chr2"})
    return found[["barcode", "n_fragments", "n_reads"]].to_numpy().tolist()


KIND.works("compressed, named .tsv", unnamed, RIGHT)
KIND.works("not compressed, named .tsv.gz", plain_named_gz, RIGHT)
for given, content, *words in [
    ("empty", "", "no fragments"),
    ("a blank last line", text() + "\n", "line 4"),
    ("a byte-order mark", "\ufeff" + text(), "byte-order mark"),
    ("line ends \\r", text(end="\r"), "carriage returns"),
    ("comments alone", "# a\n", "no fragments"),
    ("a header line", "chrom\tstart\tend\tbarcode\treads\n" + text(), "start|conver"),
    ("four columns", text(*(line.rpartition("\t")[0] for line in LINES)), "4 tab-separated columns"),
    ("spaces", text().replace("\t", " "), "1 tab-separated columns"),
    ("commas", text().replace("\t", ","), "1 tab-separated columns"),
    ("not sorted by position", text(LINES[1], LINES[0], LINES[2]), "not sorted", "sort -k1,1"),
    ("a chromosome in two places", text(LINES[0], LINES[2], LINES[1]), "not sorted", "chr1"),
    ("an end before its start", text("chr1\t60\t10\tAA-1\t2"), "from 60 to 10", "line 1"),
    ("an end at its start", text("chr1\t60\t60\tAA-1\t2"), "from 60 to 60"),
    ("a negative start", text("chr1\t-5\t10\tAA-1\t2"), "from -5"),
    ("a word for a position", text("chr1\tx\t10\tAA-1\t2"), "'x'|x", "f.tsv.gz"),
    ("a fraction for a position", text("chr1\t1.5\t10\tAA-1\t2"), "1.5"),
    ("a position of 20 digits", text(f"chr1\t1\t{'9' * 20}\tAA-1\t2"), "9999"),
    ("a missing position", text("chr1\t\t10\tAA-1\t2", *LINES[1:]), "f.tsv.gz"),
    ("a missing barcode", text("chr1\t1\t10\t\t2", *LINES[1:]), "barcode"),
    ("a missing chromosome", text("\t1\t10\tAA-1\t2", *LINES[1:]), "chrom"),
    ("a negative number of reads", text("chr1\t1\t10\tAA-1\t-2", *LINES[1:]), "reads"),
    ("a missing number of reads", text("chr1\t1\t10\tAA-1\t", *LINES[1:]), "f.tsv.gz|reads"),
    ("a line with a field less", text(*LINES, "chr2\t9\t10"), "columns|f.tsv.gz"),
    ("a comment in the middle", text(LINES[0], "# x", LINES[1]), "columns|f.tsv.gz"),
    ("a NUL byte", text("chr1\t1\t10\tA\0A-1\t1", *LINES[1:]), "NUL"),
    ("latin-1", text("chr1\t1\t10\t\xdf\t1").encode("latin-1"), "UTF"),
    ("UTF-16", text().encode("utf-16"), "UTF"),
    ("BAM", b"BAM\1" + b"\0" * 90, "f.tsv.gz"),
]:  # fmt: skip
    KIND.refused(given, partial(scan, content), *words)
KIND.refused(
    "gzip cut off",
    lambda: scan_fragments(
        cut(
            write(
                "f.tsv.gz",
                text(
                    *[
                        f"chr1\t{i}\t{i + 50}\tA{i * 7919 % 977}-1\t1"
                        for i in range(4000)
                    ]
                ),
            )
        ),
        {"chr1"},
    ),
    "cut off|truncated|end",
)
KIND.refused("not there", lambda: scan_fragments("no.tsv.gz", {"chr1"}), "no.tsv.gz")
KIND.refused("a folder", lambda: scan_fragments(".", {"chr1"}), "folder|directory")

# chromosomes
FOUND = pd.DataFrame({"chrom": ["1", "2"], "fragments": [5, 5], "length": [900, 800]})


def chromosomes(names: list[str], sizes: dict[str, int] | None = None) -> list[str]:
    """Passes where fragments fit the genome."""
    check_chromosomes_of_fragments(
        FOUND.assign(chrom=names), small().tss, sizes, "sample s"
    )
    return names


KIND.works(
    "fragments of chr1, chr2", lambda: chromosomes(["chr1", "chr2"]), ["chr1", "chr2"]
)
KIND.refused(
    "fragments of 1, 2", lambda: chromosomes(["1", "2"]), "naming style", "chr1"
)
KIND.refused(
    "fragments beyond the end of a chromosome",
    lambda: chromosomes(["chr1", "chr2"], {"chr1": 500}),
    "chr1:900",
    "500 bp",
)
KIND.works(
    "chromosome sizes",
    lambda: read_sizes(write("s.tsv", "chr1\t500\nNA\t7\n")),
    {"chr1": 500, "NA": 7},
)
for given, content, *words in [
    ("one column", "chr1\n", "one column"),
    ("words", "chr1\tlong\n", "'long'"),
    ("negative", "chr1\t-4\n", "-4"),
    ("a chromosome twice", "chr1\t5\nchr1\t7\n", "chr1"),
    ("empty", "", "empty"),
]:
    KIND.refused(
        f"chromosome sizes: {given}",
        lambda c=content: read_sizes(write("s.tsv", c)),
        *words,
    )


def blacklist(content: str | bytes, path: str = "b.bed") -> list[list[Any]]:
    """Regions of a blacklist."""
    return read_blacklist(write(path, content), {"chr1": 900}).to_numpy().tolist()


KIND.works("blacklist", lambda: blacklist("chr1\t5\t9\n"), [["chr1", 5, 9]])
KIND.works(
    "blacklist with names, track and browser",
    lambda: blacklist("track name=x\nbrowser x\nchr1\t5\t9\tHigh\n"),
    [["chr1", 5, 9]],
)
KIND.works(
    "blacklist, gzipped",
    lambda: blacklist("chr1\t5\t9\n", "b.bed.gz"),
    [["chr1", 5, 9]],
)
for given, content, *words in [
    ("of chromosomes 1, 2", "1\t5\t9\n", "\\['1'\\]", "chr1"),
    ("two columns", "chr1\t5\n", "2 columns"),
    ("words", "chr1\ta\tb\n", "'a'"),
    ("an end before its start", "chr1\t9\t5\n", "end"),
    ("UTF-16", "chr1\t5\t9\n".encode("utf-16"), "UTF-16"),
]:
    KIND.refused(f"blacklist: {given}", partial(blacklist, content), *words)

# barcodes
RNA = pd.Index(["AACC-1", "CCGG-1", "GGTT-1"])


def judged(names: list[str], pairs: str = "") -> list[str]:
    """Barcodes that pair with the RNA, as the job import_fragments spells and judges them."""
    table = write("pairs.tsv", pairs) if pairs else None
    names = list(spell_as_rna(pd.Index(names), RNA, "s", table=table, min_overlap=0.3))
    counted = pd.DataFrame(
        {
            "barcode": names,
            "n_fragments": 900,
            "n_reads": 1000,
            "n_short": 500,
            "n_spanning": 200,
        }
    )
    bounds = {
        "min_fragments": 500,
        "max_fragments": None,
        "max_nucleosome_signal": 4,
        "max_duplicate_rate": 1,
    }
    qc = judge_barcodes(counted, RNA, "s", min_barcode_overlap=0.3, **bounds)
    return qc.loc[qc["reason"].isna(), "barcode"].tolist()


KIND.works("barcodes as in the RNA", lambda: judged(list(RNA)), list(RNA))
KIND.works(
    "barcodes beside empty droplets", lambda: judged([*RNA, "TTTT-1"]), list(RNA)
)
KIND.works(
    "barcodes without -1", lambda: judged(["AACC", "CCGG", "GGTT"]), list(RNA), "suffix"
)
KIND.works(
    "barcodes with sample# before",
    lambda: judged([f"s#{b}" for b in RNA]),
    list(RNA),
    "prefix",
)
KIND.works(
    "barcodes of the ATAC's list, prep.barcode_table given",
    lambda: judged(
        ["TTTT-1", "TATA-1", "ATAT-1"], "AACC\tTTTT\nCCGG\tTATA\nGGTT\tATAT\n"
    ),
    list(RNA),
)
KIND.refused(
    "barcodes of another sample",
    lambda: judged(["TTTT-1", "TTAA-1"]),
    "0 of 3 RNA barcodes",
)
