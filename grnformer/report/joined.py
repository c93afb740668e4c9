"""Runs of other folders, commits and settings on one page: what each scored, and where they cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.intervals import Estimate
from grnformer.bench.metrics import METRICS, check_declared, primary_metric
from grnformer.core import contracts, io
from grnformer.core.compare import differences, short
from grnformer.core.errors import InputError
from grnformer.report.page import (
    Block,
    Note,
    Section,
    collect_tables,
    render_page,
    table,
    write_report,
)
from grnformer.report.run_summary import UNKNOWN, tabulate_metrics
from grnformer.report.text import say_outcome

SUMMARY = Path("results") / "report" / "summary.json"
OWN = "this run"  # its name beside those of report.runs
#: part of a benchmark's origin -> what it is called, and whether scores can be compared where it differs
ASPECTS = {
    "settings": ("settings of the task", False),
    "splits": ("splits", False),
    "data": ("data of the task", False),
    "settings_before": ("settings of networks and models", True),
    "data_before": ("data of networks and models", True),
    "commit": ("commit", True),
}
COMPARED = ["dataset", "task", "run", "against", "what", "comparable", "details"]
_WITHIN = ["dataset", "task", "split"]
BEST = [*_WITHIN, "run", "arm", "verdict", "value", "low", "high", "metric"]
_MOST_DETAILS = 5  # differing settings that are named

Runs = Mapping[str, Mapping[str, Any]]  # name of a run -> its summary


def find_summary(run: str | Path) -> Path:
    """The summary of a run, given its folder, the folder of its results, or the file.

    Raises
    ------
    InputError
        If there is none.
    """
    run = Path(run)
    # the last with any name of the results' folder
    places = [run, run / SUMMARY, run / "report" / SUMMARY.name, run / SUMMARY.name]
    found = next((place for place in places if place.is_file()), None)
    named = _named_reports(run) if found is None else []
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(
            f"{len(named)} reports in {run}: {', '.join(path.parent.name for path in named)}",
            "one run",
            f"name the folders of their reports, such as {named[0].parent}",
        )
    if found is None:
        raise InputError(
            f"no {SUMMARY.name} in {run}" if run.is_dir() else f"no folder {run}",
            f"the folder of a finished run, with {SUMMARY}",
            f"correct the path, or finish that run there: snakemake -c1 -- {SUMMARY}",
        )
    return found


def _named_reports(run: Path) -> list[Path]:
    """Summaries of reports with a name (``report.name``), in the folder of a run, of its results or of its reports."""
    for folder in (run / SUMMARY.parent, run / "report", run):
        found = sorted(folder.glob(f"*/{SUMMARY.name}"))
        if found:
            return found
    return []


def read_runs(paths: Mapping[str, str | Path]) -> dict[str, dict[str, Any]]:
    """Read the summaries of runs, by name.

    Raises
    ------
    InputError
        If one breaks the contracts ``run_summary`` and ``metrics``, or names an unknown metric.
    """
    runs = {}
    for name, path in paths.items():
        summary = io.read_json(path, "run_summary")
        try:
            metrics = tabulate_metrics(summary)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{path}: metrics that are no numbers: {error}",
                "rows by the contract metrics",
                f"make the file anew in that run: snakemake -c1 --force -- {SUMMARY}",
            ) from None
        contracts.check(metrics, "metrics", where=path)
        newer = "join the runs by the newer version of grnformer"
        check_declared(metrics["metric"], str(path), newer)
        runs[name] = summary
    return runs


def name_runs(folders: Sequence[str | Path]) -> dict[str, Path]:
    """Name of each run -> its summary; runs of one name have their place in the list added.

    Raises
    ------
    InputError
        If a folder has no summary, or one is named twice.
    """
    found = [find_summary(folder) for folder in folders]
    resolved = [path.resolve() for path in found]
    twice = [path for path in resolved if resolved.count(path) > 1]
    if twice:
        raise InputError(f"{twice[0]} twice", "runs that differ", "name each run once")
    names = [Path(folder).resolve().name for folder in folders]
    return {
        name if names.count(name) == 1 else f"{name} ({place})": path
        for place, (name, path) in enumerate(zip(names, found, strict=True), start=1)
    }


def set_beside(own: str, others: Mapping[str, str]) -> dict[str, str]:
    """Name -> summary of this run, first, and of others.

    Raises
    ------
    InputError
        If another has the name that this run has on the page.
    """
    if OWN in others:
        raise InputError(
            f"report.runs with the name {OWN!r}",
            "names of other runs: the run itself is called so on the page",
            "give that run another name in report.runs",
        )
    return {OWN: own, **others}


def join_metrics(runs: Runs) -> pd.DataFrame:
    """Metrics of all runs below each other, with the column `run` first."""
    tables = []
    for name, summary in runs.items():
        metrics = tabulate_metrics(summary)
        metrics.insert(0, "run", name)
        tables.append(metrics)
    return pd.concat(tables, ignore_index=True)


def compare_origins(runs: Runs) -> pd.DataFrame:
    """What differs between each run and the first that has the same benchmark of the same dataset.

    Returns
    -------
    One row a difference, columns ``COMPARED``; `comparable` is false where scores must not be set side by side.
    """
    first: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
    rows = []
    for run, summary in runs.items():
        for entry in summary["benchmarks"]:
            place = (entry["dataset"], entry["task"])
            against, other = first.setdefault(place, (run, entry))
            if against == run:
                continue
            for what, comparable, details in _differing(other, entry):
                rows.append([*place, run, against, what, comparable, details])
    return pd.DataFrame(rows, columns=COMPARED)


def joined_sections(runs: Runs) -> list[Section]:
    """Sections of the page: the overview, then one for each benchmark and dataset, then the runs themselves."""
    metrics, compared = join_metrics(runs), compare_origins(runs)
    caption = (
        "Every arm, baseline and control of every run. Value: mean or median over members, as the benchmark "
        "states; low and high: its 95% interval."
    )
    notes, sections = [], []
    for (dataset, task), part in metrics.groupby(["dataset", "task"], sort=True):
        note = _tell_comparability(str(dataset), str(task), part, compared)
        inner = part.drop(columns=["dataset", "task", "commit", "config_hash"])
        shown = table(f"{task}_{dataset}", _by_metric(inner), caption)
        title = f"{task} of {dataset}"
        sections.append(Section(f"{task}-{dataset}", title, [note, shown]))
        notes.append(note)
    return [_overview(metrics, notes), *sections, _origins(runs, compared)]


def write_joined(
    runs: Runs, template: str | Path, page: str | Path, folder: str | Path
) -> None:
    """Write the page of several runs, and its tables into `folder`; `template` is workflow/report/page.html."""
    sections = joined_sections(runs)
    html = render_page(
        "Runs side by side",
        f"{len(runs)} runs of GRNFormer: {', '.join(runs)}.",
        sections,
        Path(template).read_text(encoding="utf-8"),
    )
    write_report(html, collect_tables(sections), page, folder)


def pick_best(metrics: pd.DataFrame) -> pd.DataFrame:
    """The best model arm of each run, dataset, task and split by the task's primary metric, and what can be said of it.

    Tasks without an arm of kind model are left out.
    """
    rows = []
    for (run, *place), part in metrics.groupby(["run", *_WITHIN], sort=True):
        primary = primary_metric(part["metric"])
        models = part[(part["metric"] == primary) & (part["kind"] == "model")]
        models = models.dropna(subset=["value"])
        if models.empty:
            continue
        # the sign comes first: the largest is the best for losses too
        best = models.loc[(METRICS[primary].sign * models["value"]).idxmax()]
        rows.append(
            dict(zip(_WITHIN, place, strict=True))
            | {"run": run, "metric": primary}
            | best[["arm", "value", "low", "high"]].to_dict()
            | {"verdict": say_verdict(best)}
        )
    return pd.DataFrame(rows, columns=BEST).sort_values(
        [*_WITHIN, "run"], ignore_index=True
    )


def say_verdict(row: pd.Series) -> str:
    """In words what a row of contract ``metrics`` allows to say of its arm and the best baseline."""
    if not isinstance(row["baseline"], str):
        return "has no baseline"
    above = row["above_baseline"]
    low, high = row["above_baseline_low"], row["above_baseline_high"]
    outcome = Estimate(above, low, high, row["members"]).outcome
    return say_outcome(outcome, row["members"], row["unit"], row["baseline"])


def _differing(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, bool, str]]:
    """What differs, whether scores can be compared all the same, and the details."""
    if UNKNOWN in (one["commit"], other["commit"]):
        why = (
            "no record of the job that scored it is left in the logs of one of the runs"
        )
        yield "origin unknown", False, why
        return
    for part, (what, comparable) in ASPECTS.items():
        # an arm that one run alone has is a score more, no setting that differs
        found = [
            (place, left, right)
            for place, left, right in differences(one[part], other[part])
            if ".arms." not in f".{place}" or None not in (left, right)
        ]
        if found:
            told = [
                f"{place or part}: {short(right)} (was {short(left)})"
                for place, left, right in found[:_MOST_DETAILS]
            ]
            if len(found) > _MOST_DETAILS:
                told.append(f"and {len(found) - _MOST_DETAILS} more")
            yield what, comparable, "; ".join(told)


def _tell_comparability(
    dataset: str, task: str, metrics: pd.DataFrame, compared: pd.DataFrame
) -> Note:
    """Which runs of a benchmark can be compared."""
    title, names = f"{task} of {dataset}", list(metrics["run"].unique())
    if len(names) == 1:
        return Note(f"{title}: only {names[0]} has it.")

    of_task = compared[(compared["dataset"] == dataset) & (compared["task"] == task)]
    items = tuple(
        f"{row.run} against {row.against}: other {row.what}"
        if row.what != "origin unknown"
        else f"{row.run} against {row.against}: {row.what}, {row.details}"
        for row in of_task.itertuples()
    )
    apart = list(of_task.loc[~of_task["comparable"].astype(bool), "run"].unique())
    if apart:
        text = f"{title}: {' and '.join(apart)} cannot be compared with {names[0]}."
        return Note(text, items, "missing")
    text = f"{title}: {', '.join(names)} can be compared (same task, splits and data of the task)."
    return Note(text, items)


def _overview(metrics: pd.DataFrame, notes: Sequence[Note]) -> Section:
    blocks: list[Block] = [*notes]
    best = pick_best(metrics)
    of = best.rename(columns={"dataset": "of"})
    caption = (
        "The best arm of each run in each split, by the primary metric of its task, with its 95% interval, and whether "
        "it beats the best baseline (paired difference). It is the best of several by these very scores, so that its "
        "value is somewhat too high. Only runs that can be compared may be read against each other."
    )
    if len(of):
        blocks.append(table("overview", of, caption))
    return Section("overview", "In short", blocks)


def _origins(runs: Runs, compared: pd.DataFrame) -> Section:
    listed = pd.DataFrame(
        [
            {
                "run": name,
                "title": summary["title"],
                "commit": summary["commit"],
                "config_hash": summary["config_hash"],
                "benchmarks": len(summary["benchmarks"]),
                "values": len(summary["metrics"]),
            }
            for name, summary in runs.items()
        ]
    )
    blocks: list[Block] = [
        table("runs", listed, f"The {len(listed)} runs."),
        table(
            "differences",
            compared.rename(columns={"dataset": "of"}),
            "What differs between runs with the same benchmark. Comparable: no, where it is settings, splits or data "
            "of the task itself; yes, where it is what the runs set out to compare.",
        ),
    ]
    return Section("runs", "Runs and what differs", blocks)


def _by_metric(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows by split, then metric in the order of `METRICS`, best values first."""
    order = list(METRICS)
    keys = metrics.assign(
        _metric=metrics["metric"].map(order.index),
        _value=-metrics["value"]
        * np.array([METRICS[name].sign for name in metrics["metric"]]),
    )
    placed = keys.sort_values(["split", "_metric", "_value", "arm", "run"]).index
    return metrics.loc[placed].reset_index(drop=True)
