"""Did the graph help? One sentence over all comparisons of the data's graph with a control graph."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from scipy.stats import binom

from grnformer.bench.controls import REWIRED
from grnformer.bench.grn_accuracy.evaluate import WRONG_TF
from grnformer.bench.perturbation.arms import JOINED, MODEL
from grnformer.bench.summary import judge
from grnformer.report.page import Note, Section, Table
from grnformer.report.text import capitalise, format_count, format_differences

_TABLE = "_comparisons"
_HEADS = ("_and_genes_ridge", "_ridge", JOINED)
_NAMED = 2  # comparisons in which it helped that the sentence names, the largest first
# probability below which a number of wins or losses is not put down to chance
_NOTABLE = 0.05
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
    models, networks = _compared(sections, control_arms)
    if models.empty and networks.empty:
        return None
    compared = pd.concat([part for part in (models, networks) if len(part)])

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


def graph_sentence(
    sections: Iterable[Section], control_arms: set[str], missing: str
) -> Note:
    """The same as one plain sentence; `missing`: why nothing was compared, where that is so."""
    models, networks = _compared(sections, control_arms)
    if len(models):
        said = _say_plainly(models["outcome"].tolist())
        return Note(f"Did the graph help? {said}{_say_where(models)}")
    text = f"Did the graph help? Not tested: no model was compared with one of a control graph ({missing})."
    if len(networks):
        won = int((networks["outcome"] == "better").sum())
        text += (
            " The networks themselves score a TF's own targets above those of other TFs in "
            f"{won or 'none'} of {format_count(len(networks), 'comparison')}."
        )
    return Note(text)


def _say_plainly(outcomes: list[str]) -> str:
    won, lost = outcomes.count("better"), outcomes.count("worse")
    few = sum(outcome in ("too few members", "not comparable") for outcome in outcomes)
    number = format_count(len(outcomes), "comparison")
    rest = f" ({few} of them cannot be judged)" if few else ""
    if few == len(outcomes):
        return f"It cannot be judged: none of {number} with a control graph (rewired or random) has enough repeats."
    by_chance = chance_of(won, len(outcomes) - few)
    head = {
        (True, True): "Mixed",
        (True, False): "Yes, in part" if won < len(outcomes) else "Yes",
        (False, True): "No, it did harm",
        (False, False): "Not shown",
    }[by_chance < _NOTABLE, chance_of(lost, len(outcomes) - few) < _NOTABLE]
    worse = f", and worse in {lost}" if lost else ""
    luck = ""
    if won and by_chance >= _NOTABLE:
        luck = f" So many are better by chance in {by_chance:.0%} of such runs."
    return (
        f"{head}: models with it did better than models with a control graph (rewired or random) in "
        f"{won or 'none'} of {number}{worse}{rest}.{luck}"
    )


def chance_of(n_found: int, n_judged: int) -> float:
    """Probability that at least so many of the judged 95% intervals lie on one side of 0 where there is no difference.

    As if the comparisons were independent: those of arms that share a control are not quite.
    """
    return float(binom.sf(n_found - 1, n_judged, 0.025))


def _say_where(models: pd.DataFrame) -> str:
    """Benchmarks in which models with the graph did better, the one with most first; nothing where all are of one."""
    won = models[models["outcome"] == "better"]
    if models["title"].nunique() < 2 or won.empty:
        return ""
    of = models["title"].value_counts()
    better = won["title"].value_counts().sort_values(ascending=False, kind="stable")
    named = [
        f"{title} ({n} of {of[title]})" for title, n in better.head(_NAMED).items()
    ]
    more = ", ..." if len(better) > _NAMED else ""
    return f" Better in {', '.join(named)}{more}."


def count_wins(sections: Iterable[Section], control_arms: set[str]) -> tuple[int, int]:
    """Comparisons in which a TF's own targets score above those of other TFs, and all of them."""
    _, networks = _compared(sections, control_arms)
    return int((networks["outcome"] == "better").sum()), len(networks)


def best_network(
    sections: Iterable[Section], control_arms: set[str], names: set[str]
) -> str:
    """Cell type whose network is most above the targets of other TFs; "" where none of `names` is shown to be."""
    _, networks = _compared(sections, control_arms)
    won = networks[networks["outcome"] == "better"]
    if "task" not in won:
        return ""
    won = won[won["task"].isin(names)].sort_values("difference", ascending=False)
    return str(won["task"].iloc[0]) if len(won) else ""


def _compared(
    sections: Iterable[Section], control_arms: set[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Comparisons of models with control graphs, and of networks with the targets of other TFs."""
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
        none = pd.DataFrame(columns=["against", "outcome", "difference"])
        return none, none
    compared = pd.concat(rows, ignore_index=True)
    of_network = compared["against"].str.contains(WRONG_TF, regex=False)
    return compared[~of_network], compared[of_network]


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
