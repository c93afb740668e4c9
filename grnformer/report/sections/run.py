"""Sections of the whole run: time and memory, methods and configuration, resources, software."""

from __future__ import annotations

import datetime
import platform

import pandas as pd
import yaml

import grnformer
from grnformer.core.record import library_versions
from grnformer.report.page import Block, Config, Listing, Note, Section, table
from grnformer.report.sections.choices import tabulate_choices
from grnformer.report.sections.resources import tabulate_resources
from grnformer.report.text import format_count


def run_sections(
    config: Config,
    configs: dict[str, Config],
    samples: list[dict[str, str]],
    registry: Config,
    costs: pd.DataFrame | None,
    commit: str,
) -> list[Section]:
    """Sections of the whole run.

    Parameters
    ----------
    config, configs
        The configuration, and that of each dataset.
    samples
        Rows of the sample sheet.
    registry
        The resource registry.
    costs
        Table by contract ``costs``; None before all jobs are done.
    commit
        State of the checkout.
    """
    # Every table of the page gets a column `dataset`.
    sheet = pd.DataFrame(samples).replace("", None).rename(columns={"dataset": "of"})
    settings: list[Block] = [
        table(
            "methods",
            tabulate_choices(config, configs),
            "Methods, switches, arms and seeds as configured. What stands under the name of a method counts only where "
            "that method is chosen.",
        ),
        *(
            [table("samples", sheet, f"The sample sheet; samples: {len(sheet)}.")]
            if samples
            else []
        ),
        Listing(
            "The whole configuration",
            yaml.safe_dump(config, sort_keys=False, width=110),
        ),
    ]

    software: list[Block] = [
        table(
            "software",
            describe_software(commit),
            "Software that rendered this page. The other stages ran in the same environment, unless their rule names "
            "another.",
        ),
        Note(f"Rendered {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC."),
    ]

    spent = [] if costs is None else _cost_blocks(costs)
    return [
        *([Section("costs", "Time and memory", spent)] if spent else []),
        Section("settings", "Methods and configuration", settings),
        Section(
            "resources",
            "Resources",
            _resources(tabulate_resources(configs, samples, registry)),
        ),
        Section("software", "Software", software),
    ]


def _cost_blocks(costs: pd.DataFrame) -> list[Block]:
    if costs.empty:
        return [Note("No job was measured.", kind="missing")]
    costs = costs.rename(columns={"dataset": "of"})

    return [
        table(
            "costs_by_stage",
            sum_up_costs(costs),
            "Time and peak resident memory of each stage. CPU time and memory are what each job measured itself; of "
            "jobs that run other programs they are samples by Snakemake, which miss up to 30 seconds. Wall times are "
            "summed over jobs; jobs that ran side by side count each.",
        ),
        table(
            "costs_by_job",
            costs,
            f"The same for each of the {len(costs)} jobs. A dash: the job was too short to be measured.",
            folded=True,
        ),
    ]


def sum_up_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """Jobs, wall and CPU seconds and peak memory of each stage."""
    grouped = costs.groupby(["of", "stage"], sort=False, as_index=False)
    # Memory is not added up: jobs need not run at the same time.
    return grouped.agg(
        jobs=("job", "size"),
        wall_seconds=("wall_seconds", "sum"),
        cpu_seconds=("cpu_seconds", "sum"),
        peak_memory_mb=("peak_memory_mb", "max"),
    )


def describe_software(commit: str) -> pd.DataFrame:
    """Versions of grnformer, with its git commit, Python, the platform and main packages; columns name, version."""
    versions = {
        "grnformer": grnformer.__version__,
        "grnformer git commit": commit,
        "Python": platform.python_version(),
        "platform": platform.platform(),
        **library_versions(),
    }
    return pd.DataFrame(versions.items(), columns=["name", "version"])


def _resources(resources: pd.DataFrame) -> list[Block]:
    if resources.empty:
        return [Note("The run used no resource of the registry.")]
    return [
        Note(
            f"{format_count(len(resources), 'file')} of the resource registry, each used only after its SHA-256 was "
            "found to be the registered one."
        ),
        table(
            "resources",
            resources,
            "Resources that the sample sheet and the stages of this run name.",
            hidden=("sha256",),
        ),
    ]
