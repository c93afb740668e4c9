"""What a benchmark's section needs to know of the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from grnformer.bench.perturbation.arms import MODEL

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Task:
    """A benchmark as the page shows it.

    Attributes
    ----------
    about
        What is predicted or compared, and how it is scored.
    missing
        Why it was not measured, where it was not.
    pairs
        (pairs of arms of pretraining, scores, summary) -> pairs (arm, control).
    data, about_data
        Input of the rule with more of the benchmark's data or settings, and the caption of its table.
    judged
        Arms that are judged in words; None: all. Models of pretraining always are.
    """

    title: str
    about: str
    missing: str
    pairs: Callable[[Pairs, pd.DataFrame, pd.DataFrame], Pairs]
    data: str = ""
    about_data: str = ""
    judged: Sequence[str] | None = None

    def judge(self, compared: list[str]) -> list[str]:
        """Of the arms that were compared, those that are judged in words."""
        judged = [
            *(compared if self.judged is None else self.judged),
            *(arm for arm in compared if arm.startswith(MODEL)),
        ]
        return [arm for arm in judged if arm in compared]


def same_pairs(of_models: Pairs, scores: pd.DataFrame, summary: pd.DataFrame) -> Pairs:
    """The pairs of arms of pretraining, which are scored under their names."""
    return of_models


def arms_of_models(table: pd.DataFrame) -> list[str]:
    """Arms of kind model in a table of scores or a summary, in its order."""
    return [str(arm) for arm in table.loc[table["kind"] == "model", "arm"].unique()]
