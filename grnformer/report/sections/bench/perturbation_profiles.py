"""Profiles after perturbations: what is said of them, which arms are judged, and what is compared."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.controls import rewired_name
from grnformer.bench.perturbation.arms import MODEL
from grnformer.bench.perturbation.in_silico import IN_SILICO
from grnformer.report.sections.bench.task import Pairs, Task, arms_of_models

ABOUT = (
    "Predicts the mean expression profile after a perturbation that training has not seen. "
    "Single unseen: no training perturbation has the gene. Combo seen 0, 1, 2: how many of the genes are perturbed "
    "alone in training. Cells of the tested perturbations and of the controls are halved: one half is the truth, the "
    "other is the ceiling and chooses the genes of the top 20; predictions have the other half of the controls. "
    "Perturbed genes are left out of every metric. Metrics called scaled are 0 for the best baseline and 1 for the "
    "ceiling; they are missing where the ceiling is no better than the baseline, since such cells cannot tell arms "
    "apart. A constant prediction has no correlation: it counts as failed."
)


def pairs(of_models: Pairs, scores: pd.DataFrame, summary: pd.DataFrame) -> Pairs:
    """(arm, its rewired graph) for every arm of kind model; (arm, control) of pretraining."""
    arms = set(summary["arm"])
    found = [(arm, rewired_name(arm)) for arm in arms_of_models(summary)]
    found += [
        (f"{MODEL}{arm}{end}", f"{MODEL}{other}{end}")
        for end in ("", IN_SILICO)
        for arm, other in of_models
    ]
    return [pair for pair in found if arms.issuperset(pair)]


TASK = Task(
    title="Perturbation profiles",
    about=ABOUT,
    missing="the configuration names no cells (bench.perturbation_profiles.screens)",
    pairs=pairs,
    judged=["graphs", "graphs_coexpression", "propagation"],
)
