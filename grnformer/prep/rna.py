"""RNA without chromatin, as a file of a corpus."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import anndata
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.features import as_rna
from grnformer.prep.formats import read_matrix

log = logging.getLogger(__name__)


def read_rna(
    paths: Sequence[str | Path],
    tss: pd.DataFrame,
    cell_type: str,
    *,
    min_known_genes: float,
    counts: str,
) -> anndata.AnnData:
    """Join the cells of count matrices over the genes that all of them measure.

    A gene that one of the files lacks is left out: zeros would tell files apart, not cells.

    Parameters
    ----------
    paths
        In any format of `read_matrix`, either way round.
    tss
        Contract `tss`: genes that count as known.
    cell_type
        Of all cells.
    min_known_genes
        Least fraction of a file's genes that must be known.
    counts
        As of `load_sample`.

    Returns
    -------
    anndata.AnnData
        Counts (CSR, int32); cells are <number of the file, from 1>:<name>, obs has cell_type.

    Raises
    ------
    InputError
        As `as_rna`; also where the files have no gene in common.
    """
    parts = [
        as_rna(
            read_matrix(path),
            tss,
            str(path),
            min_known_genes=min_known_genes,
            rounded=counts == "round",
        )
        for path in paths
    ]
    genes = parts[0].var_names
    for part in parts[1:]:
        genes = genes[genes.isin(part.var_names)]
    if not len(genes):
        raise InputError(
            f"no gene that all of {[str(path) for path in paths]} measure",
            "count matrices of the same genes",
            "correct the matrices of pretrain.rna",
        )
    lost = max(part.n_vars for part in parts) - len(genes)
    log.info("%d genes; %d that some files lack are left out", len(genes), lost)

    cells = [
        f"{number}:{name}"
        for number, part in enumerate(parts, start=1)
        for name in part.obs_names
    ]
    return anndata.AnnData(
        sp.vstack([part[:, genes].X for part in parts], format="csr"),
        obs=pd.DataFrame({"cell_type": cell_type}, index=pd.Index(cells)),
        var=pd.DataFrame(index=genes),
    )
