"""From the files of the stages to the sections of the page."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer.core import io
from grnformer.core.file_names import file_names
from grnformer.core.stored import read_added
from grnformer.graph.bundle import read_bundle
from grnformer.model.alike import check_trained_alike
from grnformer.report.figures.arms import arm_colours
from grnformer.report.page import Config, Section
from grnformer.report.sections.attention import attention_section, missing_attention
from grnformer.report.sections.bench.section import benchmark_section
from grnformer.report.sections.bench.tasks import TASKS
from grnformer.report.sections.comparison import comparison_section
from grnformer.report.sections.conditions import conditions_section
from grnformer.report.sections.corpus import corpus_section
from grnformer.report.sections.embed import EmbeddedCells, embed_section
from grnformer.report.sections.graphs import graphs_section
from grnformer.report.sections.grid import grid_section
from grnformer.report.sections.grn import grn_section
from grnformer.report.sections.overview import (
    describe_commit,
    describe_genomes,
    overview_section,
)
from grnformer.report.sections.perturb import perturb_section
from grnformer.report.sections.prep import prep_section
from grnformer.report.sections.pretrain import pairs_of_arms, pretrain_section
from grnformer.report.sections.run import run_sections
from grnformer.report.sections.stability import stability_section
from grnformer.report.sections.topics import topics_section
from grnformer.workflow.arms import backbone_by_arm

logger = logging.getLogger(__name__)

# inputs whose contract has another name
_CONTRACTS = {"qc": "cell_qc", "activity": "cell_activity"}


@dataclass(frozen=True)
class Files:
    """Name of the rule's input (``qc``, ``multiome``, ...) -> its files, in the folder of the results."""

    paths: dict[str, list[str]]
    results: Path

    def of(self, dataset: str) -> Files:
        """Files of one dataset, and those of the whole run."""
        folders = (self.results / dataset, self.results / "bench")
        inside = {
            name: [
                path
                for path in paths
                if any(Path(path).is_relative_to(folder) for folder in folders)
            ]
            for name, paths in self.paths.items()
        }
        return Files(inside, self.results)

    def __getitem__(self, name: str) -> list[str]:
        return self.paths.get(name, [])

    def table(self, name: str, contract: str = "") -> pd.DataFrame | None:
        """The table of an input; None where it has no file."""
        contract = contract or _CONTRACTS.get(name, name)
        return io.read_table(self[name][0], contract) if self[name] else None

    def tables(self, *names: str) -> dict[str, Any]:
        """The tables of inputs, by name."""
        return {name: self.table(name) for name in names}


def gather_sections(
    files: dict[str, list[str]],
    results: Path,
    *,
    config: Config,
    configs: dict[str, Config],
    samples: list[dict[str, str]],
    registry: Config,
    commit: str,
    corpora: Sequence[str] = (),
    stage: str = "",
) -> list[Section]:
    """Read the outputs of all stages and make the page's sections of them.

    Parameters
    ----------
    files
        Name of the rule's input (``qc``, ``multiome``, ...) -> its files, of all datasets.
    results
        The folder of all results, which has a folder for each dataset.
    config
        The whole configuration.
    configs
        Dataset -> the configuration with its settings, in the order shown.
    samples
        Rows of the sample sheet.
    registry
        The resource registry.
    commit
        State of the checkout (`git_commit`).
    corpora
        Those that models are trained on.
    stage
        The last that was run, if not all were: nothing is said of what later ones would show.
    """
    given = Files(files, results)

    sections: list[Section] = []
    # A model bundle embeds without any of the datasets.
    for dataset, of_dataset in configs.items() if given["multiome"] else ():
        logger.info("sections of %s", dataset)
        # One dataset at a time: its matrices are freed before the next is read.
        about = (
            *describe_genomes(samples, dataset),
            f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
            describe_commit(commit),
        )
        found = _dataset_sections(given.of(dataset), of_dataset, stage, about)
        sections += [replace(section, dataset=dataset) for section in found]

    for corpus in corpora if given["heldout"] else ():
        found = _corpus_sections(corpus, given.of(corpus), config)
        sections += [replace(section, dataset=corpus) for section in found]

    if given["embedded_by_bundle"]:
        model = f"the model bundle {config['embed']['model']}"
        sections.append(_embed_section(given["embedded_by_bundle"], config, model))
    for path in given["comparisons"]:
        sections.append(
            comparison_section(io.read_table(path, "network_comparison"), configs)
        )
    if given["embedded_by_bundle"] and not given["multiome"]:
        # neither the sheet nor what its datasets would read was used
        configs, samples = {}, []
    costs = given.table("costs")
    return [
        *sections,
        *run_sections(config, configs, samples, registry, costs, commit),
    ]


