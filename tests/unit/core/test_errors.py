"""InputError says what was found, what was expected and how to mend it."""

import pickle

import pytest

from grnformer.core.errors import InputError


def test_message_has_the_three_parts_in_order() -> None:
    error = InputError("a cat", "a dog", "adopt one")
    assert str(error).splitlines() == [
        "Found: a cat",
        "Expected: a dog",
        "To mend it: adopt one",
    ]
    assert (error.found, error.expected, error.remedy) == (
        "a cat",
        "a dog",
        "adopt one",
    )


def test_is_a_value_error_that_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(InputError("a", "b", "c")))  # noqa: S301 (our own bytes)
    assert isinstance(error, ValueError)
    assert str(error) == str(InputError("a", "b", "c"))


def test_needs_all_three_parts() -> None:
    with pytest.raises(TypeError):
        InputError("found only")  # type: ignore[call-arg]
