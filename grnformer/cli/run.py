"""Run the workflow, whole or up to a stage, after a check of what it is given. What is done already is not done again.

Options of snakemake stand behind --: `grnformer run grn -- --dry-run`, or `-- --set-resources pretrain_model:gpu=1`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from grnformer.cli.config import (
    ROOT,
    SNAKEFILE,
    ConfigFiles,
    Settings,
    config_files,
)
from grnformer.cli.config import read_settings as read_settings_of
from grnformer.cli.progress import Progress, in_words
from grnformer.workflow.config_files import read_config_files
from grnformer.workflow.stages import check_targets, rules_by_stage

#: options of snakemake after which nothing is run, and its own words are the answer
_ONLY_ASKING = {
    "-n",
    "--dry-run",
    "--dryrun",
    "--summary",
    "-S",
    "--list",
    "-l",
    "--dag",
    "--rulegraph",
}
_ONLY_ASKING |= {
    "--lint",
    "--unlock",
    "--touch",
    "-t",
    "--report",
    "--help",
    "-h",
    "--version",
    "-v",
}


def run(
    ctx: typer.Context,
    stages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STAGE...",
            help="prep, topics, grn, ...; or paths of results; without any, all that the config asks for",
            show_default=False,
        ),
    ] = None,
    config: ConfigFiles = None,
    settings: Settings = None,
    cores: Annotated[
        str, typer.Option("--cores", "-c", help="of this machine; a number or all")
    ] = "",
    profile: Annotated[
        str,
        typer.Option(
            help="slurm, or a folder with a profile of snakemake", show_default=False
        ),
    ] = "",
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="run in this folder")
    ] = Path(),
    check: Annotated[
        bool, typer.Option(help="check sheet, files and resources first")
    ] = True,
) -> None:
    """Run it; its exit status is snakemake's.

    Raises
    ------
    InputError
        If a target is no stage, a file is not there, or the check finds what would stop the run.
    """
    rest = list(ctx.obj or [])
    rules = [name for names in rules_by_stage().values() for name in names]
    check_targets(stages or [], rules)
    files, given = config_files(config), read_settings_of(settings)
    # in the words of all commands; Snakemake reads the files itself
    read_config_files(files, ROOT, directory)
    command = snakemake_command(
        stages or [], files, given, cores, profile, directory, rest
    )
    if _ONLY_ASKING & set(rest):
        raise typer.Exit(subprocess.run(command, check=False).returncode)

    weights: dict[str, float] = {}
    if check:
        from grnformer.cli.check import check_run

        weights = check_run(files, given, stages or [], directory)
    raise typer.Exit(follow(command, Progress(weights), directory))


def snakemake_command(
    targets: Sequence[str],
    configfiles: Sequence[Path],
    settings: dict[str, Any],
    cores: str,
    profile: str,
    directory: Path,
    rest: Sequence[str],
) -> list[str]:
    """Snakemake's command line for a run."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    if configfiles:
        command += ["--configfile", *(str(path.resolve()) for path in configfiles)]
    if settings:
        command += ["--config", *(f"{k}={json.dumps(v)}" for k, v in settings.items())]
    if profile:
        ours = ROOT / "profiles" / profile
        there = Path(profile).is_dir() or not ours.is_dir()
        command += ["--profile", profile if there else str(ours)]
    if cores or not (profile or {"--cores", "-c", "--jobs", "-j"} & set(rest)):
        command += ["--cores", cores or "all"]
    if directory != Path():
        command += ["--directory", str(directory)]
    return [*command, *rest, *(["--", *targets] if targets else [])]


def follow(command: Sequence[str], progress: Progress, directory: Path) -> int:
    """Run Snakemake, which works in a folder, and show how far it is; its exit status."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = iter(process.stdout or ())
    try:
        (_show_bars if sys.stdout.isatty() else _show_lines)(lines, progress)
    except KeyboardInterrupt:
        # the terminal has interrupted Snakemake as well, which stops its jobs
        for line in lines:
            sys.stdout.write(line)
    # the pipe is at its end
    with process:
        status = process.wait()
    _say_end(status, progress, directory)
    return status


def _show_lines(lines: Iterator[str], progress: Progress) -> None:
    """For a file or a pipe: a line for each job that is done."""
    for line in lines:
        before = sum(done for _, done, _ in progress.by_stage())
        if told := progress.read(line):
            sys.stdout.write(f"{told}\n")
        if sum(done for _, done, _ in progress.by_stage()) > before:
            sys.stdout.write(f"{_state(progress)}\n")
        sys.stdout.flush()


def _state(progress: Progress) -> str:
    rows = progress.by_stage()
    done, planned = sum(row[1] for row in rows), sum(row[2] for row in rows)
    open_stages = [f"{stage} {n}/{of}" for stage, n, of in rows if 0 < n < of]
    parts = [f"{done}/{planned} jobs: {progress.latest}", *open_stages]
    parts += [in_words(progress.seconds_left())] if done < planned else []
    return ", ".join(filter(None, parts))


def _show_bars(lines: Iterator[str], progress: Progress) -> None:
    """For a terminal: a bar for each stage."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Bars(*columns, TextColumn("{task.fields[note]}")) as bars:
        tasks: dict[str, Any] = {}
        whole = bars.add_task("planning", total=None, note="")
        for line in lines:
            if told := progress.read(line):
                bars.console.print(told, markup=False, highlight=False)
            rows = progress.by_stage()
            for stage, done, planned in rows:
                if stage not in tasks:
                    tasks[stage] = bars.add_task(stage, total=planned, note="")
                bars.update(tasks[stage], completed=done, total=planned)
            if rows:
                done, planned = sum(r[1] for r in rows), sum(r[2] for r in rows)
                note = in_words(progress.seconds_left()) if done < planned else ""
                bars.update(
                    whole, description="all", completed=done, total=planned, note=note
                )


def _say_end(status: int, progress: Progress, directory: Path) -> None:
    if status:
        sys.stdout.write(
            "The run stopped: above stands why, and logs are in results/logs. The same command goes on from here.\n"
        )
        return
    # of any name (report.name), whole or of a stage; a page of several runs comes beside that of the run
    pages = (directory / "results/report").glob("**/index.html")
    there = [page for page in pages if page.parent.name != "joined"]
    newest = max(there, key=lambda page: page.stat().st_mtime, default=None)
    if newest:
        sys.stdout.write(f"The page: {newest.resolve()}\n")
