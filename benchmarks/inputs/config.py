"""The configuration: types, bounds, names, several files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import yaml

from grnformer.grn.cistromes import check_motif_settings
from grnformer.grn.stability import check_stability_settings
from grnformer.settings.read import check_config, complete
from grnformer.workflow.config import (
    check_models,
    check_paths,
    config_of_datasets,
    read_registry,
)
from grnformer.workflow.config_files import check_config_files
from inputs.data import write
from inputs.rows import Kind

KIND = Kind("Configuration")
ROOT = Path(__file__).parents[2]


def read(text: str | bytes, *places: str, more: str = "") -> Any:
    """What the plan makes of a config file: values at places such as prep.seed, after all checks."""
    paths = [write("mine.yaml", text)] + ([write("more.yaml", more)] if more else [])
    check_config_files(paths, ["snakemake", "--configfile", *paths])
    merged: dict[str, Any] = {}
    for path in paths:
        merged |= yaml.safe_load(Path(path).read_bytes()) or {}
    config = complete(merged)
    check_config(config)
    for of_dataset in config_of_datasets(config, ["mine"]).values():
        check_motif_settings(of_dataset["grn"]["cistromes"])
        check_stability_settings(of_dataset["grn"])
    check_paths(config, read_registry(ROOT / "config" / "resources.yaml"), ROOT)
    check_models(config, {"mine": "hg38"})
    return [at(config, place) for place in places]


def at(config: Any, place: str) -> Any:
    """The value at a place."""
    for part in place.split("."):
        config = config[part]
    return config


def nested(place: str, value: str) -> str:
    """YAML of one value; `value` is its text."""
    parts = place.split(".")
    lines = [f"{'  ' * depth}{part}:" for depth, part in enumerate(parts)]
    return "\n".join(lines) + f" {value}\n"


TINY = "pretrain.sizes.tiny"
for place, value, expected in [
    ("prep.seed", "7", 7),
    ("prep.seed", "7.0", 7),
    ("prep.seed", '"7"', 7),
    ("prep.seed", "4294967295", 4294967295),
    (f"{TINY}.learning_rate", "1e-4", 1e-4),
    (f"{TINY}.learning_rate", '"0.0001"', 1e-4),
    (f"{TINY}.learning_rate", "1.0e-4", 1e-4),
    (f"{TINY}.steps", "1e3", 1000),
    (f"{TINY}.steps", "1_000", 1000),
    ("prep.cells.max_umis", "null", None),
    ("prep.cells.max_umis", "~", None),
    ("prep.cells.max_umis", '"null"', None),
    ("prep.doublets.enabled", "yes", True),
    ("prep.doublets.enabled", "off", False),
    ("prep.doublets.enabled", '"true"', True),
    ("prep.cells.max_percent_mito", "100", 100),
    ("topics.n_topics", "[4.0, 8]", [4, 8]),
]:
    KIND.works(
        f"{place}: {value}", partial(read, nested(place, value), place), [expected]
    )
KIND.works(
    "an empty config", lambda: read("", "prep.preset"), [complete({})["prep"]["preset"]]
)
KIND.works(
    "comments alone", lambda: read("# x\n", "prep.seed"), [complete({})["prep"]["seed"]]
)
KIND.works(
    "a default written out",
    lambda: [complete({"grn": {"region_gene": {"window": 150000.0}}}) == complete({})],
    [complete({})["grn"]["region_gene"]["window"] == 150000],
)
KIND.works(
    "keys in another order",
    lambda: [
        list(complete({"prep": {"seed": 1}, "grn": {}}))
        == list(complete({"grn": {}, "prep": {"seed": 1}}))
    ],
    [True],
)
KIND.works(
    "two config files",
    lambda: read(
        "prep: {seed: 3}\n", "prep.seed", "topics.seed", more="topics: {seed: 4}\n"
    ),
    [3, 4],
)

for given, text, *words in [
    ("an infinite bound", nested("prep.cells.max_percent_mito", ".inf"), "max_percent_mito", "finite"),
    ("a bound that is NaN", nested("prep.cells.max_percent_mito", ".nan"), "max_percent_mito", "finite"),
    ("-infinity", nested("prep.cells.n_mads", "-.inf"), "n_mads", "finite"),
    ("NaN in a list", nested("attention.degree_bins", "[1, .nan]"), "degree_bins", "finite"),
    ("NaN as a word", nested("prep.cells.max_percent_mito", "nan"), "max_percent_mito", "'nan'"),
    ("a number too large for floats", nested("prep.cells.n_mads", "1e999"), "n_mads"),
    ("a negative minimum", nested("prep.cells.min_umis", "-1"), "min_umis", "-1"),
    ("a percentage of 120", nested("prep.cells.max_percent_mito", "120"), "max_percent_mito", "120"),
    ("a fraction as percent", nested("prep.min_annotated", "80"), "min_annotated", "80"),
    ("a fraction with %", nested("prep.min_annotated", "80%"), "min_annotated", "80%"),
    ("a fraction for a whole number", nested("prep.cells.min_umis", "1.5"), "min_umis", "1.5"),
    ("a decimal comma", nested("prep.min_annotated", "0,8"), "min_annotated", "0,8"),
    ("a thousands separator", nested("prep.cells.min_umis", "1,000"), "min_umis", "1,000"),
    ("a unit behind a number", nested("grn.region_gene.window", "150kb"), "window", "150kb"),
    ("a seed of 2^32", nested("prep.seed", str(2**32)), "seed", str(2**32)),
    ("a seed of 2^70", nested("prep.seed", str(2**70)), "seed", str(2**70)),
    ("a seed of -1", nested("prep.seed", "-1"), "seed", "-1"),
    ("true for a number", nested("prep.seed", "true"), "seed", "True"),
    ("1 for true", nested("prep.doublets.enabled", "1"), "enabled", "1"),
    ("a word for true", nested("prep.doublets.enabled", "maybe"), "enabled", "maybe"),
    ("nothing for a number", nested("prep.seed", ""), "seed", "None"),
    ("a list for a number", nested("prep.seed", "[1]"), "seed", "\\[1\\]"),
    ("a map for a number", nested("prep.seed", "{a: 1}"), "seed"),
    ("a number for a list", nested("topics.n_topics", "4"), "n_topics", "4"),
    ("an empty list of topic counts", nested("topics.n_topics", "[]"), "n_topics"),
    ("a topic count twice", nested("topics.n_topics", "[4, 4]"), "n_topics"),
    ("a date for a name", nested("prep.preset", "2024-01-01"), "preset"),
    ("a number for a path", nested("samples", "3"), "samples", "3"),
    ("a list for the whole config", "- a\n- b\n", "mine.yaml", "map"),
    ("a word for the whole config", "prep\n", "mine.yaml|map|config"),
    ("a list for a section", "prep: [1]\n", "prep"),
    ("null for a section", "prep:\n", "prep"),
    ("a key of numbers", "prep: {1: 2}\n", "unknown key"),
    ("an unknown key", nested("prep.min_umi", "3"), "min_umi"),
    ("an unknown section", "preb: {}\n", "preb", "did you mean 'prep'"),
    ("a key misspelt", nested("prep.cells.min_umi", "3"), "did you mean 'min_umis'"),
    ("a key in capitals", nested("prep.Seed", "3"), "Seed"),
    ("a preset that there is not", nested("prep.preset", "nuclei9"), "nuclei9", "one of"),
    ("a method that there is not", nested("grn.tf_gene.method", "genie9"), "genie9"),
    ("a size that there is not", nested("pretrain.size", "huge9"), "huge9", "one of"),
    ("a backbone that there is not", nested("pretrain.backbone", "bert"), "bert"),
    ("a key twice", "prep:\n  seed: 1\n  seed: 2\n", "prep.seed", "line 2", "3"),
    ("a section twice", "prep: {seed: 1}\ntopics: {}\nprep: {}\n", "prep", "line 1", "3"),
    ("a key twice within a list", "bench:\n  grn_accuracy:\n    lines:\n    - {dataset: mine, dataset: b}\n", "dataset"),
    ("tabs", "prep:\n\tseed: 1\n", "mine.yaml", "line 2"),
    ("latin-1", "# caf\xe9\nprep: {seed: 1}\n".encode("latin-1"), "mine.yaml", "UTF-8"),
    ("UTF-16", "prep: {seed: 1}\n".encode("utf-16"), "mine.yaml", "UTF-8"),
    ("a bracket that stays open", "prep: {seed: 1\n", "mine.yaml", "line"),
    ("a tag of Python", "prep: !!python/object/apply:os.system [ls]\n", "mine.yaml"),
    ("an anchor that there is not", "prep: *x\n", "mine.yaml"),
    ("min_umis above max_umis", "prep: {cells: {min_umis: 9, max_umis: 3}}\n", "min_umis is 9", "max_umis is 3"),
    ("min_fragments above max_fragments", "prep: {fragments: {min_fragments: 9, max_fragments: 3}}\n", "min_fragments is 9"),
    ("topics.selected of none", "topics: {n_topics: [4, 8], selected: 7}\n", "topics.selected is 7", "4, 8"),
    ("a warm-up longer than the run", "pretrain: {sizes: {tiny: {steps: 5, warmup_steps: 9}}}\n", "warmup_steps is 9", "steps 5"),
    ("width 65 of 4 heads", "pretrain: {sizes: {tiny: {backbones: {scgpt: {width: 65, n_heads: 4}}}}}\n", "width is 65", "n_heads 4"),
    ("adapter of 7 heads", "pretrain: {sizes: {tiny: {adapter: {n_heads: 7}}}}\n", "adapter.n_heads 7"),
    ("gat of width 30, 4 heads", "pretrain: {sizes: {tiny: {gnn: {name: gat, width: 30, n_heads: 4}}}}\n", "width is 30"),
    ("embed.arm of none", "embed: {inputs: [{name: a, path: x.h5ad}], arm: hybird}\n", "hybird|embed"),
    ("attention of an arm that there is not", "attention: {arms: [hybird]}\n", "hybird", "no arm"),
    ("attention bins that fall", "attention: {degree_bins: [5, 1]}\n", "degree_bins", "ascending"),
    ("a corpus of a dataset that there is not", "pretrain: {corpora: {all: {files: {}, datasets: [mine, his]}}}\n", "his", "mine"),
    ("a corpus with a dataset twice", "pretrain: {corpora: {all: {files: {}, datasets: [mine, mine]}}}\n", "twice"),
    ("a corpus called as the dataset", "pretrain: {corpora: {mine: {files: {}, datasets: [mine]}}}\n", "mine", "rename"),
    ("a corpus called bench", "pretrain: {corpora: {bench: {files: {}, datasets: [mine]}}}\n", "bench", "rename"),
    ("a corpus called ../x", "pretrain: {corpora: {../x: {files: {}, datasets: [mine]}}}\n", "\\.\\./x"),
    ("settings of a dataset misspelt", "datasets: {mime: {prep: {seed: 1}}}\n", "mime", "mine"),
    ("a wrong setting of a dataset", "datasets: {mine: {prep: {seed: -1}}}\n", "dataset 'mine'", "seed"),
    ("a TSS table misspelt", "genomes: {hg38: {tss: tsss.tsv}}\n", "genomes.hg38.tss", "tsss.tsv"),
    ("a TSS table of no resource", "genomes: {hg38: {tss: resource:nope.tsv}}\n", "nope.tsv"),
    ("a TF list misspelt", "grn: {tfs: {lists: [tffs.txt]}}\n", "grn.tfs.lists", "tffs.txt"),
    ("a prior misspelt", "grn: {cistromes: {prior: {table: priro.tsv}}}\n", "prior.table", "priro.tsv"),
    ("a vocabulary misspelt", "fuse: {vocabulary: vocb.json}\n", "fuse.vocabulary", "vocb.json"),
    ("a checkpoint misspelt", "pretrain: {checkpoint: chk}\n", "pretrain.checkpoint", "chk"),
    ("a truth misspelt", "bench: {grn_accuracy: {truth: thruth.json}}\n", "truth", "thruth.json"),
    ("an empty path", "fuse: {vocabulary: ''}\n", "fuse.vocabulary is empty"),
    ("prep.embedding.target_sum, which there is no more", nested("prep.embedding.target_sum", "5000"), "target_sum", "no such setting any more"),
    ("n_pcs of 0", nested("prep.embedding.n_pcs", "0"), "n_pcs"),
    ("pretrain.seeds of one twice", nested("pretrain.seeds", "[1, 1]"), "seeds"),
    ("threads in the config", nested("prep.threads", "4"), "threads"),
]:  # fmt: skip
    KIND.refused(given, partial(read, text), *words)
KIND.refused(
    "two options --configfile",
    lambda: check_config_files(
        [write("a.yaml", "")], ["--configfile", "a.yaml", "--configfile=b.yaml"]
    ),
    "2 options --configfile",
    "--configfile first.yaml second.yaml",
)

# the registry of resources
ENTRY = "a.tsv:\n  source: https://x.org/a\n  sha256: '{sha}'\n  licence: none\n  about: x\n"
KIND.works(
    "a registry of one resource",
    lambda: list(read_registry(write("r.yaml", ENTRY.format(sha="0" * 64)))),
    ["a.tsv"],
)
for given, text, *words in [
    ("a SHA-256 too short", ENTRY.format(sha="00"), "sha256"),
    ("no SHA-256", ENTRY.replace("  sha256: '{sha}'\n", ""), "sha256"),
    ("no YAML", "a: {", "no YAML"),
    ("a list", "- a\n", "r.yaml"),
    ("empty", "", "r.yaml"),
    ("a source of another scheme", ENTRY.format(sha="0" * 64).replace("https", "gopher"), "source"),
    ("a name that leads out of the folder", ENTRY.format(sha="0" * 64).replace("a.tsv", "../a.tsv"), "\\.\\./a.tsv"),
]:  # fmt: skip
    KIND.refused(
        f"registry: {given}", lambda t=text: read_registry(write("r.yaml", t)), *words
    )
