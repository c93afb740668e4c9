"""The configuration of a run, as commands are given it."""

from __future__ import annotations

import argparse
from pathlib import Path

from grnformer.core.place import ROOT

CHECKOUT = ROOT


def add_configfile(parser: argparse.ArgumentParser) -> None:
    """Declare ``--configfile``."""
    parser.add_argument(
        "--configfile",
        nargs="+",
        default=[],
        type=Path,
        help="as of snakemake: files over config/config.yaml",
    )
