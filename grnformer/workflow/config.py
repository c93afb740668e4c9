"""The configuration, the sample sheet and the resource registry: read and checked before any work."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.core.places import join_place, split_place
from grnformer.core.text import MISSING_NUMBERS, read_frame, read_text
from grnformer.settings.read import (
    check_config,
    complete,
    named_files,
    overlay,
    preset_of,
)
from grnformer.workflow.arms import (
    arms_with_values,
    asks_knowledge,
    other_backbones,
)
from grnformer.workflow.config_files import reading_yaml
from grnformer.workflow.corpora import (
    NAME,
    RNA_PREFIX,
    TAKEN,
    check_corpora,
    check_rna,
    check_tested,
)
from grnformer.workflow.samples import rna_alone

if TYPE_CHECKING:
    import pandas as pd

RESOURCE_PREFIX = "resource:"
CLOCKS_APART = 60  # seconds that clocks of a network may differ
# graph modes that hold true edges; every other is a control
DATA_GRAPHS = ("cell_type", "cell", "hybrid", "knowledge", "hybrid_knowledge")
# splits of drug response that need the tissues of lines
TISSUE_SPLITS = ("tissue", "deepcdr")
#: Names of NCBI for the builds that UCSC calls otherwise; a patch (.p13) leaves the positions as they are.
_BUILDS = {"grch38": "hg38", "grch37": "hg19", "grcm38": "mm10", "grcm39": "mm39"}
_PATHS = ("rna", "atac", "fragments", "annotation")


def check_models(config: dict[str, Any], genome_of: dict[str, str]) -> None:
    """Raise InputError if a model cannot be trained as configured, or cannot do what is asked of it.

    `genome_of`: dataset of the sample sheet -> its genome.
    """
    check_corpora(config["pretrain"]["corpora"], genome_of)
    pretrain = config["pretrain"]
    check_tested(pretrain["corpora"], config["bench"], pretrain["rna"])
    _check_backbones(config)
    _check_knowledge(config)
    _check_size(config["pretrain"])
    _check_embed(config)
    _check_attention(config)
    _check_perturb(config)
    _check_scored(config, genome_of)


def _check_backbones(config: dict[str, Any]) -> None:
    """Raise InputError if files of one backbone are given for arms of several."""
    others = other_backbones(config["pretrain"])
    given = {
        place: config[section][key]
        for place in ("pretrain.checkpoint", "pretrain.medians", "fuse.vocabulary")
        for section, key in [place.split(".")]
        if config[section][key] is not None
    }
    if others and given:
        raise InputError(
            f"{next(iter(given))}, and arms with the backbone {others[0]}",
            f"arms of {config['pretrain']['backbone']} alone: the file is of one backbone",
            "leave one of them out; run backbones with such files one by one",
        )


def _check_knowledge(config: dict[str, Any]) -> None:
    """Raise InputError if a graph needs the scale knowledge, and nothing is named to make it of."""
    if asks_knowledge(config) and not config["fuse"]["knowledge"]["sources"]:
        raise InputError(
            "graphs with the scale knowledge, and no file in fuse.knowledge.sources",
            "pathways, complexes or interactions",
            "name a file there, or leave such graphs out of pretrain.arms and fuse.graphs",
        )


def _check_size(pretrain: dict[str, Any]) -> None:
    """Raise InputError if heads do not divide a width, or the warm-up is longer than the run."""
    place = f"pretrain.sizes.{pretrain['size']}"
    size = pretrain["sizes"][pretrain["size"]]

    heads = []
    # those of a checkpoint are known when it is read
    used = [pretrain["backbone"], *other_backbones(pretrain)]
    for backbone in used if pretrain["checkpoint"] is None else ():
        of_body, body = f"backbones.{backbone}", size["backbones"][backbone]
        heads += [
            (f"{of_body}.width", body["width"], f"{of_body}.n_heads", body["n_heads"]),
            (
                f"{of_body}.width",
                body["width"],
                "adapter.n_heads",
                size["adapter"]["n_heads"],
            ),
        ]
    if size["gnn"]["name"] == "gat":
        heads.append(
            ("gnn.width", size["gnn"]["width"], "gnn.n_heads", size["gnn"]["n_heads"])
        )
    for of_width, width, of_heads, number in heads:
        if width % number:
            raise InputError(
                f"{place}.{of_width} is {width}, and {of_heads} {number}",
                "a width that is a multiple of the number of attention heads",
                "change one of them in the config",
            )

    if size["warmup_steps"] > size["steps"]:
        raise InputError(
            f"{place}.warmup_steps is {size['warmup_steps']}, and steps {size['steps']}",
            "a warm-up that ends within the run",
            "lower warmup_steps, or raise steps",
        )


def _check_embed(config: dict[str, Any]) -> None:
    """Raise InputError if cells are to be embedded by a model that is not trained."""
    embed, pretrain = config["embed"], config["pretrain"]
    for key, known, where in (
        ("arm", pretrain["arms"], "arms"),
        ("model_seed", pretrain["seeds"], "seeds"),
    ):
        # without inputs nothing is embedded, and the names need not exist
        if embed["inputs"] and embed[key] not in known:
            raise InputError(
                f"embed.{key} is {embed[key]!r}",
                f"one of {list(known)}",
                f"name one of pretrain.{where}, or add it there",
            )


def _check_scored(config: dict[str, Any], genome_of: dict[str, str]) -> None:
    """Raise InputError if a benchmark asks for models of a dataset on which none are trained."""
    every = [*genome_of, *config["pretrain"]["corpora"]]
    chosen = config["pretrain"]["datasets"]
    trained = every if chosen is None else chosen
    for benchmark in ("perturbation", "perturbation_profiles", "sc_drug"):
        named = config["bench"][benchmark]["models"]
        if named is not None and named not in trained:
            raise InputError(
                f"bench.{benchmark}.models is {named!r}",
                f"a dataset or corpus with models: {', '.join(trained) or 'there are none'}",
                f"correct bench.{benchmark}.models, set it to null, or add it to pretrain.datasets",
            )


def _check_attention(config: dict[str, Any]) -> None:
    """Raise InputError if the attention of an arm without an adapter is asked for, or bins do not ascend."""
    settings, arms = config["attention"], config["pretrain"]["arms"]
    adapted = [name for name, arm in arms.items() if arm["adapter"]]
    wrong = [name for name in settings["arms"] or [] if name not in adapted]
    if wrong:
        raise InputError(
            f"attention.arms names {wrong[0]!r}, "
            + ("which has no adapter" if wrong[0] in arms else "which is no arm"),
            f"arms of pretrain.arms with an adapter: {', '.join(adapted) or 'there are none'}",
            "correct attention.arms, or set it to null or []",
        )

    if settings["degree_bins"] != sorted(settings["degree_bins"]):
        raise InputError(
            f"attention.degree_bins is {settings['degree_bins']}",
            "ascending numbers of links",
            "sort the numbers",
        )


def _check_perturb(config: dict[str, Any]) -> None:
    """Raise InputError if genes are to be set in an arm that is not there, or that predicts no values."""
    able = arms_with_values(config["pretrain"])
    for name in config["perturb"]["arms"] or []:
        if name not in able:
            raise InputError(
                f"perturb.arms names {name!r}, "
                + (
                    "whose backbone predicts genes, not values"
                    if name in config["pretrain"]["arms"]
                    else "which is no arm"
                ),
                f"arms of pretrain.arms that predict values: {', '.join(able) or 'there are none'}",
                "correct perturb.arms, or set it to null or []",
            )


def config_of_datasets(
    config: dict[str, Any], datasets: list[str]
) -> dict[str, dict[str, Any]]:
    """Return the configuration of each dataset: the common one, overlaid with its entry under ``datasets``.

    A preset in the entry goes before the common keys, the entry's other keys before that.

    Raises
    ------
    InputError
        If an entry names a dataset that the sample sheet lacks, or a setting that the schema refuses.
    """
    # names that the schema cannot know: they stand in the sample sheet
    unknown = sorted(set(config["datasets"]) - set(datasets))
    unknown += sorted(
        set(config["pretrain"]["datasets"] or [])
        - set(datasets)
        - set(config["pretrain"]["corpora"])
    )
    unknown += sorted(
        {name for pair in config["bench"]["compare"] for name in pair} - set(datasets)
    )
    # the default is of the demo, and nothing to another sheet
    by_default = complete({})["bench"]["grn_accuracy"]["lines"]
    unknown += [
        row["dataset"]
        for row in config["bench"]["grn_accuracy"]["lines"]
        if row not in by_default and row["dataset"] not in datasets
    ]
    if unknown:
        raise InputError(
            f"the config has settings of the dataset {unknown[0]!r}",
            f"a dataset of the sample sheet: {', '.join(datasets)}",
            "correct the name under `datasets`, `pretrain.datasets`, `bench.compare` or `bench.grn_accuracy.lines`",
        )

    merged = {}
    for dataset in datasets:
        given = config["datasets"].get(dataset, {})
        try:
            merged[dataset] = (
                overlay(overlay(config, preset_of(given)), given) if given else config
            )
            # merged first: an entry by itself is no complete configuration
            check_config(merged[dataset])
            _check_networks(merged[dataset])
        except InputError as error:
            # said again, with the name of the dataset
            raise InputError(
                f"settings of dataset {dataset!r}: {error.found}",
                error.expected,
                error.remedy,
            ) from None
    return merged


def _check_networks(config: dict[str, Any]) -> None:
    """Raise InputError if networks of training cells, or reruns of a given one, are asked for and cannot be had."""
    method = config["grn"]["cell"]["method"]
    if config["pretrain"]["networks"] == "training_cells" and method != "aucell":
        raise InputError(
            f"pretrain.networks is training_cells, and grn.cell.method {method}",
            "the method aucell, which ranks the genes that training cells have",
            "set grn.cell.method to aucell, or pretrain.networks to all_cells",
        )
    seeds = config["grn"]["stability"]["seeds"]
    if config["grn"]["given"] is not None and seeds:
        raise InputError(
            f"grn.given, and reruns of the network under the seeds {seeds}",
            "one of them: a given network is not inferred, and has no reruns",
            "set grn.stability.seeds to [], or grn.given to null",
        )


def check_paths(
    config: dict[str, Any], registry: dict[str, Any], root: str | Path
) -> None:
    """Raise InputError if a file that a complete configuration names is not there.

    Also where nothing asks for it today: results of a former file would stay, beside the new name in the report. A
    resource that the defaults name need not be in the registry as long as nothing is made of it.
    """
    by_default: dict[str, dict[str, str]] = {
        path: {} for _, path in named_files(complete({}))
    }
    known = registry | {str(resource_name(path)): {} for path in by_default}

    for place, path in named_files(config):
        if path.startswith(RNA_PREFIX) and place.startswith("pretrain.corpora."):
            check_rna(path, place, config["pretrain"]["rna"])
            continue
        if not path:
            raise InputError(
                f"{place} is empty",
                "a path or resource:<name>; null where there may be none",
                f"correct {place} in the config",
            )
        _check_reference(path, f"{place} in the config", known, root)


def locate(path: str | Path, root: str | Path) -> str:
    """Return `path` if it exists from the working directory, else with ~ and $NAME filled in, else below `root`."""
    # a file of the working directory goes before that of the checkout
    if Path(path).exists():
        return str(path)
    spelt = _spell_out(path)
    found = (place for place in (Path(spelt), Path(root) / spelt) if place.exists())
    return str(next(found, path))


def _spell_out(path: str | Path) -> str:
    """A path with ~ and variables of the environment filled in; those that are not set stay."""
    # not by Path, which makes https:/x of https://x
    return os.path.expandvars(os.path.expanduser(path))


def resource_name(reference: str) -> str | None:
    """Return the name behind `resource:<name>`; None for anything else, which is a path."""
    return (
        reference.removeprefix(RESOURCE_PREFIX)
        if reference.startswith(RESOURCE_PREFIX)
        else None
    )


def other_builds(genomes: dict[str, dict[str, str]], own: str) -> dict[str, str]:
    """Paths of the TSS tables of the declared genomes beside `own`; they need not be there."""
    paths = {}
    for genome, entry in genomes.items():
        name = resource_name(entry["tss"])
        if genome != own:
            paths[genome] = f"resources/{name}" if name else entry["tss"]
    return paths


def read_registry(path: str | Path) -> dict[str, dict[str, str]]:
    """Read the resource registry (config/resources.yaml) and check it against its contract."""
    if not Path(path).exists():
        raise InputError(
            f"no resource registry at {path}",
            "a YAML file",
            "set `resources.registry` in the config",
        )

    with reading_yaml(path):
        registry = yaml.safe_load(read_text(path, "resources.registry in the config"))

    # before any work: a wrong entry would show only when it is fetched
    contracts.check(registry, "resources", where=str(path))
    for name in registry:
        # each names a file in the folder of resources
        if not re.fullmatch(NAME, name):
            raise InputError(
                f"{path}: a resource named {name!r}",
                "letters, digits, _ . - (it names a file)",
                "rename it",
            )
    return registry


def read_samples(
    path: str | Path,
    config: dict[str, Any],
    registry: dict[str, Any],
    root: str | Path = ".",
) -> pd.DataFrame:
    """Read the sample sheet: one row a sample, all columns text, empty cells as ''.

    Files it names are looked for in the working directory, below `root`, the checkout, and beside the sheet; ~ and
    $NAME are filled in. Only lines that begin with # are comments. A genome may be called as NCBI calls the build
    (GRCh38 for hg38).

    Raises
    ------
    InputError
        If the sheet is no text table, a column is missing or unknown, a cell of a required column is empty, a sample
        stands twice, a dataset mixes genomes, a genome or resource is not declared, or a path does not exist.
    """
    if not Path(path).exists():
        raise InputError(
            f"no sample sheet at {path}", "a TSV file", "set `samples` in the config"
        )
    # verbatim: a sample may be called NA or 007
    sheet = read_frame(path, "`samples` in the config", separator="\t", pad=True)

    # before the contract: one message for all wrong names of the header
    columns = contracts.load("samples")["columns"]
    required = [c for c, rule in columns.items() if not rule.get("optional")]
    missing = [c for c in required if c not in sheet]
    unknown = [c for c in sheet if c not in columns]
    if missing or unknown:
        raise InputError(
            f"{path} has the columns {list(sheet.columns)}: "
            + _list("missing", missing)
            + _list("unknown", unknown),
            f"tab-separated columns {required} and optionally {[c for c in columns if c not in required]}",
            "correct the header line; the sheet must be tab-separated",
        )

    # an absent optional column is an empty one: later code asks for every column
    for column in columns:
        if column not in sheet:
            sheet[column] = ""

    for column in _PATHS:
        sheet[column] = [
            _fill_in(cell, column, Path(path).parent, root) for cell in sheet[column]
        ]
    sheet["genome"] = [
        declared_name(name, config["genomes"]) for name in sheet["genome"]
    ]

    contracts.check(sheet, "samples", where=str(path))
    _check_rows(sheet, path, config, registry, root)
    return sheet.reset_index(drop=True)


def declared_name(genome: str, declared: Iterable[str]) -> str:
    """Return the name under which a genome is declared, be it as UCSC or NCBI calls the build; else `genome` itself."""
    names = list(declared)
    same = [name for name in names if _build(name) == _build(genome)]
    return genome if genome in names or not same else same[0]


def _build(genome: str) -> str:
    """UCSC's name of a build that is known by several names; others as they are."""
    name = re.sub(r"\.p\d+$", "", genome.lower())
    name = _BUILDS.get(name, name)
    return name if name in _BUILDS.values() else genome


