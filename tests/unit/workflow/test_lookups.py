"""Functions of wildcards: what they look up, and what grows."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from grnformer.workflow.lookups import (
    Lookup,
    as_json,
    by_size,
    chosen,
    growing,
    one_of,
    size_mb,
)

CONFIGS = {
    "a": {"topics": {"method": "lda", "seed": 1, "lda": {"eta": 0.1}}},
    "b": {"topics": {"method": "plain", "seed": 2, "lda": {"eta": 0.3}}},
}
A, B = SimpleNamespace(dataset="a"), SimpleNamespace(dataset="b")


def test_a_setting_is_of_the_dataset() -> None:
    eta = Lookup(CONFIGS).setting("topics.lda.eta")
    assert (eta(A), eta(B)) == (0.1, 0.3)
    assert Lookup(CONFIGS).setting("topics", "seed")(B) == {"seed": 2}
    with pytest.raises(KeyError):
        Lookup(CONFIGS).setting("topics.none")(A)


def test_a_method_comes_with_the_settings_of_its_name_only() -> None:
    method = Lookup(CONFIGS).method("topics", "seed")
    assert method(A) == {"method": "lda", "lda": {"eta": 0.1}, "seed": 1}
    assert method(B) == {"method": "plain", "seed": 2}


def test_json_is_the_same_in_any_order_of_keys() -> None:
    def settings(wildcards: SimpleNamespace) -> dict[str, int]:
        return {"z": 1, "a": 2} if wildcards is A else {"a": 2, "z": 1}

    assert as_json(settings)(A) == as_json(settings)(B)
    assert json.loads(as_json(settings)(A)) == {"a": 2, "z": 1}


def test_resources_grow_with_attempts() -> None:
    assert [growing(100)(A, attempt) for attempt in (1, 2, 3)] == [100, 200, 300]


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """A file and a folder, of 3 MB together."""
    (tmp_path / "cells.zarr" / "0").mkdir(parents=True)
    (tmp_path / "cells.zarr" / "0" / "chunk").write_bytes(bytes(2_000_000))
    (tmp_path / "split.tsv").write_bytes(bytes(1_000_000))
    return [str(tmp_path / "cells.zarr"), str(tmp_path / "split.tsv")]


def test_resources_follow_the_inputs(inputs: list[str]) -> None:
    assert size_mb(inputs) == pytest.approx(3, abs=0.1)
    assert 399 < growing(100, per_mb=100)(A, 1, inputs) < 410
    assert 799 < growing(100, per_mb=100)(A, 2, inputs) < 820
    assert growing(100, per_mb=100, most=250)(A, 2, inputs) == 500
    threads = [by_size(most, per_mb=2)(A, inputs) for most in (1, 4, 16)]
    assert threads == [1, 4, 7]
    assert by_size(16, per_mb=0.01)(A, inputs) == 1


def test_a_job_that_joins_parts_has_one_thread(inputs: list[str]) -> None:
    def parts(wildcards: SimpleNamespace) -> list[str]:
        return ["part"] if wildcards is A else []

    threads = by_size(16, per_mb=9, joining=parts)
    assert (threads(A, inputs), threads(B, inputs)) == (1, 16)


def test_before_its_inputs_are_made_a_job_s_threads_are_the_most(
    inputs: list[str],
) -> None:
    """Memory and time stay open, which Snakemake knows by the error and the name in it."""
    absent = [*inputs, "absent.h5mu"]
    assert by_size(16, per_mb=1)(A, absent) == 16
    with pytest.raises(FileNotFoundError) as missing:
        growing(100, per_mb=1)(A, 1, absent)
    assert missing.value.filename == "absent.h5mu"


def test_a_constraint_matches_the_names_and_nothing_else() -> None:
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b")
    assert not re.fullmatch(one_of(["a.b", "c"]), "axb")
    assert not re.fullmatch(one_of([]), "")


def test_without_a_choice_all_are_chosen() -> None:
    assert chosen("abc", None) == ["a", "b", "c"]
    assert chosen("abc", ["c", "a", "x"]) == ["a", "c"]
    assert chosen("abc", []) == []
