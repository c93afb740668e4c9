"""Did the graph help the model? One sentence over all comparisons of models that differ in their graph."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from scipy.special import bdtrc

from grnformer.bench.controls import REWIRED
from grnformer.bench.grn_accuracy.evaluate import WRONG_TF
from grnformer.bench.summary import judge
from grnformer.report.figures.arms import bare_arm, family_of
from grnformer.report.page import Config, Note, Section, Table
from grnformer.report.text import capitalise, format_count, format_differences

_TABLE = "_comparisons"
# what is compared -> who, than what, as the sentences say it
_CONTROL, _WITHOUT, _PREDICTOR, _NETWORK = "control", "without", "rewired", "wrong TF"
_THAN = {
    _CONTROL: ("The models", "than with a control graph (rewired or random)"),
    _WITHOUT: ("The models", "than without a graph"),
    _PREDICTOR: ("Predictors from graphs, without a model", "than with rewired ones"),
    _NETWORK: ("The networks themselves", "than the targets of other TFs"),
}
_PLAINLY = {
    _CONTROL: "models with a control graph (rewired or random)",
    _WITHOUT: "models without a graph",
}
_NAMED = 2  # benchmarks in which it helped that the sentence names, that of most comparisons first
# probability below which a number of wins or losses is not put down to chance
_NOTABLE = 0.05
_UNJUDGED = ("too few members", "not comparable")
_OTHERWISE = {
    "no difference shown": "no difference shown in {}",
    "worse": "worse in {}",
    "too few members": "too few to judge in {}",
    "not comparable": "not comparable in {}",
}


def graph_verdict(sections: Iterable[Section], arms: Config) -> Note | None:
    """Count for each kind of comparison how often the data's graph was better; the items are the comparisons.

    Parameters
    ----------
    sections
        The dataset's sections; their tables of comparisons are read, of each benchmark the primary metric.
    arms
        ``pretrain.arms`` of the configuration.

    Returns
    -------
    None where nothing was compared.
    """
    compared = _compared(sections, arms)
    if compared.empty:
        return None
    groups = {
        kind: rows for kind in _THAN if len(rows := compared[compared["kind"] == kind])
    }
    said = [_say(*_THAN[kind], rows["outcome"]) for kind, rows in groups.items()]
    items = format_differences(
        pd.concat(groups.values()),
        "{title}{place}: {arm} less {against}, {shown}, {outcome}.",
    )
    # first the models, which are what the graph is given to
    judged = next(iter(groups.values()))
    return Note(
        f"Did the graph help? {' '.join(said)}",
        tuple(capitalise(item) for item in items),
        judge(judged["outcome"].tolist()),
    )


def graph_sentence(sections: Iterable[Section], arms: Config, missing: str) -> Note:
    """Whether the graph helped the models, as plain sentences.

    It did where they beat both models with a control graph, which shows that it matters what the edges are, and models
    without a graph: more often than by chance each.

    Parameters
    ----------
    sections, arms
        As in `graph_verdict`.
    missing
        Why no model was compared, where that is so.
    """
    compared = _compared(sections, arms)
    models = compared[compared["kind"].isin(_PLAINLY)]
    networks = compared[compared["kind"] == _NETWORK]
    if (models["kind"] == _CONTROL).any():
        return Note(f"Did the graph help? {_say_plainly(models)}")
    why = (
        f"no model was compared with one of a control graph ({missing})"
        if arms
        else "no model was trained in this run"
    )
    text = f"Did the graph help? Not tested: {why}."
    if len(networks):
        won = int((networks["outcome"] == "better").sum())
        text += (
            " The networks themselves score a TF's own targets above those of other TFs in "
            f"{won or 'none'} of {format_count(len(networks), 'comparison')}."
        )
    return Note(text)


def _say_plainly(models: pd.DataFrame) -> str:
    """Of comparisons of models: in how many the graph was better, by what they were compared with, and what follows."""
    unjudged = models["outcome"].isin(_UNJUDGED)
    few, judged = int(unjudged.sum()), models[~unjudged]
    if judged.empty:
        number = format_count(few, "comparison")
        return f"It cannot be judged: none of {number} of models that differ in their graph has enough repeats."

    said: list[str] = []
    helped: list[bool] = []
    harmed: list[bool] = []
    for kind, words in _PLAINLY.items():
        outcomes = judged.loc[judged["kind"] == kind, "outcome"].tolist()
        if not outcomes:
            continue
        won, lost = outcomes.count("better"), outcomes.count("worse")
        by_chance = chance_of(won, len(outcomes))
        helped.append(by_chance < _NOTABLE)
        harmed.append(chance_of(lost, len(outcomes)) < _NOTABLE)
        luck = (
            f" (chance alone gives as many in {by_chance:.0%} of such runs)"
            if won and by_chance >= _NOTABLE
            else ""
        )
        many = format_count(len(outcomes), "comparison")
        number = f"{len(outcomes):,}" if said else many
        worse = f", worse in {lost}" if lost else ""
        said.append(f"than {words} in {won or 'none'} of {number}{luck}{worse}")

    # without a control that was judged, a gain may be that of any graph
    controlled = _CONTROL in set(judged["kind"])
    helps, harms = controlled and all(helped), any(harmed)
    every = (judged["outcome"] == "better").all()
    head = {
        (True, True): "Mixed",
        (True, False): "Yes" if every else "Yes, in part",
        (False, True): "Mixed" if any(helped) else "No, it did harm",
        (False, False): "Not shown",
    }[helps, harms]
    rest = (
        f" {format_count(few, 'more comparison')} had too few repeats." if few else ""
    )
    where = _say_where(judged) if helps else ""
    return (
        f"{head}: models with it did better {', and better '.join(said)}.{rest}{where}"
    )


def chance_of(n_found: int, n_judged: int) -> float:
    """Probability that at least so many of the judged 95% intervals lie on one side of 0 where there is no difference.

    As if the comparisons were independent: those of arms that share a control are not quite.
    """
    return float(bdtrc(n_found - 1, n_judged, 0.025))


def _say_where(judged: pd.DataFrame) -> str:
    """Benchmarks in which models with the graph did better, the one with most first; nothing where all are of one."""
    won = judged[judged["outcome"] == "better"]
    if judged["title"].nunique() < 2 or won.empty:
        return ""
    of = judged["title"].value_counts()
    better = won["title"].value_counts().sort_values(ascending=False, kind="stable")
    named = [
        f"{title} ({n} of {of[title]})" for title, n in better.head(_NAMED).items()
    ]
    more = ", ..." if len(better) > _NAMED else ""
    return f" Better in {', '.join(named)}{more}."


def count_wins(sections: Iterable[Section]) -> tuple[int, int]:
    """Comparisons in which a TF's own targets score above those of other TFs, and all of them."""
    networks = _networks(sections)
    return int((networks["outcome"] == "better").sum()), len(networks)


