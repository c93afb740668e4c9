"""Completing a configuration: what goes before what, and what is refused."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from grnformer.core.errors import InputError
from grnformer.settings import read
from grnformer.settings.read import check_config, complete, overlay, read_defaults

ROOT = Path(__file__).parents[3]
SIZES = ("base", "paper", "tiny")


def at(config: Any, place: str) -> Any:
    """The value at a dotted place."""
    for key in place.split("."):
        config = config[key]
    return config


def nested(place: str, value: Any) -> dict[str, Any]:
    """A configuration of one key, at a dotted place."""
    for key in reversed(place.split(".")):
        value = {key: value}
    return value


def test_an_empty_config_is_completed_by_the_defaults() -> None:
    config = complete({})
    check_config(config)
    assert config["prep"]["cells"]["min_umis"] == 200
    assert list(config["pretrain"]["sizes"]) == list(SIZES)


@pytest.mark.parametrize(
    ("key", "changes", "message"),
    [
        ("lines", {}, "two entries of bench.sc_drug.lines have the name 'li'"),
        ("lines", {"name": "b", "values": "z_scores"}, "lines, b: values z_scores"),
        ("labelled", {}, "two entries of bench.sc_drug.labelled have the name 'a'"),
        ("labelled", {"name": "b"}, "the cell_set and drug 'set, X'"),
    ],
)
def test_sets_of_cells_that_hide_each_other_are_refused(
    key: str, changes: dict[str, str], message: str
) -> None:
    config = complete({})
    first = config["bench"]["sc_drug"]["lines"][0]
    if key == "labelled":
        first = {k: v for k, v in first.items() if k != "lines"} | {
            "name": "a", "screen": "s", "drug": "X", "sensitive": "1", "resistant": "0",
            "cell_set": "set", "leave_out": [],
        }  # fmt: skip
    config["bench"]["sc_drug"][key] = [first]
    check_config(config)
    config["bench"]["sc_drug"][key] = [first, first | changes]
    with pytest.raises(InputError, match=message):
        check_config(config)


def test_completing_twice_changes_nothing_and_neither_does_completing_change_its_argument() -> (
    None
):
    given = {
        "prep": {"preset": "10x_multiome"},
        "pretrain": {"sizes": {"mine": {"steps": 3}}},
    }
    before = copy.deepcopy(given)
    config = complete(given)
    assert given == before
    assert complete(config) == config
    config["prep"]["cells"]["min_umis"] = config["pretrain"]["sizes"]["tiny"][
        "steps"
    ] = -1
    assert complete(given) != config, "what was returned is not shared with the next"


def test_a_given_key_goes_before_the_preset_and_that_before_the_default() -> None:
    config = complete({"prep": {"preset": "10x_multiome", "cells": {"min_genes": 7}}})
    assert config["prep"]["cells"]["min_genes"] == 7
    assert config["prep"]["cells"]["min_umis"] == 1000
    assert config["prep"]["cells"]["n_mads"] == read_defaults("prep")["cells"]["n_mads"]


def test_the_presets_of_the_demo_are_its_defaults() -> None:
    defaults = complete({})
    assert complete({"prep": {"preset": "snareseq"}}) == overlay(
        defaults, {"prep": {"preset": "snareseq"}}
    )


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "config" / "presets").glob("*.yaml")),
    ids=lambda path: path.stem,
)
def test_every_preset_keeps_the_schema(path: Path) -> None:
    config = complete({"prep": {"preset": path.stem}})
    check_config(config)
    assert set(yaml.safe_load(path.read_text())) == {"prep"}


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="10x_multiom'") as error:
        complete({"prep": {"preset": "10x_multiom"}})
    assert "10x_multiome, snareseq" in error.value.expected


def test_arms_are_taken_as_given_and_other_maps_are_merged() -> None:
    arm = {"graph": "none", "adapter": False, "perturbation": "none"}
    config = complete(
        {"pretrain": {"arms": {"mine": arm}}, "genomes": {"rn7": {"tss": "tss.bed"}}}
    )
    assert config["pretrain"]["arms"] == {"mine": arm}
    assert sorted(config["genomes"]) == ["hg19", "hg38", "mm10", "rn7"]
    assert sorted(complete({})["pretrain"]["arms"]) == [
        "hybrid",
        "no_edges",
        "none",
        "random",
    ]


def test_lists_are_replaced() -> None:
    assert complete({"topics": {"n_topics": [3]}})["topics"]["n_topics"] == [3]


def test_a_size_names_what_differs_from_tiny() -> None:
    sizes = complete(
        {"pretrain": {"sizes": {"mine": {"steps": 3}, "base": {"gnn": {"width": 8}}}}}
    )["pretrain"]["sizes"]
    assert sizes["mine"] == sizes["tiny"] | {"steps": 3}
    assert sizes["base"]["gnn"] == sizes["tiny"]["gnn"] | {"width": 8, "fanout": 20}
    assert sizes["base"]["steps"] == 20000


def test_a_new_file_is_a_new_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sizes").mkdir()
    (tmp_path / "sizes" / "tiny.yaml").write_bytes(
        (ROOT / "config" / "sizes" / "tiny.yaml").read_bytes()
    )
    (tmp_path / "sizes" / "large.yaml").write_text("steps: 7\n")
    monkeypatch.setattr(read, "CONFIG", tmp_path)
    config = complete({"pretrain": {"size": "large"}})
    check_config(config)
    assert config["pretrain"]["sizes"]["large"]["steps"] == 7


def test_a_size_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match=r"pretrain\.size is 'huge'") as error:
        check_config(complete({"pretrain": {"size": "huge"}}))
    assert "base, paper, tiny" in error.value.expected


@pytest.mark.parametrize(
    "config",
    [
        {"prep": None},
        {"pretrain": None},
        {"prep": {"preset": 3}},
        {"pretrain": {"sizes": None}},
        {"pretrain": {"sizes": {"base": None}}},
        {"pretrain": {"arms": []}},
        {"grn": []},
    ],
)
def test_what_is_no_map_is_refused_by_the_check(config: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="in the config at"):
        check_config(complete(config))


def test_a_value_out_of_bounds_is_refused_with_bound_meaning_and_unit() -> None:
    with pytest.raises(InputError, match=r"prep\.cells\.min_umis: -1") as error:
        check_config(complete({"prep": {"cells": {"min_umis": -1}}}))
    assert error.value.expected == "minimum 0 (UMIs a cell must have; UMIs)"


def test_a_misspelt_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"prep\.cells: the unknown key 'min_umi'"
    ) as error:
        check_config(complete({"prep": {"cells": {"min_umi": 1}}}))
    assert error.value.remedy.startswith("did you mean 'min_umis'?")


RENAMED = yaml.safe_load((ROOT / "grnformer" / "settings" / "renamed.yaml").read_text())


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_key_is_refused_with_its_new_name(old: str) -> None:
    config = complete(
        nested(
            old.replace("sizes.*", "sizes.base").replace(
                "by_backbone.*", "by_backbone.geneformer"
            ),
            1,
        )
    )
    with pytest.raises(
        InputError, match=f"the unknown key '{old.split('.')[-1]}'"
    ) as error:
        check_config(config)
    assert (
        f"write {RENAMED[old]}" if RENAMED[old] else "delete the key"
    ) in error.value.remedy


@pytest.mark.parametrize("new", [new for new in RENAMED.values() if new])
def test_new_names_are_keys(new: str) -> None:
    schema = read.config_schema()
    for key in new.split("."):
        schema = (
            schema["additionalProperties"] if key == "*" else schema["properties"][key]
        )
    assert schema["description"]


def test_defaults_are_read_without_what_defines_them() -> None:
    """Every job reads the settings: pydantic, torch and the methods are not imported for it."""
    program = "import sys; from grnformer.settings.read import *; check_config(complete({})); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"pydantic", "torch", "numba"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("place", "bounds"),
    [
        ("prep.cells", {"min_umis": 900, "max_umis": 800}),
        ("prep.cells", {"min_atac_counts": 900, "max_atac_counts": 800}),
        ("prep.fragments", {"max_fragments": 10}),
    ],
)
def test_bounds_that_leave_nothing_between_them(
    place: str, bounds: dict[str, int]
) -> None:
    with pytest.raises(InputError, match=rf"{place}\.min_.* is .*, and max_"):
        check_config(complete(nested(place, bounds)))


@pytest.mark.parametrize(
    ("place", "spelt", "meant"),
    [
        ("pretrain.optimiser.weight_decay", "1e-4", 0.0001),
        ("grn.region_gene.learning_rate", "2.5E-1", 0.25),
        ("grn.region_gene.window", 15e4, 150000),
        ("grn.region_gene.window", "2e5", 200000),
        ("topics.n_topics", [4.0, "8"], [4, 8]),
        ("prep.cells.max_umis", 5000.0, 5000),
        ("prep.cells.max_umis", "null", None),
        ("prep.doublets.enabled", "true", True),
        ("pretrain.sizes.base.by_backbone.scgpt.n_tokens", 64.0, 64),
        ("pretrain.sizes.base.backbones.scgpt.n_heads", "2", 2),
        ("pretrain.seeds", [1.0, 2], [1, 2]),
        ("datasets.pbmc.topics.n_topics", [4.0], [4]),
        # text stays text
        ("report.title", "1e-4", "1e-4"),
        ("report.title", "null", "null"),
        ("samples", "7", "7"),
    ],
)
def test_numbers_and_words_are_taken_as_meant(
    place: str, spelt: Any, meant: Any
) -> None:
    found = at(complete(nested(place, spelt)), place)
    assert repr(found) == repr(meant)


@pytest.mark.parametrize("text", ["1e", "0x10", "1_000", "one", "1,5", "e5", "yes"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"prep\.seed"):
        check_config(complete(nested("prep.seed", text)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "place",
    [
        "prep.cells.max_percent_mito",
        "prep.cells.n_mads",
        "pretrain.optimiser.clip",
        "pretrain.sizes.tiny.mask_fraction",
        "topics.n_topics",
        "prep.seed",
    ],
)
def test_what_is_not_finite_is_refused(place: str, value: float) -> None:
    given = [value] if place == "topics.n_topics" else value
    with pytest.raises(InputError, match=rf"{place}.*(nan|inf)"):
        check_config(complete(nested(place, given)))


def test_the_largest_seed_is_the_last_that_numpy_takes() -> None:
    for place in ("prep.seed", "grn.seed", "topics.seed", "embed.model_seed"):
        check_config(complete(nested(place, 2**32 - 1)))
        with pytest.raises(InputError, match=rf"{place}: 4294967296"):
            check_config(complete(nested(place, 2**32)))


def test_the_topic_count_to_take_is_one_that_is_fitted() -> None:
    check_config(complete({"topics": {"n_topics": [4, 8], "selected": 8}}))
    with pytest.raises(InputError, match=r"topics\.selected is 7"):
        check_config(complete({"topics": {"n_topics": [4, 8], "selected": 7}}))


def reordered(value: Any) -> Any:
    """The same with the keys of every map the other way round, and whole numbers as 1.0."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reordered(part) for part in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_number else value


