"""Sections of the benchmarks: verdict in words, forest plots, every score beside baselines and intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.bench.grn_accuracy.evaluate import wrong_tf_name
from grnformer.bench.metrics import METRICS
from grnformer.report.forest import forest_height, metric_name, order_arms, plot_forest, unit_name
from grnformer.report.page import Block, Figure, Note, Section, Table
from grnformer.report.verdict import capital, compare_arms, judge
from grnformer.workflow.config import DATA_GRAPHS

if TYPE_CHECKING:
    import pandas as pd

TITLES = {"drug_response": "Drug response", "grn_accuracy": "GRN accuracy"}
ABOUT = {
    "drug_response": "Predicting LN_IC50 (ln µM) of a drug in a cancer cell line. Tasks are what is left out of "
    "training: pairs, cell lines or drugs. The primary metric removes drug and line means from truth and prediction, "
    "so that a model that only knows which drugs are potent scores nothing.",
    "grn_accuracy": "Inferred targets of each TF in a cell line against ENCODE ChIP-seq targets of that TF in that "
    "very line. Scores are ratios over a random ranking (1). A TF-agnostic baseline ranks genes without the TF; "
    "the wrong-TF control takes the same score from other TFs of the line. In task all a TF counts once for each line "
    "it was measured in; intervals draw a TF with all its lines. Where promoters are given: the default settings of "
    "binding_with_baseline and binding_prior_with_linked_baseline were chosen by these very scores, on GM12878 and H1 "
    "(the reach of links: on K562), so that these two are somewhat too good there.",
}
_MISSING = {
    "drug_response": "the configuration names no split (bench.drug_response.splits)",
    "grn_accuracy": "the configuration names no ChIP-seq truth for a cell type of this dataset "
    "(bench.grn_accuracy.lines)",
}
_DATA = {
    "drug_response": "Preparation of the drug screen: what was merged and lost.",
    "grn_accuracy": "ChIP-seq experiments of these lines and what became of each.",
}
# arms judged in words; those of the other benchmarks are all judged
_VERDICTS = {
    "grn_accuracy": ("eregulon", "eregulon_and_baseline", "binding_with_baseline", "binding_prior_with_linked_baseline")
}
_FOLDS = " Folds share training data, so that intervals over folds are somewhat too narrow."
_LABELS = {
    "low": "95% low",
    "high": "95% high",
    "members": "members (n)",
    "tf": "TF",
    "failed": "failed (n)",
    "n": "observations a value (n)",
    "above_baseline": "above best baseline",
    "above_baseline_low": "95% low ",
    "above_baseline_high": "95% high ",
}
_COMPARED = {"low": "95% low", "high": "95% high", "members": "paired members (n)"}


def benchmark_section(
    dataset: str,
    benchmark: str,
    scores: pd.DataFrame | None,
    summary: pd.DataFrame | None,
    pairs: list[tuple[str, str]],
    settings: dict[str, Any],
    about_data: pd.DataFrame | None = None,
) -> Section:
    """Section of one benchmark.

    Parameters
    ----------
    scores, summary
        Tables by the contracts ``scores`` and ``summary``; None where the benchmark was not run for the dataset.
    pairs
        (arm, arm it is held against).
    settings
        ``resamples`` and ``seed`` of the bootstrap.
    about_data
        Table by contract ``grn_truth`` or ``screen_counts``, shown at the end.
    """
    title = TITLES.get(benchmark, benchmark.replace("_", " ").capitalize())
    if scores is None or summary is None:
        return Section(
            benchmark, title, [Note(f"{title} was not measured: {_MISSING[benchmark]}.", kind="missing")], dataset
        )
    metrics = [m for m in METRICS if m in set(summary["metric"])]
    compared = compare_arms(scores, pairs, metrics, settings["resamples"], settings["seed"])
    blocks: list[Block] = [Note(ABOUT.get(benchmark, ""))]
    for arm in _VERDICTS.get(benchmark) or dict.fromkeys(arm for arm, _ in pairs):
        if (compared["arm"] == arm).any():
            blocks.append(judge(compared, arm, metrics[0], title))
    blocks += _forests(benchmark, scores, summary, metrics[:2])
    blocks.append(
        Table(
            f"{benchmark}_summary",
            order_arms(summary)
            .sort_values(["metric", "task"], kind="stable", key=_in_order(metrics))
            .drop(columns="benchmark"),
            f"{title}, every arm, baseline and control. The estimate is the mean or median over members (seeds, TFs, "
            "...), as given below; intervals are 95% intervals over members (Student's t for means, percentile "
            "bootstrap for medians), missing where there is one member alone. Failed: members whose value is "
            "undefined. " + _definitions(metrics) + (_FOLDS if (summary["unit"] == "fold").any() else ""),
            _LABELS,
            shown=600,
        )
    )
    if len(compared):
        blocks.append(
            Table(
                f"{benchmark}_comparisons",
                compared,
                "Paired differences in the metric's better direction (positive: the arm is better), with 95% "
                "intervals: Student's t over paired members for means, percentile bootstrap over members for medians. "
                "Not corrected for the number of comparisons." + (_FOLDS if (compared["unit"] == "fold").any() else ""),
                _COMPARED,
                folded=len(compared) > 12,
            )
        )
    blocks.append(
        Table(
            f"{benchmark}_scores",
            scores.drop(columns="benchmark"),
            "All scores before any summary, one row a member.",
            folded=True,
        )
    )
    if about_data is not None:
        blocks.append(Table(f"{benchmark}_data", about_data, _DATA[benchmark], folded=len(about_data) > 12))
    return Section(benchmark, title, blocks, dataset)


def pairs_of_arms(arms: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """(graph arm, other arm) for every arm that has a graph of the data against every arm that has none or a control.

    Parameters
    ----------
    arms
        ``pretrain.arms`` of the config: name -> ``graph`` and more.
    """
    real = [name for name, arm in arms.items() if arm["graph"] in DATA_GRAPHS]
    return [(arm, other) for arm in real for other in arms if other not in real]


def pairs_of_networks(summary: pd.DataFrame | None) -> list[tuple[str, str]]:
    """(network, control) for every arm of kind model: against its own wrong-TF control and the random ranking."""
    if summary is None:
        return []
    arms = summary.drop_duplicates("arm").set_index("arm")["kind"]
    models = [str(a) for a in arms.index[arms == "model"]]
    return [(m, other) for m in models for other in (wrong_tf_name(m), "random") if other in arms.index]


def _forests(benchmark: str, scores: pd.DataFrame, summary: pd.DataFrame, metrics: list[str]) -> list[Block]:
    blocks: list[Block] = []
    for metric in metrics:
        tasks = list(dict.fromkeys(summary.loc[summary["metric"] == metric, "task"]))
        height = max(forest_height(summary[(summary["metric"] == metric) & (summary["task"] == t)]) for t in tasks)
        for task in tasks:
            part = summary[(summary["metric"] == metric) & (summary["task"] == task)]
            points = scores[(scores["metric"] == metric) & (scores["task"] == task)]
            undefined = part.loc[part["estimate"].isna(), "arm"].tolist()
            several = part[part["members"] > 1]
            least, most = several["members"].min(), several["members"].max()
            members = unit_name(str(part["unit"].iloc[0]), int(most)) if len(several) else ""
            members = members if least == most or not members else f"{least} to {members}"
            caption = (
                f"{capital(METRICS[metric].about)}. Task {task}. Points: {METRICS[metric].statistic} over members"
                f"{f' ({members})' if members else ''}; bars: 95% interval; dashed line: best naive baseline; "
                "dotted line: chance."
            )
            if undefined:
                caption += f" Undefined, hence without a point: {', '.join(undefined)}."
            figure = plot_forest(part, points, f"{task}: {metric_name(metric)}")
            blocks.append(Figure(f"{benchmark}-{metric}-{task}", figure, caption, height, wide=len(tasks) == 1))
    return blocks


def _definitions(metrics: list[str]) -> str:
    return " ".join(f"{metric_name(m)} ({METRICS[m].statistic}): {METRICS[m].about}." for m in metrics)


def _in_order(metrics: list[str]) -> Any:
    def key(column: pd.Series) -> pd.Series:
        return column.map(metrics.index) if column.name == "metric" else column

    return key
