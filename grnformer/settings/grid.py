"""Arms of the ablation grid, from its lists. No pydantic here: a run reads it."""

from __future__ import annotations

import itertools
from typing import Any

AFFECTS_RESULTS = False
LEAST_SEEDS = (
    5  # below, paired differences over seeds say too little for as many comparisons
)
#: control -> its graph; the first has no edge, and as many parameters as an arm with edges
CONTROLS = {
    "no_edges": "none",
    "random": "random",
    "degree_preserving": "degree_preserving",
    "label_shuffled": "label_shuffled",
    "coexpression": "coexpression",
    "prior": "prior",
}
#: of a graph with the scale knowledge: the arm <graph>_<control> has the graph <graph>_<mode>
KNOWLEDGE_CONTROLS = {
    "no_edges": "none",
    "random": "random",
    "degree_preserving": "degree_preserving",
}
_LINKS = {
    "none": "unperturbed",
    "random": "random_links",
    "coexpression": "coexpressed_links",
}
_AXES = ("gnns", "perturbations", "perturbed_fractions", "backbones")


def expand_grid(
    grid: dict[str, Any], gnn: str, perturbed_fraction: float, backbone: str
) -> dict[str, dict[str, Any]]:
    """Return the arms of a grid, by name.

    The first of each list is the reference. `one_at_a_time`: every scale and control by the references of the other
    lists, all of them again by each other backbone, and the first scale (with `no_edges`, which has its parameters) by
    each other graph layer, perturbation and fraction. `all`: every combination. What has no effect makes no arm: the
    perturbation of a graph without edges, the graph layer without an adapter, the fraction without a perturbation.

    A graph with the scale knowledge has the controls of `KNOWLEDGE_CONTROLS`, with its scales; the controls of the TF
    network are those of all other graphs.

    Parameters
    ----------
    grid
        ``pretrain.grid``, with a scale at least.
    gnn, perturbed_fraction, backbone
        Of the run, which an arm need not name.

    Returns
    -------
    Arms as of ``pretrain.arms``. One with the run's own graph layer, fraction and backbone names none of these: it is
    the same model as an arm that is written by hand.
    """
    grid = grid | {"backbones": grid.get("backbones") or [backbone]}
    graphs = [(name, name, name != "none") for name in grid["scales"]]
    graphs += _controls_of(grid["scales"], grid["controls"])
    reference = tuple(grid[axis][0] for axis in _AXES)

    arms: dict[str, dict[str, Any]] = {}
    for graph in graphs:
        for choice in _choices(grid, graph[0], reference):
            name, arm = _make_arm(graph, choice, reference)
            # those of the run are not named
            own = {
                "gnn": gnn,
                "perturbed_fraction": perturbed_fraction,
                "backbone": backbone,
            }
            kept = {key: value for key, value in arm.items() if own.get(key) != value}
            arms.setdefault(name, kept)
    return arms


def _controls_of(scales: list[str], controls: list[str]) -> list[tuple[str, str, bool]]:
    """Name, graph and adapter of the controls of the graphs of a grid."""
    knowing = [scale for scale in scales if "knowledge" in scale]
    found = [
        (f"{scale}_{name}", f"{scale}_{KNOWLEDGE_CONTROLS[name]}", True)
        for scale in knowing
        for name in controls
        if name in KNOWLEDGE_CONTROLS
    ]
    if set(scales) - {"none", *knowing}:
        return [(name, CONTROLS[name], True) for name in controls] + found
    return found


def _choices(
    grid: dict[str, Any], name: str, reference: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    """Graph layer, perturbation, fraction and backbone of the arms of one graph, the reference first."""
    if grid["combine"] == "all":
        return list(itertools.product(*(grid[axis] for axis in _AXES)))
    # the backbone comes last: every graph has every one
    last = len(_AXES) - 1
    first = grid["scales"][0]
    of_first = f"{first}_no_edges" if "knowledge" in first else "no_edges"
    varied = {first: range(last), of_first: range(1)}
    choices = [reference]
    for place in (*varied.get(name, ()), last):
        choices += [
            (*reference[:place], value, *reference[place + 1 :])
            for value in grid[_AXES[place]][1:]
        ]
    return choices


def _make_arm(
    graph: tuple[str, str, bool], choice: tuple[Any, ...], reference: tuple[Any, ...]
) -> tuple[str, dict[str, Any]]:
    """Name and arm of one combination, without what has no effect on it."""
    name, mode, adapter = graph
    gnn, perturbation, fraction, backbone = choice
    arm: dict[str, Any] = {"graph": mode, "adapter": adapter, "perturbation": "none"}
    arm["backbone"] = backbone
    words = [name]
    if adapter:
        arm["gnn"] = gnn
        words += [gnn] if gnn != reference[0] else []
    if mode != "none" and not mode.endswith("_none"):
        arm["perturbation"] = perturbation
        words += [_LINKS[perturbation]] if perturbation != reference[1] else []
    if arm["perturbation"] != "none":
        arm["perturbed_fraction"] = fraction
        words += [f"rate{100 * fraction:g}"] if fraction != reference[2] else []
    words += [backbone] if backbone != reference[3] else []
    return "_".join(words).replace(".", "p"), arm
