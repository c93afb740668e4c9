"""GRN accuracy against ChIP-seq: what is said of it, which arms are judged, and what is compared."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.grn_accuracy.evaluate import wrong_tf_name
from grnformer.report.sections.bench.task import Pairs, Task, arms_of_models

ABOUT = (
    "Compares the inferred targets of each TF in a cell line with ENCODE ChIP-seq targets of the TF in "
    "the same line. Scores are ratios over a random ranking (1). A TF-agnostic baseline ranks genes without knowing "
    "the TF. The wrong-TF control takes the same score from other TFs of the line. In task all, a TF counts once for "
    "each line it was measured in; intervals sample a TF with all its lines. Where promoters are given: the default "
    "settings of binding_with_baseline and binding_prior_with_linked_baseline were chosen by these scores, on GM12878 "
    "and H1 (the reach of links: on K562), so that both score somewhat too high there."
)


def pairs(of_models: Pairs, scores: pd.DataFrame, summary: pd.DataFrame) -> Pairs:
    """(network, control) for every arm of kind model: against its wrong-TF control and the random ranking."""
    arms = set(summary["arm"])
    return [
        (arm, other)
        for arm in arms_of_models(summary)
        for other in (wrong_tf_name(arm), "random")
        if other in arms
    ]


TASK = Task(
    title="GRN accuracy",
    about=ABOUT,
    missing=(
        "the configuration names no ChIP-seq truth for a cell type of this dataset "
        "(bench.grn_accuracy.lines)"
    ),
    pairs=pairs,
    data="grn_truth",
    about_data="ChIP-seq experiments of these lines and what became of each.",
    judged=[
        "eregulon",
        "eregulon_and_baseline",
        "binding_with_baseline",
        "binding_prior_with_linked_baseline",
    ],
)
