"""Print how many jobs a run by a config has still to do, and the hours that they ask of nodes, cores and GPUs.

Hours are those that jobs ask a scheduler for, the most that they may take, by the size of inputs that are there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grnformer.cli.config import CHECKOUT, add_configfile
from grnformer.workflow.config_files import read_config_files

SNAKEFILE = CHECKOUT / "Snakefile"
COLUMNS = ("jobs", "node-hours", "core-hours", "GPU-hours")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_configfile(parser)
    parser.add_argument(
        "--gpus",
        default=0,
        type=int,
        help="GPUs of each training job, as by --set-resources pretrain_model:gpu=",
    )


def run(options: argparse.Namespace) -> int:
    """Print a line for each rule and their sum.

    Raises
    ------
    InputError
        If a file of the config is not there, or has a key twice.
    """
    # in the words of all commands; Snakemake reads the files itself
    read_config_files(options.configfile, CHECKOUT)
    from snakemake.exceptions import WorkflowError

    try:
        asked = sum_up(plan_jobs(options.configfile), options.gpus)
    except WorkflowError as error:
        # wrong input, as the workflow says it: found, expected, remedy
        sys.stderr.write(f"{error}\n")
        return 1
    every = tuple(map(sum, zip((0,) * len(COLUMNS), *asked.values(), strict=True)))
    rows: dict[str, tuple[str | float, ...]] = {"rule": COLUMNS, **asked, "all": every}
    width = max(map(len, rows))
    for name, numbers in rows.items():
        cells = "".join(f"{_cell(number):>12}" for number in numbers)
        sys.stdout.write(f"{name:<{width}}{cells}\n")
    return 0


def _cell(number: str | float) -> str:
    if isinstance(number, str):
        return number
    return f"{number:,d}" if isinstance(number, int) else f"{number:,.1f}"


def plan_jobs(configfiles: list[Path]) -> list[Any]:
    """Snakemake's jobs that a run would start."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )

    output = OutputSettings(quiet=frozenset([Quietness.ALL]))
    with SnakemakeApi(output) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=configfiles),
            snakefile=SNAKEFILE,
        )
        workflow.dag().execute_workflow(executor="dryrun")
        # targets that only name files are no jobs
        dag = workflow._workflow.dag
        return [job for job in dag.jobs if dag.needrun(job) and job.output]


def sum_up(jobs: Iterable[Any], gpus: int) -> dict[str, tuple[float, ...]]:
    """Rule -> its jobs, node-hours, core-hours, GPU-hours; those that ask for most come first."""
    found: dict[str, tuple[float, ...]] = {}
    for job in jobs:
        asked = job.resources
        nodes = asked.get("nodes", 1)
        hours = asked["runtime"] / 60 * nodes
        # `gpu` is a resource of rules that can use one
        own = asked.get("gpu")
        each = 0 if own is None else max(own, gpus)
        numbers = (1, hours, hours * job.threads, hours * each)
        before = found.get(job.rule.name, (0, 0, 0, 0))
        found[job.rule.name] = tuple(map(sum, zip(before, numbers, strict=True)))
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))
