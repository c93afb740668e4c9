"""Models that were not trained alike are not compared."""

from pathlib import Path
from typing import Any

import pytest

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.model.alike import check_trained_alike
from grnformer.settings.read import overlay

CARD: dict[str, Any] = {
    "arguments": {"adapter": None},
    "arm": {"graph": "none", "adapter": False, "perturbation": "none"},
    "cell_types": ["a"],
    "checkpoint": None,
    "code": "0123",
    "data": "cells",
    "embed": {},
    "format": 3,
    "genes": ["G1"],
    "seed": 1,
    "settings": {"optimiser": {"clip": 1.0}, "size": {"steps": 12}},
    "size": "tiny",
    "steps": 12,
    "tokeniser": {"n_bins": 51},
    "tokens": [7],
    "version": "0",
}
HYBRID = {
    "arm": {"graph": "hybrid", "adapter": True, "perturbation": "random"},
    "arguments": {"adapter": {"n_heads": 4}},
    "data": "cells and edges",
}


def write(folder: Path, name: str, **changes: Any) -> Path:
    path = folder / name / "model.json"
    path.parent.mkdir()
    io.write_json(overlay(CARD, changes), path, "model")
    return path


def test_arms_and_seeds_are_alike(tmp_path: Path) -> None:
    check_trained_alike([])
    cards = [
        write(tmp_path, "none1"),
        write(tmp_path, "none2", seed=2),
        write(tmp_path, "hybrid1", **HYBRID),
        write(tmp_path, "hybrid2", seed=2, **HYBRID),
    ]
    check_trained_alike(cards)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"settings": {"optimiser": {"clip": 0.5}}}, r"optimiser\.clip 1\.0, .* 0\.5"),
        ({"settings": {"size": {"steps": 13}}}, r"size\.steps 12, .* with 13"),
        ({"settings": {"tune": "lora"}}, "tune unknown, .* with lora"),
        ({"code": "4567"}, "code 0123, .* with 4567"),
        ({"checkpoint": "abc"}, "checkpoint unknown, .* with abc"),
        ({"tokeniser": {"n_bins": 50}}, r"tokeniser\.n_bins 51, .* with 50"),
    ],
)
def test_what_differs_is_named_with_both_values(
    changes: dict[str, Any], found: str, tmp_path: Path
) -> None:
    cards = [write(tmp_path, "none"), write(tmp_path, "hybrid", **HYBRID | changes)]
    with pytest.raises(InputError, match=found) as error:
        check_trained_alike(cards)
    assert str(tmp_path / "none") in error.value.found
    assert str(tmp_path / "hybrid") in error.value.found


def test_seeds_of_one_arm_have_the_same_cells_and_edges(tmp_path: Path) -> None:
    cards = [write(tmp_path, "none"), write(tmp_path, "hybrid1", **HYBRID)]
    cards.append(write(tmp_path, "hybrid2", **HYBRID | {"data": "other edges"}))
    with pytest.raises(InputError, match="hybrid1 was trained with data cells and"):
        check_trained_alike(cards)


def test_the_report_compares_no_other_models(tmp_path: Path) -> None:
    from grnformer.report.gather import _pretrain_sections

    cards = [write(tmp_path, "none"), write(tmp_path, "hybrid", code="4567", **HYBRID)]
    with pytest.raises(InputError, match="was trained with code"):
        _pretrain_sections({"models": [str(card) for card in cards]}, {})


def test_models_of_an_earlier_version_go_together_but_not_with_others(
    tmp_path: Path,
) -> None:
    cards = []
    for name in ("one", "two"):
        cards.append(write(tmp_path, name))
        card = io.read_json(cards[-1], "model")
        del card["settings"], card["code"]
        io.write_json(card, cards[-1], "model")
    check_trained_alike(cards)
    with pytest.raises(InputError, match="settings unknown"):
        check_trained_alike([*cards, write(tmp_path, "today")])


def test_what_an_arm_has_for_itself_is_compared_and_all_else_the_same(
    tmp_path: Path,
) -> None:
    gat = {"arm": {**HYBRID["arm"], "gnn": "gat"}}
    cards = [
        write(tmp_path, "a", settings={"size": {"gnn": {"name": "sage"}}}),
        write(tmp_path, "b", settings={"size": {"gnn": {"name": "gat"}}}, **gat),
    ]
    check_trained_alike(cards)
    settings = {"size": {"gnn": {"name": "gat"}, "steps": 13}}
    other = write(tmp_path, "c", settings=settings, **gat)
    with pytest.raises(InputError, match=r"size\.steps 12"):
        check_trained_alike([cards[0], other])
    # one that names no layer has that of the run
    plain = write(tmp_path, "d", settings={"size": {"gnn": {"name": "gat"}}})
    with pytest.raises(InputError, match=r"size\.gnn\.name sage"):
        check_trained_alike([cards[0], plain])
