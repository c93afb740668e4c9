"""Section of the pretraining: curves of every arm and seed, held-out loss beside baselines, beta."""

from __future__ import annotations

from typing import Any

import pandas as pd

from grnformer.bench.intervals import LEAST_FOR_MEAN
from grnformer.bench.summary import are_too_few, compare_seeds, judge
from grnformer.report.figures.arms import arm_colours, describe_arm
from grnformer.report.figures.differences import differences_height, plot_differences
from grnformer.report.figures.training import plot_beta, plot_curves, plot_heldout
from grnformer.report.page import (
    Aside,
    Block,
    Config,
    Figure,
    Key,
    Note,
    Section,
    table,
)
from grnformer.report.text import (
    format_count,
    format_differences,
    format_range,
    say_outcome,
)
from grnformer.workflow.arms import has_edges, is_control_of
from grnformer.workflow.config import DATA_GRAPHS

_INFERRED = {
    "all_cells": "were inferred from all cells, held-out ones included. A gain over control graphs, which change the "
    "targets, may therefore hold some of what the networks learnt from held-out cells. Drug response is free of this: "
    "the networks never saw its profiles.",
    "training_cells": "were inferred from training cells alone. Cells were filtered, and without an annotation "
    "clustered, together with held-out ones.",
}
_LEAKS = (
    "Networks, and the thresholds above which eRegulons are active, {inferred} Which "
    "eRegulons are active in a cell is scored from its genes that are not masked. An arm with edges of "
    "the TF network also knows a cell's type; an arm without does not. Control graphs keep types and activities."
)
# columns of linear baselines -> their names as arms of comparisons
_LINEAR = {"factor_loss": "factor model", "ridge_loss": "ridge"}
# unit of the loss -> what it measures, what is masked, what the baseline predicts from
_WORDS = {
    "squared SD": (
        "mean squared error of masked values, in units of each gene's SD",
        "values",
        "mean",
    ),
    "nats": ("nats a masked gene", "genes", "frequency"),
}


def pretrain_section(
    curves: pd.DataFrame,
    heldout: pd.DataFrame,
    arms: Config,
    networks: str = "all_cells",
    of: str = "",
) -> Section:
    """Section of stage pretrain.

    Parameters
    ----------
    curves
        Tables by contract ``training`` below each other, with the columns arm and seed.
    heldout
        One row an arm and seed: arm, seed, and the keys of contract ``heldout``.
    arms
        ``pretrain.arms`` of the configuration.
    networks
        ``pretrain.networks``: the cells that networks were inferred from.
    of
        The backbone, where a run has several: each has a section of its own.
    """
    suffix = f"_{of}" if of else ""
    undefined = ("pearson", "baseline_cell_type_pearson", *_LINEAR, "linear_axes")
    heldout = heldout.astype(dict.fromkeys(undefined, float))
    # one backbone, hence one objective, for all arms of a section
    unit = str(heldout["loss_unit"].iloc[0])
    # Headers name the unit: losses of two backbones must not be compared by mistake.
    headers = _headers(unit)
    summary, differences = (
        summarise_heldout(heldout),
        compare_heldout(heldout, pairs_of_arms(arms)),
    )
    beyond = compare_with_linear(heldout)
    blocks: list[Block] = [describe_gain(summary, differences, unit, networks, of)]
    blocks.append(key_of_arms(arms))
    blocks.append(Note(describe_linear(heldout, beyond, unit)))

    if any(has_edges(arm["graph"]) for arm in arms.values()):
        blocks.append(
            Aside(
                "How to read held-out losses",
                _LEAKS.format(inferred=_INFERRED[networks]),
            )
        )
    compared = [part for part in (differences, beyond) if len(part)]
    every = pd.concat(compared, ignore_index=True) if compared else differences
    blocks += _figures(curves, heldout, arms, every, unit, suffix)
    blocks.append(
        table(
            f"pretrain_summary{suffix}",
            summary,
            "Held-out loss of each arm: mean over seeds, and SD over seeds. Effective dimensions: of the embeddings of "
            "all cells without a graph, and of its parts; 1 where cells lie on a line.",
            hidden=[
                name
                for name in summary
                if str(name).startswith("effective_dimensions_")
            ],
            **headers,
        )
    )

    if len(every):
        blocks.append(
            table(
                f"pretrain_comparisons{suffix}",
                every,
                "Paired differences of held-out loss (positive: the first arm has less), with Student's t 95% "
                "intervals over seeds. All seeds share the held-out cells, so that the intervals do not cover the "
                "choice of cells. Each arm stands also against the better of the linear baselines, which have no seed.",
                difference=f"less loss by ({unit})",
            )
        )

    blocks.append(
        table(
            f"pretrain_heldout{suffix}",
            heldout,
            f"Each of the {len(heldout)} models.",
            folded=True,
            **headers,
        )
    )
    title = f"Pretraining: {of}" if of else "Pretraining"
    return Section(f"pretrain{suffix}", title, blocks)


