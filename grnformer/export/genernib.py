"""The network for geneRNIB: an .h5ad whose uns["prediction"] is a table of source, target and weight."""

from __future__ import annotations

from pathlib import Path

from grnformer.api.run import Run
from grnformer.bench.grn_accuracy.formats import to_genernib
from grnformer.core import io


def write(run: Run, folder: Path) -> None:
    """Write ``<dataset>.h5ad``."""
    network = to_genernib(run.network, run.dataset)
    io.write_anndata(network, folder / f"{run.dataset}.h5ad", "genernib_network")
