"""Section of a benchmark: verdict in words, forest plots, every score beside baselines and intervals."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.metrics import METRICS
from grnformer.bench.summary import compare_arms
from grnformer.report.page import Aside, Block, Config, Note, Section, table
from grnformer.report.sections.bench.figures import difference_blocks, forest_blocks
from grnformer.report.sections.bench.tables import table_blocks
from grnformer.report.sections.bench.task import Pairs
from grnformer.report.sections.bench.tasks import TASKS
from grnformer.report.sections.bench.verdict import describe_verdict
from grnformer.report.text import format_rows

_BEATS = "An arm beats another where the 95% interval of their paired difference lies above 0."


def benchmark_section(
    benchmark: str,
    scores: pd.DataFrame | None,
    summary: pd.DataFrame | None,
    of_models: Pairs,
    settings: Config,
    about_data: pd.DataFrame | None = None,
    palette: dict[str, str] | None = None,
) -> Section:
    """Section of one benchmark.

    Parameters
    ----------
    scores, summary
        Tables by the contracts ``scores`` and ``summary``; None where the benchmark was not run for the dataset.
    of_models
        (arm, control) of pretraining.
    settings
        ``resamples`` and ``seed`` of the bootstrap.
    about_data
        What is told of the benchmark's data or settings (``grn_truth``, ``screen_counts``, ...), shown at the end.
    palette
        Colour of each arm of pretraining.
    """
    task = TASKS[benchmark]
    title = task.title
    if scores is None or summary is None:
        missing = Note(f"{title} was not measured: {task.missing}.", kind="missing")
        return Section(benchmark, title, [missing])

    # In the order of METRICS: the first one is the primary metric.
    metrics = [metric for metric in METRICS if metric in set(summary["metric"])]
    pairs = task.pairs(of_models, scores, summary)
    compared = compare_arms(
        scores, pairs, metrics, settings["resamples"], settings["seed"]
    )
    primary = compared[compared["metric"] == metrics[0]]
    # the first sentence says what is measured, the others how
    first, _, how = task.about.partition(". ")
    blocks: list[Block] = [
        Note(f"{first.removesuffix('.')}. {_BEATS}"),
        Aside("How it is scored", how),
    ]

    # Judged by one metric: of several, one may be better by chance.
    judged = task.judge(list(primary["arm"].unique()))
    for arm in judged:
        blocks.append(describe_verdict(primary[primary["arm"] == arm], title))

    blocks += _below_chance(summary)
    blocks += difference_blocks(benchmark, judged, primary, palette or {})
    for metric in metrics[:2]:
        blocks += forest_blocks(
            benchmark,
            scores[scores["metric"] == metric],
            summary[summary["metric"] == metric],
            palette or {},
        )
    blocks += table_blocks(
        benchmark,
        title,
        scores.drop(columns="benchmark"),
        summary.drop(columns="benchmark"),
        compared,
    )
    if about_data is not None:
        blocks.append(
            table(
                f"{benchmark}_data",
                about_data,
                task.about_data,
                folded=True,
            )
        )
    return Section(benchmark, title, blocks)


def _below_chance(summary: pd.DataFrame) -> list[Block]:
    """Which methods have an AUROC below .5, by task; nothing where there is none."""
    found = summary[(summary["metric"] == "cells_auroc") & (summary["estimate"] < 0.5)]
    found = found[found["kind"] != "control"]
    items = [
        f"{task}: {', '.join(format_rows(rows, '{arm} {estimate:.2f}'))}."
        for task, rows in found.groupby("task", sort=False)
    ]
    return [Note("AUROC below .5:", tuple(items))] if items else []
