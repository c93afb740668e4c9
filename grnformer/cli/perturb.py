"""Knock genes down or over-express them in silico, through the networks and a model of a finished run.

Settings are the defaults of the config section `perturb`; the rule perturb_genes does the same with yours, and beside
controls of the models.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def perturb(
    genes: Annotated[list[str], typer.Argument(metavar="GENE...", help="symbols")],
    dataset: Annotated[str, typer.Option(help="a dataset of the run")],
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="results of the run")
    ] = Path("results"),
    arm: Annotated[
        str | None,
        typer.Option(
            help="arm of pretraining to go through as well", show_default="none"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="of its model")] = 1,
    cell_type: Annotated[
        list[str] | None,
        typer.Option(help="may be repeated", show_default="all"),
    ] = None,
    to: Annotated[Path, typer.Option(metavar="FILE", help="table to write")] = Path(
        "perturbed.tsv"
    ),
) -> None:
    """Write the table.

    Raises
    ------
    InputError
        See `grnformer.infer.perturb.call.perturb`.
    """
    # PyTorch: other commands do without
    from grnformer.core import io
    from grnformer.infer.perturb.call import perturb as perturb_genes

    table = perturb_genes(
        results / dataset, genes, arm=arm, model_seed=seed, cell_types=cell_type
    )
    io.write_table(table, to, "perturbed_genes")
    sys.stdout.write(f"{to}\n")