def _fill_in(cell: str, column: str, folder: Path, root: str | Path) -> str:
    """A cell that names a file: "" for a missing one as R writes it, and the path of a file beside the sheet."""
    if not cell or cell.startswith((RESOURCE_PREFIX, "obs:")):
        return cell
    file, place = split_place(cell)
    if Path(locate(file, root)).exists():
        return cell
    if column != "rna" and cell in MISSING_NUMBERS:
        return ""
    beside = folder / _spell_out(file)
    return join_place(str(beside), place) if beside.exists() else cell


def _list(word: str, names: list[str]) -> str:
    return f"{word} {names} " if names else ""


def _check_rows(
    sheet: pd.DataFrame,
    path: str | Path,
    config: dict[str, Any],
    registry: dict[str, Any],
    root: str | Path,
) -> None:
    for number, row in zip(sheet.index, sheet.to_dict("records"), strict=True):
        where = f"{path} line {number} (sample {row['sample']!r})"
        for column in ("dataset", "sample", "rna", "genome"):
            if not row[column]:
                raise InputError(
                    f"{where}: empty {column}", f"a {column}", "fill the cell"
                )
        for column in ("dataset", "sample"):
            # only a dataset has a folder beside those of the whole run
            if not re.fullmatch(NAME, row[column]) or (
                column == "dataset" and row[column] in TAKEN
            ):
                raise InputError(
                    f"{where}: {column} {row[column]!r}",
                    f"letters, digits, _ . - (it names files), and not {', '.join(TAKEN)} (folders of the whole run)",
                    f"rename the {column}",
                )

        if row["atac"] and row["fragments"]:
            raise InputError(
                f"{where}: both atac and fragments",
                "one of them: a cell x peak matrix, or fragments in which peaks are called",
                "leave one of the cells empty",
            )

        if row["genome"] not in config["genomes"]:
            raise InputError(
                f"{where}: genome {row['genome']!r}",
                f"one of {sorted(config['genomes'])}, or NCBI's name of one (GRCh38 is hg38, GRCh37 hg19, GRCm38 mm10; "
                "GRCm39 is mm39, a build of its own)",
                "declare it under `genomes` in the config, with its transcription start sites",
            )

        for column in _PATHS:
            file, _ = split_place(row[column])
            _check_reference(file, f"{where} column {column}", registry, root)

    # rows are right one by one; now those of a dataset against each other
    by_fragments = (sheet["fragments"] != "").groupby(sheet["dataset"]).nunique()
    if (by_fragments > 1).any():
        raise InputError(
            f"{path}: dataset {by_fragments.idxmax()!r} has samples with peak counts and samples with fragments",
            "one of the two for all samples of a dataset, so that all are counted over one set of peaks",
            "give fragments for all samples, or counts for all",
        )

    for dataset, part in sheet.groupby("dataset", sort=True):
        _check_conditions(part["condition"], str(dataset), path, config)

    alone = set(rna_alone(sheet))
    with_atac = set(sheet.loc[(sheet["atac"] + sheet["fragments"]) != "", "dataset"])
    if alone & with_atac:
        name = min(alone & with_atac)
        raise InputError(
            f"{path}: dataset {name!r} has samples with and without ATAC (neither atac nor fragments)",
            "ATAC for all samples of a dataset, or RNA alone for all",
            "fill atac or fragments, or give the samples of RNA alone a dataset of their own",
        )

    genomes = sheet.groupby("dataset")["genome"].nunique()
    if (genomes > 1).any():
        raise InputError(
            f"{path}: dataset {genomes.idxmax()!r} mixes genomes",
            "one genome a dataset",
            "split it into one dataset a genome",
        )


