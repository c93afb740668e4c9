"""Do TFs get more attention than other genes: as such, and than genes of the same degree and expression?

Shapes: N genes, C columns (heads, their mean), S strata, D samples.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.bench.attention.strata import (
    degree_strata,
    expression_strata,
    joint_strata,
)

if TYPE_CHECKING:
    from grnformer.infer.attention import Received

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
        95% of the ratios when in place of every TF another gene of its stratum is sampled.
    p_value
        Two-sided, from labels permuted within strata.
    """

    tf_mass: np.ndarray
    expected: np.ndarray
    enrichment: np.ndarray
    null_low: np.ndarray
    null_high: np.ndarray
    p_value: np.ndarray


@dataclass(frozen=True)
class _Stratum:
    """TFs and other genes that are alike, with genes sampled in the TFs' places: others, and of both, (D, TFs) each."""

    tfs: np.ndarray
    others: np.ndarray
    sampled: np.ndarray
    permuted: np.ndarray


class MatchedNull:
    """Samples of other genes in place of TFs, and of labels, within strata; the same for all models and heads.

    Parameters
    ----------
    is_tf
        (N,).
    stratum
        (N,) integers: genes of one stratum are alike but for being TFs.
    weight
        (N,) how often a gene was a key; 0: never, and it has no part.
    samples
        D, of either kind.
    rng
        Of the samples.
    """

    def __init__(
        self,
        is_tf: np.ndarray,
        stratum: np.ndarray,
        weight: np.ndarray,
        samples: int,
        rng: np.random.Generator,
    ) -> None:
        self._weight = weight.astype(float)
        seen = weight > EMPTY

        # A gene that never was a key could get no attention: it has no part.
        self.unseen_tfs = int((is_tf & ~seen).sum())

        self.unmatched_tfs = self.n_others = 0
        self._strata: list[_Stratum] = []
        for number in np.unique(stratum[seen]):
            pool = np.flatnonzero((stratum == number) & seen)
            tfs, others = pool[is_tf[pool]], pool[~is_tf[pool]]
            # Without another gene of its stratum, a TF has nothing to be compared with.
            if not len(others):
                self.unmatched_tfs += len(tfs)
            elif len(tfs):
                self.n_others += len(others)
                self._strata.append(self._sample(tfs, others, samples, rng))
        tfs_of_strata = [stratum.tfs for stratum in self._strata]
        self.tfs = np.concatenate(tfs_of_strata) if tfs_of_strata else np.empty(0, int)

    def _sample(
        self,
        tfs: np.ndarray,
        others: np.ndarray,
        samples: int,
        rng: np.random.Generator,
    ) -> _Stratum:
        # Weighted by how often a gene was a key, as the mean that the ratio is taken to.
        chance = self._weight[others] / self._weight[others].sum()
        # (D, TFs), with replacement: several TFs may get the same other gene.
        sampled = rng.choice(others, size=(samples, len(tfs)), p=chance)

        both = np.concatenate([tfs, others])
        # The places of the smallest uniform numbers: as many genes as TFs, without replacement.
        order = np.argpartition(rng.random((samples, len(both))), len(tfs) - 1, axis=1)
        return _Stratum(tfs, others, sampled, both[order[:, : len(tfs)]])

    def test(self, mass_NC: np.ndarray) -> Enrichment:
        """Compare the mean attention that genes got as keys (N, C); any value where a gene was never one."""
        if not len(self.tfs):
            return Enrichment(*np.full((6, mass_NC.shape[1]), np.nan))

        weight_N = self._weight
        # A gene that never was a key has no mean: a NaN would spread through the sums.
        mass_NC = np.where(weight_N[:, None] > EMPTY, mass_NC, 0.0)
        # From means back to sums, so that a gene counts as often as it was a key.
        total_NC = mass_NC * weight_N[:, None]

        tf_weight = weight_N[self.tfs].sum()
        tf_mass_C = total_NC[self.tfs].sum(0) / tf_weight
        # Other genes count in each stratum as much as its TFs do: the mean of genes in the TFs' places.
        means, weights = [], []
        for stratum in self._strata:
            means.append(
                total_NC[stratum.others].sum(0) / weight_N[stratum.others].sum()
            )
            weights.append(weight_N[stratum.tfs].sum())
        expected_C = np.array(weights) @ np.stack(means) / tf_weight
        ratio_C = tf_mass_C / expected_C

        # (D, C). A sampled gene takes its TF's weight: only the genes differ.
        sampled_DC = 0.0
        for stratum in self._strata:
            sampled_DC = sampled_DC + np.einsum(
                "dtc,t->dc", mass_NC[stratum.sampled], weight_N[stratum.tfs]
            )
        # Over the same expectation as the observed ratio, and so on its scale.
        low_C, high_C = np.quantile(
            sampled_DC / tf_weight / expected_C, [0.025, 0.975], axis=0
        )

        # Ratios are compared on the log scale, so that twice and half are equally far; equal ones count in spite of
        # rounding, and the labels as they are count as one of the permutations.
        distance_C = np.abs(np.log(ratio_C))
        extreme_DC = np.abs(np.log(self._permuted(total_NC))) >= distance_C * (1 - 1e-9)
        p_value_C = (1 + extreme_DC.sum(0)) / (1 + len(extreme_DC))
        return Enrichment(tf_mass_C, expected_C, ratio_C, low_C, high_C, p_value_C)

    def _permuted(self, total_NC: np.ndarray) -> np.ndarray:
        """The ratio under each permutation of labels, (D, C); the weight of the chosen genes cancels."""
        # Sums over strata, then one ratio: a mean of ratios would favour small strata.
        chosen_sum, expected_sum = 0.0, 0.0
        for stratum in self._strata:
            both = np.concatenate([stratum.tfs, stratum.others])
            chosen_DC = total_NC[stratum.permuted].sum(1)
            chosen_weight_D1 = self._weight[stratum.permuted].sum(1)[:, None]

            # By subtraction: cheaper than gathering the many others of every sample.
            rest_DC = total_NC[both].sum(0) - chosen_DC
            rest_weight_D1 = self._weight[both].sum() - chosen_weight_D1
            chosen_sum = chosen_sum + chosen_DC
            expected_sum = expected_sum + chosen_weight_D1 * rest_DC / rest_weight_D1
        return np.asarray(chosen_sum / expected_sum)


