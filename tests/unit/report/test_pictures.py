"""Figures of the report: colours of arms, names that do not overlap, differences, forests with one range."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from grnformer.report.figures.arms import arm_colours, bare_arm, describe_arm
from grnformer.report.figures.cells import spread_labels
from grnformer.report.figures.differences import plot_differences
from grnformer.report.figures.forest import plot_forest, span_of
from grnformer.report.figures.labels import _PLACES, _box, _overlap, place_labels
from grnformer.report.figures.network import plot_network, weight_thirds
from grnformer.settings.report import TAKEN
from grnformer.workflow.stages import WITH_PAGES

ARMS = {
    "none": {"graph": "none", "adapter": False},
    "no_edges": {"graph": "none", "adapter": True},
    "random": {"graph": "random", "adapter": True},
    "rewired": {"graph": "degree_preserving", "adapter": True},
    "hybrid": {"graph": "hybrid", "adapter": True},
    "cell": {"graph": "cell", "adapter": True},
}


def test_every_arm_has_a_colour_of_its_own_whatever_others_there_are() -> None:
    palette = arm_colours(ARMS)
    assert len(set(palette.values())) == len(ARMS)
    few = arm_colours({name: ARMS[name] for name in ("hybrid", "random", "none")})
    assert few == {name: palette[name] for name in few}


def test_a_scored_arm_has_the_colour_of_its_model() -> None:
    for name in (
        "hybrid",
        "hybrid_ridge",
        "hybrid_and_genes_ridge",
        "model_hybrid_and_graphs",
        "model_hybrid_in_silico",
        "hybrid (boosting)",
    ):
        assert bare_arm(name) == "hybrid"
    assert bare_arm("stack") == "stack"


def test_arms_are_described_by_graph_and_adapter() -> None:
    said = {name: describe_arm(arm) for name, arm in ARMS.items()}
    assert "no adapter" in said["none"]
    assert "as many weights" in said["no_edges"]
    assert said["random"].startswith("control:")
    assert not said["hybrid"].startswith("control:")
    both = describe_arm({"graph": "hybrid_knowledge_random", "adapter": True})
    assert both.startswith("control:")


def test_names_lie_over_no_other_name_and_no_point() -> None:
    rng = np.random.default_rng(0)
    points = {f"GENE{i}": xy for i, xy in enumerate(rng.uniform(size=(60, 2)))}
    sizes, radii = dict.fromkeys(points, 9.0), dict.fromkeys(points, 4.0)
    pixels = (420.0, 220.0)
    found = place_labels(points, sizes, radii, pixels)
    assert 10 < sum(map(bool, found.values())) < 60  # too many for the room

    xy = np.array(list(points.values()))
    scaled = (xy - xy.min(axis=0)) / np.ptp(xy, axis=0) * np.array(pixels)
    boxes = [_box(*place, 4.0, 4.0) for place in scaled]
    for name, place in zip(points, scaled, strict=True):
        if found[name]:
            right, up = _PLACES[found[name]]
            half = (0.68 * 9 * len(name) / 2, 1.3 * 9 / 2)
            x = place[0] + right * (4 + half[0] + 1)
            y = place[1] + up * (4 + half[1] + 1)
            box = _box(x, y, *half)
            assert not any(_overlap(box, other) for other in boxes)
            boxes.append(box)


def test_names_of_types_that_lie_on_each_other_are_moved_apart() -> None:
    same = {"a": np.zeros(2), "b": np.zeros(2), "far": np.array([9.0, 0.0])}
    places = spread_labels(same, np.array([10.0, 10.0]))
    assert abs(places["a"][1] - places["b"][1]) >= 0.6 - 1e-9
    assert places["far"].tolist() == [9.0, 0.0]


def test_edges_are_wider_with_more_weight_and_tfs_coloured_by_expression() -> None:
    edges = pd.DataFrame(
        {
            "tf": ["A", "A", "A", "B", "B", "B"],
            "gene": list("uvwxyz"),
            "weight": [1.0, 2, 3, 4, 5, 6],
            "sign": 1,
            "tf_expression": [0.5] * 3 + [2.0] * 3,
        }
    )
    assert weight_thirds(edges["weight"]).tolist() == [0, 0, 1, 1, 2, 2]
    assert weight_thirds(pd.Series([1.0, 1.0])).tolist() == [1, 1]
    figure = plot_network(edges, 1)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert len({trace.line.width for trace in lines}) == 3
    (tfs,) = (trace for trace in figure.data if trace.name == "TF")
    assert list(tfs.marker.color) == [0.5, 2.0]
    # without expression, as from a notebook: no scale
    (plain,) = (
        trace
        for trace in plot_network(edges.drop(columns="tf_expression"), 1).data
        if trace.name == "TF"
    )
    assert not plain.marker.showscale


def test_differences_share_their_range_and_are_filled_where_shown() -> None:
    compared = pd.DataFrame(
        {
            "task": ["line", "line", "drug"],
            "arm": ["hybrid", "hybrid", "hybrid"],
            "against": ["random", "best baseline", "random"],
            "difference": [0.1, -0.2, 0.01],
            "low": [0.05, -0.5, -0.1],
            "high": [0.15, 0.1, 0.12],
            "outcome": ["better", "no difference shown", "no difference shown"],
        }
    )
    figure = plot_differences(compared, {"hybrid": "#0072B2"}, "")
    ranges = {tuple(axis.range) for axis in figure.select_xaxes()}
    ((low, high),) = ranges
    assert low < -0.5
    assert high > 0.15
    assert list(figure.data[0].marker.color) == ["#0072B2", "white"]
    assert len(figure.layout.yaxis.tickvals) == 2


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [
        ("line", "hybrid", "model", 0.4),
        ("line", "lost", "model", np.nan),
        ("drug", "hybrid", "model", 0.1),
    ]
    return pd.DataFrame(rows, columns=["task", "arm", "kind", "estimate"]).assign(
        metric="double_centred_pearson",
        low=lambda t: t["estimate"] - 0.05,
        high=lambda t: t["estimate"] + 0.05,
        members=1,
        failed=0,
        unit="fold",
        n=9,
        baseline=None,
    )


def test_an_arm_without_a_value_has_no_row(summary: pd.DataFrame) -> None:
    scores = pd.DataFrame({"arm": [], "value": []})
    figure = plot_forest(summary[summary["task"] == "line"], scores, (0.0, 1.0))
    assert list(figure.layout.yaxis.ticktext) == ["hybrid"]
    assert tuple(figure.layout.xaxis.range) == (0.0, 1.0)


def test_the_span_holds_the_intervals_of_all_tasks(summary: pd.DataFrame) -> None:
    low, high = span_of(summary)
    assert low < 0.05
    assert high > 0.45
    assert span_of(summary.assign(estimate=np.nan, low=np.nan, high=np.nan)) is None


def test_folders_beside_a_report_are_no_names_of_reports() -> None:
    assert set(TAKEN) == {*WITH_PAGES, "joined", "tables"}
