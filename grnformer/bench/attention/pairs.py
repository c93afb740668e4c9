"""Does a target's query attend to the keys of its regulators? Pairs of highest attention against baselines of degree.

Shapes: N genes, F TFs, K pairs, D samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.bench.intervals import Estimate, estimate_mean
from grnformer.bench.ranks import auroc

if TYPE_CHECKING:
    from grnformer.infer.attention import Received


@dataclass(frozen=True)
class PairScores:
    """How far attention ranks the edges of a network first.

    Attributes
    ----------
    candidates, edges
        Pairs that were seen often enough; those among them that are edges.
    precision
        Fraction of edges among the `top` pairs of highest attention.
    base_rate
        Fraction of edges among all candidates.
    same_tf, same_tf_low, same_tf_high
        Fraction expected when every top pair keeps its TF and takes a random target among the candidates, with the 95%
        of samples: what comes of attending to TFs of high degree.
    same_target
        The same when every top pair keeps its target and takes a random TF.
    auroc, auroc_low, auroc_high, auroc_tfs
        Area under the ROC of a TF's targets among its candidates, mean over TFs with both, with the 95% interval over
        these TFs (Student's t); .5 is chance.
    """

    candidates: int
    edges: int
    top: int
    precision: float
    base_rate: float
    same_tf: float
    same_tf_low: float
    same_tf_high: float
    same_target: float
    auroc: float
    auroc_low: float
    auroc_high: float
    auroc_tfs: int


def score_pairs(
    score_NF: np.ndarray,
    candidate_NF: np.ndarray,
    edge_NF: np.ndarray,
    top: int,
    samples: int,
    rng: np.random.Generator,
) -> PairScores:
    """Score pairs (target, TF) by attention against the edges of a network; ties keep the order of genes."""
    target_K, tf_K = np.nonzero(candidate_NF)
    score_K, edge_K = score_NF[target_K, tf_K], edge_NF[target_K, tf_K]
    n_top = min(top, len(score_K))
    if n_top == 0:
        undefined: dict[str, Any] = dict.fromkeys(PairScores.__annotations__, np.nan)
        return PairScores(
            **undefined
            | {
                "candidates": 0,
                "edges": 0,
                "top": 0,
                "auroc_tfs": 0,
            }
        )

    best = np.argsort(-score_K, kind="stable")[:n_top]
    n_targets, n_tfs = candidate_NF.shape

    # What degree alone explains: edges expected if the other end were random, (top,).
    of_target_K = _edge_fraction(target_K, edge_K, n_targets)[target_K[best]]
    of_tf_K = _edge_fraction(tf_K, edge_K, n_tfs)[tf_K[best]]
    # With a random target, a top pair is an edge with its TF's fraction of edges.
    precision_D = (rng.random((samples, n_top)) < of_tf_K).mean(1)
    low, high = np.quantile(precision_D, [0.025, 0.975])
    areas = _auroc_within_tfs(score_K, edge_K, tf_K)
    return PairScores(
        candidates=len(score_K),
        edges=int(edge_K.sum()),
        top=n_top,
        precision=float(edge_K[best].mean()),
        base_rate=float(edge_K.mean()),
        same_tf=float(of_tf_K.mean()),
        same_tf_low=float(low),
        same_tf_high=float(high),
        same_target=float(of_target_K.mean()),
        auroc=areas.value,
        auroc_low=areas.low,
        auroc_high=areas.high,
        auroc_tfs=areas.members,
    )


def _edge_fraction(gene_K: np.ndarray, edge_K: np.ndarray, n_genes: int) -> np.ndarray:
    """Fraction of edges among the candidates of each gene."""
    # Genes without a candidate are 0 over 1; no pair asks for them.
    return np.bincount(gene_K, edge_K, n_genes) / np.maximum(
        np.bincount(gene_K, minlength=n_genes), 1
    )


def _auroc_within_tfs(
    score_K: np.ndarray, edge_K: np.ndarray, tf_K: np.ndarray
) -> Estimate:
    """Mean over TFs, with its interval: TFs of high degree must not count for more, nor be ranked against others."""
    areas = []
    # In order of the TF, candidates of one TF are a run: split where the TF changes.
    order = np.argsort(tf_K, kind="stable")
    for of_tf in np.split(order, np.flatnonzero(np.diff(tf_K[order])) + 1):
        areas.append(auroc(edge_K[of_tf], score_K[of_tf]))
    # A TF with nothing but edges, or with none, has no ROC.
    defined = np.array(areas)
    return estimate_mean(defined[~np.isnan(defined)])


def rank_pairs(
    trained: Mapping[int, Received],
    genes: np.ndarray,
    is_tf: np.ndarray,
    network: pd.DataFrame,
    settings: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank the regulator-target pairs of one cell type by attention, beside the edges of a network.

    Parameters
    ----------
    trained
        By seed; all of the same cells.
    genes, is_tf
        Names, and which are TFs, (N,).
    network
        Edges by node number (tf, gene, sign, eregulons).
    settings
        The config section `attention`.

    Returns
    -------
    Pairs of highest attention in the mean over seeds, and the scores of each seed: contracts attention_pairs,
    attention_pair_scores.
    """
    # All models saw the same cells, tokens and masks: counts of pairs are those of any.
    counts_NF = next(iter(trained.values())).pairs_NF
    cells_NF = np.maximum(counts_NF, 1)
    candidate_NF = counts_NF >= settings["min_observed"]

    # Columns are TFs, numbered in the order of nodes: an edge needs one to stand in.
    known = network[is_tf[network["tf"]]]
    number_of_tf = np.cumsum(is_tf) - 1
    edge_NF = np.zeros(counts_NF.shape, bool)
    edge_NF[known["gene"], number_of_tf[known["tf"]]] = True

    scores, by_seed = [], []
    for seed, received in trained.items():
        attention_NF = received.pair_NF / cells_NF
        by_seed.append(attention_NF)
        # The same stream for every model: their nulls differ by attention only.
        rng = np.random.default_rng(settings["seed"])
        sizes = settings["top_pairs"], settings["null_draws"]
        scored = score_pairs(attention_NF, candidate_NF, edge_NF, *sizes, rng)
        scores.append({"seed": seed, **asdict(scored)})

    total_NF = sum(received.pair_NF for received in trained.values())
    # -inf puts pairs that were seen too seldom behind all candidates.
    mean_NF = np.where(candidate_NF, total_NF / cells_NF / len(trained), -np.inf)
    n_best = min(settings["top_pairs"], int(candidate_NF.sum()))
    # Of the flattened matrix; stable, so that ties keep the order of genes.
    best = np.argsort(-mean_NF, axis=None, kind="stable")[:n_best]
    target, tf = np.unravel_index(best, mean_NF.shape)
    # (seeds, pairs): the range over seeds shows how far they agree on a pair.
    of_best = np.stack(by_seed)[:, target, tf]
    table = pd.DataFrame(
        {
            "rank": np.arange(1, n_best + 1),
            "tf": genes[is_tf][tf],
            "target": genes[target],
            "attention": mean_NF[target, tf].astype(float),
            "least": of_best.min(0).astype(float),
            "greatest": of_best.max(0).astype(float),
            "cells": counts_NF[target, tf],
            "edge": edge_NF[target, tf],
        },
    )
    edges = known.assign(tf=genes[known["tf"]], target=genes[known["gene"]])
    return _with_edges(table, edges), pd.DataFrame(scores)


def _with_edges(table: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """The pairs with sign and eRegulons of their edges."""
    table = table.merge(
        edges[["tf", "target", "sign", "eregulons"]], on=["tf", "target"], how="left"
    )
    table["sign"] = table["sign"].fillna(0).astype(int)

    # A pair without an edge has NaN in place of names.
    listed = table["eregulons"]
    table["eregulons"] = [
        None if isinstance(names, float) else ", ".join(names) for names in listed
    ]
    return table
