"""Did the graph help? One sentence over all comparisons of the data's graph with a control graph."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from grnformer.bench.controls import REWIRED
from grnformer.bench.grn_accuracy.evaluate import WRONG_TF
from grnformer.bench.perturbation.arms import JOINED, MODEL
from grnformer.bench.summary import judge
from grnformer.report.page import Note, Section, Table
from grnformer.report.text import capitalise, format_count, format_differences

_TABLE = "_comparisons"
_HEADS = ("_and_genes_ridge", "_ridge", JOINED)
_NAMED = 2  # comparisons in which it helped that the sentence names, the largest first
_OTHERWISE = {
    "no difference shown": "no difference shown in {}",
    "worse": "worse in {}",
    "too few members": "too few to judge in {}",
    "not comparable": "not comparable in {}",
}


def graph_verdict(sections: Iterable[Section], control_arms: set[str]) -> Note | None:
    """Say whether the data's graph beats its control graphs, where, and by how much.

    Parameters
    ----------
    sections
        The dataset's sections; their tables of comparisons are read, of each benchmark the primary metric.
    control_arms
        Arms of pretraining whose graph is a control.

    Returns
    -------
    None where nothing was compared with a control graph.
    """
    parts = [
        # in GRN accuracy, random is a ranking and no graph
        _with_control_graphs(
            block.frame, set() if section.name == "grn_accuracy" else control_arms
        ).assign(title=section.title)
        for section in sections
        for block in section.blocks
        if isinstance(block, Table) and _TABLE in block.name
    ]
    rows = [part for part in parts if len(part)]
    if not rows:
        return None
    compared = pd.concat(rows, ignore_index=True)
    of_network = compared["against"].str.contains(WRONG_TF, regex=False)
    models, networks = compared[~of_network], compared[of_network]

    # first the models, which are what the graph is given to
    parts_of_text = []
    if len(models):
        said = _say("than with a control graph (rewired or random)", models)
        parts_of_text.append(f"The models: {said}.")
    if len(networks):
        said = _say("than the targets of other TFs", networks)
        parts_of_text.append(f"The networks themselves: {said}.")

    items = format_differences(
        compared, "{title}{place}: {arm} less {against}, {shown}, {outcome}."
    )
    judged = models if len(models) else networks
    return Note(
        f"Did the graph help? {' '.join(parts_of_text)}",
        tuple(capitalise(item) for item in items),
        judge(judged["outcome"].tolist()),
    )


def _say(than: str, compared: pd.DataFrame) -> str:
    """In how many comparisons the graph was better, where most, and what the others came to."""
    outcomes = compared["outcome"]
    won = compared[outcomes == "better"].sort_values("difference", ascending=False)
    text = f"better {than} in {len(won) or 'none'} of {format_count(len(compared), 'comparison')}"
    named = format_differences(
        won.head(_NAMED), "{title}{place}: {arm}, {shown} over {against}"
    )
    if named:
        more = "; ..." if len(won) > _NAMED else ""
        text += f" ({'; '.join(named)}{more})"
    rest = [
        said.format((outcomes == outcome).sum())
        for outcome, said in _OTHERWISE.items()
        if (outcomes == outcome).any()
    ]
    return "; ".join([text, *rest])


def _with_control_graphs(frame: pd.DataFrame, control_arms: set[str]) -> pd.DataFrame:
    """Comparisons with a control graph, by the primary metric, with the place (task) as text."""
    if "metric" in frame and len(frame):
        # the first is the primary metric: of several, one may be better by chance
        frame = frame[frame["metric"] == frame["metric"].iloc[0]]
    is_control = [_is_control_graph(name, control_arms) for name in frame["against"]]
    kept = frame[is_control]
    place = ", " + kept["task"].astype(str) if "task" in kept else ""
    return kept.assign(place=place)


def _is_control_graph(name: str, control_arms: set[str]) -> bool:
    bare = name.removeprefix(MODEL)
    for head in _HEADS:
        bare = bare.removesuffix(head)
    return bare in control_arms or name.endswith(REWIRED) or WRONG_TF in name