def _dataset_sections(
    files: Files, config: Config, stage: str, about: tuple[str, ...]
) -> list[Section]:
    """Sections of one dataset.

    `stage`: see `gather_sections`; where all were run, what was not measured is said to be missing. `about`: facts of
    the run.
    """
    whole = not stage
    settings, pretrain = config["report"], config["pretrain"]
    multiome = files["multiome"][0]
    rna = io.read_modality(multiome, "rna", "multiome")
    summary = io.read_json(files["prep_summary"][0], "prep_summary")
    grn = files.tables(
        "eregulons",
        "specificity",
        "thresholds",
        "funnel",
        "cell_type_summary",
        "eregulon_quality",
    )
    shared: dict[str, Any] = {"rna": rna, "settings": settings}

    sections = [
        prep_section(
            **files.tables("qc", "dropped", "markers"),
            **shared,
            summary=summary,
            umap=io.read_shared_embedding(multiome, "X_umap"),
            fragments=_below_each_other(
                io.read_table(path, "fragment_qc") for path in files["fragment_qc"]
            ),
            config=config["prep"],
        )
    ]
    # None of RNA alone, and where the network was given: these need no topics.
    if files["topic_selection"]:
        topics = topics_section(
            **files.tables("topic_selection", "cell_topic", "region_sets"),
            cell_types=rna.obs["cell_type"].astype(str),
            settings=settings,
        )
        sections.append(topics)
    if files["eregulons"]:
        networks = grn_section(
            **grn,
            **shared,
            activity=io.read_anndata(files["activity"][0], "cell_activity"),
            networks=_networks(
                Path(files["cell_type"][0]), grn["cell_type_summary"]["cell_type"]
            ),
            given=io.read_json(files["given_network"][0], "given_network")
            if files["given_network"]
            else None,
        )
        sections.append(networks)

    # None where the network was inferred under one seed only.
    stability = files.table("stability")
    if stability is not None:
        min_frequency = config["grn"]["stability"]["min_frequency"]
        sections.append(stability_section(stability, grn["eregulons"], min_frequency))

    # Only with the column condition in the sample sheet.
    conditions = files.tables(
        "condition_eregulons", "condition_edges", "condition_summary"
    )
    if conditions["condition_summary"] is not None:
        min_cells = config["grn"]["conditions"]["min_cells"]
        sections.append(conditions_section(**conditions, min_cells=min_cells))

    # Only where models are trained on the dataset.
    if files["training"] or (files["graphs"] and not whole):
        bundles = {Path(path).name: read_bundle(path) for path in files["graphs"]}
        perturbation = (
            pretrain["perturbed_fraction"],
            pretrain["perturbed_degree_power"],
            settings["seed"],
        )
        sections.append(graphs_section(bundles, rna, *perturbation, pretrain["arms"]))
    if files["training"]:
        sections += _pretrain_sections(files, config)
    if files["attention"] or (files["training"] and whole):
        sections.append(_attention_section(files["attention"], config))

    if files["embedded"]:
        sections.append(_embed_section(files["embedded"], config))

    # only where genes are named
    perturbed = files.table("perturbed_genes")
    if perturbed is not None:
        cells = io.read_table(files["perturbed_cells"][0], "perturbed_cells")
        sections.append(perturb_section(perturbed, cells))

    # In any case: where nothing was measured, the section says why.
    if whole or files["grn_accuracy_scores"]:
        sections.append(_benchmark_section("grn_accuracy", files, config))
    for benchmark in ("drug_response", "sc_drug_lines"):
        if files[f"{benchmark}_scores"] or (files["training"] and whole):
            sections.append(_benchmark_section(benchmark, files, config))
    # of the whole run: it needs data that no package carries
    for benchmark in ("perturbation", "perturbation_profiles"):
        if files[f"{benchmark}_scores"]:
            sections.append(_benchmark_section(benchmark, files, config))

    grid = files.table("grid")
    if grid is not None:
        sections.append(grid_section(grid))
    for benchmark in ("link_accuracy", "network_features"):
        if files[f"{benchmark}_scores"]:
            sections.append(_benchmark_section(benchmark, files, config))
    if files["sc_drug_labels_scores"]:
        sections.append(_benchmark_section("sc_drug_labels", files, config))

    # Made last, since it repeats verdicts of the others; shown first.
    overview = overview_section(
        summary,
        grn["eregulons"],
        grn["cell_type_summary"],
        sections,
        pretrain["arms"] if files["training"] else {},
        quality=grn["eregulon_quality"],
        donors=rna.obs["donor"].nunique(),
        about=about,
        later=stage,
        seed=settings["seed"],
    )
    return [overview, *sections]


