"""Train, validation and test parts of a screen, by pair, cell line, tissue, drug or screen.

A split is a table of all pairs with one column a fold (``fold_1`` ...), each entry the pair's part in that fold.
The folds are a cross-validation: every pair is tested in exactly one of them. Validation is sampled from what is not
tested, by the same unit, so that no tuning sees the test part. The exception is ``deepcdr``, a published protocol that
is not leak-safe and is marked so wherever it is scored.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.workflow.config import TISSUE_SPLITS

# new ones go last: the place seeds the folds
SPLITS = ("pair", "line", "drug", "tissue", "screen", "deepcdr")
#: splits that leave whole lines out
UNSEEN_LINES = ("line", "tissue", "screen")
#: splits whose tested pairs are of lines and drugs that training has seen
KNOWN_UNITS = ("pair", "deepcdr")
#: split -> the task's name in scores; of those not named, the split's own
TASKS = {"deepcdr": "deepcdr (not leak-safe)"}
#: DeepCDR leaves out 5% of each tissue's pairs (doi 10.1093/bioinformatics/btaa822)
DEEPCDR_TESTED = 0.05
CHOSEN_ON_TEST = "validation and test"


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
    tissues: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Assign every pair of `responses` to train, validation or test, in `n_folds` folds.

    Parameters
    ----------
    responses
        line, drug, ln_ic50 with unique pairs, one name a structure (see `prepare_screen`).
    split
        ``pair``: pairs left out at random; ``line``: whole cell lines; ``drug``: whole compounds; ``tissue``: all lines
        of whole tissues; ``screen``: whole lines, trained on in one screen and tested in another; ``deepcdr``: 5% of
        each tissue's pairs, on which settings are chosen and training is stopped too (DeepCDR's protocol). Lines
        without a tissue are in no part of the splits that need one.
    n_folds
        Folds; each tests 1 / n_folds of the units.
    validation_fraction
        Fraction of the units that are not tested which goes to validation, in (0, 1).
    seed
        Seed of the permutations.
    tissues
        Line -> tissue, for the splits ``tissue`` and ``deepcdr``.

    Returns
    -------
    line, drug, fold_1 ... fold_<n_folds> with the values train, validation, test; in ``deepcdr`` train and
    `CHOSEN_ON_TEST`.

    Raises
    ------
    ValueError
        If `split` is unknown or there are fewer units than two a fold.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r}; known: {SPLITS}")

    # Sorted: the parts must not depend on the order of the rows.
    table = responses[["line", "drug"]].sort_values(["line", "drug"], ignore_index=True)
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    if split in TISSUE_SPLITS:
        table = _with_tissue(table, tissues or {})
        tissue = table.pop("tissue").to_numpy()
        if split == "tissue":
            return _assign_tissues(table, tissue, n_folds, validation_fraction, rng)
        return _assign_as_deepcdr(table, tissue, n_folds, rng)

    unit = np.arange(len(table))
    if split != "pair":
        column = "line" if split == "screen" else split
        unit = table[column].astype("category").cat.codes.to_numpy()
    n_units = int(unit.max()) + 1
    _check_number(n_units, n_folds, split)

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


def _check_number(n_units: int, n_folds: int, split: str) -> None:
    if n_units < 2 * n_folds:
        raise ValueError(
            f"{n_units} units of split {split!r} for {n_folds} folds; at least two a fold are needed"
        )


def _with_tissue(table: pd.DataFrame, tissues: Mapping[str, str]) -> pd.DataFrame:
    """Pairs whose line has a tissue, with the column tissue."""
    table = table.assign(tissue=table["line"].map(tissues))
    found = table.dropna(subset="tissue").reset_index(drop=True)
    if found.empty:
        raise InputError(
            f"a tissue of none of {table['line'].nunique()} lines",
            "tissues of the lines of the screen",
            "correct bench.drug_response.annotations, or leave the splits tissue and deepcdr out",
        )
    return found


def _assign_tissues(
    table: pd.DataFrame,
    tissue: np.ndarray,
    n_folds: int,
    validation_fraction: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Whole tissues by fold: tissues differ in size a hundredfold, so that folds are balanced by their pairs."""
    from sklearn.model_selection import GroupKFold

    _check_number(len(set(tissue)), n_folds, "tissue")
    folds = GroupKFold(n_folds).split(table, groups=tissue)
    for number, (rest, tested) in enumerate(folds, start=1):
        names, sizes = np.unique(tissue[rest], return_counts=True)
        order = rng.permutation(len(names))

        # As many tissues as make up the fraction; at least one, and never all.
        reached = np.cumsum(sizes[order]) / len(rest) < validation_fraction
        n_validation = min(int(reached.sum()) + 1, len(names) - 1)
        validated = np.isin(tissue, names[order[:n_validation]])
        part = np.where(validated, "validation", "train").astype(object)
        part[tested] = "test"
        table[f"fold_{number}"] = part
    return table


def _assign_as_deepcdr(
    table: pd.DataFrame, tissue: np.ndarray, n_folds: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Of each tissue 5% of the pairs, others in each fold; nothing is held out for choosing."""
    # Rank within the tissue, as a fraction: blocks of 5% are disjoint up to 20 folds.
    order = pd.Series(rng.permutation(len(table)))
    rank = order.groupby(tissue).rank() / order.groupby(tissue).transform("size")
    for number in range(n_folds):
        low = (number * DEEPCDR_TESTED) % 1
        tested = (rank > low) & (rank <= low + DEEPCDR_TESTED)
        table[f"fold_{number + 1}"] = np.where(tested, CHOSEN_ON_TEST, "train")
    return table
