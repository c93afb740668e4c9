"""Write a model with its graph, vocabulary, reference cells, card, licence and checksums as one folder.

The folder is taken wherever a model's folder is, and is checked when it is loaded.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grnformer.cli.provenance import REGISTRY
from grnformer.workflow.config import read_registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "model",
        type=Path,
        help="folder of a model, such as results/<dataset>/pretrain/hybrid/seed1",
    )
    parser.add_argument(
        "--to", required=True, type=Path, metavar="DIR", help="folder to write"
    )
    parser.add_argument(
        "--graph", type=Path, metavar="DIR", help="its graph, if it lies elsewhere"
    )
    parser.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="of the backbone (default: the model's own genes)",
    )
    parser.add_argument(
        "--aliases", type=Path, metavar="FILE", help="other names of genes"
    )
    parser.add_argument(
        "--licence", type=Path, metavar="FILE", help="text of the weights' licence"
    )
    parser.add_argument("--use", help="what the model may be used for, for its card")


def run(options: argparse.Namespace) -> int:
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
        options.model,
        options.to,
        graph=options.graph,
        vocabulary=options.vocabulary,
        aliases=options.aliases,
        licence=options.licence,
        use=options.use or RESEARCH,
        licences=licences,
    )
    sys.stdout.write(f"{options.to}\n")
    return 0
