"""The configuration of a run, as commands are given it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grnformer.core.errors import InputError
from grnformer.core.place import ROOT

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
    if path.is_file() or not (scenario.is_file() or "=" in name):
        return path
    if "=" in name:
        raise InputError(
            f"--config {name}",
            "a file, or the name of a scenario",
            f"for a single setting write --set {name}, with dots between the levels: --set prep.cells.min_umis=500",
        )
    return scenario
