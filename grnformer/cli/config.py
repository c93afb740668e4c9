"""The configuration of a run, as commands are given it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from grnformer.core.errors import InputError
from grnformer.core.place import ROOT
from grnformer.settings.read import overlay
from grnformer.workflow.config_files import reading_yaml

CHECKOUT = ROOT
SNAKEFILE = ROOT / "Snakefile"
SCENARIOS = ROOT / "config" / "scenarios"

ConfigFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        "--configfile",
        metavar="FILE",
        help="files, or names of scenarios, over config/config.yaml; later ones over earlier ones",
        show_default=False,
    ),
]

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="a single setting, with dots between the levels: prep.cells.min_umis=500; may be repeated",
        show_default=False,
    ),
]


def read_settings(given: Sequence[str] | None) -> dict[str, Any]:
    """Nested settings of ``a.b.c=value``; values are YAML.

    Raises
    ------
    InputError
        If one has no =, or its value is no YAML.
    """
    settings: dict[str, Any] = {}
    for text in given or ():
        place, equals, value = text.partition("=")
        keys = place.strip().split(".")
        if not equals or not all(keys):
            raise InputError(
                f"--set {text}",
                "a key, = and a value: prep.cells.min_umis=500",
                "docs/settings.md lists every key",
            )
        with reading_yaml(f"--set {text}"):
            part: Any = yaml.safe_load(value)
        for key in reversed(keys):
            part = {key: part}
        settings = overlay(settings, part)
    return settings


def config_files(given: list[str] | None) -> list[Path]:
    """Paths of the config files; what is no file but the name of a scenario of the workflow is that.

    Raises
    ------
    InputError
        If it is neither.
    """
    return [_config_file(name) for name in given or []]


def _config_file(name: str) -> Path:
    path, scenario = Path(name), SCENARIOS / f"{name}.yaml"
    if path.is_file():
        return path
    if scenario.is_file():
        return scenario
    if "=" in name:
        raise InputError(
            f"--config {name}",
            "a file, or the name of a scenario",
            f"for a single setting write --set {name}, with dots between the levels: --set prep.cells.min_umis=500",
        )
    scenarios = ", ".join(sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
    raise InputError(
        f"no file {name}, and no scenario of that name",
        f"a config file, or a scenario: {scenarios}",
        "correct the path or the name",
    )