def _corpus_sections(corpus: str, files: Files, config: Config) -> list[Section]:
    meta = io.read_json(Path(files["graphs"][0]) / "meta.json", "graph_meta")
    scored = [
        _model(path) | {"source": source} | scores
        for path in files["heldout"]
        for source, scores in io.read_json(path, "heldout").get("datasets", {}).items()
    ]
    sections = [
        corpus_section(corpus, meta, pd.DataFrame(scored)),
        *_pretrain_sections(files, config),
    ]

    if files["embedded"]:
        sections.append(_embed_section(files["embedded"], config))
    if files["drug_response_scores"]:
        sections.append(_benchmark_section("drug_response", files, config))
    grid = files.table("grid")
    if grid is not None:
        sections.append(grid_section(grid))
    if files["sc_drug_lines_scores"]:
        sections.append(_benchmark_section("sc_drug_lines", files, config))
    return sections


def _pretrain_sections(files: Files, config: Config) -> list[Section]:
    """One for each backbone: losses of two have no scale in common."""
    check_trained_alike(files["models"])
    curves = pd.concat(
        [
            io.read_table(path, "training").assign(**_model(path))
            for path in files["training"]
        ]
    )
    models = [_model(path) | io.read_json(path, "heldout") for path in files["heldout"]]
    # Scores by dataset belong to a corpus, which has a table of them.
    heldout = pd.DataFrame(models).drop(columns="datasets", errors="ignore")
    pretrain = config["pretrain"]
    backbones = backbone_by_arm(pretrain)
    several = len(set(backbones.values())) > 1
    sections = []
    for backbone in dict.fromkeys(backbones.values()):
        arms = {
            name: arm
            for name, arm in pretrain["arms"].items()
            if backbones[name] == backbone
        }
        section = pretrain_section(
            curves[curves["arm"].isin(arms)],
            heldout[heldout["arm"].isin(arms)],
            arms,
            pretrain["networks"],
            backbone if several else "",
        )
        sections.append(section)
    return sections


def _attention_section(paths: list[str], config: Config) -> Section:
    """Section of the adapters' attention; tables lie in .../attention/<arm>/<table>.<ext>."""
    arms = config["pretrain"]["arms"]
    if not paths:
        return missing_attention(arms)

    parts: dict[str, list[pd.DataFrame]] = {}
    for path in map(Path, paths):
        # The arm is in the path only.
        part = io.read_table(path, f"attention_{path.stem}").assign(
            arm=path.parent.name
        )
        parts.setdefault(path.stem, []).append(part)

    tables = {
        name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()
    }
    return attention_section(
        tables, pairs_of_arms(arms), config["attention"]["degree_bins"], arms
    )


def _embed_section(paths: list[str], config: Config, model: str = "") -> Section:
    """Of files .../embed/<name>.h5ad; `model`: in words, without it that of the run."""
    settings = config["embed"]
    own = f"arm {settings['arm']}, seed {settings['model_seed']}"
    found = {
        Path(path).stem: EmbeddedCells(*read_added(path, "grnformer")) for path in paths
    }
    return embed_section(found, settings["mapping"]["warn_above"], model or own)


def _benchmark_section(benchmark: str, files: Files, config: Config) -> Section:
    # a benchmark may have a file a task
    scores, summary = (
        _below_each_other(
            io.read_table(path, name) for path in files[f"{benchmark}_{name}"]
        )
        for name in ("scores", "summary")
    )
    data = TASKS[benchmark].data
    about = _below_each_other(io.read_table(path, data) for path in files[data])

    return benchmark_section(
        benchmark,
        scores,
        summary,
        pairs_of_arms(config["pretrain"]["arms"]),
        config["report"],
        about,
        arm_colours(config["pretrain"]["arms"]),
    )


def _networks(folder: Path, cell_types: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Cell type -> its network."""
    files = file_names(cell_types)
    return {
        name: io.read_table(folder / f"{stem}.parquet", "cell_type_grn")
        for name, stem in files.items()
    }


def _below_each_other(tables: Iterable[pd.DataFrame]) -> pd.DataFrame | None:
    """Tables as one, or None where there are none."""
    every = list(tables)
    return pd.concat(every, ignore_index=True) if every else None


def _model(path: str) -> dict[str, Any]:
    """Arm and seed of a file .../<arm>/seed<seed>/<file>."""
    folder = Path(path).parent
    return {"arm": folder.parent.name, "seed": int(folder.name.removeprefix("seed"))}
