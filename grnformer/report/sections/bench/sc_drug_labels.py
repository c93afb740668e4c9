"""Drug response of labelled single cells: what is said of it, and what is compared."""

from __future__ import annotations

from grnformer.report.sections.bench.task import Task, same_pairs

ABOUT = (
    "Predicts which cells respond to a drug, by models of the bulk screen without labels. A task is "
    "a set of cells and a drug: drugs of one set share cells, and are no independent tests; no mean is taken. "
    "An AUROC below .5 says the opposite of the labels. depth and mitochondrial (share of MT genes) know no drug. "
    "Controls: ridge of every other drug, and of shuffled responses, with the quantiles of each. Intervals: bootstrap "
    "over cells. Arms of pretraining: ridge on embeddings, other heads in brackets, mean over seeds. Models read "
    "counts or their logarithms: of z-scores there is no embedding, and the arms stand there without a value."
)

TASK = Task(
    title="Single-cell drug response: labelled cells",
    about=ABOUT,
    missing="the configuration names no single cells with labels (bench.sc_drug.labelled)",
    pairs=same_pairs,
)
