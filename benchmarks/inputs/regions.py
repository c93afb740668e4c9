"""Names of regions, their coordinates and the genome build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from grnformer.genome.regions import parse_regions
from inputs.data import (
    as_text,
    atac,
    atac_read,
    folder_10x,
    ingest,
    rna,
    save,
    small,
    truth,
    write,
)
from inputs.rows import Kind

KIND = Kind("Regions and genome builds")
RIGHT = truth("atac")
FIRST = RIGHT.columns[0]


def named(spell: Any) -> pd.DataFrame:
    """Counts when regions are spelt by a function of chromosome, start, end."""
    data = atac()
    var = data.var
    names = map(spell, var["chrom"], var["start"], var["end"])
    data.var = pd.DataFrame(index=pd.Index(list(names)))
    return atac_read(save(data, "atac.h5ad"))


def with_first(name: str) -> pd.DataFrame:
    """Counts when the first region has another name."""
    data = atac()
    data.var = pd.DataFrame(index=[name, *data.var_names[1:]])
    return atac_read(save(data, "atac.h5ad"))


SPELLINGS = {
    "chr1:1-2": "{}:{}-{}",
    "chr1-1-2": "{}-{}-{}",
    "chr1_1_2": "{}_{}_{}",
    "chr1.1.2": "{}.{}.{}",
    "chr1:1_2": "{}:{}_{}",
    "chr1:1..2": "{}:{}..{}",
    "chr1:1,000-2,000": "{}:{:,}-{:,}",
    "chr1:01-02": "{}:{:012d}-{:012d}",
    "spaces around": " {}:{}-{} ",
}
for given, form in SPELLINGS.items():
    KIND.works(f"regions as {given}", lambda f=form: named(f.format), RIGHT)

for given, form, words in [
    ("chr1:1-2 with a + for the strand", "{}:{}-{}:+", "columns such as|region names"),
    ("chr1 1 2", "{} {} {}", "columns such as|region names"),
    ("peak_1", "peak{}{}{}", "columns such as|region names"),
    ("1:1-2 (no chr) beside a TSS table with chr", "X{}:{}-{}", "chromosome"),
    ("chr1:1e3-2e3", "{}:{:.0e}-{:.0e}", "columns such as|region names"),
    ("chr1:1.5-2.5", "{}:{}.5-{}.5", "decimal point"),
    ("chr1:100.0-600.0", "{}:{}.0-{}.0", "decimal point"),
    ("chr1:100.0-600", "{}:{}.0-{}", "decimal point"),
    ("chr1:100-600.0", "{}:{}-{}.0", "decimal point"),
    ("chr1-100.0-600.0", "{}-{}.0-{}.0", "decimal point"),
]:
    KIND.refused(f"regions as {given}", lambda f=form: named(f.format), words)
KIND.refused(
    "regions 1:1-2 beside a TSS table with chr1",
    lambda: named(lambda c, s, e: f"{c.removeprefix('chr')}:{s}-{e}"),
    "chr1",
    "naming style",
)
KIND.refused(
    "regions CHR1:1-2",
    lambda: named(lambda c, s, e: f"{c.upper()}:{s}-{e}"),
    "chromosomes",
    "chr1",
)
KIND.refused(
    "regions of NC_000001.11:1-2 (RefSeq)",
    lambda: named(lambda c, s, e: f"NC_00000{c[-1]}.11:{s}-{e}"),
    "chromosomes",
    "chr1",
)
for given, name, words in [
    ("one region that ends at its start", "chr1:500-500", "end before"),
    ("one region that ends before its start", "chr1:500-400", "end before"),
    ("one region with a start of -5", "chr1:-5-400", "region names"),
    ("one coordinate of 20 digits", "chr1:1-99999999999999999999", "digits"),
    ("one region without a chromosome", ":1-2", "region names"),
    ("one region called nan", "nan", "region names"),
    ("one empty name", "", "region names"),
    (
        "one gene among the regions",
        "GENE0001",
        "region names",
    ),
    ("one region twice", RIGHT.columns[1], "repeated regions"),
    (
        "one region twice, spelt otherwise",
        RIGHT.columns[1].replace(":", "-"),
        "repeated regions",
    ),
]:
    KIND.refused(given, lambda n=name: with_first(n), words)
RENAMED = RIGHT.rename(columns={FIRST: "scaffold_7:100-600"})
KIND.works(
    "one region on a scaffold",
    lambda: with_first("scaffold_7:100-600"),
    RENAMED,
)
KIND.works(
    "a chromosome with _ and . in its name",
    lambda: parse_regions(
        pd.Index(["chr1_KI270706v1_random:5-9", "GL000194.1-5-9", "NC_000001.11_5_9"]),
        "x",
    ).index.tolist(),
    ["chr1_KI270706v1_random:5-9", "GL000194.1:5-9", "NC_000001.11:5-9"],
)


def overlapping() -> pd.DataFrame:
    """Every second region reaches into the next."""
    data = atac()
    names = list(data.var_names)
    for i in range(0, 20, 2):
        chrom, _, span = names[i].partition(":")
        start = int(span.split("-")[0])
        names[i + 1] = f"{chrom}:{start + 100}-{start + 700}"
    data.var = pd.DataFrame(index=names)
    read = ingest("", save(data, "atac.h5ad"))["atac"]
    return read.set_axis(RIGHT.columns, axis=1)


KIND.works(
    "regions that overlap others", overlapping, RIGHT, "20 of 180 regions overlap"
)


def touching() -> list[str]:
    """Two regions side by side."""
    return parse_regions(pd.Index(["chr1:1-5", "chr1:5-9"]), "x").index.tolist()


KIND.works("regions that touch", touching, ["chr1:1-5", "chr1:5-9"])


# the build
def moved(by: int) -> dict[str, Any]:
    """TSSs elsewhere, as those of another build."""
    return ingest(tss=small().tss.assign(tss=small().tss["tss"] + by))


def of_other_build(name: str) -> dict[str, Any]:
    """TSSs elsewhere, and a table of another genome in which they fit."""
    small().tss.to_csv("other.tsv", sep="\t", index=False)
    tss = small().tss.assign(tss=small().tss["tss"] + 9_000)
    return ingest(tss=tss, builds={name: "other.tsv"})


KIND.refused("regions of another build", lambda: moved(9_000), "TSS", "build")
KIND.refused(
    "regions of another build that is declared",
    lambda: of_other_build("hg19"),
    "hg19",
    "write hg19",
)
KIND.works(
    "regions of a build whose table cannot be read beside a right one",
    lambda: ingest(builds={"x": write("other.tsv", "\n")})["atac"],
    RIGHT,
)
WIDE = {"as they are": (0, 0), "1 bp": (250, -250), "11 kb": (-5_000, 5_500)}
for given, (left, right) in WIDE.items():
    KIND.works(
        f"regions of another width: {given}",
        lambda a=left, b=right: named(
            lambda c, s, e: f"{c}:{max(s + a, 0)}-{e + b}"
        ).shape[1],
        180,
    )


# peaks.bed of Cell Ranger ATAC
def bed(lines: list[str]) -> pd.DataFrame:
    """Counts when the ATAC is a folder with peaks.bed."""
    return atac_read(folder_10x("m", atac(), features=lines, name="peaks.bed"))


PEAKS = [
    f"{r.chrom}\t{r.start}\t{r.end}" for r in small().atac.var.itertuples(index=False)
]
KIND.works("folder with peaks.bed", lambda: bed(PEAKS), RIGHT)
KIND.works("peaks.bed with comments", lambda: bed(["# id=x", *PEAKS]), RIGHT)
KIND.works(
    "peaks.bed with a line track", lambda: bed(["track name=peaks", *PEAKS]), RIGHT
)
KIND.works(
    "peaks.bed with names and scores", lambda: bed([f"{p}\tx\t0" for p in PEAKS]), RIGHT
)
KIND.works(
    "peaks.bed with line ends \\r\\n", lambda: bed([f"{p}\r" for p in PEAKS]), RIGHT
)
KIND.refused(
    "peaks.bed separated by spaces",
    lambda: bed([p.replace("\t", " ") for p in PEAKS]),
    "peaks.bed",
    "tab",
)
KIND.refused(
    "peaks.bed with a header",
    lambda: bed(["chrom\tstart\tend", *PEAKS]),
    "181 features|line 1",
)
KIND.refused("peaks.bed with a line less", lambda: bed(PEAKS[1:]), "179 features")
KIND.refused(
    "peaks.bed without ends",
    lambda: bed([p.rpartition("\t")[0] for p in PEAKS]),
    "peaks.bed",
    "columns|fields",
)


# matrices
def transposed() -> pd.DataFrame:
    """Regions in rows."""
    return atac_read(write("atac.tsv.gz", as_text(RIGHT.T, "\t")))


KIND.works(".tsv.gz, regions in rows", transposed, RIGHT)
KIND.works(
    ".csv, cells in rows", lambda: atac_read(write("atac.csv", as_text(RIGHT))), RIGHT
)
KIND.works(
    "fragments counted in fractions of 1.0",
    lambda: atac_read(write("atac.csv", as_text(RIGHT.astype(float)))),
    RIGHT,
)
KIND.refused(
    "TF-IDF in place of counts",
    lambda: atac_read(write("atac.csv", as_text(RIGHT / 7))),
    "whole numbers",
)
KIND.works(
    "a binary matrix",
    lambda: atac_read(write("atac.csv", as_text((RIGHT > 0) * 1))),
    (RIGHT > 0) * 1,
)
KIND.refused(
    "the RNA in place of the ATAC",
    lambda: atac_read(save(rna(), "rna.h5ad")),
    "ATAC",
    "region",
)
KIND.refused(
    "the ATAC in place of the RNA",
    lambda: ingest(save(atac(), "atac.h5ad"), "atac.h5ad"),
    "RNA",
    "genes of the TSS table",
)
KIND.refused("the path of the ATAC misspelt", lambda: atac_read("atc.h5ad"), "atc.h5ad")


def genes_beside_regions() -> pd.DataFrame:
    """The RNA file holds a few regions too, and does not say so."""
    both = anndata.concat([rna(), atac()[:, :30].copy()], axis=1, merge="first")
    both.var = both.var[[]]
    return ingest(save(both, "rna.h5ad"))["rna"]


KIND.refused(
    "regions among the genes of the RNA, not told apart",
    genes_beside_regions,
    "regions",
    "feature_types",
)
KIND.refused(
    "a folder of fragments as ATAC",
    lambda: atac_read(str(Path(write("f/fragments.tsv", "chr1\t1\t2\tA\t1\n")).parent)),
    "matrix.mtx",
)
