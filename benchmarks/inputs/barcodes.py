"""Barcodes of the two modalities, and samples of one dataset."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from grnformer.prep.merge import merge_samples
from grnformer.prep.sample import load_sample
from inputs.data import PREP, atac, ingest, rna, save, small, truth, write
from inputs.rows import Kind

KIND = Kind("Barcodes and samples")
RIGHT = truth()
BOTH = {"rna": RIGHT, "atac": truth("atac")}
BARE = [name.removesuffix("-1") for name in RIGHT.index]


def renamed(names: Any, *, keep: bool = True, **options: Any) -> Any:
    """Both modalities when the ATAC's barcodes are spelt by a function of 16 bases and number, or are a list."""
    data = atac()
    data.obs_names = (
        [names(b, i) for i, b in enumerate(BARE)] if callable(names) else names
    )
    found = ingest("", save(data, "atac.h5ad"), **options)
    return found if keep else found["rna"].shape


SPELLINGS = {
    "as in the RNA": (lambda b, i: f"{b}-1", ()),
    "without -1": (lambda b, i: b, ("-1",)),
    "-2 in place of -1": (lambda b, i: f"{b}-2", ("suffix",)),
    ".1 in place of -1 (R)": (lambda b, i: f"{b}.1", ("suffix",)),
    "_1 in place of -1": (lambda b, i: f"{b}_1", ("suffix",)),
    "sample_ before": (lambda b, i: f"s1_{b}-1", ("prefix",)),
    "sample# before (ArchR)": (lambda b, i: f"s1#{b}-1", ("prefix",)),
    "sample: before": (lambda b, i: f"s1:{b}-1", ("prefix",)),
    "donor_1_sample_ before": (lambda b, i: f"donor_1_s_{b}-1", ("prefix",)),
    "sample# before, without -1": (lambda b, i: f"s1#{b}", ("prefix",)),
    "_sample behind": (lambda b, i: f"{b}-1_s1", ("suffix",)),
    "small letters": (lambda b, i: f"{b}-1".lower(), ("case",)),
    "a space behind": (lambda b, i: f"{b}-1 ", ("spaces",)),
    "a space before": (lambda b, i: f" {b}-1", ("spaces",)),
}
for given, (spell, warned) in SPELLINGS.items():
    KIND.works(f"ATAC barcodes: {given}", partial(renamed, spell), BOTH, *warned)

KIND.refused(
    "ATAC barcodes: others",
    lambda: renamed(lambda b, i: f"{b[::-1]}-1"),
    "0 of 40",
    "737K-arc-v1",
)
KIND.refused(
    "ATAC barcodes: cell_1, cell_2 ...",
    lambda: renamed(lambda b, i: f"cell_{i}"),
    "0 of 40",
)
KIND.refused(
    "ATAC barcodes: 0, 1, 2 ...", lambda: renamed(lambda b, i: str(i)), "row numbers"
)
KIND.refused(
    "barcodes of both: 0, 1, 2 ...",
    lambda: ingest(save(numbered(rna()), "r.h5ad"), save(numbered(atac()), "a.h5ad")),
    "row numbers",
)
KIND.refused(
    "ATAC barcodes: one twice",
    lambda: renamed([RIGHT.index[0], *RIGHT.index[:-1]]),
    "repeated barcodes",
)
KIND.refused(
    "ATAC barcodes: all one but for -1 to -40",
    lambda: renamed(lambda b, i: f"{BARE[0]}-{i + 1}"),
    "1 of 40",
)
KIND.refused(
    "ATAC barcodes: of two lanes that -1 and -2 alone tell apart, the RNA's bare",
    lambda: two_lanes(),
    "of 40 RNA barcodes",
)
KIND.refused(
    "ATAC barcodes: reversed and complemented",
    lambda: renamed(lambda b, i: complement(b) + "-1"),
    "0 of 40",
)
KIND.works(
    "ATAC with 10 cells more than the RNA",
    lambda: ingest(save(rna()[:30].copy(), "r.h5ad"))["atac"],
    truth("atac")[:30],
)
KIND.works(
    "cells of the ATAC in another order",
    lambda: ingest("", save(atac()[::-1].copy(), "a.h5ad")),
    BOTH,
)
KIND.refused(
    "3 of 40 cells in both",
    lambda: renamed(lambda b, i: f"{b}-1" if i < 3 else f"{b[::-1]}-1"),
    "3 of 40",
    "min_barcode_overlap",
)


def numbered(data: Any) -> Any:
    """Cells named by their numbers."""
    data.obs_names = [str(i) for i in range(data.n_obs)]
    return data


def complement(bases: str) -> str:
    """The other strand."""
    return bases.translate(str.maketrans("ACGT", "TGCA"))[::-1]


def two_lanes() -> Any:
    """Twenty barcodes, each in two lanes; the RNA is numbered otherwise."""
    r, a = rna(), atac()
    r.obs_names = [f"{b}-{1 + i // 20}" for i, b in enumerate(BARE[:20] * 2)]
    a.obs_names = [f"{b}_L{1 + i // 20}" for i, b in enumerate(BARE[:20] * 2)]
    return ingest(save(r, "r.h5ad"), save(a, "a.h5ad"))


