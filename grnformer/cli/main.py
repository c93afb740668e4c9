"""Command line: the command's name, then its arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from grnformer.core.errors import InputError

# each a module of this package: its docstring is the help, with `add_arguments` and `run`
COMMANDS = ("bundle", "collect", "fetch", "perturb", "plan", "provenance")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Wrong input ends it with one message."""
    parser = argparse.ArgumentParser(
        prog="grnformer", description="Beside the workflow, which snakemake runs."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"grnformer.cli.{name}")
        about = str(module.__doc__)
        own = commands.add_parser(name, help=about.splitlines()[0], description=about)
        module.add_arguments(own)
        own.set_defaults(run=module.run)

    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
