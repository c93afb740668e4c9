"""Responses to knock-downs: what is said of them, which arms are judged, and what is compared."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.controls import rewired_name
from grnformer.bench.perturbation.arms import BLEND, JOINED, MODEL
from grnformer.bench.perturbation.in_silico import IN_SILICO
from grnformer.report.sections.bench.task import Pairs, Task, arms_of_models

ABOUT = (
    "Predicts which genes respond to the knock-down of a gene that training has not seen (effects), "
    "and which of them go up (directions). AUROC is taken within genes: over all pairs together, a gene's training "
    "rate scores about .95 without knowing the perturbation (pooled AUROC), and .5 within genes. Intervals resample "
    "perturbations, the same ones for all arms. A rewired graph has the same sizes and degrees with other genes; a "
    "blend adds a kernel regression to the smoother. The form of everything_blend was fixed after several had been "
    "scored on these test parts, so that it scores somewhat too high here; its settings are chosen on training "
    "perturbations. model_<arm>: embeddings of the perturbed genes by models of an arm of pretraining, mean over "
    "seeds; ..._and_graphs: joined to graphs_coexpression. A gene that models do not know scores as the average: the "
    "tasks that end in embedded have only perturbations of genes that all of them know."
)


def pairs(of_models: Pairs, scores: pd.DataFrame, summary: pd.DataFrame) -> Pairs:
    """(arm, control) for every arm of kind model: against its rewired graph and against letters with co-expression.

    Arms of pretraining, alone and joined to the graphs, are compared with their controls, and joined ones with the
    graphs by themselves.
    """
    arms, naive = set(summary["arm"]), "letters_coexpression"
    others = {
        arm: (rewired_name(arm), naive + BLEND if arm.endswith(BLEND) else naive)
        for arm in arms_of_models(summary)
    }
    found = [
        (arm, other) for arm, two in others.items() for other in two if other in arms
    ]
    found += [
        (f"{MODEL}{arm}{end}", f"{MODEL}{other}{end}")
        for end in ("", JOINED, IN_SILICO)
        for arm, other in of_models
        # a backbone that predicts genes makes no perturbation
        if end != IN_SILICO or {MODEL + arm + end, MODEL + other + end} <= arms
    ]
    joined = [arm for arm in others if arm.startswith(MODEL) and arm.endswith(JOINED)]
    return found + [(arm, "graphs_coexpression") for arm in joined]


TASK = Task(
    title="Perturbation",
    about=ABOUT,
    missing="the configuration names no screen (bench.perturbation.screens)",
    pairs=pairs,
    data="perturbation_choices",
    about_data="Settings of each arm, chosen by AUROC within genes on folds of the training perturbations.",
    judged=["pathways", "graphs_coexpression", "everything_blend"],
)
