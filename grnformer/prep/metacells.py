"""Metacells of RNA cells and ATAC cells that are different cells of the same types."""

from __future__ import annotations

import logging
from typing import Any

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.prep.counts import as_counts
from grnformer.prep.qc import judge_cells, measure_cells

log = logging.getLogger(__name__)

#: Columns of obs: how many cells of each modality a metacell is the sum of.
GROUP_SIZES = ("n_cells_rna", "n_cells_atac")


def judge_unpaired(
    data: anndata.AnnData, modality: str, tss: pd.DataFrame, bounds: dict[str, Any]
) -> pd.Series:
    """Reason for dropping each cell of one modality ("rna" or "atac") by its own metrics, '' for those kept.

    Parameters
    ----------
    data
        Counts of single cells.
    tss
        Contract `tss`.
    bounds
        Section `prep.cells` of the config; the least number of cells of a type is not asked here.
    """
    mudata.set_options(pull_on_update=False)
    metrics = measure_cells(mudata.MuData({modality: data}), tss)
    limits = {key: bound for key, bound in bounds.items() if key != "min_per_type"}
    one_sample = pd.Series("", index=metrics.index)
    return judge_cells(metrics, one_sample, **limits)


def check_different(
    rna: pd.Index, atac: pd.Index, where: str, *, most: float, from_table: bool
) -> None:
    """Raise InputError if barcodes of both look like those of the same cells, or a table cannot tell them apart.

    Parameters
    ----------
    most
        Fraction (0 to 1) of the smaller set from which on shared barcodes are taken for shared cells.
    from_table
        Whether one table has the types of both: then no barcode may be in both.
    """
    shared = rna[rna.isin(atac)]
    found = (
        f"{where}: {len(shared)} of {len(rna)} RNA barcodes are ATAC barcodes too"
        + (f", such as {shared[0]!r}" if len(shared) else "")
    )
    if len(shared) and len(shared) >= most * min(len(rna), len(atac)):
        raise InputError(
            found,
            "different cells in the two files, as prep.pairing is pseudocells",
            "set prep.pairing to barcodes: these look like the same cells",
        )
    if from_table and len(shared):
        raise InputError(
            found,
            "a table of cell types in which a barcode is one cell",
            "write a prefix before the barcodes of one file and in the table, or give .h5ad files with the types in a "
            "column of obs and obs:<column> as annotation",
        )


def make_metacells(
    rna: anndata.AnnData,
    atac: anndata.AnnData,
    rna_types: pd.Series,
    atac_types: pd.Series,
    where: str,
    *,
    cells_per_group: int,
    seed: int,
) -> tuple[anndata.AnnData, anndata.AnnData, pd.DataFrame, pd.Series]:
    """Sum groups of RNA cells, and as many groups of ATAC cells of the same type, drawn without replacement.

    A type has as many metacells as its modality with fewer cells has whole groups. Which RNA group meets which ATAC
    group is by chance: within a type, RNA and ATAC of a metacell are independent.

    Parameters
    ----------
    rna, atac
        Counts of single cells.
    rna_types, atac_types
        Cell types of all of them, in their order.

    Returns
    -------
    rna, atac
        Sums of counts, metacells x genes and metacells x regions, the same metacells in the same order, named
        ``<type>_<number>``.
    obs
        Indexed by metacell: ``cell_type, n_cells_rna, n_cells_atac``.
    reasons
        Why cells are in no metacell, by barcode, of both modalities.

    Raises
    ------
    InputError
        If no type has `cells_per_group` cells of both modalities.
    """
    types = {"RNA": rna_types.to_numpy(), "ATAC": atac_types.to_numpy()}
    sizes = pd.DataFrame({m: pd.Series(of).value_counts() for m, of in types.items()})
    sizes = sizes.fillna(0).astype(int).sort_index()
    groups = sizes.min(axis=1) // cells_per_group
    log.info("%s: metacells by type: %s; cells:\n%s", where, groups.to_dict(), sizes.T)
    if not groups.any():
        raise InputError(
            f"{where}: no cell type has {cells_per_group} cells of RNA and of ATAC; RNA has "
            f"{_largest(sizes['RNA'])}, ATAC {_largest(sizes['ATAC'])}",
            "the same names of cell types in both, with enough cells for a metacell "
            "(prep.unpaired.cells_per_group)",
            "write the types alike in both annotations, give broader types, or lower the number",
        )

    rng = np.random.default_rng(seed)
    members: dict[str, list[np.ndarray]] = {"RNA": [], "ATAC": []}
    for name, n_groups in groups.items():
        for modality, drawn in members.items():
            of_type = rng.permutation(np.flatnonzero(types[modality] == name))
            drawn.append(of_type[: n_groups * cells_per_group])

    stems = file_names(groups.index[groups > 0])
    obs = pd.DataFrame(
        {"cell_type": np.repeat(groups.index.to_numpy(dtype=object), groups)},
        index=pd.Index(
            [f"{stem}_{i + 1}" for n, stem in stems.items() for i in range(groups[n])],
            dtype=object,
        ),
    ).assign(**dict.fromkeys(GROUP_SIZES, cells_per_group))

    sums, reasons = [], []
    for modality, data in (("RNA", rna), ("ATAC", atac)):
        chosen = np.concatenate(members[modality])
        total = _sum_groups(data.X, chosen, cells_per_group, where)
        sums.append(anndata.AnnData(total, pd.DataFrame(index=obs.index), data.var))
        of_cells = pd.Series(types[modality], index=data.obs_names)
        left = of_cells.drop(of_cells.index[chosen])
        reasons.append(left.map(_why_left(modality, sizes, groups, cells_per_group)))
    return sums[0], sums[1], obs, pd.concat(reasons)


def _sum_groups(
    counts: sp.csr_matrix, chosen: np.ndarray, size: int, where: str
) -> sp.csr_matrix:
    """Sums of each `size` successive rows of `counts` in the order of `chosen`."""
    n_groups = len(chosen) // size
    ones = np.ones(len(chosen), dtype=np.int64)
    which = (ones, (np.repeat(np.arange(n_groups), size), chosen))
    total = sp.csr_matrix(which, shape=(n_groups, counts.shape[0])) @ counts
    return as_counts(sp.csr_matrix(total), where)


def _why_left(
    modality: str, sizes: pd.DataFrame, groups: pd.Series, cells_per_group: int
) -> dict[str, str]:
    """Type -> why a cell of it is in no metacell."""
    other = "ATAC" if modality == "RNA" else "RNA"
    why = {}
    for name in groups.index:
        if groups[name]:
            why[name] = f"{modality} cell left over of the metacells of its type"
        elif sizes.loc[name, other] == 0:
            why[name] = f"{modality} cell of a type without {other} cells"
        else:
            few = modality if sizes.loc[name, modality] < cells_per_group else other
            why[name] = (
                f"{modality} cell of a type with fewer than {cells_per_group} {few} cells"
            )
    return why


def _largest(sizes: pd.Series) -> str:
    largest = sizes[sizes > 0].sort_values(ascending=False, kind="stable")[:3]
    return ", ".join(f"{n} of {name!r}" for name, n in largest.items()) or "none"
