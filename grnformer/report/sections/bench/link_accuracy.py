"""Links of elements and genes against CRISPRi: what is said of them, and what is compared."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.link_accuracy.evaluate import JOINED, PERMUTED
from grnformer.report.sections.bench.task import Pairs, Task

ABOUT = (
    "Ranks pairs of an element and a gene by whether CRISPRi of the element changed the gene, in the "
    "same cell line. An element's links are those of regions with their midpoint in it. joined is the correlation of "
    "accessibility and expression times the square root of accessibility over distance; its control has the "
    "correlations permuted. Intervals resample genes with all their pairs."
)


def pairs(of_models: Pairs, scores: pd.DataFrame, summary: pd.DataFrame) -> Pairs:
    """The joined score, and the same with the correlations permuted."""
    return [(JOINED, PERMUTED)]


TASK = Task(
    title="Link accuracy",
    about=ABOUT,
    missing="the configuration names no CRISPRi for a cell type of this dataset (bench.link_accuracy.lines)",
    pairs=pairs,
    data="link_coverage",
    about_data="CRISPRi pairs that links can be scored on, step by step.",
)