def key_of_arms(arms: Config) -> Key:
    """What each arm of ``pretrain.arms`` is, with its colour in the figures."""
    palette = arm_colours(arms)
    names = [(name, palette[name], describe_arm(arm)) for name, arm in arms.items()]
    return Key("Arms (models that differ in their graph alone):", tuple(names))


def _difference_blocks(
    compared: pd.DataFrame, palette: dict[str, str], unit: str, suffix: str
) -> list[Block]:
    """Paired differences, where there are any: what lines of losses show is too small to be seen in them."""
    drawn = compared.dropna(subset=["difference"])
    if drawn.empty:
        return []
    return [
        Figure(
            f"differences{suffix}",
            plot_differences(
                drawn.assign(task=""), palette, f"less held-out loss by ({unit})"
            ),
            "How much less held-out loss the first arm has than the second, or than the better of the linear "
            "baselines: mean over seeds of the paired differences, with 95% intervals. Right of 0: the first is "
            f"better. Filled: the interval leaves out 0. n {format_range(drawn['seeds'], 'seed')}.",
            differences_height(drawn.assign(task="")),
            wide=False,
        )
    ]


def _figures(
    curves: pd.DataFrame,
    heldout: pd.DataFrame,
    arms: Config,
    compared: pd.DataFrame,
    unit: str,
    suffix: str,
) -> list[Block]:
    loss, masked, known = _WORDS[unit]
    n = heldout.iloc[0]
    height = 150 + 34 * heldout["arm"].nunique()
    palette = arm_colours(arms)

    return [
        *_difference_blocks(compared, palette, unit, suffix),
        Figure(
            f"heldout{suffix}",
            plot_heldout(heldout, unit, palette),
            f"Loss after training on {n['n']:,} masked {masked} of {n['heldout_cells']:,} held-out cells (trained "
            f"on {n['train_cells']:,}), the same for all arms and seeds. Dots: "
            f"{format_count(heldout['seed'].nunique(), 'seed')}; bars: mean. Dashed: the "
            f"baseline, each gene's {known} in training cells. Dotted: the same in the cell's "
            "type, which arms without edges do not know. Dash-dotted: the better of the linear baselines, where there "
            "are any.",
            height,
            wide=False,
        ),
        Figure(
            f"beta{suffix}",
            plot_beta(heldout, palette),
            "The adapter's weight beta after training. It starts at 0, where the adapter has no effect. Dots: "
            f"{format_count(heldout['seed'].nunique(), 'seed')}; bars: mean.",
            height,
            wide=False,
        ),
        # last: lines of arms that are nearly equal unfold with the rest
        Figure(
            f"curves{suffix}",
            plot_curves(curves, unit, palette),
            f"Training and held-out loss ({loss}) by step. Thin lines: single seeds; thick lines: their mean; "
            f"{format_count(heldout['seed'].nunique(), 'seed')} an arm.",
            400,
        ),
    ]


def pairs_of_arms(arms: dict[str, Config]) -> list[tuple[str, str]]:
    """Every arm with a graph of the data, paired with every arm of its backbone that has no adapter or a control graph.

    A control has the scales of the graph: that of another would be another model.

    Parameters
    ----------
    arms
        ``pretrain.arms`` of the config: name -> ``graph`` and more.
    """
    real = [name for name, arm in arms.items() if arm["graph"] in DATA_GRAPHS]
    return [
        (arm, other)
        for arm in real
        for other in arms
        if other not in real
        and _without(arms[other], arms[arm]["graph"])
        and arms[arm].get("backbone") == arms[other].get("backbone")
    ]


def _without(arm: Config, graph: str) -> bool:
    return not arm["adapter"] or is_control_of(arm["graph"], graph)


def compare_heldout(
    heldout: pd.DataFrame, pairs: list[tuple[str, str]]
) -> pd.DataFrame:
    """Paired differences of held-out loss of each graph arm against the others; positive where it has less loss."""
    return compare_seeds(
        heldout.pivot_table(index="seed", columns="arm", values="loss"), pairs, sign=-1
    )