def best_network(sections: Iterable[Section], names: set[str]) -> str:
    """Cell type whose network is most above the targets of other TFs; "" where none of `names` is shown to be."""
    networks = _networks(sections)
    won = networks[networks["outcome"] == "better"]
    if "task" not in won:
        return ""
    won = won[won["task"].isin(names)].sort_values("difference", ascending=False)
    return str(won["task"].iloc[0]) if len(won) else ""


def _networks(sections: Iterable[Section]) -> pd.DataFrame:
    compared = _compared(sections, {})
    return compared[compared["kind"] == _NETWORK]


def _compared(sections: Iterable[Section], arms: Config) -> pd.DataFrame:
    """Comparisons that say something of a graph, with their `kind`, the section's `title` and the task as `place`."""
    parts = [
        # in GRN accuracy no model is scored, and random is a ranking
        _of_graphs(block.frame, {} if section.name == "grn_accuracy" else arms).assign(
            title=section.title
        )
        for section in sections
        for block in section.blocks
        if isinstance(block, Table) and _TABLE in block.name
    ]
    rows = [part for part in parts if len(part)]
    if not rows:
        return pd.DataFrame(columns=["kind", "outcome", "difference", "title"])
    return pd.concat(rows, ignore_index=True)


def _of_graphs(frame: pd.DataFrame, arms: Config) -> pd.DataFrame:
    """The comparisons of a table, by its primary metric, that say something of a graph."""
    if "metric" in frame and len(frame):
        # the first is the primary metric: of several, one may be better by chance
        frame = frame[frame["metric"] == frame["metric"].iloc[0]]
    pairs = zip(frame["arm"], frame["against"], strict=True)
    frame = frame.assign(kind=[kind_of(arm, other, arms) for arm, other in pairs])
    frame = frame[frame["kind"] != ""]
    place = ", " + frame["task"].astype(str) if "task" in frame else ""
    return frame.assign(place=place)


def kind_of(arm: str, other: str, arms: Config) -> str:
    """What a comparison of two scored arms says of a graph; "" for nothing.

    A model is an arm of pretraining, however its embeddings are read (ridge, in-silico perturbation, joined to graphs).
    Of models without a graph, those with an adapter are the fair ones, for they have as many weights; others count
    where no arm of the run is such.
    """
    model, control = bare_arm(arm), bare_arm(other)
    if model in arms and control in arms and family_of(arms[model]) == "data":
        if family_of(arms[control]) == "control":
            return _CONTROL
        fair = any(
            one["adapter"]
            for one in arms.values()
            if family_of(one) == "without"
            and one.get("backbone") == arms[model].get("backbone")
        )
        without = family_of(arms[control]) == "without"
        return _WITHOUT if without and arms[control]["adapter"] == fair else ""
    if other.endswith(REWIRED):
        return _PREDICTOR
    return _NETWORK if WRONG_TF in other else ""


def _say(who: str, than: str, outcomes: pd.Series) -> str:
    """In how many comparisons the graph was better, and what the others came to."""
    number = format_count(len(outcomes), "comparison")
    said = [
        f"better {than} in {(outcomes == 'better').sum() or 'none'} of {number}",
        *(
            words.format((outcomes == outcome).sum())
            for outcome, words in _OTHERWISE.items()
            if (outcomes == outcome).any()
        ),
    ]
    return f"{who}: {'; '.join(said)}."
