"""Fetch the resources that a run reads, where there is a network; jobs then need none.

A file that is there and has the right SHA-256 is taken as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from grnformer.cli.config import CHECKOUT, ConfigFiles, config_files
from grnformer.core.errors import InputError
from grnformer.core.resources import fetch as fetch_resource
from grnformer.settings.read import check_config, complete
from grnformer.workflow.config import (
    config_of_datasets,
    locate,
    read_registry,
    read_samples,
)
from grnformer.workflow.config_files import read_config_files
from grnformer.workflow.resources import resources_read


def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="resources of the registry; without any, those that a run by this config reads",
            show_default=False,
        ),
    ] = None,
    config: ConfigFiles = None,
    to: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="folder for the files: resources/, where a run in this folder takes them from, or a mirror to be "
            "named by resources.mirror or $GRNFORMER_MIRROR",
        ),
    ] = Path("resources"),
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="all of the registry; as by names, no sample sheet is needed"
        ),
    ] = False,
) -> None:
    """Fetch each.

    Raises
    ------
    InputError
        If some could not be fetched: one message, after all others are there.
    """
    settings = complete(read_config_files(config_files(config), CHECKOUT))
    check_config(settings)
    registry = read_registry(locate(settings["resources"]["registry"], CHECKOUT))

    wanted = names or list(registry)
    if not (names or everything):
        wanted = _read_by(settings, registry)
    unknown = [name for name in wanted if name not in registry]
    if unknown:
        raise InputError(
            f"no resource {unknown[0]!r} in the registry",
            f"one of {', '.join(registry)}",
            "correct the name, or resources.registry in the config",
        )

    # made first: it may be the very folder that the config names as mirror
    to.mkdir(parents=True, exist_ok=True)
    mirror = settings["resources"]["mirror"]
    failed: dict[str, InputError] = {}
    for name in wanted:
        try:
            fetch_resource(name, registry[name], to / name, mirror)
            sys.stdout.write(f"{to / name}\n")
        except InputError as error:
            failed[name] = error

    if failed:
        first = next(iter(failed.values()))
        raise InputError(
            f"{len(failed)} of {len(wanted)} resources could not be fetched: {', '.join(failed)}. The first: "
            f"{first.found}",
            first.expected,
            first.remedy,
        )


def _read_by(config: dict[str, Any], registry: dict[str, Any]) -> list[str]:
    """Names of the resources that a run by this config reads."""
    sheet = locate(config["samples"], CHECKOUT)
    samples = read_samples(sheet, config, registry, CHECKOUT)
    configs = config_of_datasets(config, sorted(samples["dataset"].unique()))
    return resources_read(configs, samples.to_dict("records"))
