"""Regulons as gene sets: GMT, a line an eRegulon, for GSEA, pySCENIC, decoupler and R.

A line is the eRegulon, its TF and its genes, separated by tabs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.export.edges import check_unspaced, networks_by_file

if TYPE_CHECKING:
    import pandas as pd


def write(run: Run, folder: Path) -> None:
    """Write ``overall.gmt`` with all genes of each eRegulon, and ``cell_type/<type>.gmt`` with those of the type."""
    tfs = run.eregulons.drop_duplicates("eregulon").set_index("eregulon")["tf"]
    for path, _, network in networks_by_file(run, folder, ".gmt"):
        held = network[["gene", "eregulons"]].explode("eregulons")
        for names in (held["gene"], tfs.index.to_series()):
            check_unspaced(names, path, "decoupler ends a field of GMT at it")
        with io.atomic(path) as temporary:
            temporary.write_text(as_gmt(held, tfs), encoding="utf-8")


def as_gmt(held: pd.DataFrame, tfs: pd.Series) -> str:
    """Lines of GMT, sorted by eRegulon; the description is the TF.

    Parameters
    ----------
    held
        Columns eregulons (a name) and gene.
    tfs
        TF of each eRegulon.
    """
    lines = []
    for name, genes in held.groupby("eregulons", sort=True)["gene"]:
        lines.append("\t".join([str(name), str(tfs[name]), *sorted(set(genes))]))
    return "\n".join(lines) + "\n"
