"""Functions of wildcards: what they look up, and what grows."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grnformer.workflow import lookups
from grnformer.workflow.lookups import (
    Lookup,
    as_json,
    by_size,
    chosen,
    growing,
    let_grow,
    one_of,
    only_of,
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


def test_files_of_some_datasets_only() -> None:
    only = only_of(["a"])
    assert only("x", "y")(A) == ["x", "y"]
    assert only("x")(A) == "x", "a script gets a path"
    assert only(lambda wildcards: [f"{wildcards.dataset}/1", "2"])(A) == ["a/1", "2"]
    assert only("x", "y")(B) == []


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
    (tmp_path / "split.h5ad").write_bytes(bytes(1_000_000))
    return [str(tmp_path / "cells.zarr"), str(tmp_path / "split.h5ad")]


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


def test_before_its_inputs_are_made_the_samples_stand_for_them(
    inputs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the job's dataset, or of all; else a group of jobs would ask for what its first ones need."""
    monkeypatch.setattr(lookups, "SOURCES", {"a": inputs[:1], "b": inputs[1:]})
    absent = ["absent.h5mu"]
    of_a, of_b = growing(100, per_mb=100)(A, 1, absent), growing(100, 100)(B, 1, absent)
    assert (of_a // 10, of_b // 10) == (30, 20)
    assert by_size(16, per_mb=2)(A, [*inputs, *absent]) == 11
    unnamed = SimpleNamespace()
    assert by_size(16, per_mb=2)(unnamed, absent) == 7
    monkeypatch.setattr(lookups, "SOURCES", {})
    assert by_size(16, per_mb=2)(A, absent) == 1


def test_given_resources_grow_too_but_not_of_what_resumes() -> None:
    from snakemake.resources import Resources

    rules = [
        SimpleNamespace(
            name=name, resources=Resources.from_mapping({"mem_mb": 700, "runtime": 5})
        )
        for name in ("ingest_sample", "pretrain_model")
    ]
    rules.append(SimpleNamespace(name="local", resources=Resources.from_mapping({})))
    let_grow(rules)
    of_sample, of_model, of_local = (rule.resources for rule in rules)

    def at(attempt: int, resource: Any) -> Any:
        call = {"wildcards": A, "attempt": attempt, "input": [], "rulename": "x"}
        return resource.evaluate(threads=1, **call).value

    assert [at(n, of_sample["mem_mb"]) for n in (1, 2)] == [700, 1400]
    assert [at(n, of_sample["runtime"]) for n in (1, 3)] == [5, 15]
    assert (of_model["mem_mb"].value, of_model["runtime"].value) == (700, 5)
    assert list(of_local) == []


def test_a_constraint_matches_the_names_and_nothing_else() -> None:
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b")
    assert not re.fullmatch(one_of(["a.b", "c"]), "axb")
    assert not re.fullmatch(one_of([]), "")


def test_without_a_choice_all_are_chosen() -> None:
    assert chosen("abc", None) == ["a", "b", "c"]
    assert chosen("abc", ["c", "a", "x"]) == ["a", "c"]
    assert chosen("abc", []) == []


def test_text_counts_as_what_it_comes_to_as_a_binary_file(tmp_path) -> None:
    """A dense CSV of 330 MB asked for 15 GB, and took 0.9."""
    for name in ("counts.csv", "counts.mtx", "counts.csv.gz", "counts.h5ad"):
        (tmp_path / name).write_bytes(bytes(10**6))
    sizes = {path.name: size_mb([str(path)]) for path in tmp_path.iterdir()}
    assert sizes == {
        "counts.csv": 0.1,
        "counts.mtx": 0.25,
        "counts.csv.gz": 1,
        "counts.h5ad": 1,
    }
