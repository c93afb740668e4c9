"""Score arms against the truth of one line, each beside its wrong-TF control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.bench.grn_accuracy.arms import Arm
from grnformer.bench.grn_accuracy.ranking import precision_ratios
from grnformer.bench.grn_accuracy.truth import Truth

if TYPE_CHECKING:
    import pandas as pd

WRONG_TF = "wrong TF"
ALL_LINES = "all"


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
    scores; neither TF's own gene counts. ``*_over_wrong_tf`` is the difference of both (chance 0). The pooled score
    ranks all TF-gene pairs of the line together, TFs the arm says nothing about like pairs without an edge.
    """
    import pandas as pd

    n_tfs = len(truth.tfs)
    place = {gene: number for number, gene in enumerate(genes)}
    scores = [arm.score(tf) for tf in truth.tfs]
    ratios = np.full((2, n_tfs, n_tfs), np.nan)  # metric, truth of TF, scores of TF
    for source, values in enumerate(scores):
        if values is None:
            continue
        included = truth.included.copy()
        if truth.tfs[source] in place:
            included[:, place[truth.tfs[source]]] = False
        ratios[:, :, source] = precision_ratios(values, truth.targets, included)
    n_genes = truth.included.sum(axis=1)
    rows: list[dict[str, Any]] = []

    def add(name: str, kind: str, metric: str, unit: str, member: str, value: float, n: int) -> None:
        head = {"benchmark": "grn_accuracy", "task": task, "arm": name, "kind": kind, "metric": metric}
        rows.append(head | {"unit": unit, "member": member, "value": value, "n": n})

    for number, metric in enumerate(("auprc_ratio", "early_precision_ratio")):
        for of, tf in enumerate(truth.tfs):
            right = ratios[number, of, of]
            others = np.delete(ratios[number, of], of)
            others = others[~np.isnan(others)]
            wrong = float(others.mean()) if len(others) and scores[of] is not None else np.nan
            add(arm.name, arm.kind, metric, "tf", tf, right, n_genes[of])
            add(wrong_tf_name(arm.name), "control", metric, "tf", tf, wrong, n_genes[of])
            add(arm.name, arm.kind, f"{metric}_over_wrong_tf", "tf", tf, right - wrong, n_genes[of])
    add(arm.name, arm.kind, "pooled_auprc_ratio", "line", task, _pooled(scores, truth), int(n_genes.sum()))
    return pd.DataFrame(rows)


def pool_lines(scores: pd.DataFrame) -> pd.DataFrame:
    """Repeat the scores of all lines as one task, members named TF and line; a TF's lines are one cluster."""
    pooled = scores.assign(task=ALL_LINES, cluster=None)
    of_tf = pooled["unit"] == "tf"
    pooled.loc[of_tf, "cluster"] = scores.loc[of_tf, "member"]
    pooled.loc[of_tf, "member"] = scores.loc[of_tf, "member"] + " in " + scores.loc[of_tf, "task"]
    return pooled


def _pooled(scores: Sequence[np.ndarray | None], truth: Truth) -> float:
    """AUPRC ratio of all pairs of the line in one ranking; NaN where the arm scores no TF."""
    defined = [values for values in scores if values is not None]
    if not defined:
        return np.nan
    lowest = min(float(values.min()) for values in defined)
    filled = np.concatenate([np.full(truth.targets.shape[1], lowest) if v is None else v for v in scores])
    return float(precision_ratios(filled, truth.targets.reshape(1, -1), truth.included.reshape(1, -1))[0][0])
