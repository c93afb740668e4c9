"""Section of the adapters' attention: TFs against other genes, matched and beside controls; regulator-target pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.report.attention_plots import plot_by_degree, plot_enrichment
from grnformer.report.attention_summary import (
    summarise_by_degree,
    summarise_contribution,
    summarise_enrichment,
    summarise_pairs,
)
from grnformer.report.attention_verdict import judge_attention
from grnformer.report.forest import unit_name
from grnformer.report.page import Block, Figure, Note, Section, Table

if TYPE_CHECKING:
    import pandas as pd

_READ = (
    "How to read it: attention is that of the adapter's queries to other genes' structure, relative to attending to "
    "all of them alike (1). A gene's own structure is left out, for it has a bonus by construction. Queries are those "
    "of masked genes in held-out cells, the only ones whose states the masked loss reads. Degrees are those of the "
    "type's inferred network, for all arms alike: a TF's links mostly go out, other genes' come in, and where messages "
    "go from TF to gene only incoming links change a gene's structure; hence the second matching. A query knows "
    "nothing of the graph, and then a TF's key nothing of its targets, so that attention on a regulator is no evidence "
    "that the model follows the edge. Weights say where a model looks, not what it uses: the table below says what "
    "held-out loss would be without them."
)
_ENRICHMENT = {
    "enrichment": "TFs over others", "low": "95% low", "high": "95% high", "null_low": "null 95% low",
    "null_high": "null 95% high", "p_value": "largest p of a seed", "tfs": "TFs matched (n)",
    "tfs_unmatched": "TFs without match (n)", "tfs_unseen": "TFs not among tokens (n)", "others": "other genes (n)",
    "seeds": "seeds (n)", "matched_on": "compared with others of the same",
}  # fmt: skip


def missing_attention(dataset: str, arms: dict[str, Any]) -> Section:
    """Say why there is no analysis; `arms` is ``pretrain.arms`` of the configuration."""
    adapted = [name for name, arm in arms.items() if arm["adapter"]]
    why = f"attention.arms leaves out {', '.join(adapted)}" if adapted else "no arm of pretrain.arms has an adapter"
    return Section("attention", "Attention", [Note(f"Attention was not analysed: {why}.", kind="missing")], dataset)


def attention_section(
    dataset: str, tables: dict[str, pd.DataFrame], pairs: list[tuple[str, str]], edges: list[int]
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
    """
    enrichment = summarise_enrichment(tables["enrichment"])
    contribution = summarise_contribution(tables["contribution"])
    scored = summarise_pairs(tables["pair_scores"])
    degree = summarise_by_degree(tables["mass"], edges)
    seeds = unit_name("seed", tables["enrichment"]["seed"].nunique())
    cells = tables["contribution"].drop_duplicates("cell_type")["cells"].sum()
    types = list(dict.fromkeys(tables["enrichment"]["cell_type"]))
    height = 220 + 24 * tables["enrichment"]["arm"].nunique() * (len(types) + 2)
    blocks: list[Block] = [
        judge_attention(tables, enrichment, contribution, scored, pairs),
        Note(_READ),
        Figure(
            "attention-enrichment",
            plot_enrichment(enrichment, height),
            f"Mean attention on TFs over that on other genes, {cells:,} held-out cells. Filled: after training, mean "
            f"and 95% interval (Student's t) over {seeds}; open: the same models before training. Grey bars: 95% of "
            "ratios when other genes of the same bins are drawn in place of the TFs (mean over seeds). Right: TFs "
            "without any other gene in their bin are left out; the table counts them.",
            height,
        ),
        Figure(
            "attention-degree",
            plot_by_degree(degree),
            f"Attention a gene receives by its links in the inferred network of the type, after training; each gene "
            f"counts as often as it was a key; mean over cell types and {seeds}. Hover: genes.",
            380,
        ),
        Table(
            "attention_enrichment",
            enrichment,
            "TFs over other genes by arm, cell type and matching, queries of masked genes, mean over heads. The "
            f"interval is over {seeds}; the null's and the p-value are over genes, within one model.",
            _ENRICHMENT,
            shown=60,
            folded=True,
        ),
        Table(
            "attention_contribution",
            contribution,
            "What the adapter adds to the states, and what changes of its attention after training would add to the "
            f"held-out loss; mean and 95% interval over {seeds} of means over cell types. Loss as in the section on "
            "pretraining.",
            {"own": "attention on own gene", "norm": "adapter's share of the states' norm", "what": "change",
             "pattern": "share by the spread of attention", "difference": "loss added", "low": "95% low",
             "high": "95% high", "loss": "held-out loss", "loss_unit": "unit of losses", "seeds": "seeds (n)"},
        ),
        Table(
            "attention_by_degree",
            degree,
            "The figure's numbers.",
            {"mass": "attention", "genes": "genes (n)", "links": "links"},
            folded=True,
        ),
        Table(
            "attention_pair_scores",
            scored,
            "Are the pairs of highest attention, from a target's query to a TF's key, edges of the type's network? "
            "Beside the share of edges among the top pairs: among all candidates, and what the same TFs with random "
            "targets, or the same targets with random TFs, would give. AUROC: a TF's targets among its candidates, "
            f"mean over TFs, .5 is chance. Mean over {seeds}; interval of the precision over seeds, of the "
            "baseline over draws.",
            {"top": "top pairs (n)", "precision": "share of edges", "same_tf": "same TF, random target",
             "same_tf_low": "95% low", "same_tf_high": "95% high", "same_target": "same target, random TF",
             "base_rate": "all candidates", "candidates": "candidates (n)", "edges": "edges among them (n)",
             "low": "95% low ", "high": "95% high ", "auroc_low": "AUROC 95% low", "auroc_high": "AUROC 95% high",
             "auroc": "AUROC", "seeds": "seeds (n)"},
        ),
        Table(
            "attention_top_pairs",
            tables["pairs"][["arm", *(c for c in tables["pairs"] if c != "arm")]],
            "Regulator-target pairs of highest attention by arm and cell type, with what the inferred network holds of "
            "them. Attention: relative to even attention, mean over seeds, with the least and the greatest of a seed.",
            {"cells": "cells x draws (n)", "tf": "TF", "edge": "in the network"},
            shown=40,
            folded=True,
        ),
        Table(
            "attention_enrichment_models",
            tables["enrichment"],
            "Every model, kind of query, head and matching.",
            {},
            shown=20,
            folded=True,
        ),
    ]  # fmt: skip
    return Section("attention", "Attention", blocks, dataset)