def compare_models(
    collected: list[tuple[int, str, Received]],
    about: pd.DataFrame,
    settings: dict[str, Any],
) -> pd.DataFrame:
    """Test all models of one cell type by every matching: contract attention_enrichment.

    Parameters
    ----------
    collected
        Seed and state of each model, and what its attention fell on.
    about
        is_tf, in_degree, out_degree, expression; one row a gene.
    settings
        The config section `attention`.
    """
    is_tf = about["is_tf"].to_numpy()
    # The same cells, tokens and masks for all models, and so the same keys; a gene must be one for every kind of query.
    weight = collected[0][2].keys_QN.min(0)
    rows = []
    for match, stratum in _strata(about, settings).items():
        # One null for all models, kinds of queries and heads: only attention differs.
        null = MatchedNull(
            is_tf,
            stratum,
            weight,
            settings["null_draws"],
            np.random.default_rng(settings["seed"]),
        )
        counts = {
            "tfs": len(null.tfs),
            "tfs_unmatched": null.unmatched_tfs,
            "tfs_unseen": null.unseen_tfs,
            "others": null.n_others,
        }
        for seed, state, received in collected:
            for kind, mass_NC, keys_N in zip(
                received.kinds, received.mass_QNC, received.keys_QN, strict=True
            ):
                # Sums become means; a gene that never was a key has 0 of 0, here 0.
                tested = null.test(mass_NC / np.maximum(keys_N, 1)[:, None])

                # The last column is the mean over heads.
                heads = [*map(str, range(mass_NC.shape[1] - 1)), "mean"]
                known = {
                    "seed": seed,
                    "state": state,
                    "queries": kind,
                    "head": heads,
                    "matched_on": match,
                }
                rows.append(pd.DataFrame(known | asdict(tested) | counts))
    return pd.concat(rows, ignore_index=True)


def _strata(about: pd.DataFrame, settings: dict[str, Any]) -> dict[str, np.ndarray]:
    """Stratum of each gene by each matching."""
    incoming, outgoing = about["in_degree"].to_numpy(), about["out_degree"].to_numpy()
    degree = degree_strata(incoming + outgoing, settings["degree_bins"])
    in_degree = degree_strata(incoming, settings["degree_bins"])
    expression = expression_strata(
        about["expression"].to_numpy(), settings["expression_bins"]
    )
    return {
        # one stratum: all other genes, as in a ratio without matching
        "none": np.zeros(len(about), int),
        "expression": expression,
        "degree": degree,
        "degree_expression": joint_strata(degree, expression),
        "in_degree_expression": joint_strata(in_degree, expression),
    }
