"""The choice among topic counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

#: Scores that can be averaged, and whether more (1) or less (-1) of them is better.
SCORES = {
    "arun_2010": -1,
    "cao_juan_2009": -1,
    "coherence": 1,
    "joint_log_likelihood": 1,
    "heldout_log_likelihood": 1,
    "log_likelihood": 1,
}


def select_topic_count(
    scores: pd.DataFrame,
    *,
    selected: int | None,
    rule: str,
    scores_averaged: Sequence[str],
    distinct_only: bool,
) -> pd.DataFrame:
    """Choose a topic count.

    Parameters
    ----------
    scores
        One row a topic count, by contract ``topic_scores``.
    selected
        The topic count to take whatever the scores say; None: by the rule.
    rule
        ``mean``: the highest mean of the rescaled scores (`mean_score`), as pycisTopic's ``evaluate_models`` chooses;
        ``heldout``: the best held-out log-likelihood, where models within one standard error (over held-out cells)
        of it count as equal and the most coherent of these is taken. The smaller count on a tie.
    scores_averaged
        Names of the scores in the mean.
    distinct_only
        Whether only models whose topics are all distinct compete (or, if there is none, those with the largest
        fraction of distinct topics).

    Returns
    -------
    The scores in order of topic counts with the columns ``mean_score`` and ``selected``, by contract
    ``topic_selection``.

    Raises
    ------
    InputError
        If the topic count asked for was not fitted, or the rule or a score is unknown.
    """
    # In rising order: `idxmax` takes the first, so the smaller count wins a tie.
    table = scores.sort_values("n_topics", ignore_index=True)
    unknown = sorted(set(scores_averaged) - set(SCORES))
    if unknown:
        raise InputError(
            f"topics.selection.scores {unknown}",
            f"among {sorted(SCORES)}",
            "correct it in the config",
        )
    # Even where the choice is given: the report shows the scores beside it.
    table["mean_score"] = mean_score(table, scores_averaged)

    if selected is not None:
        if selected not in table["n_topics"].tolist():
            raise InputError(
                f"topics.selected is {selected}, fitted are {table['n_topics'].tolist()}",
                "a topic count that is fitted",
                "add it to topics.n_topics, or set topics.selected to null",
            )
        table["selected"] = table["n_topics"] == selected
        return table

    # A fraction: by their number alone, models of many topics would win.
    distinct = table["distinct_topics"] / table["n_topics"]
    rivals = table[distinct == distinct.max()] if distinct_only else table
    if rule == "mean":
        chosen = rivals["mean_score"].idxmax()
    elif rule == "heldout":
        best = rivals.loc[rivals["heldout_log_likelihood"].idxmax()]
        # The one-standard-error rule, but by coherence in place of the smallest model.
        limit = best["heldout_log_likelihood"] - best["heldout_standard_error"]
        chosen = rivals.loc[
            rivals["heldout_log_likelihood"] >= limit, "coherence"
        ].idxmax()
    else:
        raise InputError(
            f"topics.selection.rule {rule!r}",
            "mean or heldout",
            "correct it in the config",
        )

    table["selected"] = table.index == chosen
    return table


def mean_score(table: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Mean of scores, each rescaled to 0 (worst topic count) to 1 (best); one that is equal for all counts is 0.

    Parameters
    ----------
    table
        One row a topic count, with the columns `names`.

    Returns
    -------
    (topic counts,), 0 to 1.
    """
    parts = [
        rescale(table[name].to_numpy(dtype=float) * SCORES[name]) for name in names
    ]
    return np.mean(parts, axis=0) if parts else np.zeros(len(table))


def rescale(values: np.ndarray) -> np.ndarray:
    """Values moved and scaled to 0 to 1; zeros where all are equal."""
    span = np.ptp(values)
    return np.zeros_like(values) if span == 0 else (values - values.min()) / span
