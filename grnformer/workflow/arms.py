"""Settings of pretraining by arm: those of the run, but for what an arm has otherwise."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from grnformer.core.record import ARM_SETTINGS


def settings_by_arm(
    settings: dict[str, Any], arms: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Arm -> the settings that its models are trained by.

    Parameters
    ----------
    settings
        Section ``pretrain`` with the chosen size, as all arms have it.
    arms
        ``pretrain.arms``.
    """
    found = {}
    for name, arm in arms.items():
        found[name] = deepcopy(settings)
        for key, place in ARM_SETTINGS.items():
            if key in arm:
                *parents, last = place.split(".")
                part = found[name]
                for parent in parents:
                    part = part[parent]
                part[last] = arm[key]
    return found
