"""Sections of the benchmarks: verdict in words, forest plots, every score beside baselines and intervals."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.controls import rewired_name
from grnformer.bench.grn_accuracy.evaluate import wrong_tf_name
from grnformer.bench.intervals import ALL, LEAST_FOR
from grnformer.bench.metrics import METRICS
from grnformer.bench.perturbation.arms import BLEND, JOINED, MODEL
from grnformer.bench.perturbation.in_silico import IN_SILICO
from grnformer.bench.summary import are_too_few, compare_arms, judge
from grnformer.report.figures.differences import differences_height, plot_differences
from grnformer.report.figures.forest import (
    KINDS,
    forest_height,
    order_arms,
    plot_forest,
    span_of,
)
from grnformer.report.page import Block, Config, Figure, Note, Section, table
from grnformer.report.text import (
    capitalise,
    format_count,
    format_difference,
    format_range,
    format_rows,
    say_outcome,
)

TITLES = {
    "drug_response": "Drug response",
    "grn_accuracy": "GRN accuracy",
    "perturbation": "Perturbation",
    "perturbation_profiles": "Perturbation profiles",
    "link_accuracy": "Link accuracy",
    "network_features": "What a network is worth as features",
    "sc_drug_lines": "Single-cell drug response: known lines",
    "sc_drug_labels": "Single-cell drug response: labelled cells",
}
ABOUT = {
    "drug_response": "Predicts LN_IC50 (ln µM) of a drug in a cancer cell line. Tasks name what is left out of "
    "training: pairs, cell lines, drugs, whole tissues, or (screen) lines, with training in another screen. The "
    "primary metric removes drug and line means from truth and prediction, so that a model that only knows which drugs "
    "are potent scores 0. Arms that end in ridge are the same embeddings with a ridge regression a drug, alone or "
    "beside all genes. The task deepcdr is a published protocol that is not leak-safe: it chooses on what it tests, "
    "and its lines and drugs are all known; means of lines and drugs come close to its published pooled r of 0.92.",
    "link_accuracy": "Ranks pairs of an element and a gene by whether CRISPRi of the element changed the gene, in the "
    "same cell line. An element's links are those of regions with their midpoint in it. joined is the correlation of "
    "accessibility and expression times the square root of accessibility over distance; its control has the "
    "correlations permuted. Intervals resample genes with all their pairs.",
    "network_features": "Predicts drug response of unseen lines or tissues by ridge regression on TF activities, which "
    "come from expression and a network's regulons. The control has the same regulons with their targets swapped "
    "between TFs. The baseline is the same regression on all genes. A difference to the control is what the network "
    "knows; one to the baseline is what a compact set of features costs.",
    "grn_accuracy": "Compares the inferred targets of each TF in a cell line with ENCODE ChIP-seq targets of the TF in "
    "the same line. Scores are ratios over a random ranking (1). A TF-agnostic baseline ranks genes without knowing "
    "the TF. The wrong-TF control takes the same score from other TFs of the line. In task all, a TF counts once for "
    "each line it was measured in; intervals sample a TF with all its lines. Where promoters are given: the default "
    "settings of binding_with_baseline and binding_prior_with_linked_baseline were chosen by these scores, on GM12878 "
    "and H1 (the reach of links: on K562), so that both score somewhat too high there.",
    "perturbation": "Predicts which genes respond to the knock-down of a gene that training has not seen (effects), "
    "and which of them go up (directions). AUROC is taken within genes: over all pairs together, a gene's training "
    "rate scores about .95 without knowing the perturbation (pooled AUROC), and .5 within genes. Intervals resample "
    "perturbations, the same ones for all arms. A rewired graph has the same sizes and degrees with other genes; a "
    "blend adds a kernel regression to the smoother. The form of everything_blend was fixed after several had been "
    "scored on these test parts, so that it scores somewhat too high here; its settings are chosen on training "
    "perturbations. model_<arm>: embeddings of the perturbed genes by models of an arm of pretraining, mean over "
    "seeds; ..._and_graphs: joined to graphs_coexpression. A gene that models do not know scores as the average: the "
    "tasks that end in embedded have only perturbations of genes that all of them know.",
    "perturbation_profiles": "Predicts the mean expression profile after a perturbation that training has not seen. "
    "Single unseen: no training perturbation has the gene. Combo seen 0, 1, 2: how many of the genes are perturbed "
    "alone in training. Cells of the tested perturbations and of the controls are halved: one half is the truth, the "
    "other is the ceiling and chooses the genes of the top 20; predictions have the other half of the controls. "
    "Perturbed genes are left out of every metric. Metrics called scaled are 0 for the best baseline and 1 for the "
    "ceiling; they are missing where the ceiling is no better than the baseline, since such cells cannot tell arms "
    "apart. A constant prediction has no correlation: it counts as failed.",
    "sc_drug_lines": "Predicts LN_IC50 of cancer cell lines from their single cells, by models of the bulk profiles of "
    "all other lines of the screen; tested lines are left out of training under every spelling. Tasks name what stands "
    "for a line: its bulk profile, all its cells, pools of them, single cells. Ceiling: ridge on the lines' own bulk "
    "profiles. coral, mmd and adversarial see the cells without labels. All settings are chosen on lines of the "
    "screen, with as many values for each method. The quantile of shuffled responses is what chance reaches; lines are "
    "few, and other lines give other scores.",
    "sc_drug_labels": "Predicts which cells respond to a drug, by models of the bulk screen without labels. A task is "
    "a set of cells and a drug: drugs of one set share cells, and are no independent tests; no mean is taken. "
    "An AUROC below .5 says the opposite of the labels. depth and mitochondrial (share of MT genes) know no drug. "
    "Controls: ridge of every other drug, and of shuffled responses, with the quantiles of each. Intervals: bootstrap "
    "over cells. Arms of pretraining: ridge on embeddings, other heads in brackets, mean over seeds. Models read "
    "counts or their logarithms: of z-scores there is no embedding, and the arms stand there without a value.",
}
_MISSING = {
    "drug_response": "the configuration names no split (bench.drug_response.splits)",
    "grn_accuracy": "the configuration names no ChIP-seq truth for a cell type of this dataset "
    "(bench.grn_accuracy.lines)",
    "perturbation": "the configuration names no screen (bench.perturbation.screens)",
    "perturbation_profiles": "the configuration names no cells (bench.perturbation_profiles.screens)",
    "link_accuracy": "the configuration names no CRISPRi for a cell type of this dataset (bench.link_accuracy.lines)",
    "network_features": "the configuration names no split (bench.drug_response.network_features.splits)",
    "sc_drug_lines": "the configuration names no single cells of lines (bench.sc_drug.lines)",
    "sc_drug_labels": "the configuration names no single cells with labels (bench.sc_drug.labelled)",
}
_DATA = {
    "drug_response": "Preparation of the drug screen: what was merged and lost.",
    "grn_accuracy": "ChIP-seq experiments of these lines and what became of each.",
    "perturbation": "Settings of each arm, chosen by AUROC within genes on folds of the training perturbations.",
    "link_accuracy": "CRISPRi pairs that links can be scored on, step by step.",
    "sc_drug_lines": "Settings of methods, chosen on lines of the screen alone; a model is one of a pretraining seed.",
}
# arms judged in words; those of the other benchmarks are all judged
_JUDGED = {
    "grn_accuracy": [
        "eregulon",
        "eregulon_and_baseline",
        "binding_with_baseline",
        "binding_prior_with_linked_baseline",
    ],
    "perturbation": ["pathways", "graphs_coexpression", "everything_blend"],
    "perturbation_profiles": ["graphs", "graphs_coexpression", "propagation"],
}
_BEST = "best baseline"
_MOST_TASKS = 6  # drawn of a metric: the others are in the tables
_FOLDS = (
    " Folds share training data, so that intervals over folds are somewhat too narrow."
)


def benchmark_section(
    benchmark: str,
    scores: pd.DataFrame | None,
    summary: pd.DataFrame | None,
    pairs: list[tuple[str, str]],
    settings: Config,
    about_data: pd.DataFrame | None = None,
    palette: dict[str, str] | None = None,
) -> Section:
    """Section of one benchmark.

    Parameters
    ----------
    scores, summary
        Tables by the contracts ``scores`` and ``summary``; None where the benchmark was not run for the dataset.
    pairs
        (arm, control).
    settings
        ``resamples`` and ``seed`` of the bootstrap.
    about_data
        What is told of the benchmark's data or settings (``grn_truth``, ``screen_counts``, ...), shown at the end.
    palette
        Colour of each arm of pretraining.
    """
    title = TITLES[benchmark]
    if scores is None or summary is None:
        missing = Note(
            f"{title} was not measured: {_MISSING[benchmark]}.", kind="missing"
        )
        return Section(benchmark, title, [missing])

    # In the order of METRICS: the first one is the primary metric.
    metrics = [metric for metric in METRICS if metric in set(summary["metric"])]
    compared = compare_arms(
        scores, pairs, metrics, settings["resamples"], settings["seed"]
    )
    primary = compared[compared["metric"] == metrics[0]]
    blocks: list[Block] = [Note(ABOUT[benchmark])]

    # Judged by one metric: of several, one may be better by chance.
    for arm in judged_arms(benchmark, list(primary["arm"].unique())):
        blocks.append(describe_verdict(primary[primary["arm"] == arm], title))

    blocks += _below_chance(summary)
    blocks += _differences(benchmark, primary, palette or {})
    for metric in metrics[:2]:
        blocks += _forests(
            benchmark,
            scores[scores["metric"] == metric],
            summary[summary["metric"] == metric],
            palette or {},
        )
    blocks += _table_blocks(
        benchmark,
        scores.drop(columns="benchmark"),
        summary.drop(columns="benchmark"),
        compared,
    )
    if about_data is not None:
        blocks.append(
            table(
                f"{benchmark}_data",
                about_data,
                _DATA[benchmark],
                folded=len(about_data) > 12,
            )
        )
    return Section(benchmark, title, blocks)


def judged_arms(benchmark: str, compared: list[str]) -> list[str]:
    """Of the arms that were compared, those that are judged in words."""
    judged = [
        *_JUDGED.get(benchmark, compared),
        *(arm for arm in compared if arm.startswith(MODEL)),
    ]
    return [arm for arm in judged if arm in compared]


def pairs_of_features(scores: pd.DataFrame | None) -> list[tuple[str, str]]:
    """(network, its rewired form) for every network whose TF activities are features."""
    if scores is None:
        return []
    return [(arm, rewired_name(arm)) for arm in _models(scores)]


def pairs_of_heads(
    pairs: list[tuple[str, str]], scores: pd.DataFrame | None
) -> list[tuple[str, str]]:
    """The pairs of arms, and the same of their ridge heads where these are scored."""
    if scores is None:
        return pairs
    scored = set(scores["arm"])
    heads = [
        (f"{arm}{head}", f"{other}{head}")
        for head in ("_ridge", "_and_genes_ridge")
        for arm, other in pairs
    ]
    return [*pairs, *(pair for pair in heads if scored.issuperset(pair))]


def pairs_of_networks(summary: pd.DataFrame | None) -> list[tuple[str, str]]:
    """(network, control) for every arm of kind model: against its wrong-TF control and the random ranking."""
    if summary is None:
        return []
    arms = set(summary["arm"])
    return [
        (arm, other)
        for arm in _models(summary)
        for other in (wrong_tf_name(arm), "random")
        if other in arms
    ]


def pairs_of_perturbation(
    summary: pd.DataFrame | None, of_models: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """(arm, control) for every arm of kind model: against its rewired graph and against letters with co-expression.

    Arms of pretraining, alone and joined to the graphs, are compared with their controls, and joined ones with the
    graphs by themselves.

    Parameters
    ----------
    of_models
        (arm, control) of pretraining.
    """
    if summary is None:
        return []
    arms, naive = set(summary["arm"]), "letters_coexpression"
    others = {
        arm: (rewired_name(arm), naive + BLEND if arm.endswith(BLEND) else naive)
        for arm in _models(summary)
    }
    pairs = [
        (arm, other) for arm, two in others.items() for other in two if other in arms
    ]
    pairs += [
        (f"{MODEL}{arm}{end}", f"{MODEL}{other}{end}")
        for end in ("", JOINED, IN_SILICO)
        for arm, other in of_models
        # a backbone that predicts genes makes no perturbation
        if end != IN_SILICO or {MODEL + arm + end, MODEL + other + end} <= arms
    ]
    joined = [arm for arm in others if arm.startswith(MODEL) and arm.endswith(JOINED)]
    return pairs + [(arm, "graphs_coexpression") for arm in joined]


def pairs_of_profiles(
    summary: pd.DataFrame | None, of_models: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """(arm, its rewired graph) for every arm of kind model; (arm, control) of pretraining."""
    if summary is None:
        return []
    arms = set(summary["arm"])
    pairs = [(arm, rewired_name(arm)) for arm in _models(summary)]
    pairs += [
        (f"{MODEL}{arm}{end}", f"{MODEL}{other}{end}")
        for end in ("", IN_SILICO)
        for arm, other in of_models
    ]
    return [pair for pair in pairs if arms.issuperset(pair)]


def _models(table: pd.DataFrame) -> list[str]:
    """Arms of kind model in a table of scores or a summary, in its order."""
    return [str(arm) for arm in table.loc[table["kind"] == "model", "arm"].unique()]


def describe_verdict(comparisons: pd.DataFrame, what: str) -> Note:
    """Say in words what the comparisons of one arm and metric show: the verdict, and the differences by task."""
    first = comparisons.iloc[0]
    won = (comparisons["outcome"] == "better").groupby(comparisons["task"]).all()
    members = format_range(comparisons["members"], first["unit"])
    text = (
        f"{what}: {first['arm']} {_say_won(won)} ({METRICS[first['metric']].title}; beats: 95% interval of the paired "
        f"difference above 0; {members} a task)."
    )
    if are_too_few(comparisons["outcome"].tolist()):
        least = LEAST_FOR[METRICS[first["metric"]].statistic]
        few = say_outcome(
            "too few members", comparisons["members"].max(), first["unit"]
        )
        if first["unit"] != "resample":
            few += f" a task, since an interval takes {least}"
        text = f"{what}: {first['arm']} {few} ({METRICS[first['metric']].title})."
    of_controls = comparisons[comparisons["role"] == "control"].groupby(
        "against", sort=False
    )
    items = [f"Against {name}: {_list_outcomes(rows)}." for name, rows in of_controls]

    of_baselines = comparisons[comparisons["role"] == "baseline"]
    if len(of_baselines):
        items.append(f"Against the best baseline: {_list_outcomes(of_baselines)}.")
    return Note(text, tuple(items), judge(comparisons["outcome"].tolist()))


def _say_won(won: pd.Series) -> str:
    """In words in which tasks an arm is better than all that it is compared with; `won` has a value a task."""
    all_others = "every control and the best baseline"
    if len(won) == 1:
        verb = "beats" if won.all() else "does not beat"
        return f"{verb} {all_others} in {won.index[0]}"
    how_many = "all" if won.all() else f"{won.sum() or 'none'} of"
    return f"beats {all_others} in {how_many} {format_count(len(won), 'task')}"


def _list_outcomes(comparisons: pd.DataFrame) -> str:
    """Tasks and differences by outcome; a baseline is named, for it differs between tasks."""
    comparisons = comparisons.assign(
        shown=comparisons["difference"].map(format_difference)
    )
    template = (
        "{task} {shown} to {against}"
        if "baseline" in set(comparisons["role"])
        else "{task} {shown}"
    )

    pieces = []
    for outcome in (
        "better",
        "worse",
        "no difference shown",
        "too few members",
        "not comparable",
    ):
        rows = comparisons[comparisons["outcome"] == outcome]
        if len(rows):
            said = say_outcome(outcome, rows["members"].max(), rows["unit"].iloc[0])
            pieces.append(f"{said} in {', '.join(format_rows(rows, template))}")

    return ", ".join(pieces)


def _below_chance(summary: pd.DataFrame) -> list[Block]:
    """Which methods have an AUROC below .5, by task; nothing where there is none."""
    found = summary[(summary["metric"] == "cells_auroc") & (summary["estimate"] < 0.5)]
    found = found[found["kind"] != "control"]
    items = [
        f"{task}: {', '.join(format_rows(rows, '{arm} {estimate:.2f}'))}."
        for task, rows in found.groupby("task", sort=False)
    ]
    return [Note("AUROC below .5:", tuple(items))] if items else []


def _differences(
    benchmark: str, primary: pd.DataFrame, palette: dict[str, str]
) -> list[Block]:
    """Paired differences of the arms that are judged in words, by the primary metric."""
    arms = judged_arms(benchmark, list(primary["arm"].unique()))
    drawn = primary[primary["arm"].isin(arms)].dropna(subset=["difference"])
    # the best baseline differs between tasks: one row for all of them
    of_baseline = drawn["role"] == "baseline"
    drawn = drawn.assign(against=drawn["against"].mask(of_baseline, _BEST))
    tasks = drawn["task"].drop_duplicates()
    if drawn.empty:
        return []
    left_out = len(tasks) - _MOST_TASKS
    drawn = drawn[drawn["task"].isin(tasks.head(_MOST_TASKS))]
    drawn = drawn.sort_values(
        "arm", kind="stable", key=lambda arm: arm.map(arms.index)
    ).sort_values("task", kind="stable", key=lambda task: task.map(list(tasks).index))
    metric = METRICS[str(drawn["metric"].iloc[0])]
    unit = str(drawn["unit"].iloc[0])
    over = "resamples of the data" if unit == "resample" else f"paired {unit}s"
    more = f" {left_out} further tasks are in the table." if left_out > 0 else ""
    return [
        Figure(
            f"{benchmark}-differences",
            plot_differences(drawn, palette, ""),
            f"By how much each judged arm is better than its controls and the best baseline of the task "
            f"({metric.title}): paired differences with 95% intervals over {over}. Right of 0: the arm is better. "
            f"Filled: the interval leaves out 0.{more}",
            differences_height(drawn),
            title=f"Paired differences in {metric.title} (right of 0: the arm is better)",
        )
    ]


def _forests(
    benchmark: str,
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    palette: dict[str, str],
) -> list[Block]:
    """Forest plots of one metric, one a task, all of the same height and with the same range of values."""
    name = str(summary["metric"].iloc[0])
    metric = METRICS[name]
    every = dict(list(summary.groupby("task", sort=False)))
    parts = dict(list(every.items())[:_MOST_TASKS])
    left_out = len(every) - len(parts)
    # Forests of one metric stand side by side.
    height = max(map(forest_height, parts.values()))
    span = span_of(pd.concat(list(parts.values())))

    blocks: list[Block] = []
    for task, part in parts.items():
        if part["estimate"].isna().all():
            continue
        figure = plot_forest(part, scores[scores["task"] == task], span, palette)
        caption = (
            f"{capitalise(metric.about)}. Task {task}. Points: {metric.statistic} over members{_count_members(part)}; "
            "bars: 95% interval; dashed line: best baseline; dotted line: chance."
        )

        undefined = part.loc[part["estimate"].isna(), "arm"]
        if len(undefined):
            caption += f" Undefined, hence without a row: {', '.join(undefined)}."
        if left_out:
            caption += f" {format_count(left_out, 'further task')}: in the table alone."
        blocks.append(
            Figure(
                f"{benchmark}-{name}-{task}",
                figure,
                caption,
                height,
                wide=len(parts) == 1,
                title=f"{str(task).replace('_', ' ')}: {metric.title}",
            )
        )

    return blocks


def _count_members(summary: pd.DataFrame) -> str:
    """Members of the arms that have several."""
    several = summary.loc[summary["members"] > 1, "members"]
    if several.empty:
        return ""
    return f" ({format_range(several, summary['unit'].iloc[0])})"


def _table_blocks(
    benchmark: str, scores: pd.DataFrame, summary: pd.DataFrame, compared: pd.DataFrame
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
            f"{TITLES[benchmark]}, every arm, baseline and control. The estimate is the mean or median over members "
            "(seeds, TFs, ...), as given below. Intervals are 95% intervals over members (Student's t for means, "
            "percentile bootstrap for medians and resampled metrics), missing where there are too few members. Failed: "
            f"members whose value is undefined. {definitions}{folds}",
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
