"""Tables of a benchmark: every arm, paired differences, all scores."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.intervals import ALL
from grnformer.bench.metrics import METRICS
from grnformer.report.figures.forest import KINDS, order_arms
from grnformer.report.page import Block, table

_FOLDS = (
    " Folds share training data, so that intervals over folds are somewhat too narrow."
)


def table_blocks(
    benchmark: str,
    title: str,
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    compared: pd.DataFrame,
) -> list[Block]:
    used = [
        (name, metric)
        for name, metric in METRICS.items()
        if name in set(summary["metric"])
    ]
    order = [name for name, _ in used]
    folds = _FOLDS if "fold" in set(summary["unit"]) else ""
    definitions = " ".join(
        f"{metric.title} ({metric.statistic}): {metric.about}." for _, metric in used
    )
    # Stable sorts: by metric, then kind, task and arm, so that the rows shown are of the models in all tasks.
    ordered = order_arms(summary).sort_values("task", kind="stable")
    ordered = ordered.sort_values(
        "kind", kind="stable", key=lambda kind: kind.map(list(KINDS).index)
    )
    ordered = ordered.sort_values(
        "metric", kind="stable", key=lambda metric: metric.map(order.index)
    )

    blocks: list[Block] = [
        table(
            f"{benchmark}_summary",
            ordered,
            f"{title}, every arm, baseline and control. The estimate is the mean or median over members "
            "(seeds, TFs, ...), as given below. Intervals are 95% intervals over members (Student's t for means, "
            "percentile bootstrap for medians and resampled metrics), missing where there are too few members. Failed: "
            f"members whose value is undefined. {definitions}{folds}",
            hidden=("unit", "failed", "n"),
            n="observations a value (n)",
            above_baseline="above best baseline",
            above_baseline_low="95% low ",
            above_baseline_high="95% high ",
        )
    ]

    if len(compared):
        blocks.append(
            table(
                f"{benchmark}_comparisons",
                compared,
                "Paired differences in the metric's better direction (positive: the arm is better), with 95% "
                "intervals: Student's t over paired members for means, percentile bootstrap over members for medians. "
                f"Not corrected for the number of comparisons.{folds}",
                folded=len(compared) > 12,
                members="paired members (n)",
            )
        )

    caption = "All scores before any summary, one row a member."
    resampled = (
        scores["metric"].map(lambda name: METRICS[name].statistic) == "resampled"
    )
    if resampled.any():
        # hundreds of resamples of each arm: its file has them
        scores = scores[~resampled | (scores["member"] == ALL)]
        caption += " Of resampled metrics only the values of all data."
    return [
        *blocks,
        table(
            f"{benchmark}_scores", scores, caption, folded=True, n="observations (n)"
        ),
    ]
