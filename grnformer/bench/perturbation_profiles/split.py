"""Splits by perturbed gene: a held-out gene is in no training perturbation, alone or with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from grnformer.bench.perturbation_profiles.cells import genes_of, perturbed_genes
from grnformer.core.errors import InputError

Kind = Literal["holdout", "folds", "leave_one_out"]
SINGLE = "single unseen"
_HELD_OUT = 0.25  # of the perturbed genes, and of combinations of seen ones
_LEAST = 4  # perturbed genes: with fewer, hardly any is left to train on


def split_perturbations(
    perturbations: Sequence[str], kind: Kind, n_folds: int, seed: int
) -> pd.DataFrame:
    """Hold out perturbed genes, and some combinations of the others.

    Parameters
    ----------
    perturbations
        Without the control.
    kind
        holdout: a quarter of the genes once; folds: each gene in one of `n_folds`; leave_one_out: each by itself.
    seed
        Of the order of genes and combinations.

    Returns
    -------
    pandas.DataFrame
        fold, perturbation, part (train, test), group. The group of a tested one is ``single unseen``, or
        ``combo seen 0`` (1, 2): how many of its genes are perturbed alone in training (Roohani et al. 2023, doi
        10.1038/s41587-023-01905-6). A combination may be tested in several folds.

    Raises
    ------
    InputError
        If fewer than four genes are perturbed.
    """
    names = sorted(set(perturbations))
    genes = perturbed_genes(names)
    if len(genes) < _LEAST:
        raise InputError(
            f"{len(genes)} perturbed genes: {genes}",
            f"{_LEAST} at least, of which some can be held out",
            "give a larger screen in bench.perturbation_profiles.screens",
        )
    rng = np.random.default_rng(seed)
    combinations = [name for name in names if len(genes_of(name)) > 1]
    held_genes = _deal(genes, kind, n_folds, rng)
    # each gene is a fold of its own in leave_one_out: as many folds for the combinations
    held_combinations = _deal(
        combinations, "folds" if kind == "leave_one_out" else kind, len(held_genes), rng
    )
    held_combinations += [[]] * (len(held_genes) - len(held_combinations))
    parts = [
        _fold(names, set(of_genes), set(together)).assign(fold=number)
        for number, (of_genes, together) in enumerate(
            zip(held_genes, held_combinations, strict=True), start=1
        )
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["fold", "perturbation", "part", "group"]]


def _deal(
    names: list[str], kind: Kind, n_folds: int, rng: np.random.Generator
) -> list[list[str]]:
    """What each fold holds out."""
    order = [names[at] for at in rng.permutation(len(names))]
    if kind == "holdout":
        return [order[: max(1, round(_HELD_OUT * len(order)))] if order else []]
    if kind == "leave_one_out":
        return [[name] for name in sorted(names)]
    return [order[first::n_folds] for first in range(min(n_folds, len(order)))]


def _fold(names: list[str], genes: set[str], together: set[str]) -> pd.DataFrame:
    is_test = [name in together or bool(genes & set(genes_of(name))) for name in names]
    alone = {name for name, test in zip(names, is_test, strict=True) if not test}

    def group(name: str) -> str:
        own = genes_of(name)
        seen = sum(gene in alone for gene in own)
        return SINGLE if len(own) == 1 else f"combo seen {seen}"

    return pd.DataFrame(
        {
            "perturbation": names,
            "part": ["test" if test else "train" for test in is_test],
            "group": [
                group(name) if test else ""
                for name, test in zip(names, is_test, strict=True)
            ],
        }
    )