# 10x' two lists
def by_table(lines: list[str], path: str = "pairs.tsv") -> Any:
    """Both modalities when the ATAC has barcodes of its own, and a table tells the RNA's."""
    table = write(path, "".join(f"{line}\n" for line in lines))
    return renamed(lambda b, i: f"{complement(b)}-1", two_barcodes=table)


PAIRS = [f"{b}\t{complement(b)}" for b in BARE]
SWAPPED = [f"{complement(b)}\t{b}" for b in BARE]
KIND.works("prep.barcode_table, tabs", lambda: by_table(PAIRS), BOTH)
KIND.works("prep.barcode_table, gzipped", lambda: by_table(PAIRS, "p.tsv.gz"), BOTH)
KIND.works(
    "prep.barcode_table, commas",
    lambda: by_table([p.replace("\t", ",") for p in PAIRS], "p.csv"),
    BOTH,
)
KIND.works(
    "prep.barcode_table, line ends \\r\\n",
    lambda: by_table([f"{p}\r" for p in PAIRS]),
    BOTH,
)
KIND.works(
    "prep.barcode_table with -1 in both columns",
    lambda: by_table([f"{b}-1\t{complement(b)}-1" for b in BARE]),
    BOTH,
)
KIND.works(
    "prep.barcode_table with a header",
    lambda: by_table(["gex\tatac", *PAIRS]),
    BOTH,
)
KIND.works(
    "prep.barcode_table, though both have one barcode",
    lambda: ingest(two_barcodes=write("p.tsv", "\n".join(PAIRS))),
    BOTH,
)
for given, lines, named in [
    ("columns swapped", SWAPPED, "0 of 40"),
    ("one column", BARE, "1 columns"),
    ("three columns", [f"{p}\tx" for p in PAIRS], "3 columns"),
    ("a barcode twice", [*PAIRS, PAIRS[0]], "twice"),
    ("empty", [], "empty"),
    ("of another kit", [f"{b[::-1]}\t{b[::-1]}" for b in BARE], "of 40"),
]:
    KIND.refused(f"prep.barcode_table, {given}", partial(by_table, lines), named)


# samples of one dataset
def sample(name: str, r: Any, a: Any, types: str = "") -> Any:
    """One sample."""
    settings = PREP
    keys = ("min_known_genes", "counts", "min_barcode_overlap", "min_annotated")
    row = {"sample": name, "donor": name, "genome": "simulated", "annotation": types}
    row |= {"rna": save(r, f"{name}r.h5ad"), "atac": save(a, f"{name}a.h5ad")}
    given = {key: settings[key] for key in keys}
    build = settings["build"] | {"min_regions": 100}
    return load_sample(row, small().tss, **given, build=build)[0]


def merged(*samples: Any) -> pd.DataFrame:
    """Counts of genes of all samples by cell name."""
    return merge_samples(list(samples), min_shared_features=0.5)[0].mod["rna"].to_df()


HALVES = pd.concat(
    [RIGHT[:20].add_prefix("a:", axis=0), RIGHT[20:].add_prefix("b:", axis=0)]
)
KIND.works(
    "two samples, half of the cells each",
    lambda: merged(
        sample("a", rna()[:20].copy(), atac()[:20].copy()),
        sample("b", rna()[20:].copy(), atac()[20:].copy()),
    ),
    HALVES,
)
KIND.works(
    "two samples, genes in another order",
    lambda: merged(
        sample("a", rna()[:20].copy(), atac()[:20].copy()),
        sample("b", rna()[20:, ::-1].copy(), atac()[20:].copy()),
    ),
    HALVES,
)
KIND.refused(
    "two samples that are one file",
    lambda: merged(sample("a", rna(), atac()), sample("b", rna(), atac())),
    "'a' and 'b'",
    "share 40 of 40 cells",
)
KIND.refused(
    "two samples, peaks called on each",
    lambda: merged(
        sample("a", rna()[:20].copy(), atac()[:20].copy()),
        sample("b", rna()[20:].copy(), shifted(atac()[20:].copy())),
    ),
    "regions",
    "one set of peaks",
)
KIND.refused(
    "two samples, one of them annotated",
    lambda: merged(
        sample("a", rna()[:20].copy(), atac()[:20].copy(), "obs:cell_type"),
        sample("b", rna()[20:].copy(), atac()[20:].copy()),
    ),
    "\\['b'\\] have no annotation",
)
KIND.refused(
    "two samples, Treg in one and TREG in the other",
    lambda: merged(
        sample("a", typed("Treg")[:20].copy(), atac()[:20].copy(), "obs:cell_type"),
        sample("b", typed("TREG")[20:].copy(), atac()[20:].copy(), "obs:cell_type"),
    ),
    "'TREG' and 'Treg'",
)


def typed(name: str) -> Any:
    """All cells of one type."""
    data = rna()
    data.obs["cell_type"] = name
    return data


def shifted(data: Any) -> Any:
    """All regions 3 bp further."""
    var = data.var
    names = var["chrom"] + ":" + (var["start"] + 3).astype(str) + "-"
    data.var = pd.DataFrame(index=pd.Index(names + (var["end"] + 3).astype(str)))
    return data
