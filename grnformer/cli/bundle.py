"""Write a model with its graph, vocabulary, reference cells, card, licence and checksums as one folder.

The folder is taken wherever a model's folder is, and is checked when it is loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from grnformer.cli.provenance import REGISTRY
from grnformer.workflow.config import read_registry


def bundle(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="folder of a model, such as results/<dataset>/pretrain/hybrid/seed1",
        ),
    ],
    to: Annotated[Path, typer.Option(metavar="DIR", help="folder to write")],
    graph: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="its graph, if it lies elsewhere"),
    ] = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="of the backbone; without it, the model's own genes"
        ),
    ] = None,
    aliases: Annotated[
        Path | None, typer.Option(metavar="FILE", help="other names of genes")
    ] = None,
    licence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="text of the weights' licence")
    ] = None,
    use: Annotated[
        str | None,
        typer.Option(help="what the model may be used for, for its card"),
    ] = None,
) -> None:
    """Write it.

    Raises
    ------
    InputError
        See `grnformer.infer.model_bundle.write_model_bundle`.
    """
    # PyTorch: other commands do without
    from grnformer.infer.model_bundle import RESEARCH, write_model_bundle

    registry = read_registry(REGISTRY) if REGISTRY.exists() else {}
    licences = {
        f"sha256:{entry['sha256']}": entry["licence"] for entry in registry.values()
    }
    write_model_bundle(
        model,
        to,
        graph=graph,
        vocabulary=vocabulary,
        aliases=aliases,
        licence=licence,
        use=use or RESEARCH,
        licences=licences,
    )
    sys.stdout.write(f"{to}\n")
