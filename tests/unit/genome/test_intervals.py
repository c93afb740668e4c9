"""The interval search beside the definition."""

import numpy as np
import pandas as pd
import pytest

from grnformer.genome.intervals import (
    find_overlaps,
    holds_tss,
    overlaps_any,
    tss_intervals,
)


def intervals(rng: np.random.Generator, n: int, widest: int) -> pd.DataFrame:
    start = rng.integers(-50, 1_000, n)
    return pd.DataFrame(
        {
            "chrom": rng.choice(["chr1", "chr10", "chr2"], n),
            "start": start,
            "end": start + rng.integers(1, widest, n),
        }
    )


def by_definition(left: pd.DataFrame, right: pd.DataFrame) -> list[tuple[int, int]]:
    return [
        (i, j)
        for i, a in enumerate(left.itertuples())
        for j, b in enumerate(right.itertuples())
        if a.chrom == b.chrom and a.start < b.end and b.start < a.end
    ]


@pytest.mark.parametrize("seed", range(5))
# points; like lengths; some hold all others
@pytest.mark.parametrize("widest", [2, 40, 2_000])
def test_pairs_are_those_that_share_a_base(seed: int, widest: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = intervals(rng, 60, 40), intervals(rng, 80, widest)
    i, j = find_overlaps(left, right)
    expected = by_definition(left, right)
    assert expected
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected
    assert overlaps_any(left, right).tolist() == [
        row in {a for a, _ in expected} for row in range(60)
    ]


def test_touching_intervals_and_other_chromosomes_share_nothing() -> None:
    left = pd.DataFrame(
        {"chrom": ["chr1", "chr1"], "start": [0, 100], "end": [10, 110]}
    )
    right = pd.DataFrame(
        {
            "chrom": ["chr1", "chr2", "chr1"],
            "start": [10, 0, 110],
            "end": [100, 110, 120],
        }
    )
    assert not overlaps_any(left, right).any()
    for one, other in (
        (left.iloc[:0], right),
        (left, right.iloc[:0]),
        (left.iloc[:0], right.iloc[:0]),
    ):
        assert [len(part) for part in find_overlaps(one, other)] == [0, 0]


def test_margin_and_shift_of_sites() -> None:
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": [100, 200, 300], "end": [110, 210, 310]}
    )
    tss = pd.DataFrame({"chrom": "chr1", "tss": [109, 210], "gene": ["A", "B"]})
    assert holds_tss(regions, tss).tolist() == [True, False, False]
    assert holds_tss(regions, tss, margin=1).tolist() == [True, True, False]
    # moved by 100 bp, the first holds B's site and the second neither
    assert holds_tss(regions, tss, shift=101).tolist() == [True, False, False]
    assert holds_tss(regions, tss, shift=-100).tolist() == [False, True, False]
    assert tss_intervals(tss, 5)[["start", "end"]].to_numpy().tolist() == [
        [104, 115],
        [205, 216],
    ]
