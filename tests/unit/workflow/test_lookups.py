"""Functions of wildcards: what they look up, and what grows."""

import json
import re
from types import SimpleNamespace

import pytest

from grnformer.workflow.lookups import Lookup, as_json, chosen, growing, one_of

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


def test_a_constraint_matches_the_names_and_nothing_else() -> None:
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b")
    assert not re.fullmatch(one_of(["a.b", "c"]), "axb")
    assert not re.fullmatch(one_of([]), "")


def test_without_a_choice_all_are_chosen() -> None:
    assert chosen("abc", None) == ["a", "b", "c"]
    assert chosen("abc", ["c", "a", "x"]) == ["a", "c"]
    assert chosen("abc", []) == []
