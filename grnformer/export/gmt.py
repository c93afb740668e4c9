"""Regulons as gene sets: GMT, a line an eRegulon, for GSEA, pySCENIC, decoupler and R.

A line is the eRegulon, a description and its genes, separated by tabs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.export.edges import networks_by_file

if TYPE_CHECKING:
    import pandas as pd


def write(run: Run, folder: Path) -> None:
    """Write ``overall.gmt`` with all genes of each eRegulon, and ``cell_type/<type>.gmt`` with those of the type."""
    tfs = run.eregulons.drop_duplicates("eregulon").set_index("eregulon")["tf"]
    for path, cell_type, network in networks_by_file(run, folder, ".gmt"):
        held = network[["gene", "eregulons"]].explode("eregulons")
        where = f" in {cell_type}" if cell_type else ""
        text = as_gmt(held, tfs, where)
        with io.atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def as_gmt(held: pd.DataFrame, tfs: pd.Series, where: str) -> str:
    """Lines of GMT, sorted by eRegulon.

    Parameters
    ----------
    held
        Columns eregulons (a name) and gene.
    tfs
        TF of each eRegulon.
    where
        End of the description.
    """
    lines = []
    for name, genes in held.groupby("eregulons", sort=True)["gene"]:
        about = f"targets of {tfs[name]}{where}"
        lines.append("\t".join([str(name), about, *sorted(set(genes))]))
    return "\n".join(lines) + "\n"
