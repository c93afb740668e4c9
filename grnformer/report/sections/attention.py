"""Section of the adapters' attention: TFs against other genes, matched and beside controls; regulator-target pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.summary import Verdict, judge
from grnformer.report.figures.attention import plot_by_degree, plot_enrichment
from grnformer.report.page import Block, Figure, Note, Section, table
from grnformer.report.sections.attention_tables import (
    ALL_TYPES,
    MATCHED,
    MATCHES,
    against_controls,
    summarise_by_degree,
    summarise_contribution,
    summarise_enrichment,
    summarise_pairs,
)
from grnformer.report.text import format_count, format_differences, format_rows

_READ = (
    "How to read attention: queries of the adapter attend to the structure of other genes. A value is relative to "
    "uniform attention to all of them (1). A gene's attention to itself is left out: it has a bonus by construction. "
    "Queries are those of masked genes in held-out cells, the only ones whose states the masked loss reads. Degrees "
    "are those of the type's inferred network, for all arms. A TF's links mostly go out, those of other genes come in. "
    "Where messages go from TF to gene, only incoming links change a gene's structure; hence the second matching. In "
    "that case a query knows nothing of the graph, and a TF's key nothing of its targets: attention on a regulator is "
    "then no evidence that the model follows the edge. Weights show where a model looks, not what it uses; the table "
    "of contributions gives the held-out loss without them."
)
_VERDICTS = {
    "gain": "More than before training and in every control analysed: training on this graph turned attention to TFs.",
    "nothing": "Not shown: that training on this graph turned attention to TFs beyond degree and expression.",
    "loss": "Beyond degree and expression, TFs get less attention than other genes.",
}


def missing_attention(arms: dict[str, Any]) -> Section:
    """Say why there is no analysis; `arms` is ``pretrain.arms`` of the configuration."""
    adapted = [name for name, arm in arms.items() if arm["adapter"]]
    why = f"attention.arms leaves out {', '.join(adapted)}" if adapted else "no arm of pretrain.arms has an adapter"
    return Section("attention", "Attention", [Note(f"Attention was not analysed: {why}.", kind="missing")])


def attention_section(tables: dict[str, pd.DataFrame], pairs: list[tuple[str, str]], edges: list[int]) -> Section:
    """Section of the stage attention.

    Parameters
    ----------
    tables
        enrichment, mass, pairs, pair_scores and contribution by their contracts, each with the column arm.
    pairs
        (arm with a graph of the data, arm without).
    edges
        ``attention.degree_bins``.
    """
    enrichment = summarise_enrichment(tables["enrichment"])
    contribution = summarise_contribution(tables["contribution"])
    scored = summarise_pairs(tables["pair_scores"])
    seeds = format_count(tables["enrichment"]["seed"].nunique(), "seed")
    blocks: list[Block] = [judge_attention(tables, enrichment, contribution, scored, pairs), Note(_READ)]
    blocks += _enrichment_blocks(tables, enrichment, seeds)
    blocks += _degree_blocks(summarise_by_degree(tables["mass"], edges), seeds)
    blocks.append(
        table(
            "attention_contribution",
            contribution,
            "What the adapter adds to the states, and by how much each change of its attention after training would "
            f"raise the held-out loss. Mean and 95% interval over {seeds} of means over cell types. Loss as in the "
            "section on pretraining.",
            own="attention on the gene itself",
            norm="adapter's fraction of the states' norm",
            what="change",
            pattern="fraction due to the pattern of attention",
            difference="loss added",
        )
    )
    blocks += _pair_blocks(tables["pairs"], scored, seeds)
    caption = "Every model, kind of query, head and matching."
    blocks.append(table("attention_enrichment_models", tables["enrichment"], caption, shown=20, folded=True))
    return Section("attention", "Attention", blocks)


def _enrichment_blocks(tables: dict[str, pd.DataFrame], enrichment: pd.DataFrame, seeds: str) -> list[Block]:
    cells = tables["contribution"].drop_duplicates("cell_type")["cells"].sum()
    arms, types = tables["enrichment"][["arm", "cell_type"]].nunique()
    height = 220 + 24 * arms * (types + 2)
    return [
        Figure(
            "attention-enrichment",
            plot_enrichment(enrichment, MATCHES, height),
            f"Mean attention on TFs over that on other genes, {cells:,} held-out cells. Filled: after training, mean "
            f"and 95% interval (Student's t) over {seeds}. Open: the same models before training. Grey bars: 95% of "
            "ratios when other genes of the same bins are sampled in place of the TFs (mean over seeds). Middle and "
            "right: TFs without any other gene in their bin are left out; the table counts them.",
            height,
        ),
        table(
            "attention_enrichment",
            enrichment,
            "TFs over other genes by arm, cell type and matching; queries of masked genes, mean over heads. The "
            f"interval is over {seeds}; the null's interval and the p-value are over genes, within one model.",
            shown=60,
            folded=True,
            enrichment="TFs over others",
            null_low="null 95% low",
            null_high="null 95% high",
            p_value="largest p of a seed",
            tfs="TFs matched (n)",
            tfs_unmatched="TFs without match (n)",
            tfs_unseen="TFs not among tokens (n)",
            others="other genes (n)",
            matched_on="compared with others of the same",
        ),
    ]


def _degree_blocks(degree: pd.DataFrame, seeds: str) -> list[Block]:
    return [
        Figure(
            "attention-degree",
            plot_by_degree(degree),
            "Attention that a gene receives, by its links in the inferred network of the type, after training. Each "
            f"gene counts as often as it was a key; mean over cell types and {seeds}. Hover: genes.",
            380,
        ),
        table("attention_by_degree", degree, "The figure's numbers.", folded=True, mass="attention"),
    ]


def _pair_blocks(pairs: pd.DataFrame, scored: pd.DataFrame, seeds: str) -> list[Block]:
    return [
        table(
            "attention_pair_scores",
            scored,
            "Are the pairs of highest attention, from a target's query to a TF's key, edges of the type's network? "
            "Fraction of edges among the top pairs, beside three baselines: all candidates, the same TFs with random "
            "targets, the same targets with random TFs. AUROC: a TF's targets among its candidates, mean over TFs; .5 "
            f"is chance. Mean over {seeds}. The interval of the fraction is over seeds, that of the baseline over "
            "samples.",
            top="top pairs (n)",
            precision="fraction of edges",
            same_tf="same TF, random target",
            same_tf_low="95% low",
            same_tf_high="95% high",
            same_target="same target, random TF",
            base_rate="all candidates",
            edges="edges among them (n)",
            low="95% low ",
            high="95% high ",
        ),
        table(
            "attention_top_pairs",
            pairs[["arm", *pairs.columns.drop("arm")]],
            "Regulator-target pairs of highest attention by arm and cell type, and whether the inferred network has "
            "them. Attention: relative to uniform attention, mean over seeds, with the least and the greatest of a "
            "seed.",
            shown=40,
            folded=True,
            eregulons="eRegulons",
            cells="cells x samples (n)",
            edge="in the network",
        ),
    ]


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
    means = enrichment[(enrichment["cell_type"] == ALL_TYPES) & (enrichment["state"] == "trained")]
    sentences, items, kinds = [], [], set()
    for arm in real or analysed:
        rows = means[means["arm"] == arm].set_index("matched_on")
        matched = " and ".join(f"{_ratio(rows.loc[match])} times that of {MATCHES[match]}" for match in MATCHED)
        sentences.append(f"{arm} gives TFs {_ratio(rows.loc['none'])} times the attention of other genes, {matched}")

        others = [other for mine, other in pairs if mine == arm and other in analysed]
        against = {match: against_controls(tables["enrichment"], arm, others, match) for match in MATCHES}
        items += [_compare(arm, match, differences) for match, differences in against.items()]
        items += [_left_out(arm, enrichment), *_use(arm, contribution), *_edges(arm, scored)]
        outcomes = [outcome for match in MATCHED for outcome in against[match]["outcome"]]
        kinds.add(_outcome(rows.loc[MATCHED], outcomes, controlled=bool(others)))

    kind = kinds.pop() if len(kinds) == 1 else "nothing"
    text = f"Attention: {'; '.join(sentences)} (mean over cell types; GRNFormer's authors state about 2, unmatched)."
    return Note(f"{text} {_VERDICTS[kind]}", tuple(items), kind)


def _outcome(matched: pd.DataFrame, outcomes: list[str], *, controlled: bool) -> Verdict:
    """Verdict of one arm from its enrichment by each matching and its comparisons with controls."""
    if (matched["high"] < 1).all():
        return "loss"
    more = controlled and (matched["low"] > 1).all()
    return "gain" if more and judge(outcomes) == "gain" else "nothing"


def _compare(arm: str, match: str, differences: pd.DataFrame) -> str:
    said = differences.assign(outcome=differences["outcome"].replace({"better": "more", "worse": "less"}))
    parts = "; ".join(format_differences(said, "{against} {shown} ({outcome})"))
    return f"{arm}, TFs over {MATCHES[match]}, less the same ratio of: {parts}."


def _left_out(arm: str, enrichment: pd.DataFrame) -> str:
    rows = enrichment[(enrichment["arm"] == arm) & (enrichment["matched_on"] == MATCHED[0])]
    rows = rows[(rows["state"] == "trained") & (rows["cell_type"] != ALL_TYPES)]
    rows = rows.assign(all=rows["tfs"] + rows["tfs_unmatched"])
    counts = ", ".join(format_rows(rows, "{cell_type} {tfs_unmatched:.0f} of {all:.0f}"))
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
    if part["low"].isna().all():
        return [f"{arm}: one seed does not show whether pairs of highest attention are edges of the network. {auroc}"]
    above = part.loc[part["low"] > part[["same_tf_high", "same_target"]].max(axis=1), "cell_type"]
    text = f"only in {', '.join(above)}" if len(above) else "in no cell type"
    return [
        f"{arm}: pairs of highest attention are edges of the network more often than the same TFs with random targets "
        f"and the same targets with random TFs {text}. {auroc}"
    ]


def _ratio(row: pd.Series) -> str:
    if np.isnan(row["enrichment"]):
        return "an undefined number of"
    interval = "" if np.isnan(row["low"]) else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['enrichment']:.2f}{interval}"
