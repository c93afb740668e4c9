"""Search windows, distances and their signs, by hand cases."""

import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.grn.region_gene.windows import find_pairs


def table(kind, rows):
    columns = {
        "regions": ["chrom", "start", "end"],
        "tss": ["gene", "chrom", "tss", "strand"],
    }[kind]
    return pd.DataFrame(rows, columns=columns)


def pairs(regions, tss, genes, window=1000, min_window=100, stop_at_neighbours=False):
    found = find_pairs(
        table("regions", regions),
        table("tss", tss),
        genes,
        window=window,
        min_window=min_window,
        stop_at_neighbours=stop_at_neighbours,
    )
    return {(genes[g], r): d for g, r, d in found.itertuples(index=False)}


def test_distance_and_window_edges():
    regions = [
        ("chr1", 5000, 5010),  # holds the TSS
        ("chr1", 4000, 4001),  # last base 1000 bp left
        ("chr1", 3999, 4000),  # 1001 bp left
        ("chr1", 6000, 6500),  # first base 1000 bp right
        ("chr1", 6001, 6500),
        ("chr2", 5000, 5010),
    ]
    forward = pairs(regions, [("A", "chr1", 5000, "+")], ["A"])
    assert forward == {("A", 0): 0, ("A", 1): -1000, ("A", 3): 1000}
    reverse = pairs(regions, [("A", "chr1", 5000, "-")], ["A"])
    assert reverse == {("A", 0): 0, ("A", 1): 1000, ("A", 3): -1000}


def test_wide_region_far_left_start_is_found():
    assert pairs(
        [("chr1", 10, 4500), ("chr1", 4600, 4601)], [("A", "chr1", 5000, "+")], ["A"]
    ) == {
        ("A", 0): -501,
        ("A", 1): -400,
    }


def test_nearest_tss_of_the_gene_counts():
    sites = [
        ("A", "chr1", 1000, "+"),
        ("A", "chr1", 3000, "+"),
        ("B", "chr1", 2100, "-"),
    ]
    found = pairs([("chr1", 2000, 2051)], sites, ["A", "B"], window=5000)
    assert found == {("A", 0): -950, ("B", 0): 50}


def test_window_ends_at_neighbouring_gene():
    sites = [
        ("A", "chr1", 5000, "+"),
        ("A", "chr1", 5400, "+"),
        ("B", "chr1", 5600, "+"),
        ("C", "chr1", 9000, "+"),
    ]
    regions = [
        ("chr1", 5550, 5560),
        ("chr1", 5595, 5605),
        ("chr1", 5700, 5710),
        ("chr1", 5450, 5460),
    ]
    free = pairs(regions, sites, ["A", "B", "C"], window=1000)
    assert set(free) == {(g, r) for g in "AB" for r in range(4)}
    bounded = pairs(
        regions, sites, ["A", "B", "C"], window=1000, stop_at_neighbours=True
    )
    # region 1 holds B's TSS and region 2 lies behind it; A's own second TSS is no border
    assert set(bounded) == {("A", 0), ("A", 3), ("B", 0), ("B", 1), ("B", 2), ("B", 3)}
    assert bounded["A", 0] == 150
    # C is far, but were it not analysed nothing would change; without B nothing stops A
    assert ("A", 2) in pairs(
        regions, sites, ["A", "C"], window=1000, stop_at_neighbours=True
    )


def test_borders_are_those_of_scenicplus():
    """A region that begins before the neighbour's promoter (its TSS and 10 bp) is in; one that begins in it is not."""
    sites = [
        ("A", "chr1", 5000, "+"),
        ("B", "chr1", 5600, "+"),
        ("C", "chr1", 4400, "-"),
    ]
    regions = [
        ("chr1", 5589, 5900),
        ("chr1", 5590, 5900),
        ("chr1", 4000, 4412),
        ("chr1", 4000, 4411),
    ]
    found = pairs(regions, sites, ["A", "B", "C"], stop_at_neighbours=True)
    assert {r for gene, r in found if gene == "A"} == {0, 2}


def test_a_neighbour_between_the_genes_own_promoters_does_not_stop_it():
    sites = [
        ("A", "chr1", 5000, "+"),
        ("B", "chr1", 5200, "-"),
        ("A", "chr1", 5400, "+"),
        ("C", "chr1", 5900, "+"),
    ]
    regions = [
        ("chr1", 4700, 4710),
        ("chr1", 5295, 5305),
        ("chr1", 5700, 5710),
        ("chr1", 5950, 5960),
    ]
    found = pairs(regions, sites, ["A", "B", "C"], stop_at_neighbours=True)
    assert {r for gene, r in found if gene == "A"} == {0, 1, 2}
    assert {r for gene, r in found if gene == "B"} == {1}


def test_min_window_goes_past_a_neighbour():
    sites = [("A", "chr1", 5000, "+"), ("B", "chr1", 5050, "-")]
    regions = [("chr1", 5090, 5095), ("chr1", 5200, 5300)]
    found = pairs(regions, sites, ["A", "B"], stop_at_neighbours=True, min_window=100)
    assert ("A", 0) in found
    assert ("A", 1) not in found


def test_pairs_do_not_depend_on_row_order():
    sites = [("A", "chr1", 5000, "+"), ("B", "chr1", 6000, "-"), ("A", "chr2", 10, "+")]
    regions = [("chr1", 100 * i, 100 * i + 50) for i in range(80)] + [("chr2", 0, 20)]
    one = pairs(regions, sites, ["A", "B"])
    two = pairs(regions[::-1], sites[::-1], ["B", "A"])
    assert {(g, regions[r]): d for (g, r), d in one.items()} == {
        (g, regions[::-1][r]): d for (g, r), d in two.items()
    }


def test_wrong_inputs():
    with pytest.raises(InputError, match="chromosome names of one style"):
        pairs([("1", 0, 10)], [("A", "chr1", 5, "+")], ["A"])
    with pytest.raises(InputError, match="has a TSS"):
        pairs([("chr1", 0, 10)], [("A", "chr1", 5, "+")], ["ENSG1"])
