"""Does a target's query attend to its own regulators' keys? Pairs of highest attention against degree-aware baselines.

Shapes: N genes, F TFs, K pairs, D draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MEASURES = (
    "precision",
    "base_rate",
    "same_tf",
    "same_tf_low",
    "same_tf_high",
    "same_target",
    "auroc",
    "auroc_low",
    "auroc_high",
)


@dataclass(frozen=True)
class PairScores:
    """How far attention ranks the edges of a network first.

    Attributes
    ----------
    candidates, edges
        Pairs that were seen often enough; those among them that are edges.
    precision
        Share of edges among the `top` pairs of highest attention.
    base_rate
        Share of edges among all candidates.
    same_tf, same_tf_low, same_tf_high
        Share expected when every top pair keeps its TF and takes a random target among the candidates, with the 95% of
        draws: what comes of attending to TFs of high degree.
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
    score_NF: np.ndarray, candidate_NF: np.ndarray, edge_NF: np.ndarray, top: int, draws: int, rng: np.random.Generator
) -> PairScores:
    """Score pairs (target, TF) by attention against the edges of a network; ties keep the order of genes."""
    target, tf = np.nonzero(candidate_NF)
    score, edge = score_NF[target, tf], edge_NF[target, tf]
    k = min(top, len(score))
    if k == 0:
        return PairScores(0, 0, 0, **dict.fromkeys(_MEASURES, np.nan), auroc_tfs=0)
    best = np.argsort(-score, kind="stable")[:k]
    of_target, of_tf = (
        np.bincount(gene, edge, size) / np.maximum(np.bincount(gene, minlength=size), 1)
        for gene, size in zip((target, tf), candidate_NF.shape, strict=True)
    )
    drawn_D = (rng.random((draws, k)) < of_tf[tf[best]]).mean(1)
    low, high = np.quantile(drawn_D, [0.025, 0.975])
    return PairScores(
        len(score),
        int(edge.sum()),
        k,
        float(edge[best].mean()),
        float(edge.mean()),
        float(of_tf[tf[best]].mean()),
        float(low),
        float(high),
        float(of_target[target[best]].mean()),
        *_within_tfs(score, edge, tf),
    )


def _within_tfs(score: np.ndarray, edge: np.ndarray, tf: np.ndarray) -> tuple[float, float, float, int]:
    from scipy.stats import rankdata

    from grnformer.bench.intervals import estimate_mean

    areas = []
    order = np.argsort(tf, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(tf[order])) + 1):
        positive = edge[own]
        n, m = int(positive.sum()), int((~positive).sum())
        if n and m:
            areas.append((rankdata(score[own])[positive].sum() - n * (n + 1) / 2) / (n * m))
    if not areas:
        return np.nan, np.nan, np.nan, 0
    return estimate_mean(np.array(areas))
