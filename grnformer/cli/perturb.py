"""Knock genes down or over-express them in silico, through the networks and a model of a finished run.

Settings are the defaults of the config section `perturb`; the rule perturb_genes does the same with yours, and beside
controls of the models.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("genes", nargs="+", metavar="GENE", help="symbols")
    parser.add_argument(
        "--results",
        default=Path("results"),
        type=Path,
        metavar="DIR",
        help="results of the run (default: results)",
    )
    parser.add_argument("--dataset", required=True, help="a dataset of the run")
    parser.add_argument(
        "--arm", help="arm of pretraining to go through as well (default: none)"
    )
    parser.add_argument("--seed", default=1, type=int, help="of its model (default: 1)")
    parser.add_argument(
        "--cell-type", action="append", help="may be repeated (default: all)"
    )
    parser.add_argument(
        "--to",
        default=Path("perturbed.tsv"),
        type=Path,
        metavar="FILE",
        help="table to write (default: perturbed.tsv)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the table.

    Raises
    ------
    InputError
        See `grnformer.infer.perturb.call.perturb`.
    """
    # PyTorch: other commands do without
    from grnformer.core import io
    from grnformer.infer.perturb.call import perturb

    table = perturb(
        options.results / options.dataset,
        options.genes,
        arm=options.arm,
        model_seed=options.seed,
        cell_types=options.cell_type,
    )
    io.write_table(table, options.to, "perturbed_genes")
    sys.stdout.write(f"{options.to}\n")
    return 0
