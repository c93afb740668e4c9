"""Train, validation and test parts of a screen, by pair, by cell line or by drug.

A split is a table of all pairs with one column a fold (``fold_1`` ...), each entry the pair's part in that fold.
The folds are a cross-validation: every pair is tested in exactly one of them. Validation is sampled from what is not
tested, by the same unit, so that no tuning sees the test part.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SPLITS = ("pair", "line", "drug")  # new ones go last: the place seeds the folds


def fold_columns(split: pd.DataFrame) -> list[str]:
    """Names of the fold columns of a split table, in order."""
    return [c for c in split.columns if c.startswith("fold_")]


def assign_parts(
    responses: pd.DataFrame,
    split: str,
    *,
    n_folds: int,
    validation_fraction: float,
    seed: int,
) -> pd.DataFrame:
    """Assign every pair of `responses` to train, validation or test, in `n_folds` folds.

    Parameters
    ----------
    responses
        line, drug, ln_ic50 with unique pairs, one name a structure (see `prepare_screen`).
    split
        ``pair``: pairs left out at random; ``line``: whole cell lines; ``drug``: whole compounds.
    n_folds
        Folds; each tests 1 / n_folds of the units.
    validation_fraction
        Fraction of the units that are not tested which goes to validation, in (0, 1).
    seed
        Seed of the permutations.

    Returns
    -------
    line, drug, fold_1 ... fold_<n_folds> with the values train, validation, test.

    Raises
    ------
    ValueError
        If `split` is unknown or there are fewer units than two a fold.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r}; known: {SPLITS}")

    # Sorted: the parts must not depend on the order of the rows.
    table = responses[["line", "drug"]].sort_values(["line", "drug"], ignore_index=True)
    unit = np.arange(len(table))
    if split != "pair":
        unit = table[split].astype("category").cat.codes.to_numpy()
    n_units = int(unit.max()) + 1
    if n_units < 2 * n_folds:
        raise ValueError(
            f"{n_units} units of split {split!r} for {n_folds} folds; at least two a fold are needed"
        )

    rng = np.random.default_rng([seed, SPLITS.index(split)])
    # Each unit is in one block, and so tested once.
    blocks = np.array_split(rng.permutation(n_units), n_folds)
    for number, tested in enumerate(blocks, start=1):
        rest = rng.permutation(np.setdiff1d(np.arange(n_units), tested))
        # At least one, whatever the fraction: training stops by validation.
        n_validation = max(1, round(validation_fraction * len(rest)))
        part = np.full(n_units, "train", dtype=object)
        part[rest[:n_validation]] = "validation"
        part[tested] = "test"

        # From units to pairs: all pairs of a line or drug share its part.
        table[f"fold_{number}"] = part[unit]
    return table
