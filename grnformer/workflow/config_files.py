"""What Snakemake passes over when it reads config files: keys that stand twice, and files that it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from grnformer.core.errors import InputError
from grnformer.core.text import read_text


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


def read_config_files(
    paths: Sequence[str | Path], checkout: Path, folder: Path = Path()
) -> dict[str, Any]:
    """Configuration as Snakemake reads it: config/config.yaml, of the folder that it works in or else of the checkout.

    Later files of `paths` go over earlier ones, and all over that one.

    Raises
    ------
    InputError
        If one is not there, or has a key twice.
    """
    from snakemake.common.configfile import load_configfile
    from snakemake.utils import update_config

    base = Path("config") / "config.yaml"
    own = folder / base
    files = [own if own.exists() else checkout / base, *map(Path, paths)]
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
    with reading_yaml(path):
        text = read_text(path, "--configfile")
        # for tags that are none: composing alone passes them over
        yaml.load(text, Loader=loader)
        node = yaml.compose(text, Loader=loader)
    if node and not isinstance(node, yaml.MappingNode):
        raise InputError(
            f"{path} holds no keys",
            "a map: names of sections, each with its keys",
            "correct the file; config/config.yaml is an example",
        )
    yield from _repeated_below(node, "") if node else ()


@contextmanager
def reading_yaml(path: str | Path) -> Iterator[None]:
    """Turn an error of YAML into an InputError that names file and line."""
    try:
        yield
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise InputError(
            f"{path}{where} is no YAML: {problem}",
            "YAML, in which levels are told by spaces (no tabs)",
            "correct the line",
        ) from error


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
