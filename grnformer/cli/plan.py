"""Print how many jobs a run by a config has still to do, and the hours that they ask of nodes, cores and GPUs.

Hours are those that jobs ask a scheduler for, the most that they may take, by the size of inputs that are there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from grnformer.cli.config import CHECKOUT, SNAKEFILE, ConfigFiles, config_files
from grnformer.core.errors import InputError
from grnformer.workflow.config_files import read_config_files

COLUMNS = ("jobs", "node-hours", "core-hours", "GPU-hours")


def plan(
    config: ConfigFiles = None,
    gpus: Annotated[
        int,
        typer.Option(
            help="GPUs of each training job, as by --set-resources pretrain_model:gpu="
        ),
    ] = 0,
) -> None:
    """Print a line for each rule and their sum.

    Raises
    ------
    InputError
        If a file of the config is not there, or has a key twice, or the workflow refuses what it says.
    """
    files = config_files(config)
    # in the words of all commands; Snakemake reads the files itself
    read_config_files(files, CHECKOUT)
    asked = sum_up(plan_jobs(files), gpus)
    every = tuple(map(sum, zip((0,) * len(COLUMNS), *asked.values(), strict=True)))
    rows: dict[str, tuple[str | float, ...]] = {"rule": COLUMNS, **asked, "all": every}
    width = max(map(len, rows))
    for name, numbers in rows.items():
        cells = "".join(f"{_cell(number):>12}" for number in numbers)
        sys.stdout.write(f"{name:<{width}}{cells}\n")


def _cell(number: str | float) -> str:
    if isinstance(number, str):
        return number
    return f"{number:,d}" if isinstance(number, int) else f"{number:,.1f}"


def plan_jobs(
    configfiles: Sequence[Path],
    targets: Sequence[str] = (),
    settings: dict[str, Any] | None = None,
    directory: Path | None = None,
) -> list[Any]:
    """Snakemake's jobs that a run would start, in `directory`; `settings`: what --config would give.

    Raises
    ------
    InputError
        If the workflow refuses the config, the sheet or a target.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.exceptions import WorkflowError
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )

    output = OutputSettings(quiet=frozenset([Quietness.ALL]))
    try:
        with SnakemakeApi(output) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(
                    configfiles=list(configfiles), config=settings or {}
                ),
                snakefile=SNAKEFILE,
                workdir=directory,
            )
            dag = workflow.dag(DAGSettings(targets=set(targets)))
            dag.execute_workflow(executor="dryrun")
            # targets that only name files are no jobs
            found = workflow._workflow.dag
            return [job for job in found.jobs if found.needrun(job) and job.output]
    except WorkflowError as error:
        raise _as_input_error(error) from error


def _as_input_error(error: Exception) -> InputError:
    """What the workflow says of wrong input; of other errors, their text."""
    parts: dict[str, str] = {}
    for line in str(error).splitlines():
        for name in ("Found: ", "Expected: ", "To mend it: "):
            if name in line:
                parts[name] = line.partition(name)[2]
    if len(parts) == 3:
        return InputError(*parts.values())
    text = " ".join(str(error).split()) or type(error).__name__
    return InputError(
        text, "a workflow that can be planned", "correct the config or the target"
    )


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