def _check_conditions(
    conditions: pd.Series, dataset: str, path: str | Path, config: dict[str, Any]
) -> None:
    """Raise InputError if some samples of a dataset have no condition, all the same, or none the reference."""
    named = list(dict.fromkeys(conditions))
    if named == [""]:
        return
    if "" in named or len(named) < 2:
        found = "samples without a condition" if "" in named else "one condition alone"
        raise InputError(
            f"{path}: dataset {dataset!r} has {found}",
            "a condition for every sample of a dataset, two of them or more; or none",
            "fill the column condition, or leave it empty for this dataset",
        )
    own = config["datasets"].get(dataset, {}).get("grn", {}).get("conditions", {})
    reference = (config["grn"]["conditions"] | own)["reference"]
    if reference is not None and reference not in named:
        raise InputError(
            f"grn.conditions.reference is {reference!r}, and dataset {dataset!r} has the conditions {', '.join(named)}",
            "one of them",
            f"correct it, or the column condition of {path}; of one dataset: datasets.{dataset}.grn.conditions",
        )


def _check_reference(
    reference: str, where: str, registry: dict[str, Any], root: str | Path
) -> None:
    # a column of the RNA file shows only when that is read
    if not reference or reference.startswith("obs:"):
        return
    if reference.startswith(RESOURCE_PREFIX):
        # fetched later: only the name can be looked up here
        name = reference.removeprefix(RESOURCE_PREFIX)
        if name not in registry:
            raise InputError(
                f"{where}: unknown resource {name!r}",
                f"one of {sorted(registry)}",
                "correct the name",
            )
        return

    path = Path(locate(reference, root))
    if not path.exists():
        spelt = _spell_out(reference)
        unset = "; the variable is not set" if "$" in spelt else ""
        raise InputError(
            f"{where}: no file or folder {spelt}{unset}",
            f"an existing path (absolute, from {Path.cwd()}, from {Path(root).resolve()}, or from the folder of the "
            "sample sheet) or resource:<name>",
            "correct the path",
        )
    _check_date(path, where)


def _check_date(path: Path, where: str) -> None:
    """Raise InputError if a file is of the future: Snakemake would throw away what is made of it, for it is older."""
    dated = path.stat().st_mtime
    if dated > time.time() + CLOCKS_APART:
        raise InputError(
            f"{where}: {path} is dated {datetime.fromtimestamp(dated):%Y-%m-%d %H:%M:%S}, which is to come",
            "a date that has been, or clocks that agree",
            f"touch {path}; set the clock of the machine that wrote it",
        )
