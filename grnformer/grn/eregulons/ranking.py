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

    signed marks genes that have the sign by their correlation, among those that have none.
    """

    importance: np.ndarray
    position: np.ndarray
    signed: np.ndarray


def no_targets(n_genes: int) -> Ranking:
    """The ranking of a TF without targets."""
    return Ranking(np.zeros(0), np.full(n_genes, -1, np.int32), np.zeros(n_genes, bool))


def rank_targets(
    tf_gene: pd.DataFrame,
    tf_names: pd.Index,
    genes: pd.Index,
    min_abs_rho: float,
    *,
    with_weak: bool,
) -> dict[tuple[int, int], Ranking]:
    """Rank each TF's targets, for either sign: (TF number, sign) -> ranking; a TF without targets is left out."""
    tf = tf_names.get_indexer(tf_gene["tf"])
    gene = genes.get_indexer(tf_gene["gene"])
    # float64: sums of a leading edge must not depend on the storage type
    importance = tf_gene["importance"].to_numpy(np.float64)
    sign = signs_of(tf_gene["rho"].to_numpy(), min_abs_rho)
    keep = np.flatnonzero((gene >= 0) & (importance > 0) & ((sign != 0) | with_weak))

    # equal importances: by gene name, so that the rows' order does not matter
    name_order = np.argsort(np.argsort(genes.to_numpy().astype(str), kind="stable"))
    order = keep[np.lexsort((name_order[gene[keep]], -importance[keep], tf[keep]))]
    present, first = np.unique(tf[order], return_index=True)

    rankings = {}
    for number, rows in zip(present.tolist(), np.split(order, first[1:]), strict=True):
        for wanted in (-1, 1):
            # of this sign, or too weak for one: the weak stand in both rankings
            chosen = rows[sign[rows] != -wanted]
            ranking = no_targets(len(genes))
            ranking.position[gene[chosen]] = np.arange(len(chosen))
            ranking.signed[gene[chosen]] = sign[chosen] == wanted
            rankings[number, wanted] = Ranking(
                importance[chosen], ranking.position, ranking.signed
            )
    return rankings


def add_weights(pairs: pd.DataFrame, tf_gene: pd.DataFrame) -> pd.DataFrame:
    """Add importance and rho to rows with tf and gene; 0 for a pair that `tf_gene` does not have."""
    known = tf_gene[["tf", "gene", "importance", "rho"]]
    rows = pairs.merge(known, on=["tf", "gene"], how="left")
    return rows.fillna({"importance": 0.0, "rho": 0.0})
