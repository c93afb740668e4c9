"""Networks in HDF5 files: SCENIC+'s .h5mu, pySCENIC's .loom, geneRNIB's .h5ad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.grn.given.regulons import as_pairs

_SCENICPLUS = ("direct_e_regulon_metadata", "extended_e_regulon_metadata")
_ADJACENCIES = "Regulons"


def read_container(path: Path, setting: str) -> tuple[str, pd.DataFrame]:
    """Whose file it is, and its table: for pySCENIC that of `as_pairs`.

    Raises
    ------
    InputError
        If the file holds no network, or cannot be read.
    """
    import h5py
    from anndata.io import read_elem

    try:
        with h5py.File(path, "r") as file:
            uns = file.get("uns", {})
            parts = [read_elem(uns[name]) for name in _SCENICPLUS if name in uns]
            if parts:
                return "SCENIC+", pd.concat(parts, ignore_index=True)
            if "prediction" in uns:
                return "geneRNIB", pd.DataFrame(read_elem(uns["prediction"]))
            rows = file.get("row_attrs", {})
            if _ADJACENCIES in rows and "Gene" in rows:
                return "pySCENIC", _from_loom(rows["Gene"][()], rows[_ADJACENCIES][()])
    # whatever HDF5 and anndata trip over
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is cut off or damaged: {error}",
            "the file as it was written",
            f"bring it again, or correct {setting}",
        ) from error
    raise InputError(
        f"{path} holds no network",
        f"SCENIC+'s uns {' or '.join(_SCENICPLUS)}, geneRNIB's uns prediction, or pySCENIC's row attribute Regulons",
        "write the tables of CellOracle's links, links.filtered_links[cluster].to_csv(...), and name their folder in "
        f"{setting}"
        if path.name.endswith(".celloracle.links")
        else f"name the file that holds the regulons in {setting}",
    )


def _from_loom(genes: np.ndarray, members: np.ndarray) -> pd.DataFrame:
    """Genes x regulons: a structured array with a field a regulon, 1 for members."""
    names = np.array(
        [gene.decode() if isinstance(gene, bytes) else str(gene) for gene in genes],
        dtype=object,
    )
    sets = [
        (name, [(gene, 1.0) for gene in names[members[name] != 0]])
        for name in members.dtype.names or ()
    ]
    return as_pairs(sets)
