"""What can be said of attention on TFs, and what cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.bench.intervals import LEAST_CELLS, LEAST_FOR_MEAN
from grnformer.bench.summary import Verdict, are_too_few, judge
from grnformer.report.page import Note
from grnformer.report.sections.attention_tables import (
    ALL_TYPES,
    MATCHED,
    MATCHES,
    against_controls,
)
from grnformer.report.text import format_differences, format_rows

_VERDICTS = {
    "gain": "More than before training and in every control analysed: training on this graph turned attention to TFs.",
    "nothing": "Not shown: that training on this graph turned attention to TFs beyond degree and expression.",
    "loss": "Beyond degree and expression, TFs get less attention than other genes.",
}
_FEW_SEEDS = f"Too few seeds to judge: at least {LEAST_FOR_MEAN}."
_FEW_CELLS = f"Too few held-out cells to judge: at least {LEAST_CELLS} of a type."


def judge_attention(
    tables: dict[str, pd.DataFrame],
    enrichment: pd.DataFrame,
    contribution: pd.DataFrame,
    scored: pd.DataFrame,
    pairs: list[tuple[str, str]],
) -> Note:
    """Say in words what the arms with a graph of the data show, or all arms where there is none.

    Parameters
    ----------
    tables
        Of the analysis, with the column arm.
    enrichment, contribution, scored
        Summaries of them.
    pairs
        (arm with a graph of the data, arm without).

    Returns
    -------
    A note of kind ``gain`` (in every such arm, TFs get more than other genes by either matching, and more than before
    training and in each control, of which one at least was analysed), ``loss`` (less by either matching, in all) or
    ``nothing``.
    """
    analysed = list(enrichment["arm"].unique())
    real = [arm for arm in analysed if arm in {first for first, _ in pairs}]
    means = enrichment[
        (enrichment["cell_type"] == ALL_TYPES) & (enrichment["state"] == "trained")
    ]
    sentences, items, kinds, outcomes_of_all = [], [], set(), []

    for arm in real or analysed:
        rows = means[means["arm"] == arm].set_index("matched_on")
        matched = " and ".join(
            f"{_ratio(rows.loc[match])} times that of {MATCHES[match]}"
            for match in MATCHED
        )
        sentences.append(
            f"{arm} gives TFs {_ratio(rows.loc['none'])} times the attention of other genes, {matched}"
        )

        # `attention.arms` may leave out controls; those were not beaten.
        others = [other for mine, other in pairs if mine == arm and other in analysed]
        against = {
            match: against_controls(tables["enrichment"], arm, others, match)
            for match in MATCHES
        }
        items += [
            _compare(arm, match, differences) for match, differences in against.items()
        ]
        items += [
            _left_out(arm, enrichment),
            *_use(arm, contribution),
            *_edges(arm, scored),
        ]
        # Matched ratios only: the unmatched one may come of degree alone.
        outcomes = [
            outcome for match in MATCHED for outcome in against[match]["outcome"]
        ]
        outcomes_of_all += outcomes
        kinds.add(_outcome(rows.loc[MATCHED], outcomes, controlled=bool(others)))

    # Arms that disagree allow no verdict on all of them.
    kind = kinds.pop() if len(kinds) == 1 else "nothing"
    text = f"Attention: {'; '.join(sentences)} (mean over cell types; GRNFormer's authors state about 2, unmatched)."
    cells = tables["contribution"].groupby("cell_type", sort=False)["cells"].max()
    few = cells[cells < LEAST_CELLS]
    if len(few):
        counts = ", ".join(f"{name} {count}" for name, count in few.items())
        items.append(
            f"Too few held-out cells to judge by (fewer than {LEAST_CELLS}): {counts}."
        )

    # What is measured on too little is neither shown nor refuted.
    if are_too_few(outcomes_of_all):
        return Note(f"{text} {_FEW_SEEDS}", tuple(items), "nothing")
    if len(few) == len(cells):
        return Note(f"{text} {_FEW_CELLS}", tuple(items), "nothing")
    return Note(f"{text} {_VERDICTS[kind]}", tuple(items), kind)


def _outcome(
    matched: pd.DataFrame, outcomes: list[str], *, controlled: bool
) -> Verdict:
    """Verdict of one arm from its enrichment by each matching and its comparisons with controls."""
    # Bounds, not means: by chance a mean is on one side of 1 or the other.
    if (matched["high"] < 1).all():
        return "loss"
    more = controlled and (matched["low"] > 1).all()
    return "gain" if more and judge(outcomes) == "gain" else "nothing"


def _compare(arm: str, match: str, differences: pd.DataFrame) -> str:
    said = differences.assign(
        outcome=differences["outcome"].replace({"better": "more", "worse": "less"})
    )
    parts = "; ".join(format_differences(said, "{against} {shown} ({outcome})"))
    return f"{arm}, TFs over {MATCHES[match]}, less the same ratio of: {parts}."


def _left_out(arm: str, enrichment: pd.DataFrame) -> str:
    rows = enrichment[
        (enrichment["arm"] == arm) & (enrichment["matched_on"] == MATCHED[0])
    ]
    # TFs are matched alike in every state: one is enough.
    rows = rows[(rows["state"] == "trained") & (rows["cell_type"] != ALL_TYPES)]
    rows = rows.assign(all=rows["tfs"] + rows["tfs_unmatched"])
    counts = ", ".join(
        format_rows(rows, "{cell_type} {tfs_unmatched:.0f} of {all:.0f}")
    )

    return f"{arm}: TFs left out, since no other gene has their degree and expression: {counts}."


def _use(arm: str, contribution: pd.DataFrame) -> list[str]:
    rows = contribution[contribution["arm"] == arm]
    if rows.empty:
        return []
    costs = "; ".join(format_differences(rows, "{what} {shown}"))
    first = rows.iloc[0]

    return [
        f"{arm}: the adapter makes {first['norm']:.1%} of the states' norm; {first['pattern']:.1%} depend on which "
        f"other genes get attention. Held-out loss is {first['loss']:.3f} ({first['loss_unit']}); each "
        f"change would add: {costs}."
    ]


def _edges(arm: str, scored: pd.DataFrame) -> list[str]:
    part = scored[(scored["arm"] == arm) & scored["precision"].notna()]
    if part.empty:
        return []
    auroc = f"AUROC within TFs {part['auroc'].mean():.3f} (chance .5)."

    # Few seeds have no interval, and no interval says nothing: not that there is no difference.
    if part["low"].isna().all():
        return [
            f"{arm}: too few seeds to judge whether pairs of highest attention are edges of the network. {auroc}"
        ]
    # Above the upper bound of the one baseline and the mean of the other.
    above = part.loc[
        part["low"] > part[["same_tf_high", "same_target"]].max(axis=1), "cell_type"
    ]
    text = f"only in {', '.join(above)}" if len(above) else "in no cell type"
    return [
        f"{arm}: pairs of highest attention are edges of the network more often than the same TFs with random targets "
        f"and the same targets with random TFs {text}. {auroc}"
    ]


def _ratio(row: pd.Series) -> str:
    if np.isnan(row["enrichment"]):
        return "an undefined number of"
    template = (
        "{enrichment:.2f}"
        if np.isnan(row["low"])
        else "{enrichment:.2f} [{low:.2f}, {high:.2f}]"
    )
    return template.format(**row)
