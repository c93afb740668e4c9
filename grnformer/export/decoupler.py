"""Networks for decoupler: source, target and signed weight, a TSV a cell type and one over all types.

``decoupler.mt.ulm(adata, net=pandas.read_csv(path, sep="\\t"))``; Badia-i-Mompel et al. 2022,
doi 10.1093/bioadv/vbac016.
"""

from __future__ import annotations

from pathlib import Path

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.export.edges import networks_by_file


def write(run: Run, folder: Path) -> None:
    """Write ``overall.tsv`` and ``cell_type/<type>.tsv``; the weight of a repressing edge is negative."""
    for path, _, network in networks_by_file(run, folder, ".tsv"):
        table = network[["tf", "gene"]].set_axis(["source", "target"], axis=1)
        table["weight"] = network["weight"] * network["sign"]
        io.write_table(table, path, "decoupler_network")
