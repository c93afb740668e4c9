"""The ablation grid: which arms are compared, by paired differences, corrected for their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.bench.intervals import ALL, LEAST_FOR, LEAST_FOR_MEAN, Outcome
from grnformer.bench.metrics import METRICS, primary_metric
from grnformer.bench.summary import defined_values, paired_difference
from grnformer.core import contracts
from grnformer.workflow.arms import has_edges, is_control_of
from grnformer.workflow.config import DATA_GRAPHS

if TYPE_CHECKING:
    import pandas as pd

Arms = Mapping[str, Mapping[str, Any]]
HELDOUT = "heldout_loss"
LEVEL = 0.05
#: what an arm may have beside its graph, which an axis of the grid varies; backbones are compared with none
AXES = ("gnn", "perturbation", "perturbed_fraction")


def pairs_of_grid(arms: Arms) -> list[tuple[str, str, str]]:
    """Question, arm and the arm it is compared with.

    An arm with a graph of the data: against the backbone alone (`no graph`), the same adapter without edges
    (`same parameters`), and every control graph of its scales (`control`), of its own graph layer and perturbation;
    and against the arm of its graph that differs in one axis alone and comes first (`gnn`, `perturbation`,
    `perturbed_fraction`). Arms are of one backbone: the losses and vocabularies of two are not the same.

    Parameters
    ----------
    arms
        ``pretrain.arms``: name -> graph, adapter, perturbation and, where it is not the run's, gnn, perturbed_fraction,
        backbone.
    """
    pairs = []
    names = list(arms)
    for name, arm in arms.items():
        if arm["graph"] not in DATA_GRAPHS:
            continue
        for other, against in arms.items():
            if not _same(arm, against, ("backbone",)):
                continue
            if not against["adapter"]:
                pairs.append(("no graph", name, other))
            elif against["graph"] not in DATA_GRAPHS:
                if not is_control_of(against["graph"], arm["graph"]):
                    continue
                if has_edges(against["graph"]) and _same(arm, against, AXES):
                    pairs.append(("control", name, other))
                if not has_edges(against["graph"]) and _same(arm, against, ("gnn",)):
                    pairs.append(("same parameters", name, other))
            elif against["graph"] == arm["graph"]:
                varied = [axis for axis in AXES if not _same(arm, against, (axis,))]
                if len(varied) == 1 and names.index(other) < names.index(name):
                    pairs.append((varied[0], name, other))
    return pairs


def compare_grid(
    scores: pd.DataFrame, arms: Arms, n_resamples: int, seed: int, backbone: str
) -> pd.DataFrame:
    """Compare the arms of a grid in every benchmark and task by its primary metric.

    Parameters
    ----------
    scores
        By contract ``scores``, of several benchmarks; rows of what is no arm of the grid are left out. Held-out losses
        come as the benchmark ``heldout_loss`` (`heldout_scores`).
    arms
        ``pretrain.arms``.
    n_resamples, seed
        Of the bootstrap of medians.
    backbone
        Of arms that name none.

    Returns
    -------
    Table by contract ``grid``.
    """
    import pandas as pd

    rows = []
    for (benchmark, task, metric), part in _primary_scores(scores):
        of_arm = dict(list(part.groupby("arm")))
        for question, arm, against in pairs_of_grid(arms):
            if arm not in of_arm or against not in of_arm:
                continue
            one, other = of_arm[arm], of_arm[against]
            found = paired_difference(one, other, n_resamples, seed)
            row = {"backbone": arms[arm].get("backbone", backbone)}
            row |= {"benchmark": benchmark, "task": task, "metric": metric}
            row |= {"question": question, "arm": arm, "against": against}
            row |= {"difference": found.value, "low": found.low, "high": found.high}
            row |= {"members": found.members, "unit": one["unit"].iloc[0]}
            row |= {"p_value": _test(one, other)}
            control = _random_like(arms, arm)
            if question == "no graph" and found.low > 0 and control in of_arm:
                random = paired_difference(of_arm[control], other, n_resamples, seed)
                row["random_fraction"] = random.value / found.value
            rows.append(row)

    columns = list(contracts.load("grid")["columns"])
    table = pd.DataFrame(rows, columns=columns)
    numbers = ["difference", "low", "high", "p_value", "random_fraction"]
    table = table.astype(dict.fromkeys(numbers, float))
    table["p_holm"] = correct(table["p_value"].to_numpy())
    outcomes = list(map(_outcome, table["difference"], table["p_holm"]))
    return table.assign(outcome=np.array(outcomes, dtype=object))


def _primary_scores(scores: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    """Scores by benchmark, task and metric: the primary one, and each kind of held-out loss, which are of backbones."""
    kept: list[tuple[Any, pd.DataFrame]] = []
    for (benchmark, _), part in scores.groupby(["benchmark", "task"], sort=True):
        if benchmark != HELDOUT:
            part = part[part["metric"] == primary_metric(part["metric"])]
        kept += part.groupby(["benchmark", "task", "metric"], sort=True)
    return kept


def correct(p_values: np.ndarray) -> np.ndarray:
    """Holm's correction (1979, Scand J Stat 6:65) of the p-values that are defined; the others stay undefined."""
    # only where there is a grid
    from statsmodels.stats.multitest import multipletests

    corrected = np.full(len(p_values), np.nan)
    defined = ~np.isnan(p_values)
    if defined.any():
        corrected[defined] = multipletests(p_values[defined], method="holm")[1]
    return corrected


