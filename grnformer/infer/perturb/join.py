"""Shifts of all arms in one table, each arm with a graph of the data beside its controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core import io
from grnformer.infer.perturb.table import percentile
from grnformer.workflow.config import DATA_GRAPHS

GENE = ["cell_type", "gene", "kind"]
TARGET = [*GENE, "target"]
_COUNTS = ("n_controls", "n_seeds", "n_cells", "n_set")
_SHOWN = ["shift", "sd", "rewired_shift", "no_edges_shift", "percentile"]


def join_shifts(
    network: pd.DataFrame | None,
    by_arm: Mapping[str, pd.DataFrame],
    arms: Mapping[str, Mapping[str, Any]],
    dataset: str,
) -> pd.DataFrame:
    """Shifts of genes through the network and through the models (contract ``perturbed_genes``).

    Parameters
    ----------
    network
        Of `perturb_network`, of all cell types.
    by_arm
        Arm -> table of `perturb_model` of all its seeds, with the column seed. Shifts are means over seeds.
    arms
        ``pretrain.arms``: graph and adapter of each.
    """
    parts = [] if network is None else [network.assign(method="network")]
    parts += _of_models(by_arm, arms, TARGET)
    joined = pd.concat(parts, ignore_index=True).assign(dataset=dataset)
    columns = ["dataset", "cell_type", "method", "arm", "gene", "kind", "target"]
    return _typed(joined, [*columns, *_SHOWN, *_COUNTS, "reason"])


def join_cells(
    by_arm: Mapping[str, pd.DataFrame],
    arms: Mapping[str, Mapping[str, Any]],
    dataset: str,
) -> pd.DataFrame:
    """Lengths of shifts of the cell embedding (contract ``perturbed_cells``); parameters as of `join_shifts`."""
    # without models a table without rows
    parts = [pd.DataFrame(), *_of_models(by_arm, arms, GENE)]
    joined = pd.concat(parts, ignore_index=True)
    columns = ["dataset", "cell_type", "arm", "gene", "kind"]
    return _typed(
        joined.assign(dataset=dataset), [*columns, *_SHOWN, *_COUNTS, "reason"]
    )


def read_seeds(paths: Sequence[str], contract: str) -> dict[str, pd.DataFrame]:
    """Arm -> the tables of its seeds as one with the column seed, from files .../<arm>/seed<seed>/<file>."""
    found: dict[str, list[pd.DataFrame]] = {}
    for path in map(Path, paths):
        seed, arm = path.parts[-2].removeprefix("seed"), path.parts[-3]
        table = io.read_table(path, contract).assign(seed=int(seed))
        found.setdefault(arm, []).append(table)
    return {arm: pd.concat(tables) for arm, tables in found.items()}


def _typed(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    table = table.reindex(columns=columns)
    numbers = dict.fromkeys(_SHOWN, float) | dict.fromkeys(_COUNTS, "Int64")
    return table.astype(numbers)


def _of_models(
    by_arm: Mapping[str, pd.DataFrame],
    arms: Mapping[str, Mapping[str, Any]],
    key: list[str],
) -> list[pd.DataFrame]:
    """A table an arm: means over seeds, beside the controls of the arms that have a graph of the data."""
    wide = {arm: _by_seed(table, key) for arm, table in by_arm.items()}
    controls = [arm for arm in wide if arms[arm]["graph"] not in DATA_GRAPHS]
    rewired = [arm for arm in controls if arms[arm]["graph"] == "degree_preserving"]
    no_edges = [
        arm for arm in controls if arms[arm]["graph"] == "none" and arms[arm]["adapter"]
    ]

    parts = []
    for arm, table in by_arm.items():
        shifts = wide[arm]
        found = table.dropna(subset=["shift"]).drop_duplicates(key)
        found = found.set_index(key)[["n_cells", "n_set"]].reindex(shifts.index)
        found = found.assign(
            shift=shifts.mean(axis=1),
            sd=shifts.std(axis=1),
            n_seeds=shifts.notna().sum(axis=1),
        )
        if arm not in controls and controls:
            beside = [wide[name].reindex(shifts.index) for name in controls]
            every = np.column_stack([one.to_numpy() for one in beside]).T
            found = found.assign(
                rewired_shift=_mean(rewired, wide, shifts.index),
                no_edges_shift=_mean(no_edges, wide, shifts.index),
                percentile=percentile(found["shift"].to_numpy(), every),
                n_controls=(~np.isnan(every)).sum(axis=0),
            )
        parts.append(found.reset_index().assign(arm=arm, method="model"))

        missing = table[table["shift"].isna()].drop_duplicates(GENE)
        if len(missing):
            parts.append(missing.drop(columns="seed").assign(arm=arm, method="model"))
    return parts


def _by_seed(table: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Shifts, a row a key, a column a seed; without what has none."""
    there = table.dropna(subset=["shift"])
    return there.pivot_table(values="shift", index=key, columns="seed")


def _mean(
    names: list[str], wide: Mapping[str, pd.DataFrame], index: pd.Index
) -> np.ndarray:
    """Mean over models; NaN where there are none."""
    if not names:
        return np.full(len(index), np.nan)
    joined = pd.concat([wide[name].reindex(index) for name in names], axis=1)
    return joined.mean(axis=1).to_numpy()
