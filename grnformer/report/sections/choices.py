"""Which methods a run has chosen: every setting that the schema of the configuration offers as a choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grnformer.settings.read import config_schema

if TYPE_CHECKING:
    import pandas as pd

from grnformer.report.page import Config
from grnformer.workflow.arms import other_backbones

# choices among names that the schema does not list, since they come from files
_AMONG_FILES = (
    "prep.preset",
    "grn.cistromes.prior.collections",
    "pretrain.checkpoint",
    "pretrain.size",
)


def tabulate_choices(config: Config, configs: dict[str, Config]) -> pd.DataFrame:
    """Methods, switches and seeds of a run.

    Parameters
    ----------
    config
        The whole configuration.
    configs
        Dataset -> the configuration with its settings.

    Returns
    -------
    Columns setting (keys joined by dots) and value. Of the model's sizes and backbones only the chosen ones; below them
    what a dataset chooses otherwise, under ``datasets.<name>``.

    Raises
    ------
    ValueError
        If a setting is not in the schema, or the configuration lacks a setting that is listed by its name.
    """
    import pandas as pd

    common = _choices(config)
    rows = list(common.items())

    for dataset in config["datasets"]:
        of_dataset = _choices(configs[dataset])
        rows += [
            (f"datasets.{dataset}.{key}", text)
            for key, text in of_dataset.items()
            if common.get(key) != text
        ]

    return pd.DataFrame(rows, columns=["setting", "value"])


def _choices(config: Config) -> dict[str, str]:
    """Setting -> what is chosen, as text."""
    found = {}
    # Names listed above must be found: a renamed one would vanish unseen.
    unseen = set(_AMONG_FILES)

    for key, value, schema in _settings(_of_the_run(config), config_schema(), ""):
        unseen.discard(key)
        if key in _AMONG_FILES or _is_seed(key) or _is_choice(schema):
            found[key] = _plain(value)

    if unseen:
        raise ValueError(
            f"the configuration has no {', '.join(sorted(unseen))}, which the table of methods lists"
        )
    return found


def _of_the_run(config: Config) -> dict[str, Any]:
    """The configuration without what other datasets, sizes and backbones have."""
    pretrain = config["pretrain"]
    size, of_size = pretrain["size"], pretrain["sizes"][pretrain["size"]]
    used = [pretrain["backbone"], *other_backbones(pretrain)]
    of_size = of_size | {
        "backbones": {name: of_size["backbones"][name] for name in used}
    }

    return config | {"datasets": {}, "pretrain": pretrain | {"sizes": {size: of_size}}}


def _settings(
    value: Any, schema: dict[str, Any], key: str
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Every setting by its keys joined by dots, with its value and its schema."""
    fixed, named_by_users = (
        schema.get("properties", {}),
        schema.get("additionalProperties"),
    )

    # A leaf: no dict, or one whose keys the schema leaves open.
    if not isinstance(value, dict) or not (fixed or isinstance(named_by_users, dict)):
        yield key, value, schema
        return

    for name, part in value.items():
        place = f"{key}.{name}" if key else name
        of_part = fixed.get(name, named_by_users)
        if not isinstance(of_part, dict):
            raise ValueError(f"the schema of the configuration has no {place}")
        yield from _settings(part, of_part, place)


def _is_choice(schema: dict[str, Any]) -> bool:
    """Whether a setting is a switch, or takes one or some of the options that its schema lists."""
    # A list has its options in its items, what may be null in anyOf.
    forms = [schema, schema.get("items", {}), *schema.get("anyOf", [])]
    return schema.get("type") == "boolean" or any("enum" in form for form in forms)


def _is_seed(key: str) -> bool:
    return key.endswith(("seed", "seeds"))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
