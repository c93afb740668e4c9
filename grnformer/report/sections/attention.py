"""Section of the adapters' attention: TFs against other genes, matched and beside controls; regulator-target pairs."""

from __future__ import annotations

import pandas as pd

from grnformer.report.figures.arms import arm_colours
from grnformer.report.figures.attention import (
    degree_height,
    plot_by_degree,
    plot_enrichment,
)
from grnformer.report.page import Aside, Block, Config, Figure, Note, Section, table
from grnformer.report.sections.attention_tables import (
    MATCHES,
    summarise_by_degree,
    summarise_contribution,
    summarise_enrichment,
    summarise_pairs,
)
from grnformer.report.sections.attention_verdict import judge_attention
from grnformer.report.text import format_count

_READ = (
    "Queries of the adapter attend to the structure of other genes. A value is relative to "
    "uniform attention to all of them (1). A gene's attention to itself is left out: it has a bonus by construction. "
    "Queries are those of masked genes in held-out cells, the only ones whose states the masked loss reads. Degrees "
    "are those of the type's inferred network, for all arms. A TF's links mostly go out, those of other genes come in. "
    "Where messages go from TF to gene, only incoming links change a gene's structure; hence the second matching. A "
    "query knows nothing of the graph, and with such messages a TF's key knows nothing of its targets: attention on a "
    "regulator is then no evidence that the model follows the edge. Weights show where a model looks, not what it "
    "uses; the table of contributions gives the held-out loss without them."
)


def missing_attention(arms: Config) -> Section:
    """Say why there is no analysis; `arms` is ``pretrain.arms`` of the configuration."""
    adapted = [name for name, arm in arms.items() if arm["adapter"]]
    why = (
        f"attention.arms leaves out {', '.join(adapted)}"
        if adapted
        else "no arm of pretrain.arms has an adapter"
    )
    return Section(
        "attention",
        "Attention",
        [Note(f"Attention was not analysed: {why}.", kind="missing")],
    )


def attention_section(
    tables: dict[str, pd.DataFrame],
    pairs: list[tuple[str, str]],
    edges: list[int],
    arms: Config,
) -> Section:
    """Section of the stage attention.

    Parameters
    ----------
    tables
        enrichment, mass, pairs, pair_scores and contribution by their contracts, each with the column arm.
    pairs
        (arm with a graph of the data, arm without).
    edges
        ``attention.degree_bins``.
    arms
        ``pretrain.arms`` of the configuration.
    """
    enrichment = summarise_enrichment(tables["enrichment"])
    contribution = summarise_contribution(tables["contribution"])
    scored = summarise_pairs(tables["pair_scores"])
    unit = str(contribution["loss_unit"].iloc[0]) if len(contribution) else "loss"
    seeds = format_count(tables["enrichment"]["seed"].nunique(), "seed")
    blocks: list[Block] = [
        judge_attention(tables, enrichment, contribution, scored, pairs),
        Aside("How to read attention", _READ),
    ]
    blocks += _enrichment_blocks(tables, enrichment, seeds, arm_colours(arms))
    blocks += _degree_blocks(
        summarise_by_degree(tables["mass"], edges),
        seeds,
        tables["mass"]["gene"].nunique(),
    )

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
            hidden=("loss", "loss_unit"),
            difference=f"loss added ({unit})",
        )
    )

    blocks += _pair_blocks(tables["pairs"], scored, seeds)
    caption = "Every model, kind of query, head and matching."
    blocks.append(
        table(
            "attention_enrichment_models",
            tables["enrichment"],
            caption,
            folded=True,
        )
    )
    return Section("attention", "Attention", blocks)


def _enrichment_blocks(
    tables: dict[str, pd.DataFrame],
    enrichment: pd.DataFrame,
    seeds: str,
    palette: dict[str, str],
) -> list[Block]:
    # The same cells for all arms and seeds: each type counts once.
    cells = tables["contribution"].drop_duplicates("cell_type")["cells"].sum()
    arms, types = tables["enrichment"][["arm", "cell_type"]].nunique()
    # A row a type, one for their mean, and room for the gap between arms.
    height = 220 + 24 * arms * (types + 2)

    return [
        Figure(
            "attention-enrichment",
            plot_enrichment(enrichment, MATCHES, height, palette),
            f"Mean attention on TFs over that on other genes, {cells:,} held-out cells. Filled: after training, mean "
            f"over {seeds} and 95% interval (Student's t), where seeds are enough. Open: the same models before "
            "training. Grey bars: 95% of ratios when other genes of the same bins are sampled in place of the TFs "
            "(mean over seeds). Middle and right: TFs without any other gene in their bin are left out; the table "
            "counts them.",
            height,
        ),
        table(
            "attention_enrichment",
            enrichment,
            "TFs over other genes by arm, cell type and matching; queries of masked genes, mean over heads. The "
            f"interval is over {seeds}; the null's interval and the p-value are over genes, within one model.",
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


def _degree_blocks(degree: pd.DataFrame, seeds: str, n_genes: int) -> list[Block]:
    return [
        Figure(
            "attention-degree",
            plot_by_degree(degree),
            "Attention that a gene receives, by its links in the inferred network of the type, after training. Each "
            f"gene counts as often as it was a key; mean over cell types and {seeds}, n "
            f"{n_genes:,} genes. Hover: genes of a bin.",
            degree_height(degree),
        ),
        table(
            "attention_by_degree",
            degree,
            "The figure's numbers.",
            folded=True,
            mass="attention",
        ),
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
            hidden=("same_tf_low", "same_tf_high", "auroc_low", "auroc_high", "edges"),
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
            folded=True,
            eregulons="eRegulons",
            cells="cells x samples (n)",
            edge="in the network",
        ),
    ]
