"""TFs' targets in order of importance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def signs_of(rho: np.ndarray, least: float) -> np.ndarray:
    """-1 or 1 where |rho| reaches `least`, else 0."""
    return np.where(np.abs(rho) >= least, np.sign(rho), 0).astype(np.int8)


@dataclass(frozen=True)
class Ranking:
    """A TF's genes of one sign by decreasing importance; position and signed are by gene number (position -1: none).

    signed tells genes that have the sign by their correlation from those that have none.
    """

    importance: np.ndarray
    position: np.ndarray
    signed: np.ndarray


def rank_targets(
    tf_gene: pd.DataFrame, tf_names: pd.Index, genes: pd.Index, min_abs_rho: float, *, with_weak: bool
) -> dict[tuple[int, int], Ranking]:
    """Rank each TF's targets, for either sign."""
    tf = tf_names.get_indexer(tf_gene["tf"])
    gene = genes.get_indexer(tf_gene["gene"])
    # float64: sums of a leading edge must not depend on the storage type
    importance = tf_gene["importance"].to_numpy(np.float64)
    sign = signs_of(tf_gene["rho"].to_numpy(), min_abs_rho)
    keep = (gene >= 0) & (importance > 0) & ((sign != 0) | with_weak)
    tf, gene, importance, sign = (a[keep] for a in (tf, gene, importance, sign))
    # equal importances: by gene name, so that the rows' order does not matter
    name_order = np.argsort(np.argsort(genes.to_numpy().astype(str), kind="stable"))
    order = np.lexsort((name_order[gene], -importance, tf))
    tf, gene, importance, sign = (a[order] for a in (tf, gene, importance, sign))
    rankings = {}
    present = np.unique(tf)
    for number, low, high in zip(
        present, np.searchsorted(tf, present), np.searchsorted(tf, present, side="right"), strict=True
    ):
        for wanted in (-1, 1):
            chosen = low + np.flatnonzero(sign[low:high] != -wanted)
            position = np.full(len(genes), -1, np.int32)
            position[gene[chosen]] = np.arange(len(chosen))
            signed = np.zeros(len(genes), bool)
            signed[gene[chosen]] = sign[chosen] == wanted
            rankings[int(number), wanted] = Ranking(importance[chosen], position, signed)
    return rankings


def weights_of(
    pair: np.ndarray, tf_gene: pd.DataFrame, tf_names: pd.Index, genes: pd.Index
) -> tuple[np.ndarray, np.ndarray]:
    """Importance and rho of TF-gene pairs (TF number x genes + gene number); 0 for a pair that is not there."""
    gene = genes.get_indexer(tf_gene["gene"])
    there = np.flatnonzero(gene >= 0)
    key = tf_names.get_indexer(tf_gene["tf"])[there] * len(genes) + gene[there]
    order = np.argsort(key)
    place = np.minimum(np.searchsorted(key, pair, sorter=order), max(len(key) - 1, 0))
    if len(key) == 0:
        return np.zeros(len(pair)), np.zeros(len(pair))
    row = there[order[place]]
    found = key[order[place]] == pair
    importance, rho = (np.where(found, tf_gene[c].to_numpy()[row], 0) for c in ("importance", "rho"))
    return importance, rho
