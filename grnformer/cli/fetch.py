"""Fetch the resources that a run reads, where there is a network; jobs then need none.

A file that is there and has the right SHA-256 is taken as it is.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from grnformer.cli.config import CHECKOUT, add_configfile
from grnformer.core.errors import InputError
from grnformer.core.resources import fetch
from grnformer.settings.read import check_config, complete
from grnformer.workflow.config import (
    config_of_datasets,
    locate,
    read_registry,
    read_samples,
)
from grnformer.workflow.config_files import read_config_files
from grnformer.workflow.resources import resources_read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "name",
        nargs="*",
        help="resources of the registry; without any, those that a run by this config reads",
    )
    add_configfile(parser)
    parser.add_argument(
        "--to",
        default=Path("resources"),
        type=Path,
        metavar="DIR",
        help="a folder for the files: a mirror to be named by resources.mirror or $GRNFORMER_MIRROR; without it "
        "resources/, where a run in this folder takes them from",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="all of the registry; as by names, no sample sheet is needed",
    )


def run(options: argparse.Namespace) -> int:
    """Fetch each.

    Raises
    ------
    InputError
        If some could not be fetched: one message, after all others are there.
    """
    config = complete(read_config_files(options.configfile, CHECKOUT))
    check_config(config)
    registry = read_registry(locate(config["resources"]["registry"], CHECKOUT))

    names = options.name or list(registry)
    if not (options.name or options.all):
        names = _read_by(config, registry)
    unknown = [name for name in names if name not in registry]
    if unknown:
        raise InputError(
            f"no resource {unknown[0]!r} in the registry",
            f"one of {', '.join(registry)}",
            "correct the name, or resources.registry in the config",
        )

    # made first: it may be the very folder that the config names as mirror
    options.to.mkdir(parents=True, exist_ok=True)
    failed: dict[str, InputError] = {}
    for name in names:
        try:
            fetch(
                name, registry[name], options.to / name, config["resources"]["mirror"]
            )
            sys.stdout.write(f"{options.to / name}\n")
        except InputError as error:
            failed[name] = error

    if failed:
        first = next(iter(failed.values()))
        raise InputError(
            f"{len(failed)} of {len(names)} resources could not be fetched: {', '.join(failed)}. The first: "
            f"{first.found}",
            first.expected,
            first.remedy,
        )
    return 0


def _read_by(config: dict[str, Any], registry: dict[str, Any]) -> list[str]:
    """Names of the resources that a run by this config reads."""
    sheet = locate(config["samples"], CHECKOUT)
    samples = read_samples(sheet, config, registry, CHECKOUT)
    configs = config_of_datasets(config, sorted(samples["dataset"].unique()))
    return resources_read(configs, samples.to_dict("records"))
