"""Truth tables of benchmarks: ChIP-seq targets, perturbation screens."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from grnformer.bench.grn_accuracy.truth import read_truth
from grnformer.core.io import read_json
from inputs.data import write
from inputs.rows import Kind

KIND = Kind("Truth of benchmarks")
GENES = ["SPI1", "G1", "G2", "G3"]
RIGHT = {"SPI1": ["G1", "G2"]}


def truth(content: Any, line: str = "GM12878", **options: Any) -> dict[str, list[str]]:
    """Targets of each TF."""
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path = write(options.pop("path", "t.json"), text)
    given = {"known_tfs": {"SPI1", "PAX5"}, "aliases": {}, "min_positives": 1} | options
    found, _ = read_truth(read_json(path, "chip_targets"), line, GENES, **given)
    rows = zip(found.tfs, found.targets, strict=True)
    return {
        tf: [g for g, hit in zip(GENES, hits, strict=True) if hit] for tf, hits in rows
    }


PLAIN = {"SPI1 GM12878": ["G1", "G2", "X"], "PAX5 K562": ["G3"]}
for given, content, options in [
    ("as documented", PLAIN, {}),
    ("gzipped", PLAIN, {"path": "t.json.gz"}),
    ("a byte-order mark", "\ufeff" + json.dumps(PLAIN), {}),
    ("a target twice", {"SPI1 GM12878": ["G1", "G2", "G1"]}, {}),
    ("the TF among its targets", {"SPI1 GM12878": ["G1", "G2", "SPI1"]}, {}),
    ("the TF by an alias", {"PU1 GM12878": ["G1", "G2"]}, {"aliases": {"PU1": "SPI1"}}),
    (
        "two experiments of one TF",
        {"PU1 GM12878": ["G1"], "SPI1 GM12878": ["G2"]},
        {"aliases": {"PU1": "SPI1"}},
    ),
    (
        "a protein that is no TF",
        {"POLR2A GM12878": ["G3"], "SPI1 GM12878": ["G1", "G2"]},
        {},
    ),
]:
    KIND.works(given, partial(truth, content, **options), RIGHT)
for given, content, *words in [
    ("no experiment of the line", {"SPI1 K562": ["G1"]}, "'GM12878'", "K562"),
    ("the line in small letters", {"SPI1 gm12878": ["G1"]}, "'GM12878'", "gm12878"),
    ("keys without a line", {"SPI1": ["G1"]}, "'GM12878'"),
    ("no target among the genes", {"SPI1 GM12878": ["X"]}, "none usable", "targets"),
    ("TFs of mouse", {"Spi1 GM12878": ["G1"]}, "none usable"),
    ("a list of pairs", [["SPI1", "G1"]], "t.json"),
    ("a word for targets", {"SPI1 GM12878": "G1"}, "t.json", "SPI1 GM12878", "array"),
    ("numbers for targets", {"SPI1 GM12878": [1, 2]}, "t.json|SPI1 GM12878"),
    ("a map for targets", {"SPI1 GM12878": {"G1": 1}}, "t.json", "SPI1 GM12878", "array"),
    ("null for targets", {"SPI1 GM12878": None}, "t.json|SPI1 GM12878"),
    ("an experiment twice", '{"SPI1 GM12878": ["G1"], "SPI1 GM12878": ["G2"]}', "stands twice"),
    ("empty", "", "t.json"),
    ("an empty map", {}, "none usable|t.json"),
    ("cut off", '{"SPI1 GM12878": ["G1"', "t.json", "JSON"),
    ("latin-1", b'{"SPI1 GM12878": ["\xdf"]}', "UTF-8"),
    ("a table in place of JSON", "tf\tgene\nSPI1\tG1\n", "t.json", "JSON"),
    ("nested 100,000 deep", "[" * 100_000, "t.json"),
]:  # fmt: skip
    KIND.refused(given, partial(truth, content), *words)
