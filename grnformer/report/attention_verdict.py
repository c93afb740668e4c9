"""What can be said of attention on TFs, and what cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.report.attention_summary import ALL_TYPES, MATCHES, against_controls
from grnformer.report.page import Note
from grnformer.report.verdict import Kind, signed

if TYPE_CHECKING:
    import pandas as pd

_SAID = {
    "gain": "More than before training and in every control analysed: training on this graph turned attention to TFs.",
    "nothing": "That training on this graph turned attention to TFs beyond degree and expression is not shown.",
    "loss": "Beyond degree and expression, TFs get less attention than other genes.",
}


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
    analysed = list(dict.fromkeys(enrichment["arm"]))
    real = [arm for arm in dict.fromkeys(arm for arm, _ in pairs) if arm in analysed]
    overall = enrichment[enrichment["cell_type"] == ALL_TYPES].set_index(["arm", "state", "matched_on"])
    sentences, items, kinds = [], [], []
    for arm in real or analysed:
        rows = {match: overall.loc[arm, "trained", match] for match in ("none", *MATCHES)}
        matched = " and ".join(f"{_ratio(rows[match])} times that of {name}" for match, name in MATCHES.items())
        sentences.append(f"{arm} gives TFs {_ratio(rows['none'])} times the attention of other genes, {matched}")
        others = [other for mine, other in pairs if mine == arm and other in analysed]
        differences = {
            match: against_controls(tables["enrichment"], arm, others, match) for match in ("none", *MATCHES)
        }
        items += [_compare(arm, match, table) for match, table in differences.items()]
        items += [_left_out(arm, enrichment), *_use(arm, contribution), *_edges(arm, scored)]
        kinds.append(_outcome([rows[m] for m in MATCHES], [differences[m] for m in MATCHES], controlled=bool(others)))
    kind: Kind = "nothing"
    if len(set(kinds)) == 1:
        kind = kinds[0]
    text = (
        "Attention: " + "; ".join(sentences) + " (mean over cell types; GRNFormer's authors state about 2, unmatched)."
    )
    return Note(f"{text} {_SAID[kind]}", tuple(items), kind)


def _outcome(rows: list[pd.Series], differences: list[pd.DataFrame], *, controlled: bool) -> Kind:
    won = controlled and all((table["outcome"] == "better").all() for table in differences)
    if won and all(row["low"] > 1 for row in rows):
        return "gain"
    return "loss" if all(row["high"] < 1 for row in rows) else "nothing"


def _compare(arm: str, match: str, differences: pd.DataFrame) -> str:
    words = {"better": "more", "worse": "less"}
    parts = [
        f"{row.against} {signed(row.difference)}{_interval(row.low, row.high)} ({words.get(row.outcome, row.outcome)})"
        for row in differences.itertuples()
    ]
    against = "all other genes" if match == "none" else MATCHES[match]
    return f"{arm}, TFs over {against}, less the same of: {'; '.join(parts)}."


def _left_out(arm: str, enrichment: pd.DataFrame) -> str:
    match = next(iter(MATCHES))
    rows = enrichment[(enrichment["arm"] == arm) & (enrichment["matched_on"] == match)]
    rows = rows[(rows["state"] == "trained") & (rows["cell_type"] != ALL_TYPES)]
    counts = ", ".join(
        f"{r.cell_type} {r.tfs_unmatched:.0f} of {r.tfs + r.tfs_unmatched:.0f}" for r in rows.itertuples()
    )
    return f"{arm}: TFs left out, since no other gene has their degree and expression: {counts}."


def _use(arm: str, contribution: pd.DataFrame) -> list[str]:
    rows = contribution[contribution["arm"] == arm].set_index("what")
    if rows.empty:
        return []
    costs = [f"{what} {signed(r['difference'])}{_interval(r['low'], r['high'])}" for what, r in rows.iterrows()]
    first = rows.iloc[0]
    return [
        f"{arm}: the adapter makes {first['norm']:.1%} of the states' norm; {first['pattern']:.1%} hang on how "
        f"attention is spread over other genes. What would be added to the held-out loss of {first['loss']:.3f} "
        f"({first['loss_unit']}): {'; '.join(costs)}."
    ]


def _edges(arm: str, scored: pd.DataFrame) -> list[str]:
    part = scored[(scored["arm"] == arm) & scored["precision"].notna()]
    if part.empty:
        return []
    auroc = f"AUROC within TFs {part['auroc'].mean():.3f} (chance .5)."
    if part["low"].isna().all():
        return [f"{arm}: whether pairs of highest attention are edges of the network, one seed does not tell; {auroc}"]
    above = [str(r.cell_type) for r in part.itertuples() if r.low > max(r.same_tf_high, r.same_target)]
    text = f"in {', '.join(above)} alone" if above else "in no cell type"
    return [
        f"{arm}: pairs of highest attention are edges of the network more often than the same TFs with random targets "
        f"and the same targets with random TFs {text}; {auroc}"
    ]


def _ratio(row: pd.Series) -> str:
    if np.isnan(row["enrichment"]):
        return "an undefined number of"
    interval = "" if np.isnan(row["low"]) else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['enrichment']:.2f}{interval}"


def _interval(low: float, high: float) -> str:
    return "" if np.isnan(low) else f" [{signed(low)}, {signed(high)}]"
