"""Were models that are compared trained alike? Their cards say by which settings and code."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grnformer.core import io
from grnformer.core.compare import differences, short
from grnformer.core.errors import InputError
from grnformer.core.record import is_below, own_settings
from grnformer.workflow.arms import bundle_name

# arms and seeds differ in their graph, adapter and weights; all else that a model follows from is the same
COMPARED = ("settings", "code", "checkpoint", "tokeniser")


def check_trained_alike(cards: Iterable[str | Path]) -> None:
    """Raise InputError if models differ in more than arm and seed.

    A run that was killed may leave models of former settings, which Snakemake takes for those of today.

    Parameters
    ----------
    cards
        Paths of model.json.

    Raises
    ------
    InputError
        Naming two of the models, and what differs with both values.
    """
    read = {Path(card).parent: io.read_json(card, "model") for card in cards}
    _compare(read, COMPARED)

    # of one graph, in one vocabulary, cells and edges are the same too
    for bundle in dict.fromkeys(bundle_name(card["arm"]) for card in read.values()):
        of_bundle = {
            folder: card
            for folder, card in read.items()
            if bundle_name(card["arm"]) == bundle
        }
        _compare(of_bundle, ("data",))


def _compare(cards: dict[Path, dict[str, Any]], keys: tuple[str, ...]) -> None:
    folders = list(cards)
    for folder, key in itertools.product(folders[1:], keys):
        first = folders[0]
        one, other = cards[first].get(key), cards[folder].get(key)
        free = own_settings(cards[first].get("arm"), cards[folder].get("arm"))
        for place, value, differing in differences(one, other, key):
            name = place.removeprefix("settings.")
            # what an arm has for itself is what is compared
            if is_below(name, free):
                continue
            raise InputError(
                f"{first} was trained with {name} {short(value)}, {folder} with {short(differing)}",
                "models to compare that differ in arm and seed only",
                "delete the one that is not of the settings and code of today, and run again; "
                "snakemake --forcerun pretrain_model trains all anew",
            )
