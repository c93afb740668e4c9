"""Triplet ranks against SCENIC+'s recursion and the definition; motif ranks of sites; direct and extended eRegulons."""

import math

import numpy as np
import pandas as pd
import pytest

from grnformer.genome.rankings import open_rankings, write_rankings
from grnformer.grn.eregulons.triplets import (
    join_rank_ratios,
    rank_triplets,
    score_sites,
)


def test_the_score_is_the_chance_that_uniform_draws_are_as_good() -> None:
    """By its meaning: all order statistics of three uniform draws lie below those of the ratios."""
    rng = np.random.default_rng(0)
    draws = np.sort(rng.random((200_000, 3)), axis=1)
    for ratios in ([0.1, 0.5, 0.9], [0.3, 0.3, 0.3], [1.0, 1.0, 1.0], [0.9, 0.05, 0.6]):
        chance = (draws <= np.sort(ratios)).all(axis=1).mean()
        assert join_rank_ratios(np.array([ratios]))[0] == pytest.approx(
            chance, abs=4e-3
        )


def test_the_score_is_that_of_the_recursion_of_stuart_and_aerts() -> None:
    """V_k by the formula of Aerts et al. 2006, one row at a time."""

    def joined(ratios: np.ndarray) -> float:
        r, n = np.sort(ratios), len(ratios)
        v = [1.0]
        for k in range(1, n + 1):
            v.append(
                sum(
                    (-1) ** (i - 1) * v[k - i] / math.factorial(i) * r[n - k] ** i
                    for i in range(1, k + 1)
                )
            )
        return math.factorial(n) * v[n]

    rows = np.random.default_rng(1).random((50, 3))
    np.testing.assert_allclose(
        join_rank_ratios(rows), [joined(row) for row in rows], atol=1e-12
    )


def test_triplets_good_in_all_parts_come_first_and_ties_fraction_a_rank() -> None:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        rng.random((40, 3)),
        columns=["tf_gene_weight", "region_gene_weight", "tf_region_weight"],
    )
    table["annotation"] = ["direct"] * 30 + ["extended"] * 10
    table.iloc[4, :3] = 2.0
    table.iloc[5, :3] = -1.0
    table.iloc[7] = table.iloc[6]
    ranks = rank_triplets(table)
    assert ranks[4] == 1
    assert ranks[5] == 30
    assert ranks[6] == ranks[7]
    assert ranks[30:].min() == 1, "extended ones are ranked by themselves"
    shuffled = table.sample(frac=1, random_state=0)
    assert rank_triplets(shuffled).reindex(table.index).equals(ranks), (
        "by the values, not by the order of the rows"
    )


def test_sites_are_scored_by_the_best_rank_of_the_tfs_motifs(tmp_path) -> None:
    regions = [f"chr1:{i * 1000}-{i * 1000 + 500}" for i in range(10)]
    ranks = np.stack(
        [np.arange(10), np.arange(10)[::-1], np.roll(np.arange(10), 3)], axis=1
    )
    path = tmp_path / "x.regions_vs_motifs.rankings.feather"
    write_rankings(path, ranks, ["m1", "m2", "m3"], regions)
    enrichment = pd.DataFrame(
        {
            "motif": ["m1", "m2", "m3"],
            "tfs_direct": [["A"], ["B"], []],
            "tfs_extended": [[], ["A"], ["B"]],
        }
    )
    rows = [
        ("A", 0, "direct"),
        ("A", 9, "direct"),
        ("A", 9, "extended"),
        ("B", 3, "direct"),
        ("B", 3, "extended"),
    ]
    table = pd.DataFrame(
        [(tf, regions[i], kind) for tf, i, kind in rows],
        columns=["tf", "region", "annotation"],
    )
    table.loc[5] = ["A", "chr2:1-2", "direct"]
    found = score_sites(table, enrichment, open_rankings(path))
    np.testing.assert_allclose(found, [1.0, 0.1, 1.0, 1 - 6 / 10, 1.0, 0.0])
