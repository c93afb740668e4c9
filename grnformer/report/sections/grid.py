"""Section of the ablation grid: what each arm gains, and what of it a random graph gives."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.grid import HELDOUT
from grnformer.report.page import Block, Note, Section, table
from grnformer.report.text import format_count, format_differences, say_outcome

_WANTED = ("no graph", "same parameters", "control")


def grid_section(compared: pd.DataFrame) -> Section:
    """Section of the grid; `compared` by contract ``grid``."""
    blocks: list[Block] = [
        Note(
            f"{format_count(len(compared), 'comparison')} by paired differences, with p-values corrected for all of "
            "them (Holm). Beats: corrected p below .05. Members share cells, lines or training data, so that p-values "
            "are somewhat too small."
        )
    ]
    several = len(set(compared["backbone"])) > 1
    keys = ["backbone", "benchmark", "task"]
    for (backbone, benchmark, task), part in compared.groupby(keys, sort=False):
        of = f"{backbone}, " if several else ""
        blocks.append(describe_grid(part, f"{of}{benchmark}, {task}"))
    # what matters most comes first: benchmarks before the loss, gains over no graph before axes
    ordered = compared.assign(_loss=compared["benchmark"] == HELDOUT).sort_values(
        ["_loss", "p_holm"], kind="stable"
    )
    caption = (
        "Paired differences in the metric's better direction (positive: the arm is better) with their 95% intervals, "
        "which are not corrected; p corrected for all rows. Random graph's fraction: the gain of the random graph over "
        "no graph, over the arm's own; only where the arm's interval lies above 0."
    )
    blocks.append(
        table(
            "grid",
            ordered.drop(columns="_loss"),
            caption,
            members="paired members (n)",
            p_value="p",
            p_holm="corrected p",
            random_fraction="random graph's fraction",
        )
    )
    return Section("grid", "Ablations", blocks)


def describe_grid(compared: pd.DataFrame, where: str) -> Note:
    """Say which arms beat no graph, their parameter match and every control, and what the axes change."""
    wanted = compared[compared["question"].isin(_WANTED)]
    won = (wanted["outcome"] == "better").groupby(wanted["arm"]).all()
    best = ", ".join(won.index[won]) or "no arm"
    verb = "beats" if won.sum() <= 1 else "beat"
    text = f"{where}: {best} {verb} no graph, the same parameters without edges and every control."
    if (wanted["outcome"] == "too few members").all():
        few = say_outcome(
            "too few members", wanted["members"].max(), wanted["unit"].iloc[0]
        )
        text = f"{where}: the arms {few}."

    gains = compared[compared["random_fraction"].notna()]
    items = [
        f"Of the gain of {row.arm} over no graph a random graph gives {row.random_fraction:.0%}."
        for row in gains.itertuples()
    ]
    axes = compared[~compared["question"].isin(_WANTED)]
    said = [
        say_outcome(row.outcome, row.members, row.unit, row.against)
        for row in axes.itertuples()
    ]
    items += format_differences(axes.assign(said=said), "{arm} {said} ({shown}).")
    return Note(text, tuple(items), "gain" if won.any() else "nothing")
