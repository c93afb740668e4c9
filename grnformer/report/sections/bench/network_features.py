"""Networks as features: what is said of them, and what is compared."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.controls import rewired_name
from grnformer.report.sections.bench.task import Pairs, Task, arms_of_models

ABOUT = (
    "Predicts drug response of unseen lines or tissues by ridge regression on TF activities, which "
    "come from expression and a network's regulons. The control has the same regulons with their targets swapped "
    "between TFs. The baseline is the same regression on all genes. A difference to the control is what the network "
    "knows; one to the baseline is what a compact set of features costs."
)


def pairs(of_models: Pairs, scores: pd.DataFrame, summary: pd.DataFrame) -> Pairs:
    """(network, its rewired form) for every network whose TF activities are features."""
    return [(arm, rewired_name(arm)) for arm in arms_of_models(scores)]


TASK = Task(
    title="What a network is worth as features",
    about=ABOUT,
    missing="the configuration names no split (bench.drug_response.network_features.splits)",
    pairs=pairs,
)
