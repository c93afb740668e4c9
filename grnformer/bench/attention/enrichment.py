"""Do TFs get more attention than other genes: as such, and than genes of the same degree and expression?

Shapes: N genes, C columns (heads, their mean), D draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EMPTY = 0.0  # weight of a gene that was nowhere a key


@dataclass(frozen=True)
class Enrichment:
    """Attention on TFs over that expected of other genes, each (C,).

    Attributes
    ----------
    tf_mass, expected
        Mean attention on matched TFs; that of other genes in the TFs' places.
    enrichment
        Their ratio.
    null_low, null_high
        95% of the ratios when in place of every TF another gene of its stratum is drawn.
    p_value
        Two-sided, from labels permuted within strata.
    """

    tf_mass: np.ndarray
    expected: np.ndarray
    enrichment: np.ndarray
    null_low: np.ndarray
    null_high: np.ndarray
    p_value: np.ndarray


class MatchedNull:
    """Draws of other genes in place of TFs, and of labels, within strata; the same for all models and heads.

    Parameters
    ----------
    is_tf
        (N,).
    stratum
        (N,) integers: genes of one stratum are alike but for being TFs.
    weight
        (N,) how often a gene was a key; 0: never, and it has no part.
    draws
        D, of either kind.
    rng
        Of the draws.
    """

    def __init__(
        self, is_tf: np.ndarray, stratum: np.ndarray, weight: np.ndarray, draws: int, rng: np.random.Generator
    ) -> None:
        self._weight = weight.astype(float)
        seen = weight > EMPTY
        self.unseen_tfs = int((is_tf & ~seen).sum())
        pools = [np.flatnonzero((stratum == s) & seen) for s in np.unique(stratum[seen])]
        split = [(pool[is_tf[pool]], pool[~is_tf[pool]]) for pool in pools]
        self.unmatched_tfs = sum(len(tfs) for tfs, others in split if not len(others))
        kept = [(tfs, others) for tfs, others in split if len(tfs) and len(others)]
        self.n_others = sum(len(others) for _, others in kept)
        self._strata = kept
        self.tfs = np.concatenate([tfs for tfs, _ in kept]) if kept else np.empty(0, int)
        self._drawn_D, self._shuffled_D = [], []
        for tfs, others in kept:
            chance = self._weight[others] / self._weight[others].sum()
            self._drawn_D.append(rng.choice(others, size=(draws, len(tfs)), p=chance))
            both = np.concatenate([tfs, others])
            places = np.argpartition(rng.random((draws, len(both))), len(tfs) - 1, axis=1)[:, : len(tfs)]
            self._shuffled_D.append(both[places])

    def test(self, mass_NC: np.ndarray) -> Enrichment:
        """Compare the mean attention that genes got as keys (N, C); any value where a gene was never one."""
        n_columns = mass_NC.shape[1]
        if not len(self.tfs):
            return Enrichment(*np.full((6, n_columns), np.nan))
        weight_N = self._weight
        mass_NC = np.where(weight_N[:, None] > EMPTY, mass_NC, 0.0)
        total_NC = mass_NC * weight_N[:, None]
        weights = weight_N[self.tfs]
        tf_mass = total_NC[self.tfs].sum(0) / weights.sum()
        means = np.stack([total_NC[others].sum(0) / weight_N[others].sum() for _, others in self._strata])
        sizes = np.array([weight_N[tfs].sum() for tfs, _ in self._strata])
        expected = sizes @ means / weights.sum()
        drawn_DC = sum(
            np.einsum("dtc,t->dc", mass_NC[drawn], weight_N[tfs])
            for drawn, (tfs, _) in zip(self._drawn_D, self._strata, strict=True)
        )
        null_DC = drawn_DC / weights.sum() / expected
        low, high = np.quantile(null_DC, [0.025, 0.975], axis=0)
        ratio = tf_mass / expected
        extreme = np.abs(np.log(self._permuted(total_NC))) >= np.abs(np.log(ratio)) * (1 - 1e-9)
        return Enrichment(tf_mass, expected, ratio, low, high, (1 + extreme.sum(0)) / (1 + len(extreme)))

    def _permuted(self, total_NC: np.ndarray) -> np.ndarray:
        """The ratio under each permutation of labels, (D, C)."""
        own_DC, weight_D1, expected_DC = 0.0, 0.0, 0.0
        for shuffled, (tfs, others) in zip(self._shuffled_D, self._strata, strict=True):
            both = np.concatenate([tfs, others])
            chosen_DC, chosen_D1 = total_NC[shuffled].sum(1), self._weight[shuffled].sum(1)[:, None]
            rest_DC = total_NC[both].sum(0) - chosen_DC
            rest_D1 = self._weight[both].sum() - chosen_D1
            own_DC = own_DC + chosen_DC
            weight_D1 = weight_D1 + chosen_D1
            expected_DC = expected_DC + chosen_D1 * rest_DC / rest_D1
        return np.asarray(own_DC / expected_DC)


def degree_strata(degree: np.ndarray, edges: list[int]) -> np.ndarray:
    """Bin of each gene by its links: 0 for none, then from each of the ascending lower `edges` on."""
    return np.searchsorted(np.asarray(edges), degree, side="right")


def expression_strata(expression: np.ndarray, n_bins: int) -> np.ndarray:
    """Bin of each gene by its mean expression: 0 where it is not expressed, then quantiles of the others."""
    strata = np.zeros(len(expression), int)
    positive = expression > 0
    if positive.any():
        inner = np.quantile(expression[positive], np.arange(1, n_bins) / n_bins)
        strata[positive] = 1 + np.searchsorted(inner, expression[positive], side="left")
    return strata


def joint_strata(*parts: np.ndarray) -> np.ndarray:
    """One number for each combination."""
    return np.unique(np.stack(parts, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
