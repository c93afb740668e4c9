"""What Snakemake passes over when it reads config files: keys that stand twice, and files that it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from grnformer.core.errors import InputError


def check_config_files(paths: Sequence[str | Path], arguments: Sequence[str]) -> None:
    """Raise InputError if a part of what the user configured is lost.

    Parameters
    ----------
    paths
        The config files that Snakemake has read.
    arguments
        Snakemake's command line: of several options --configfile it takes the last.
    """
    options = [word for word in arguments if word.startswith("--configf")]
    if len(options) > 1:
        raise InputError(
            f"{len(options)} options --configfile, of which Snakemake reads the last only",
            "one option with all files, later ones over earlier ones",
            "write --configfile first.yaml second.yaml",
        )

    for path in paths:
        twice = next(_repeated(Path(path)), None)
        if twice is not None:
            place, first, second = twice
            raise InputError(
                f"{path} has the key {place} in line {first} and again in line {second}",
                "each key once: of two, YAML takes the last without a word",
                "delete one of them, or write both parts below one key",
            )


def read_config_files(paths: Sequence[str | Path], checkout: Path) -> dict[str, Any]:
    """Configuration as Snakemake reads it: config/config.yaml, of the working directory or else of the checkout.

    Later files of `paths` go over earlier ones, and all over that one.

    Raises
    ------
    InputError
        If one is not there, or has a key twice.
    """
    from snakemake.common.configfile import load_configfile
    from snakemake.utils import update_config

    base = Path("config") / "config.yaml"
    files = [base if base.exists() else checkout / base, *map(Path, paths)]
    for path in files:
        if not path.is_file():
            raise InputError(f"no file {path}", "a config file", "correct the path")
    check_config_files(files, [])

    config: dict[str, Any] = {}
    for path in files:
        update_config(config, load_configfile(str(path)))
    config.pop("pathvars", None)
    return config


def _repeated(path: Path) -> Iterator[tuple[str, int, int]]:
    """Place of each key that stands twice in one map of a YAML or JSON file, and the lines of both."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=loader)
    yield from _repeated_below(node, "") if node else ()


def _repeated_below(node: yaml.Node, place: str) -> Iterator[tuple[str, int, int]]:
    if isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _repeated_below(part, place)
    if not isinstance(node, yaml.MappingNode):
        return

    lines: dict[str, int] = {}
    for key, part in node.value:
        line = key.start_mark.line + 1
        if key.value in lines:
            yield f"{place}{key.value}", lines[key.value], line
        # a key that is a map or list itself is for the schema to refuse
        if isinstance(key.value, str):
            lines[key.value] = line
            yield from _repeated_below(part, f"{place}{key.value}.")
