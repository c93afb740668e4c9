"""The split of cells into training and held-out ones: one for all arms and seeds, written to a file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError


def split_cells(
    obs: pd.DataFrame,
    *,
    heldout_fraction: float,
    seed: int,
    donors: Sequence[str] = (),
) -> pd.DataFrame:
    """Hold out a fraction of the cells of each type (at least one cell; a type of one cell stays in training).

    Parameters
    ----------
    obs
        Indexed by cell, with cell_type and, where donors are named, donor.
    heldout_fraction
        Between 0 and 1.
    seed
        Seed.
    donors
        All cells of these are held out, in place of the fraction.

    Returns
    -------
    cell, cell_type, split (train or heldout), in the order of `obs`.

    Raises
    ------
    InputError
        If no cell can be held out; if none or all of the cells are of the donors, or all cells of a type.
    """
    if donors:
        return _split_donors(obs, donors)
    rng = np.random.default_rng(seed)
    split = np.full(len(obs), "train", dtype=object)
    types = obs["cell_type"].to_numpy(object)

    # Sorted: the split must not depend on the order in which types first occur.
    for name in sorted(set(types)):
        members = np.flatnonzero(types == name)
        wanted = max(1, round(heldout_fraction * len(members)))
        count = min(wanted, len(members) - 1)
        chosen = rng.permutation(members)[:count]
        split[chosen] = "heldout"

    if not (split == "heldout").any():
        raise InputError(
            f"{len(obs)} cells in {len(set(types))} cell types: none can be held out",
            "a cell type of two cells or more",
            "give coarser cell types",
        )
    return _as_table(obs, split)


def _split_donors(obs: pd.DataFrame, donors: Sequence[str]) -> pd.DataFrame:
    """Hold out all cells of these donors."""
    donor, types = obs["donor"].astype(str), obs["cell_type"].astype(str)
    heldout = donor.isin(donors).to_numpy()
    if heldout.all() or not heldout.any():
        raise InputError(
            f"pretrain.heldout_donors {list(donors)}, and cells of the donors {sorted(set(donor))}",
            "some of a dataset's donors, not all",
            "correct pretrain.heldout_donors, or the column donor of the sample sheet",
        )

    # without a training cell a type has no network
    lost = sorted(set(types) - set(types[~heldout]))
    if lost:
        raise InputError(
            f"cells of the type {lost[0]!r} in held-out donors alone",
            "a training cell of each type",
            "hold out other donors, or give coarser cell types",
        )
    return _as_table(obs, np.where(heldout, "heldout", "train").astype(object))


def _as_table(obs: pd.DataFrame, split: np.ndarray) -> pd.DataFrame:
    cells, types = obs.index.to_numpy(object), obs["cell_type"].to_numpy(object)
    return pd.DataFrame({"cell": cells, "cell_type": types, "split": split})


def sample_rows(rows: np.ndarray, limit: int) -> np.ndarray:
    """At most `limit` of the rows, at even distances."""
    if len(rows) <= limit:
        return rows

    # Not drawn: the rows stay in order and depend on no seed.
    places = np.linspace(0, len(rows) - 1, limit).round().astype(int)
    return rows[places]


def join_splits(splits: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The splits of a corpus' datasets and files below each other, every cell as <dataset>/<cell>."""
    named = []
    for name, table in splits.items():
        cells = f"{name}/" + table["cell"].astype(str)
        named.append(table.assign(cell=cells))
    return pd.concat(named, ignore_index=True)
