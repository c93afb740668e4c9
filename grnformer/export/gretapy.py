"""The network for gretapy: a TSV of source, cre (region), target and signed score."""

from __future__ import annotations

from pathlib import Path

from grnformer.api.run import Run
from grnformer.bench.grn_accuracy.formats import to_gretapy
from grnformer.core import io
from grnformer.export.edges import triplets_with_regions


def write(run: Run, folder: Path) -> None:
    """Write ``<dataset>.tsv``."""
    table = to_gretapy(triplets_with_regions(run), run.network)
    io.write_table(table, folder / f"{run.dataset}.tsv", "gretapy_network")
