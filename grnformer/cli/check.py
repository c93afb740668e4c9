"""Check what a run is given before it starts: sheet, files, genome, barcodes, species of TFs and prior, memory, disk.

A table says what was found, another what would run: stages, jobs, and the hours and memory that they ask for. It ends
with 0 unless something would stop the run. `grnformer run` begins with the part that reads no matrix.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import psutil
import typer

from grnformer.cli.config import (
    CHECKOUT,
    ConfigFiles,
    Settings,
    config_files,
    read_settings,
)
from grnformer.cli.plan import plan_jobs
from grnformer.cli.tables import print_table
from grnformer.core.errors import InputError
from grnformer.core.places import split_place
from grnformer.core.reach import find_unreachable
from grnformer.core.resources import fetch
from grnformer.genome.guess import species_of_genes, species_of_genome
from grnformer.genome.orthologs import read_orthologs
from grnformer.settings.read import check_config, complete, overlay
from grnformer.workflow.config import (
    config_of_datasets,
    locate,
    other_builds,
    read_registry,
    read_samples,
    resource_name,
)
from grnformer.workflow.config_files import read_config_files
from grnformer.workflow.resources import resources_read
from grnformer.workflow.samples import (
    check_unpaired,
    columns_of_files,
    grouping,
    resolve,
)
from grnformer.workflow.stages import rules_by_stage, stage_of

_OTHER_CASE = (
    0.2  # names found as written, of those found in any case: below, another species
)
_OF_MODELS = {"fuse", "pretrain", "attention"}  # stages that do nothing without models
_NAMING = {"select_tfs", "prepare_prior"}  # rules that read names of genes
_ROOM = 3  # times the size of the inputs that results take


@dataclass(frozen=True)
class Row:
    """What was checked; `verdict`: ok, look (it may be meant), stop (the run would end there)."""

    what: str
    found: str
    verdict: str = "ok"


@dataclass(frozen=True)
class Run:
    """What a run is given: its config, that of each dataset, the rows of its sheet, the registry."""

    config: dict[str, Any]
    configs: dict[str, dict[str, Any]]
    rows: list[dict[str, str]]
    registry: dict[str, Any]

    def path_of(self, reference: str) -> Path:
        """The file behind an entry, fetched to resources/ if it is a resource, as a run does."""
        name = resource_name(reference)
        if name is None:
            return Path(locate(reference, CHECKOUT))
        target = Path("resources") / name
        target.parent.mkdir(exist_ok=True)
        fetch(name, self.registry[name], target, self.config["resources"]["mirror"])
        return target


def check(
    stages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STAGE...", help="as of grnformer run", show_default=False
        ),
    ] = None,
    config: ConfigFiles = None,
    settings: Settings = None,
) -> None:
    """Print what was found and what would run.

    Raises
    ------
    InputError
        If the config or the sheet is wrong.
    """
    files, given = config_files(config), read_settings(settings)
    run = read_run(files, given)
    problems: list[InputError] = []
    rows = list(look_into(run, problems))
    _print_rows([*rows, *_surroundings(run, ask=True)])
    check_run(files, given, stages or [], Path(), surroundings=False)
    for problem in problems:
        sys.stdout.write(f"\n{problem}\n")
    if problems:
        raise typer.Exit(1)


def check_run(
    files: Sequence[Path],
    settings: dict[str, Any],
    targets: Sequence[str],
    directory: Path,
    surroundings: bool = True,
) -> dict[str, float]:
    """Print what would run, and what of memory, disk and resources is short; rule -> minutes that a job of it asks for.

    Raises
    ------
    InputError
        If the workflow refuses the config, the sheet, a file or a target.
    """
    if not (directory / "config" / "config.yaml").exists():
        sys.stdout.write(
            "There is no config/config.yaml here, so the settings of the demo hold"
            + (" below those given" if files or settings else ": this is the demo")
            + ". grnformer init FILE... writes one for your data.\n"
        )
    jobs = plan_jobs(files, targets, settings, directory)
    if not jobs:
        check_asked(read_config(files, settings, directory), targets)
        sys.stdout.write("Nothing is left to do: all that was asked for is there.\n")
        return {}
    if surroundings and directory == Path():
        run = read_run(files, settings)
        if _NAMING & {job.rule.name for job in jobs}:
            check_species(run)
        _print_rows([row for row in _surroundings(run, jobs) if row.verdict != "ok"])
    print_table(
        ("stage", "jobs", "hours at most", "GB of the largest"),
        tabulate_jobs(jobs),
        numbers=True,
    )
    return {job.rule.name: float(job.resources["runtime"]) for job in jobs}


def check_asked(config: dict[str, Any], targets: Sequence[str]) -> None:
    """Raise InputError if only stages of models are asked for, and the config trains none: they have no file."""
    if set(targets) and set(targets) <= _OF_MODELS and not _trains(config):
        raise InputError(
            f"{' '.join(targets)}, and a config that asks for no model (pretrain.datasets: [])",
            "datasets to build graphs and train models of",
            "add --config models, or set pretrain.datasets",
        )


def _trains(config: dict[str, Any]) -> bool:
    # null: all
    return config["pretrain"]["datasets"] != []


def check_species(run: Run) -> None:
    """Raise InputError if TFs or prior are written as those of another species than the genome's; no matrix is read.

    Files that cannot be had are passed over: the run itself says so.
    """
    for row in run.rows:
        dataset, genome = row["dataset"], row["genome"]
        config, species = run.configs[dataset], species_of_genome(genome)
        for what, names, setting in _named_genes(run, dataset, config):
            try:
                theirs = species_of_genes(pd.Index(sorted(names())))
            except InputError:
                continue
            if species and theirs and species != theirs:
                raise InputError(
                    f"{what} of {setting} are written as in {theirs}, and {dataset} is of {genome}, {species}",
                    f"names of {species}",
                    f"name a file of {species} in {setting}; scenarios may have them: config/scenarios of the workflow",
                )


def read_config(
    files: Sequence[Path], settings: dict[str, Any], folder: Path = Path()
) -> dict[str, Any]:
    """The config of a run in a folder, with its defaults."""
    return complete(overlay(read_config_files(files, CHECKOUT, folder), settings))


def read_run(files: Sequence[Path], settings: dict[str, Any]) -> Run:
    """Read and check config, sheet and registry, as the workflow does.

    Raises
    ------
    InputError
        For the first thing that is wrong with them.
    """
    config = read_config(files, settings)
    check_config(config)
    registry = read_registry(locate(config["resources"]["registry"], CHECKOUT))
    sheet = read_samples(
        locate(config["samples"], CHECKOUT), config, registry, CHECKOUT
    )
    configs = config_of_datasets(config, sorted(sheet["dataset"].unique()))
    check_unpaired(configs, sheet)
    return Run(config, configs, sheet.to_dict("records"), registry)


def tabulate_jobs(jobs: Iterable[Any]) -> list[tuple[str, ...]]:
    """Stage, its jobs, the hours and the memory that they ask for; stages in their order, then all."""
    found: dict[str, tuple[int, float, float]] = {}
    for job in jobs:
        hours, memory = job.resources["runtime"] / 60, _memory(job)
        for name in (stage_of(job.rule.name), "all"):
            n, spent, largest = found.get(name, (0, 0.0, 0.0))
            found[name] = (n + 1, spent + hours, max(largest, memory))
    order = [*rules_by_stage(), "other", "all"]
    return [
        (name, f"{n:,d}", f"{hours:,.1f}", f"{memory:,.0f}")
        for name in order
        if name in found
        for n, hours, memory in [found[name]]
    ]


def _memory(job: Any) -> float:
    """GB that a job asks for; 0 where that is known only once its inputs are there."""
    asked = job.resources.get("mem_mb")
    return asked / 1000 if isinstance(asked, int | float) else 0.0


def _surroundings(
    run: Run, jobs: Iterable[Any] = (), ask: bool = False
) -> Iterator[Row]:
    """Memory, disk and resources; `ask`: whether sources of those that are not there answer."""
    needed = max(map(_memory, jobs), default=0.0)
    memory = psutil.virtual_memory().total / 1e9
    if needed > memory:
        yield Row(
            "memory",
            f"{memory:.0f} GB here, and a job asks for {needed:.0f} GB: run it elsewhere (--profile slurm), or lower "
            "its request by -- --set-resources RULE:mem_mb=",
            "look",
        )
    named = {split_place(row[c])[0] for row in run.rows for c in columns_of_files(row)}
    paths = [Path(locate(n, CHECKOUT)) for n in named if resource_name(n) is None]
    inputs = sum(map(_size, paths))
    free = shutil.disk_usage(".").free
    short = free < _ROOM * inputs
    yield Row(
        "disk",
        f"{free / 1e9:,.0f} GB free; inputs are {inputs / 1e9:,.1f} GB",
        "look" if short else "ok",
    )
    read = resources_read(run.configs, run.rows)
    missing = [name for name in read if not (Path("resources") / name).is_file()]
    yield Row(
        "resources",
        f"{len(read) - len(missing)} of {len(read)} in resources/"
        + (f"; fetched when it runs, or now by grnformer fetch: {', '.join(missing)}" if missing else ""),
        "ok",
    )  # fmt: skip
    if missing and ask:
        yield _reach({name: run.registry[name] for name in missing}, run.config["resources"]["mirror"])  # fmt: skip


def _reach(missing: dict[str, Any], mirror: str | None) -> Row:
    """Which of the resources that are not fetched cannot be had now; no error, as they may come from elsewhere."""
    closed = find_unreachable(missing, mirror)
    if not closed:
        return Row("their sources", f"all {len(missing)} are in a mirror, or answer")
    first, why = next(iter(closed.items()))
    return Row(
        "their sources",
        f"{len(closed)} of {len(missing)} cannot be had from here ({first}: {why}): {', '.join(closed)}. Fetch them "
        "where there is a network, or name a mirror: docs/provenance.md",
        "look",
    )


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.exists() else 0


def look_into(run: Run, problems: list[InputError]) -> Iterator[Row]:
    """Read every sample as the stage prep does, then compare names; what would stop a run goes to `problems`."""
    genes: dict[str, set[str]] = {}
    for row in run.rows:
        config = run.configs[row["dataset"]]

        def of_sample(
            row: dict[str, str] = row, config: dict[str, Any] = config
        ) -> tuple[str, str]:
            text, verdict, named = _read_sample(run, row, config)
            genes.setdefault(row["dataset"], set()).update(named)
            return text, verdict

        yield _tried(f"sample {row['sample']}", of_sample, problems)

    for dataset, measured in genes.items():
        config = run.configs[dataset]
        for what, names, setting in _named_genes(run, dataset, config):

            def of_names(
                names: Callable[[], set[str]] = names,
                setting: str = setting,
                measured: set[str] = measured,
            ) -> tuple[str, str]:
                return compare_names(measured, names(), setting), "ok"

            yield _tried(f"{what} ({dataset})", of_names, problems)


def _tried(
    what: str, look: Callable[[], tuple[str, str]], problems: list[InputError]
) -> Row:
    try:
        return Row(what, *look())
    except InputError as error:
        problems.append(error)
        return Row(what, error.found, "stop")


def compare_names(measured: set[str], named: set[str], setting: str) -> str:
    """How many of the names that a resource has are measured.

    Raises
    ------
    InputError
        If hardly any is, or many would be if upper and lower case were the same: those of another species.
    """
    found = len(measured & named)
    folded = len({g.upper() for g in measured} & {g.upper() for g in named})
    some = sorted(measured)[:3], sorted(named)[:3]
    if found == 0 or found < _OTHER_CASE * folded:
        other = (
            f"; {folded} differ by upper and lower case alone, as human and mouse do"
            if folded > found
            else ""
        )
        raise InputError(
            f"{found} of {len(named)} names of {setting} are measured (such as {some[1]}; genes are {some[0]}){other}",
            "names of the data's species",
            f"name a file of this species in {setting}",
        )
    return f"{found:,} of {len(named):,} are measured"


def _read_sample(
    run: Run, row: dict[str, str], config: dict[str, Any]
) -> tuple[str, str, list[str]]:
    """What a sample holds, the verdict, and its genes."""
    from grnformer.genome.tss import read_tss
    from grnformer.prep.features import as_rna
    from grnformer.prep.formats import read_matrix
    from grnformer.prep.sample import load_sample

    prep = config["prep"]
    tss = read_tss(run.path_of(config["genomes"][row["genome"]]["tss"]))
    files = {c: resolve(row[c], run.path_of) for c in columns_of_files(row)}
    if row["fragments"]:
        rna = as_rna(
            read_matrix(files["rna"]),
            tss,
            f"sample {row['sample']}",
            min_known_genes=prep["min_known_genes"],
            rounded=prep["counts"] == "round",
        )
        text = f"{rna.n_obs:,} cells x {rna.n_vars:,} genes; fragments are looked into by the run"
        return text, "ok", list(rna.var_names)

    keys = (
        "min_known_genes",
        "counts",
        "min_barcode_overlap",
        "min_annotated",
        "build",
    )
    table = prep["barcode_table"]
    data, _ = load_sample(
        {key: value for key, value in (row | files).items() if value},
        tss,
        **{key: prep[key] for key in keys},
        builds=other_builds(config["genomes"], row["genome"]),
        two_barcodes=str(run.path_of(table)) if table else None,
        unpaired=grouping(prep),
    )
    return *_sum_up(data, prep["cells"]), list(data["rna"].var_names)


def _sum_up(data: Any, bounds: Mapping[str, Any]) -> tuple[str, str]:
    """Cells, and how many pass the hard bounds of depth; the verdict.

    Raises
    ------
    InputError
        If none passes.
    """
    from grnformer.prep.metacells import GROUP_SIZES

    umis = data["rna"].X.sum(axis=1).A1
    enough = umis >= bounds["min_umis"]
    what = f"cells, {data['rna'].n_vars:,} genes"
    medians = f"{np.median(umis):,.0f} UMIs"
    least = f"{bounds['min_umis']} UMIs"
    # not of RNA alone
    if "atac" in data.mod:
        counts = data["atac"].X.sum(axis=1).A1
        enough &= counts >= bounds["min_atac_counts"]
        what = f"paired {what}, {data['atac'].n_vars:,} regions"
        medians += f", {np.median(counts):,.0f} ATAC counts"
        least += f" and {bounds['min_atac_counts']} ATAC counts"
    if set(GROUP_SIZES) <= set(data.obs):
        # The bounds are of single cells, which were held before these were summed.
        what = what.replace("paired cells", "metacells")
        return f"{data.n_obs:,} {what}; medians {medians}", "ok"

    passed = int(enough.sum())
    text = (
        f"{data.n_obs:,} {what}; medians {medians}; {passed:,} pass the bounds of these"
    )
    if not passed:
        raise InputError(
            text,
            f"cells with {least}",
            "set the bounds under prep.cells to the data's depth, or choose another prep.preset",
        )
    return text, "ok" if passed >= data.n_obs / 2 else "look"


def _named_genes(
    run: Run, dataset: str, config: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], set[str]], str]]:
    """What names genes in a run: how it is called, a function that reads the names, the setting."""
    from grnformer.graph.vocabulary import read_vocabulary
    from grnformer.grn.prior import read_prior
    from grnformer.grn.tfs import read_tf_list

    grn, pretrain, fuse = config["grn"], config["pretrain"], config["fuse"]

    def of_lists() -> set[str]:
        lists = map(run.path_of, grn["tfs"]["lists"])
        return set().union(*map(read_tf_list, lists))

    if grn["tfs"]["lists"]:
        yield "TFs", of_lists, "grn.tfs.lists"
    prior = grn["cistromes"]["prior"]
    if grn["cistromes"]["method"] == "prior":
        place = "grn.cistromes.prior"

        def of_prior() -> set[str]:
            targets = set(read_prior(run.path_of(prior["table"]))["gene"])
            return _by_orthologs(run, targets, prior["orthologs"], place)

        yield "targets of the prior", of_prior, f"{place}.table"
    if pretrain["datasets"] is None or dataset in pretrain["datasets"]:
        own = fuse["backbones"][pretrain["backbone"]]
        genome = next(row["genome"] for row in run.rows if row["dataset"] == dataset)

        def of_vocabulary() -> set[str]:
            path = run.path_of(fuse["vocabulary"] or own["vocabulary"])
            table = fuse["orthologs"].get(genome)
            return _by_orthologs(run, set(read_vocabulary(path)), table, "fuse")

        # ids in place of symbols are translated by aliases: only symbols can be compared here
        if not (fuse["aliases"] or own["aliases"]):
            yield "vocabulary", of_vocabulary, "fuse.vocabulary"


def _by_orthologs(
    run: Run, names: set[str], table: str | None, section: str
) -> set[str]:
    """Genes of the data's species whose orthologs are among `names`; without a table, `names` as they are.

    Raises
    ------
    InputError
        If there are none.
    """
    if table is None:
        return names
    orthologs = read_orthologs(run.path_of(table), f"{section}.orthologs")
    found = {gene for gene, other in orthologs.items() if other in names}
    if not found:
        raise InputError(
            f"no gene of {section}.orthologs has an ortholog among {len(names)} names such as {sorted(names)[:3]}; it "
            f"has pairs such as {list(orthologs.items())[:2]}",
            "two columns: the dataset's gene, its ortholog",
            f"correct {section}.orthologs: the columns may stand the other way round",
        )
    return found


def _print_rows(rows: Sequence[Row]) -> None:
    if rows:
        print_table(("what", "found", ""), [(r.what, r.found, r.verdict) for r in rows])
        sys.stdout.write("\n")
