"""Drug response of cell lines: what is said of it, and what is compared."""

from __future__ import annotations

import pandas as pd

from grnformer.report.sections.bench.task import Pairs, Task

ABOUT = (
    "Predicts LN_IC50 (ln µM) of a drug in a cancer cell line. Tasks name what is left out of "
    "training: pairs, cell lines, drugs, whole tissues, or (screen) lines, with training in another screen. The "
    "primary metric removes drug and line means from truth and prediction, so that a model that only knows which drugs "
    "are potent scores 0. Arms that end in ridge are the same embeddings with a ridge regression a drug, alone or "
    "beside all genes. The task deepcdr is a published protocol that is not leak-safe: it chooses on what it tests, "
    "and its lines and drugs are all known; means of lines and drugs come close to its published pooled r of 0.92."
)


def pairs(of_models: Pairs, scores: pd.DataFrame, summary: pd.DataFrame) -> Pairs:
    """The pairs of arms, and the same of their ridge heads where these are scored."""
    scored = set(scores["arm"])
    heads = [
        (f"{arm}{head}", f"{other}{head}")
        for head in ("_ridge", "_and_genes_ridge")
        for arm, other in of_models
    ]
    return [*of_models, *(pair for pair in heads if scored.issuperset(pair))]


TASK = Task(
    title="Drug response",
    about=ABOUT,
    missing="the configuration names no split (bench.drug_response.splits)",
    pairs=pairs,
    data="screen_counts",
    about_data="Preparation of the drug screen: what was merged and lost.",
)