def compare_with_linear(heldout: pd.DataFrame) -> pd.DataFrame:
    """Differences of held-out loss of each arm against the best linear baseline; none where these are not defined."""
    losses = heldout[list(_LINEAR)].mean().dropna()
    values = heldout.pivot_table(index="seed", columns="arm", values="loss")
    if losses.empty:
        return compare_seeds(values, [])

    best = str(losses.idxmin())
    # the same in every seed, since tokens and masks are
    of_seed = heldout.groupby("seed")[best].first()
    arms = heldout["arm"].drop_duplicates()
    pairs = [(arm, _LINEAR[best]) for arm in arms]
    return compare_seeds(values.assign(**{_LINEAR[best]: of_seed}), pairs, sign=-1)


def describe_linear(heldout: pd.DataFrame, beyond: pd.DataFrame, unit: str) -> str:
    """In words: which arms predict better than the best linear baseline."""
    if beyond.empty:
        return (
            "Linear baselines predict values, and are not defined where whole genes are masked: the baselines are "
            "the genes' frequencies."
        )
    row = heldout.iloc[0]
    better = beyond.loc[beyond["outcome"] == "better", "arm"].tolist()
    said = f"{', '.join(better)} predict better" if better else "no arm is better"
    return (
        f"Linear baselines on the same tokens: a factor model of {row['linear_axes']:.0f} axes has "
        f"{row['factor_loss']:.3f} {unit}, ridge on the genes that are seen {row['ridge_loss']:.3f}. Axes and "
        f"penalty were chosen on training cells set aside. Against the {beyond['against'].iloc[0]}, by 95% "
        f"intervals over seeds: {said}."
    )


def describe_gain(
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    unit: str,
    networks: str = "all_cells",
    of: str = "",
) -> Note:
    """In words: the loss against the baselines, and what the comparisons of arms allow to say."""
    best = summary.sort_values(["loss", "arm"]).iloc[0]
    outcomes = differences["outcome"].tolist()
    where = f"Pretraining, {of}" if of else "Pretraining"
    text = (
        f"{where}: {best['arm']} has the least held-out loss, {best['loss']:.3f} {unit}. The baseline has "
        f"{best['baseline_loss']:.3f}, and {best['baseline_cell_type_loss']:.3f} where it knows the cell's type."
    )

    if outcomes:
        text += f" {_say_of_graphs(outcomes)}"
        if networks == "all_cells":
            text += " The networks were inferred from held-out cells too: see how to read held-out losses."

    said = [
        say_outcome(row.outcome, row.seeds, "seed", row.against)
        for row in differences.itertuples()
    ]
    items = format_differences(differences.assign(said=said), "{arm} {said} ({shown}).")
    return Note(text, tuple(items), judge(outcomes))


def _say_of_graphs(outcomes: list[str]) -> str:
    """In words what comparisons of arms with and without the data's graph come to."""
    needed = f"with fewer than {LEAST_FOR_MEAN} seeds"
    if are_too_few(outcomes):
        return f"Whether the data's graph helps cannot be judged {needed}."
    words = {"too few members": f"cannot be judged {needed}"}
    said = [
        f"{words.get(outcome, outcome)} in {outcomes.count(outcome)}"
        for outcome in ("better", "worse", "no difference shown", "too few members")
        if outcome in outcomes
    ]
    number = format_count(len(outcomes), "comparison")
    return f"Arms with the data's graph against arms without it, in {number}: {', '.join(said)}."


def summarise_heldout(heldout: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD over seeds of each arm's held-out loss, with the baseline and beta."""
    grouped = heldout.groupby("arm", sort=False)
    means = {
        name: (name, "mean")
        for name in (
            "baseline_loss",
            "baseline_cell_type_loss",
            *_LINEAR,
            "pearson",
            "beta",
        )
    }
    # runs of earlier versions do not have it
    for name in heldout.columns[heldout.columns.str.startswith("effective_dimensions")]:
        means[name] = (name, "mean")
    return grouped.agg(
        seeds=("seed", "nunique"),
        loss=("loss", "mean"),
        loss_sd=("loss", "std"),
        **means,
    ).reset_index()


def _headers(unit: str) -> dict[str, Any]:
    """Headers of the tables of held-out losses, which are in `unit`."""
    _, masked, known = _WORDS[unit]
    return {
        "loss": f"held-out loss ({unit})",
        "baseline_loss": f"baseline: gene's {known} ({unit})",
        "baseline_cell_type_loss": f"baseline: gene's {known} in type ({unit})",
        "baseline_cell_type_pearson": f"baseline: gene's {known} in type, r",
        "factor_loss": f"baseline: factor model ({unit})",
        "ridge_loss": f"baseline: ridge on seen genes ({unit})",
        "linear_axes": "axes of the factor model (n)",
        "n": f"masked {masked} (n)",
    }
