"""One set of regions: against a plain iterative overlap removal, and its properties."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.genome.intervals import overlaps_any
from grnformer.prep.fragments.consensus import merge_peaks, read_blacklist

LENGTHS = {"chr1": 20_000, "chr2": 20_000}


def peaks(seed: int, n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "chrom": rng.choice(["chr1", "chr2"], n),
            "summit": rng.integers(0, 20_000, n),
            "score": rng.gamma(2.0, 5.0, n),
        }
    )
    return table.drop_duplicates(["chrom", "summit"])


def slowly(called: dict[str, pd.DataFrame], half: int) -> set[tuple[str, int]]:
    """Take the best, drop what overlaps it, again and again."""
    left = [
        (1e6 * row.score / frame["score"].sum(), row.chrom, row.summit)
        for frame in called.values()
        for row in frame.itertuples()
        if row.summit >= half and row.summit + half + 1 <= LENGTHS[row.chrom]
    ]
    kept = set()
    while left:
        _, chrom, summit = max(left)
        kept.add((chrom, summit))
        left = [p for p in left if p[1] != chrom or abs(p[2] - summit) > 2 * half]
    return kept


def test_it_is_iterative_overlap_removal() -> None:
    called = {"a": peaks(1), "b": peaks(2, n=40)}
    found = merge_peaks(called, LENGTHS, None, half_width=250)
    contracts.check(found, "consensus_peaks", where="test")
    assert set(zip(found["chrom"], found["start"] + 250, strict=True)) == slowly(
        called, 250
    )
    assert (found["end"] - found["start"] == 501).all()
    for _, part in found.groupby("chrom"):
        assert (part["start"].to_numpy()[1:] >= part["end"].to_numpy()[:-1]).all()


def test_depth_of_a_pseudobulk_does_not_decide() -> None:
    """A deep pseudobulk's scores are all higher; its share of the regions is not."""
    shallow = peaks(3)
    deep = shallow.assign(
        summit=shallow["summit"] + 100,
        score=50 * shallow["score"].sample(frac=1, random_state=1).to_numpy(),
    )
    found = merge_peaks(
        {"deep": deep, "shallow": shallow}, LENGTHS, None, half_width=250
    )
    assert 0.35 < (found["best_group"] == "deep").mean() < 0.65
    again = merge_peaks(
        {"deep": deep.assign(score=deep["score"] / 1000), "shallow": shallow},
        LENGTHS,
        None,
        half_width=250,
    )
    assert again["region"].tolist() == found["region"].tolist()


def test_order_of_rows_and_groups_does_not_matter() -> None:
    one = merge_peaks({"a": peaks(4), "b": peaks(5)}, LENGTHS, None, half_width=250)
    two = merge_peaks(
        {"b": peaks(5)[::-1], "a": peaks(4).sample(frac=1, random_state=0)},
        LENGTHS,
        None,
        half_width=250,
    )
    pd.testing.assert_frame_equal(one, two)


def test_groups_of_a_region_are_those_with_a_peak_there() -> None:
    called = {
        "a": pd.DataFrame(
            {"chrom": "chr1", "summit": [1000, 5000], "score": [5.0, 5.0]}
        ),
        "b": pd.DataFrame({"chrom": "chr1", "summit": [1300], "score": [1.0]}),
    }
    found = merge_peaks(called, LENGTHS, None, half_width=250).set_index("region")[
        "groups"
    ]
    assert found.to_dict() == {"chr1:1050-1551": "a;b", "chr1:4750-5251": "a"}


def test_blacklisted_peaks_are_left_out(tmp_path) -> None:
    (tmp_path / "list.bed").write_text(
        "chr1\t0\t9000\tHigh Signal\nchr1\t100\t200\tLow\nchr2\t19000\t20000\tHigh\n"
    )
    barred = read_blacklist(tmp_path / "list.bed", LENGTHS)
    found = merge_peaks({"a": peaks(6)}, LENGTHS, barred, half_width=250)
    assert not overlaps_any(found, barred).any()
    on_first = found["chrom"] == "chr1"
    assert on_first.any()
    assert found.loc[on_first, "start"].min() >= 9000


def test_overlaps_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    regions, others = (
        pd.DataFrame(
            {"chrom": rng.choice(["chr1", "chr2"], n), "start": rng.integers(0, 900, n)}
        ).assign(end=lambda t: t["start"] + rng.integers(1, 40, len(t)))
        for n in (200, 15)
    )
    expected = [
        any(
            o.chrom == r.chrom and r.start < o.end and o.start < r.end
            for o in others.itertuples()
        )
        for r in regions.itertuples()
    ]
    assert overlaps_any(regions, others).tolist() == expected


def test_what_cannot_be_merged(tmp_path) -> None:
    with pytest.raises(InputError, match="no pseudobulk of 1 has a peak"):
        merge_peaks({"a": peaks(1)[:0]}, LENGTHS, None, half_width=250)
    everything = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": 0, "end": 20_000})
    with pytest.raises(InputError, match="blacklist"):
        merge_peaks({"a": peaks(1)}, LENGTHS, everything, half_width=250)
    (tmp_path / "list.bed").write_text("1\t0\t9000\n")
    with pytest.raises(InputError, match="chromosomes of the fragments"):
        read_blacklist(tmp_path / "list.bed", LENGTHS)
    (tmp_path / "list.bed").write_text("a list\n")
    with pytest.raises(InputError, match="a BED"):
        read_blacklist(tmp_path / "list.bed", LENGTHS)
