"""In-silico perturbation through the network of a cell type, beside its rewired forms."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.data.cells import CellStore
from grnformer.graph.modes.degree_preserving import rewire_pairs
from grnformer.infer.perturb.edit import KNOCK_DOWN, Edit, edit_values
from grnformer.infer.perturb.propagate import (
    propagate_changes,
    share_matrix,
    spectral_radius,
)
from grnformer.infer.perturb.table import (
    choose_types,
    missing,
    percentile,
    shifts_table,
)

logger = logging.getLogger(__name__)


class Levels(NamedTuple):
    """Expression of a type's cells, log1p of counts per 10,000.

    Attributes
    ----------
    cells
        (cells, genes).
    genes
        Of the columns.
    highest
        (genes,), the highest value in any cell of the dataset.
    """

    cells: sp.csr_matrix
    genes: pd.Index
    highest: np.ndarray


def perturb_network(
    network: pd.DataFrame,
    levels: Levels,
    cell_type: str,
    genes: Sequence[str],
    edits: Sequence[Edit],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Shift of all genes that a change of one reaches along the signed edges of a cell type's network.

    A gene's change, in units of log1p, is the mean of those of its regulators, weighted by the edges' weights and
    signed. The set gene is held, and no gene falls below 0 or rises above its highest value in any cell. No change thus
    exceeds the imposed one. The weights are no regression coefficients: the order of targets counts, not the size.

    Parameters
    ----------
    network
        Contract ``cell_type_grn``: tf, gene, weight, sign.
    genes
        Symbols; whether a TF or not.
    settings
        steps, n_rewired, seed.

    Returns
    -------
    pandas.DataFrame
        `shifts_table`; a gene without an edge out of it, or that is not expressed and to be knocked down, is one row
        with a reason.
    """
    pairs = network.rename(columns={"tf": "source", "gene": "target"})
    pairs = pairs[["source", "target", "weight", "sign"]]
    names = pd.Index(pd.concat([pairs["source"], pairs["target"]]).unique())
    place = levels.genes.get_indexer(names)
    _check_measured(place, names, cell_type)

    mean = np.asarray(levels.cells.mean(axis=0)).ravel()[place]
    bounds = -mean, np.maximum(levels.highest[place] - mean, 0)

    sources = set(pairs["source"])
    asked: list[tuple[str, Edit]] = []
    imposed: list[float] = []
    rows: list[pd.DataFrame] = []
    n_cells = levels.cells.shape[0]
    for gene in dict.fromkeys(genes):
        for edit in edits:
            if gene not in sources:
                why = f"no edge goes out of it in the network of {cell_type}"
                rows.append(missing(gene, edit.kind, why, n_cells))
                continue
            column = int(place[names.get_loc(gene)])
            change = (
                edit_values(levels.cells, column, edit).mean()
                - mean[names.get_loc(gene)]
            )
            if edit.kind == KNOCK_DOWN and change == 0:
                why = f"not expressed in the {n_cells} cells of {cell_type}"
                rows.append(missing(gene, edit.kind, why, n_cells))
                continue
            asked.append((gene, edit))
            imposed.append(float(change))

    own = names.get_indexer([gene for gene, _ in asked])
    start = sp.csr_matrix(
        (imposed, (np.arange(len(asked)), own)), (len(asked), len(names))
    )
    shares = share_matrix(pairs, names, per="target")
    logger.info(
        "%s: %d genes, spectral radius of the shares %.3f",
        cell_type,
        len(names),
        spectral_radius(shares),
    )
    steps = settings["steps"]
    shift = propagate_changes(shares, start, steps, bounds=bounds)
    rng = np.random.default_rng(settings["seed"])
    controls = np.stack(
        [
            propagate_changes(
                share_matrix(rewire_pairs(pairs, rng), names, per="target"),
                start,
                steps,
                bounds=bounds,
            )
            for _ in range(settings["n_rewired"])
        ]
    )
    rank = percentile(shift, controls)
    for row, (gene, edit) in enumerate(asked):
        # what nothing reaches has no shift; the set gene is no target of its own
        reached = np.flatnonzero(shift[row])
        reached = reached[reached != own[row]]
        if not len(reached):
            why = f"its targets in {cell_type} can fall or rise no further"
            rows.append(missing(gene, edit.kind, why, n_cells))
            continue
        part = shifts_table(gene, edit.kind, names[reached], shift[row, reached])
        rows.append(
            part.assign(
                rewired_shift=controls[:, row, reached].mean(axis=0),
                percentile=rank[row, reached],
                n_controls=len(controls),
                n_cells=n_cells,
            )
        )
    return pd.concat(rows, ignore_index=True).assign(cell_type=cell_type)


def _check_measured(place: np.ndarray, names: pd.Index, cell_type: str) -> None:
    if (place < 0).any():
        raise InputError(
            f"{(place < 0).sum()} of {len(names)} genes in the network of {cell_type} are not in the matrix, first "
            f"{names[place < 0][0]!r}",
            "a network of these cells",
            "give the network and the cells of the same run",
        )


def perturb_networks(
    folder: str | Path,
    cells: str | Path,
    genes: Sequence[str],
    edits: Sequence[Edit],
    settings: Mapping[str, Any],
    cell_types: Sequence[str] | None = None,
) -> pd.DataFrame:
    """As `perturb_network`, through the networks of several cell types.

    Parameters
    ----------
    folder
        grn/cell_type of a dataset.
    cells
        prep/multiome.h5mu of the dataset, or an .h5ad.
    cell_types
        None: all with a network.

    Raises
    ------
    InputError
        If none of the named types has a network, or the matrix lacks genes of it.
    """
    parts = []
    with CellStore(cells, []) as store:
        types = np.asarray(store.type_names[store.type_codes])
        files = file_names(sorted(set(types)))
        with_network = [
            name
            for name, stem in files.items()
            if (Path(folder) / f"{stem}.parquet").exists()
        ]
        every = store.read_all(np.arange(store.n_cells))
        highest = every.max(axis=0).toarray().ravel()
        for name in choose_types(cell_types, with_network):
            network = io.read_table(
                Path(folder) / f"{files[name]}.parquet", "cell_type_grn"
            )
            levels = Levels(every[types == name], store.all_genes, highest)
            parts.append(perturb_network(network, levels, name, genes, edits, settings))
    return pd.concat(parts, ignore_index=True)