def test_one_configuration_whatever_its_order_and_spelling() -> None:
    """Jobs are run again where their params read otherwise: each setting has one form."""
    defaults = complete({})
    assert repr(complete(defaults)) == repr(defaults), "every default written out"

    again = complete(reordered(defaults))
    for place in ("prep", "topics", "grn", "fuse", "attention", "report"):
        assert repr(again[place]) == repr(defaults[place])
    for name, arm in defaults["pretrain"]["arms"].items():
        assert repr(again["pretrain"]["arms"][name]) == repr(arm)
    given = {"pretrain": {"sizes": {"mine": {"gnn": {"width": 8.0}, "steps": 3}}}}
    assert repr(complete(reordered(given))) == repr(complete(given))


def test_every_setting_may_be_given_as_text() -> None:
    """As --config gives what stands inside a map: numbers, true and null are text, taken by the schema."""

    def as_text(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: as_text(part) for key, part in value.items()}
        if isinstance(value, list):
            return [as_text(part) for part in value]
        if isinstance(value, bool) or value is None:
            return {True: "true", False: "false", None: "null"}[value]
        return repr(value) if isinstance(value, int | float) else value

    defaults = complete({})
    assert yaml.safe_dump(complete(as_text(defaults))) == yaml.safe_dump(defaults)
