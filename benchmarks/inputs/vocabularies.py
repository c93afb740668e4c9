"""Vocabularies, aliases and medians of backbones."""

from __future__ import annotations

import json
import pickle
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from grnformer.graph.align import align_genes
from grnformer.graph.vocabulary import read_aliases, read_medians, read_vocabulary
from inputs.data import LINE_ENDS, write
from inputs.rows import Kind

KIND = Kind("Vocabularies, aliases, medians")
RIGHT = {"A": 0, "B": 2}


def vocabulary(content: str | bytes, path: str = "v.json") -> dict[str, int]:
    """Gene to entry."""
    return read_vocabulary(write(path, content))


TABLE = "gene_name\tindex\nA\t0\nB\t2\n"
for given, content, path in [
    ("JSON", '{"A": 0, "B": 2}', "v.json"),
    ("JSON, a byte-order mark", '\ufeff{"A": 0, "B": 2}', "v.json"),
    ("JSON, entries as 2.0", '{"A": 0.0, "B": 2.0}', "v.json"),
    ("TSV", TABLE, "v.tsv"),
    ("TSV, entries as 2.0", TABLE.replace("2", "2.0"), "v.tsv"),
    ("TSV, columns in another order", "index\tgene_name\n0\tA\n2\tB\n", "v.tsv"),
    ("pickle of protocol 0", pickle.dumps(RIGHT, protocol=0), "v.pkl"),
    ("pickle of protocol 5", pickle.dumps(RIGHT, protocol=5), "v.pkl"),
    (
        "pickle of numpy numbers",
        pickle.dumps({"A": np.int64(0), "B": np.int32(2)}),
        "v.pkl",
    ),
]:
    KIND.works(f"vocabulary: {given}", partial(vocabulary, content, path), RIGHT)
for name, end in LINE_ENDS.items():
    KIND.works(
        f"vocabulary: line ends {name}",
        partial(vocabulary, TABLE.replace("\n", end), "v.tsv"),
        RIGHT,
    )
for name in ("NA", "nan", "None", "True", "007", "#1"):
    KIND.works(
        f"vocabulary: a gene called {name}",
        partial(vocabulary, TABLE.replace("A\t", f"{name}\t"), "v.tsv"),
        {name: 0, "B": 2},
    )
for given, content, path, *words in [
    ("JSON, empty", "", "v.json", "v.json"),
    ("JSON, cut off", '{"A": 0, ', "v.json", "JSON"),
    ("JSON of a list", '["A", "B"]', "v.json", "v.json"),
    ("JSON of words", '{"A": "0"}', "v.json", "v.json", "'0'"),
    ("JSON, a gene twice", '{"A": 0, "A": 1}', "v.json", "'A' stands twice"),
    ("JSON, a fraction", '{"A": 0.5}', "v.json", "0.5"),
    ("JSON, a negative entry", '{"A": -1}', "v.json", "-1"),
    ("JSON, NaN", '{"A": NaN}', "v.json", "nan|NaN"),
    ("JSON, true", '{"A": true, "B": 2}', "v.json", "True|true"),
    ("JSON, an entry of 2^40", '{"A": 1099511627776}', "v.json", "1099511627776"),
    ("JSON nested 100,000 deep", "[" * 100_000, "v.json", "v.json"),
    ("two genes of one entry", '{"A": 0, "B": 0}', "v.json", "two genes with one entry"),
    ("TSV without a header", "A\t0\nB\t2\n", "v.tsv", "columns"),
    ("TSV, a word for an entry", TABLE.replace("2", "x"), "v.tsv", "'x'"),
    ("TSV, an empty entry", TABLE.replace("\t2", "\t"), "v.tsv", "v.tsv"),
    ("TSV, a gene twice", TABLE + "A\t3\n", "v.tsv", "each name once"),
    ("TSV, an entry of 20 digits", TABLE.replace("2", "9" * 20), "v.tsv", "9" * 20),
    ("TSV in UTF-16", TABLE.encode("utf-16"), "v.tsv", "UTF-16"),
    ("pickle of a list", pickle.dumps([1]), "v.pkl", "something else"),
    ("pickle of words", pickle.dumps({"A": "x"}), "v.pkl", "'x'"),
    ("pickle, cut off", pickle.dumps(RIGHT)[:-4], "v.pkl", "no readable pickle"),
    ("a list of genes in .txt", "A\nB\n", "v.txt", "v.txt"),
]:  # fmt: skip
    KIND.refused(f"vocabulary: {given}", partial(vocabulary, content, path), *words)
