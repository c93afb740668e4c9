"""Motif collections, motif-to-TF tables, sequences."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.genome.motif_tfs import read_annotations
from grnformer.genome.motifs import read_motifs
from grnformer.genome.promoters import read_promoters
from grnformer.genome.sequence import read_sequences
from inputs.data import LINE_ENDS, cut, write
from inputs.rows import Kind

KIND = Kind("Motifs, their TFs, sequences")
MATRIX = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.25, 0.75]])


def motifs(content: str | bytes, path: str) -> dict[str, np.ndarray]:
    """First matrix of each motif, without background."""
    found = read_motifs([write(path, content)], background_fraction=0.0)
    return {name: matrices[0] for name, matrices in found.items()}


JASPAR = ">m\tA\nA [ 2 0 ]\nC [ 2 0 ]\nG [ 0 1 ]\nT [ 0 3 ]\n"
MEME = "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF m\nletter-probability matrix: w= 2 nsites= 20\n.5 .5 0 0\n0 0 .25 .75\n"
TRANSFAC = "AC  m\nXX\nID  m\nXX\nP0  A C G T\n01  2 2 0 0\n02  0 0 1 3\nXX\n//\n"
FORMS = {
    "JASPAR": (JASPAR, "m.jaspar"),
    "JASPAR, gzipped": (JASPAR, "m.jaspar.gz"),
    "JASPAR, a byte-order mark": ("\ufeff" + JASPAR, "m.jaspar"),
    "JASPAR, four bare rows": (">m\n2 0\n2 0\n0 1\n0 3\n", "m.pfm"),
    "JASPAR, fractions": (JASPAR.replace("2", "0.5").replace("1", "0.25").replace("3", "0.75"), "m.jaspar"),
    "MEME": (MEME, "m.meme"),
    "MEME, line ends \\r\\n": (MEME.replace("\n", "\r\n"), "m.meme"),
    "TRANSFAC": (TRANSFAC, "m.transfac"),
    "Cluster-Buster": (">x\n2 2 0 0\n0 0 1 3\n", "m.cb"),
    "four columns": (">m\n0.5\t0.5\t0\t0\n0\t0\t0.25\t0.75\n", "m.txt"),
    "CIS-BP": ("Pos\tA\tC\tG\tT\n1\t.5\t.5\t0\t0\n2\t0\t0\t.25\t.75\n", "m.txt"),
    "JSON": (json.dumps([{"ID": "m", "counts": [[2, 0], [2, 0], [0, 1], [0, 3]]}]), "m.json"),
    "JSON, gzipped": (json.dumps([{"ID": "m", "counts": [[2, 0], [2, 0], [0, 1], [0, 3]]}]), "m.json.gz"),
}  # fmt: skip
for given, (content, path) in FORMS.items():
    KIND.works(f"motifs: {given}", partial(motifs, content, path), {"m": MATRIX})
KIND.works(
    "motifs: one called NA",
    lambda: list(motifs(JASPAR.replace(">m", ">NA"), "m.jaspar")),
    ["NA"],
)
for given, content, path, *words in [
    ("empty", "", "m.meme", "no motif|empty"),
    ("words", "hello\n", "m.meme", "no motif"),
    ("a web page", "<html><p>404</p></html>\n", "m.meme", "no motif"),
    ("UTF-16", MEME.encode("utf-16"), "m.meme", "UTF-16"),
    ("latin-1", JASPAR.replace("m\tA", "\xdf").encode("latin-1"), "m.jaspar", "UTF-8"),
    ("Excel", b"PK\x03\x04" + b"\0" * 40, "m.txt", "Excel"),
    ("log odds (negative values)", ">m\n0.5\t-1.5\t0\t0\n0\t0\t1\t1\n", "m.txt", "negative"),
    ("a position of zeros", ">m\n0\t0\t0\t0\n0\t0\t1\t1\n", "m.txt", "position without any"),
    ("NaN", ">m\n1\tnan\t0\t0\n0\t0\t1\t1\n", "m.txt", "m.txt"),
    ("infinity", ">m\n1\tinf\t0\t0\n0\t0\t1\t1\n", "m.txt", "infinite|m.txt"),
    ("a word for a count", JASPAR.replace("3", "x"), "m.jaspar", "m.jaspar"),
    ("rows of unequal length", JASPAR.replace("0 3", "0 3 1"), "m.jaspar", "m.jaspar"),
    ("decimal commas", ">m\n0,5\t0,5\t0\t0\n0\t0\t1\t1\n", "m.txt", "m.txt"),
    ("five rows in JSON", json.dumps([{"ID": "m", "counts": [[1]] * 5}]), "m.json", "4 x positions"),
    ("JSON without an id", json.dumps([{"counts": [[1]] * 4}]), "m.json", "m.json"),
    ("JSON, cut off", '[{"ID": "m", "counts": [[1', "m.json", "m.json"),
    ("JSON of a number", "3", "m.json", "m.json"),
    ("MEME, cut off in a motif", MEME[:-20], "m.meme", "m.meme"),
    ("a motif without positions", ">m\n\n>n\n1 0 0 0\n", "m.cb", "position|m.cb"),
]:  # fmt: skip
    KIND.refused(f"motifs: {given}", partial(motifs, content, path), *words)
KIND.refused(
    "motifs: one name in two files",
    lambda: read_motifs(
        [write("a.jaspar", JASPAR), write("b.jaspar", JASPAR)], background_fraction=0
    ),
    "repeats the motif 'm'",
)
KIND.refused(
    "motifs: gzip cut off",
    lambda: read_motifs([cut(write("m.meme.gz", MEME * 9))], background_fraction=0),
    "cut off",
)

# motif-to-TF tables
BOUNDS = {"motif_similarity_fdr": 0.001, "orthologous_identity": 0.0}
SIGN = [["m", "A", "direct"], ["n", "B", "orthology"]]


def table(content: str | bytes, path: str = "m.tsv") -> list[list[str]]:
    """Motif, TF, evidence."""
    return read_annotations(write(path, content), **BOUNDS).to_numpy().tolist()


SNAPSHOT = (
    "#motif_id\tgene_name\tmotif_similarity_qvalue\torthologous_identity\tdescription\n"
    "m\tA\t0\t1\tgene is directly annotated\nn\tB\t0\t0.9\tgene is orthologous to X\n"
)
RCIS = "motif\tTF\tdirectAnnotation\tinferred_Orthology\tinferred_MotifSimil\nm\tA\t{0}\t{1}\t{1}\nn\tB\t{1}\t{0}\t{1}\n"
for given, content, path in [
    ("cisTarget's snapshot", SNAPSHOT, "m.tbl"),
    ("cisTarget's snapshot, gzipped", SNAPSHOT, "m.tbl.gz"),
    ("cisTarget's snapshot, a byte-order mark", "\ufeff" + SNAPSHOT, "m.tbl"),
    ("RcisTarget, TRUE and FALSE", RCIS.format("TRUE", "FALSE"), "m.tsv"),
    ("RcisTarget, T and F", RCIS.format("T", "F"), "m.tsv"),
    ("RcisTarget, 1 and 0", RCIS.format("1", "0"), "m.tsv"),
    ("RcisTarget, TRUE and NA", RCIS.format("TRUE", "NA"), "m.tsv"),
    ("RcisTarget, true and empty", RCIS.format("true", ""), "m.tsv"),
    ("RcisTarget, .csv", RCIS.format("TRUE", "FALSE").replace("\t", ","), "m.csv"),
]:
    KIND.works(f"motif table: {given}", partial(table, content, path), SIGN)
for name, end in LINE_ENDS.items():
    KIND.works(
        f"motif table: line ends {name}",
        partial(table, SNAPSHOT.replace("\n", end)),
        SIGN,
    )
for name in ("NA", "nan", "None", "#N/A", "True", "007", "1e5"):
    KIND.works(
        f"motif table: plain, motif and TF called {name}",
        partial(table, f"motif\ttf\n{name}\t{name}\n"),
        [[name, name, "direct"]],
    )
KIND.works(
    "motif table: a row twice",
    lambda: table("motif\ttf\nm\tA\nm\tA\n"),
    [["m", "A", "direct"]],
)
for given, content, *words in [
    ("empty", "", "empty"),
    ("a header alone", "motif\ttf\n", "no row"),
    ("columns a, b", "a\tb\nm\tA\n", "columns"),
    ("a line with a field more", "motif\ttf\nm\tA\tx\n", "3 fields"),
    ("a word for a q-value", SNAPSHOT.replace("A\t0", "A\tlow"), "'low'", "number"),
    ("an infinite q-value", SNAPSHOT.replace("A\t0", "A\tinf"), "inf"),
    ("a flag of another word", RCIS.format("TRUE", "maybe"), "'maybe'", "TRUE or FALSE"),
    ("no row that passes", SNAPSHOT.replace("\t0\t", "\t0.9\t"), "no row", "motif_similarity_fdr"),
    ("UTF-16", SNAPSHOT.encode("utf-16"), "UTF-16"),
    ("Excel", b"PK\x03\x04" + b"\0" * 40, "Excel"),
]:  # fmt: skip
    KIND.refused(f"motif table: {given}", partial(table, content), *words)
KIND.refused(
    "motif table: .mat that is none", lambda: table(b"x" * 300, "m.mat"), "Match2"
)

# sequences
REGIONS = pd.DataFrame({"chrom": ["chr1"], "start": [2], "end": [6]})


def bases(content: str | bytes, path: str = "g.fa") -> list[list[int]]:
    """Codes of the region chr1:2-6."""
    return [codes.tolist() for codes in read_sequences(write(path, content), REGIONS)]


KIND.works("genome: FASTA", lambda: bases(">chr1\nAACGTACC\n"), [[1, 2, 3, 0]])
KIND.works("genome: small letters", lambda: bases(">chr1\naacgtacc\n"), [[1, 2, 3, 0]])
KIND.works(
    "genome: N in the region", lambda: bases(">chr1\nAACNTACC\n"), [[1, -1, 3, 0]]
)
KIND.works(
    "genome: words behind the name",
    lambda: bases(">chr1 dna\nAACGTACC\n"),
    [[1, 2, 3, 0]],
)
for given, content, path, *words in [
    ("empty", "", "g.fa", "g.fa"),
    ("no FASTA", "hello\n", "g.fa", "g.fa"),
    ("no such chromosome", ">1\nAACGTACC\n", "g.fa", "chr1", "chromosome names"),
    ("a shorter chromosome", ">chr1\nAAC\n", "g.fa", "3 bp of chr1"),
    ("compressed by gzip, not bgzip", ">chr1\nAACGTACC\n", "g.fa.gz", "bgzip"),
    ("lines of unequal length", ">chr1\nAAC\nGTACC\nAA\n", "g.fa", "g.fa"),
]:  # fmt: skip
    KIND.refused(f"genome: {given}", partial(bases, content, path), *words)


def promoters(content: str | bytes, path: str = "p.fa") -> Any:
    """Gene number of each promoter."""
    return read_promoters(
        Path(write(path, content)), ["A", "B"], min_genes=0.5
    ).gene.tolist()


KIND.works("promoters: FASTA", lambda: promoters(">A_1\nACGT\n>B_1\nAC\n"), [0, 1])
KIND.works(
    "promoters: EPD's header", lambda: promoters(">EP1 A_1 :+U\nACGT\n>X_1\nAC\n"), [0]
)
KIND.works(
    "promoters: a name and bases a line",
    lambda: promoters("A_1\tACGT\nB_2\tAC\n"),
    [0, 1],
)
for given, content, *words in [
    ("empty", "", "promoters|empty"),
    ("names without a number", ">A\nACGT\n", "<symbol>_<number>"),
    ("genes of another species", ">a_1\nACGT\n", "0 of 2 genes"),
    ("a promoter without bases", ">A_1\n\n>B_1\nAC\n", "0 bases"),
    ("latin-1", ">A_1\xdf\nAC\n".encode("latin-1"), "UTF-8"),
]:  # fmt: skip
    KIND.refused(f"promoters: {given}", partial(promoters, content), *words)
