"""Score arms against the truth of one line, each beside its wrong-TF control."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.bench.grn_accuracy.arms import Arm, Scores
from grnformer.bench.grn_accuracy.ranking import precision_ratios, random_auprc_ratio
from grnformer.bench.grn_accuracy.truth import Truth

WRONG_TF = "wrong TF"
ALL_LINES = "all"
_COLUMNS = ["arm", "kind", "metric", "unit", "member", "value", "n"]


def wrong_tf_name(arm: str) -> str:
    """Name of an arm's wrong-TF control."""
    return f"{arm} ({WRONG_TF})"


def score_arm(arm: Arm, truth: Truth, genes: list[str], task: str) -> pd.DataFrame:
    """Score one arm in one line: per TF, beside scores of the line's other TFs against the same truth, and pooled.

    Parameters
    ----------
    arm
        What is scored.
    truth
        True targets of the line's TFs.
    genes
        The universe, in the order of the truth.
    task
        Name of the line's cell type.

    Returns
    -------
    Table by contract ``scores``. The wrong-TF control of a TF is the mean over all other TFs of the line that the arm
    scores; the gene of neither TF counts. ``*_over_wrong_tf`` is the difference of both (chance 0). The pooled score
    ranks all TF-gene pairs of the line together, TFs the arm says nothing about like pairs without an edge.
    """
    scores = [arm.score(tf) for tf in truth.tfs]
    n_genes = truth.included.sum(axis=1)
    n_targets = (truth.targets & truth.included).sum(axis=1)
    by_chance = random_auprc_ratio(n_targets, n_genes)
    rows = []
    for metric, ratios in _ratios(scores, truth, genes).items():
        for of, tf in enumerate(truth.tfs):
            # a row has one truth: the TF's own score, and those of the other TFs
            right = ratios[of, of]
            others = np.delete(ratios[of], of)
            others = others[~np.isnan(others)]

            # no control where there is no score that it could be compared with
            wrong = np.nan
            if len(others) and scores[of] is not None:
                wrong = others.mean()

            member = "tf", tf
            rows += [
                (arm.name, arm.kind, metric, *member, right, n_genes[of]),
                (
                    wrong_tf_name(arm.name),
                    "control",
                    metric,
                    *member,
                    wrong,
                    n_genes[of],
                ),
                (
                    arm.name,
                    arm.kind,
                    f"{metric}_over_wrong_tf",
                    *member,
                    right - wrong,
                    n_genes[of],
                ),
            ]

            if metric == "auprc_ratio":
                chance = by_chance[of]
                over = f"{metric}_over_random"
                rows += [
                    (arm.name, arm.kind, over, *member, right / chance, n_genes[of]),
                    (
                        wrong_tf_name(arm.name),
                        "control",
                        over,
                        *member,
                        wrong / chance,
                        n_genes[of],
                    ),
                ]

    # one ranking of all TFs: their scores must also compare with one another
    pooled = _pooled(scores, truth)
    rows += [
        (arm.name, arm.kind, f"pooled_{metric}", "line", task, value, n_genes.sum())
        for metric, value in pooled.items()
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table.insert(0, "benchmark", "grn_accuracy")
    table.insert(1, "task", task)
    return table


def _ratios(
    scores: Sequence[Scores], truth: Truth, genes: list[str]
) -> dict[str, np.ndarray]:
    """Metric -> ratios, truth of TF x scores of TF; NaN where the arm says nothing about the TF."""
    number_of = {gene: number for number, gene in enumerate(genes)}
    n_tfs = len(truth.tfs)
    auprc = np.full((n_tfs, n_tfs), np.nan)
    early = np.full((n_tfs, n_tfs), np.nan)
    for source, values in enumerate(scores):
        if values is None:
            continue

        # the gene of the TF that is scored counts in no truth
        included = truth.included.copy()
        tf = truth.tfs[source]
        if tf in number_of:
            included[:, number_of[tf]] = False

        # one ranking against all truths: it is sorted once
        of_source = precision_ratios(values, truth.targets, included)
        auprc[:, source], early[:, source] = of_source
    return {"auprc_ratio": auprc, "early_precision_ratio": early}


def pool_lines(scores: pd.DataFrame) -> pd.DataFrame:
    """Repeat the scores of all lines as one task, members named TF and line; a TF's lines are one cluster."""
    pooled = scores.assign(task=ALL_LINES, cluster=None)
    of_tf = pooled["unit"] == "tf"

    # lines share TFs, whose scores are alike: intervals resample TFs, not pairs of TF and line
    tf = scores.loc[of_tf, "member"]
    line = scores.loc[of_tf, "task"]
    pooled.loc[of_tf, "cluster"] = tf
    pooled.loc[of_tf, "member"] = tf + " in " + line
    return pooled


def _pooled(scores: Sequence[Scores], truth: Truth) -> dict[str, float]:
    """Ratios of all pairs of the line, from TF to gene, in one ranking; NaN where the arm scores no TF."""
    defined = [values for values in scores if values is not None]
    if not defined:
        return dict.fromkeys(("auprc_ratio", "early_precision_ratio"), np.nan)

    # pairs of a TF that is not scored rank last, together with all that score the least
    lowest = min(values.min() for values in defined)
    silent = np.full(truth.targets.shape[1], lowest)
    of_tfs = [silent if values is None else values for values in scores]
    ranking = np.concatenate(of_tfs)

    # one truth, of all pairs
    targets = truth.targets.reshape(1, -1)
    included = truth.included.reshape(1, -1)
    auprc, early = precision_ratios(ranking, targets, included)
    return {"auprc_ratio": float(auprc[0]), "early_precision_ratio": float(early[0])}