KIND.refused("vocabulary: not there", lambda: read_vocabulary("v.json"), "v.json")

ALIASES = {"P53": "TP53", "NaN": "SCN11A"}
for given, content, path in [
    ("TSV", "alias\tsymbol\nP53\tTP53\nNaN\tSCN11A\n", "a.tsv"),
    ("TSV, more columns", "symbol\talias\tx\nTP53\tP53\t1\nSCN11A\tNaN\t\n", "a.tsv"),
    ("CSV", "alias,symbol\nP53,TP53\nNaN,SCN11A\n", "a.csv"),
    ("pickle", pickle.dumps(ALIASES), "a.pkl"),
]:
    KIND.works(
        f"aliases: {given}",
        lambda c=content, p=path: read_aliases(write(p, c)),
        ALIASES,
    )
for name in ("NA", "nan", "None", "#N/A", "True", "007", "1e5"):
    KIND.works(
        f"aliases: alias and symbol called {name}",
        lambda n=name: read_aliases(write("a.tsv", f"alias\tsymbol\n{n}\t{n}\n")),
        {name: name},
    )
for given, content, path, *words in [
    ("empty", "", "a.tsv", "empty"),
    ("other columns", "a\tb\nP53\tTP53\n", "a.tsv", "columns"),
    ("a row without a symbol", "alias\tsymbol\nP53\t\n", "a.tsv", "1 rows without"),
    ("an alias of two genes", "alias\tsymbol\nP53\tTP53\nP53\tX\n", "a.tsv", "each name once", "P53"),
    ("pickle of numbers", pickle.dumps({"A": 1}), "a.pkl", "something else"),
]:  # fmt: skip
    KIND.refused(
        f"aliases: {given}", lambda c=content, p=path: read_aliases(write(p, c)), *words
    )


def medians(values: Any) -> Any:
    """Medians of genes A and B."""
    write("m.pkl", pickle.dumps(values))
    genes = pd.DataFrame({"gene": ["B", "A"], "token": [2, 0]})
    return read_medians("m.pkl", write("v.json", json.dumps(RIGHT)), genes)


KIND.works("medians", lambda: medians({"A": 1.5, "B": 2}), np.array([2, 1.5]))
KIND.works(
    "medians of numpy",
    lambda: medians({"A": np.float64(1.5), "B": np.float32(2)}),
    np.array([2, 1.5]),
)
for given, values, *words in [
    ("a gene missing", {"A": 1.5}, "no median above 0 of 1 genes", "'B'"),
    ("a median of 0", {"A": 1.5, "B": 0}, "no median above 0", "'B'"),
    ("a median that is NaN", {"A": np.nan, "B": 1}, "no median above 0", "'A'"),
    ("a median that is infinite", {"A": np.inf, "B": 1}, "median", "'A'"),
    ("a word for a median", {"A": "x", "B": 1}, "m.pkl"),
]:  # fmt: skip
    KIND.refused(f"medians: {given}", partial(medians, values), *words)


def aligned(genes: list[str], aliases: dict[str, str] | None = None) -> list[list[Any]]:
    """Genes and entries in a vocabulary of TP53, MYC and ENSG00000000001."""
    known = {"TP53": 7, "MYC": 9, "ENSG00000000001": 11}
    return align_genes(genes, known, aliases or {})[0].to_numpy().tolist()


KIND.works(
    "genes P53, TP53, MYC and the alias P53",
    lambda: aligned(["P53", "TP53", "MYC"], {"P53": "TP53"}),
    [["TP53", 7], ["MYC", 9]],
)
KIND.works(
    "an id with a version",
    lambda: aligned(["ENSG00000000001.4"]),
    [["ENSG00000000001.4", 11]],
)
KIND.refused(
    "genes in small letters", lambda: aligned(["tp53", "myc"]), "0 of 2 genes", "tp53"
)
