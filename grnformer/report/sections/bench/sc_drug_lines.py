"""Drug response of single cells of known lines: what is said of it, and what is compared."""

from __future__ import annotations

from grnformer.report.sections.bench.task import Task, same_pairs

ABOUT = (
    "Predicts LN_IC50 of cancer cell lines from their single cells, by models of the bulk profiles of "
    "all other lines of the screen; tested lines are left out of training under every spelling. Tasks name what stands "
    "for a line: its bulk profile, all its cells, pools of them, single cells. Ceiling: ridge on the lines' own bulk "
    "profiles. coral, mmd and adversarial see the cells without labels. All settings are chosen on lines of the "
    "screen, with as many values for each method. The quantile of shuffled responses is what chance reaches; lines are "
    "few, and other lines give other scores."
)

TASK = Task(
    title="Single-cell drug response: known lines",
    about=ABOUT,
    missing="the configuration names no single cells of lines (bench.sc_drug.lines)",
    pairs=same_pairs,
    data="sc_drug_choices",
    about_data="Settings of methods, chosen on lines of the screen alone; a model is one of a pretraining seed.",
)
