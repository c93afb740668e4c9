"""Runs of the network: the main one, and reruns under other seeds, each in a folder of its name."""

from __future__ import annotations

from typing import Any

MAIN = "grn"


def runs_of(grn: dict[str, Any]) -> dict[str, int]:
    """Return the folder of each run -> its seed, the main run first.

    Parameters
    ----------
    grn
        A dataset's section ``grn`` of the config.
    """
    reruns = {f"{MAIN}_seed{seed}": seed for seed in grn["stability"]["seeds"]}
    return {MAIN: grn["seed"]} | reruns
