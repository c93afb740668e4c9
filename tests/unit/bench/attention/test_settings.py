"""Settings of the attention analysis that cannot be met are refused before anything runs."""

import copy

import pytest

from grnformer.core.errors import InputError
from grnformer.settings.read import complete
from grnformer.workflow.config import check_models

CONFIG = complete({})


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"arms": ["none"]}, "'none', which has no adapter"),
        ({"arms": ["hybrid", "hybird"]}, "'hybird', which is no arm"),
        ({"degree_bins": [4, 1]}, r"degree_bins is \[4, 1\]"),
    ],
)
def test_arms_without_an_adapter_and_unsorted_bins_are_refused(settings, found):
    config = copy.deepcopy(CONFIG)
    config["attention"] |= settings
    with pytest.raises(InputError, match=found):
        check_models(config, {})


@pytest.mark.parametrize("arms", [None, [], ["hybrid"]])
def test_all_none_and_named_arms_are_taken(arms):
    config = copy.deepcopy(CONFIG)
    config["attention"]["arms"] = arms
    check_models(config, {})
