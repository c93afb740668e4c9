"""Command line: the command's name, then its arguments."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module

import typer

from grnformer.core.errors import InputError
from grnformer.export.formats import FORMATS

# each a module of this package, whose docstring is the help, with a function of the same name
COMMANDS = (
    "init",
    "check",
    "run",
    "plan",
    "fetch",
    "collect",
    "export",
    "perturb",
    "bundle",
    "provenance",
    "doctor",
)
#: options that may have several values behind them -> how words after the first must end to be one
_CONFIG_FILES = (".yaml", ".yml", ".json")
SEVERAL = {
    "--config": _CONFIG_FILES,
    "--configfile": _CONFIG_FILES,
    "--formats": FORMATS,
}


def make_app() -> typer.Typer:
    """The command with all its subcommands."""
    app = typer.Typer(
        help="From paired single-cell RNA + ATAC to networks, models that know them, and a report.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in COMMANDS:
        module = import_module(f"grnformer.cli.{name}")
        about = str(module.__doc__)
        app.command(name, help=about, short_help=about.splitlines()[0])(
            getattr(module, name)
        )
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Wrong input ends it with one message."""
    # No command shows a window. A notebook's backend, which cells with ! pass on, may not be installed here.
    os.environ["MPLBACKEND"] = "agg"
    given = list(sys.argv[1:] if arguments is None else arguments)
    # what stands behind -- is snakemake's, and reaches the command as it is
    end = given.index("--") if "--" in given else len(given)
    words, rest = list(_one_option_a_value(given[:end])), given[end + 1 :]
    command = typer.main.get_command(make_app())
    try:
        command(words, prog_name="grnformer", obj=rest)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except SystemExit as done:
        return int(done.code or 0)
    return 0


def _one_option_a_value(arguments: Iterable[str]) -> Iterator[str]:
    """As snakemake takes it, several files behind one --configfile: the option is said again before each."""
    option, waits = "", False
    for word in arguments:
        if word in SEVERAL:
            option, waits = word, True
        elif waits or (option and word.endswith(SEVERAL[option])):
            yield from (option, word)
            waits = False
        else:
            yield word
            option = ""
    if waits:
        yield option
