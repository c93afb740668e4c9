"""What is scored: networks, binding, prior knowledge, and how these are joined with a baseline or with each other.

An arm is a function of a TF: scores (genes,), or None where the arm says nothing about the TF. Saying nothing counts as
a failure in the benchmark, not as a random ranking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

Scores = np.ndarray | None


@dataclass(frozen=True)
class Arm:
    """One thing that is scored.

    Attributes
    ----------
    name, kind
        As in contract ``scores``.
    score
        TF symbol -> scores (genes,), or None.
    """

    name: str
    kind: str
    score: Callable[[str], Scores]


def network_arm(
    name: str, kind: str, edges: pd.DataFrame, weight: str, genes: list[str]
) -> Arm:
    """Score genes by the weight of the TF's edge to them; no edge is 0, the largest weight counts if there are several.

    Parameters
    ----------
    edges
        Table with the columns tf, gene and `weight` (0 or above).
    """
    by_tf = _known_by_tf(edges, genes)

    def score(tf: str) -> Scores:
        if tf not in by_tf:
            return None
        of_tf = by_tf[tf]
        weights = of_tf[weight].to_numpy(dtype=float)
        scores = np.zeros(len(genes))
        # several edges may lead to one gene, which plain indexing would overwrite
        np.maximum.at(scores, of_tf["number"], weights)
        return scores

    return Arm(name, kind, score)


def binding_arm(name: str, binding: pd.DataFrame, genes: list[str]) -> Arm:
    """Score genes by the log odds that the TF binds their promoter; genes without a sequence score 0.

    Parameters
    ----------
    binding
        Contract ``promoter_binding``.
    """
    # log odds 0: without a sequence, nothing speaks for or against binding
    odds = binding.set_index("gene").reindex(genes, fill_value=0.0)

    def score(tf: str) -> Scores:
        if tf not in odds:
            return None
        return odds[tf].to_numpy(dtype=float)

    return Arm(name, "model", score)


def joined_arm(arm: Arm, baseline: np.ndarray) -> Arm:
    """Join an arm with TF-agnostic scores: does the arm say more than they do?

    The mean of `baseline` (0 to 1) and the arm's percentile ranks, equal scores at their mean rank; where the arm says
    nothing about the TF, so does the joined one.
    """

    def score(tf: str) -> Scores:
        scores = arm.score(tf)
        if scores is None:
            return None

        # ranks, because weights of networks have no unit that the baseline could be compared by
        percentile = rankdata(scores) / len(scores)
        return (percentile + baseline) / 2

    return Arm(f"{arm.name}_and_baseline", arm.kind, score)


def weighted_arm(name: str, arm: Arm, baseline: np.ndarray, weight: float) -> Arm:
    """Add log odds to those of a TF-agnostic baseline, as independent evidence of one event is joined.

    The baseline's log odds are those of its percentile rank; `weight` multiplies the arm's.
    """
    # half a rank less: neither 0 nor 1, whose log odds are infinite
    rank = (rankdata(baseline) - 0.5) / len(baseline)
    prior = np.log(rank / (1 - rank))

    def score(tf: str) -> Scores:
        scores = arm.score(tf)
        if scores is None:
            return None
        return prior + weight * scores

    return Arm(name, arm.kind, score)


def informed_arm(
    name: str, arm: Arm, pairs: pd.DataFrame, genes: list[str], log_odds: float
) -> Arm:
    """Add `log_odds` to an arm's scores where a pair of TF and gene is known beforehand (table tf, gene)."""
    by_tf = _known_by_tf(pairs, genes)

    def score(tf: str) -> Scores:
        scores = arm.score(tf)
        if scores is None or tf not in by_tf:
            return scores

        # set, not added: a pair that stands twice is no more certain
        known = np.zeros(len(genes))
        known[by_tf[tf]["number"]] = log_odds
        return scores + known

    return Arm(name, arm.kind, score)


def _known_by_tf(pairs: pd.DataFrame, genes: list[str]) -> dict[str, pd.DataFrame]:
    """Rows of each TF whose gene is among `genes`, with the gene's number."""
    number = pd.Index(genes).get_indexer(pairs["gene"])
    numbered = pairs.assign(number=number)
    known = numbered[numbered["number"] >= 0]

    # observed: a TF without any pair must stay unknown, not get a score of 0
    return {str(tf): of_tf for tf, of_tf in known.groupby("tf", observed=True)}