def heldout_scores(models: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Held-out losses as the contract ``scores`` has them: a row a model, and one for each dataset of a corpus.

    Parameters
    ----------
    models
        ``arm``, ``seed`` and the keys of contract ``heldout``.
    """
    import pandas as pd

    rows = []
    for model in models:
        rows.append(_heldout_score(model, "masked tokens", model))
        # The datasets of a corpus differ in depth: a gain in one of them may drown in the whole.
        parts = model.get("datasets", {})
        for name in sorted(parts) if len(parts) > 1 else ():
            task = f"masked tokens of {name}"
            rows.append(_heldout_score(model, task, parts[name]))
    return pd.DataFrame(rows)


def _heldout_score(
    model: Mapping[str, Any], task: str, part: Mapping[str, Any]
) -> dict[str, Any]:
    of_values = part["loss_unit"] == "squared SD"
    return {
        "benchmark": HELDOUT,
        "task": task,
        "arm": model["arm"],
        "kind": "model",
        "metric": "masked_value_loss" if of_values else "masked_gene_loss",
        "unit": "seed",
        "member": str(model["seed"]),
        "value": part["loss"],
        "n": part["n"],
    }


def _same(
    arm: Mapping[str, Any], other: Mapping[str, Any], axes: Iterable[str]
) -> bool:
    # without a perturbation the fraction says nothing
    def of(arm: Mapping[str, Any], axis: str) -> Any:
        idle = axis == "perturbed_fraction" and arm["perturbation"] == "none"
        return None if idle else arm.get(axis)

    return all(of(arm, axis) == of(other, axis) for axis in axes)


def _random_like(arms: Arms, name: str) -> str | None:
    """The arm with a random graph that is otherwise as this one."""
    return next(
        (
            other
            for other, arm in arms.items()
            if arm["graph"] in ("random", f"{arms[name]['graph']}_random")
            and is_control_of(arm["graph"], arms[name]["graph"])
            and _same(arms[name], arm, (*AXES, "backbone"))
        ),
        None,
    )


def _test(arm: pd.DataFrame, other: pd.DataFrame) -> float:
    """p-value of the paired differences over shared members; NaN where they are too few, 1 where there is none."""
    from scipy import stats

    statistic = METRICS[arm["metric"].iloc[0]].statistic
    left, right = defined_values(arm), defined_values(other)
    members = left.index.intersection(right.index)
    if statistic == "resampled":
        # the value of all data is none of its resamples
        members = members.drop(ALL, errors="ignore")
    least = LEAST_FOR[statistic] if statistic == "resampled" else LEAST_FOR_MEAN
    if len(members) < least or set(arm["unit"]) != set(other["unit"]):
        return np.nan

    differences = (left[members] - right[members]).to_numpy()
    if not differences.any():
        return 1.0
    if statistic == "mean":
        return float(stats.ttest_1samp(differences, 0).pvalue)
    if statistic == "median":
        return float(stats.wilcoxon(differences).pvalue)
    # resamples are no independent members: what counts is how many lie on the other side of 0
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    return min(1.0, 2 * float(1 + beyond) / (1 + len(differences)))


def _outcome(difference: float, p_holm: float) -> Outcome:
    """As of an interval, but by the corrected p."""
    if np.isnan(difference):
        return "not comparable"
    if np.isnan(p_holm):
        return "too few members"
    if p_holm >= LEVEL:
        return "no difference shown"
    return "better" if difference > 0 else "worse"
