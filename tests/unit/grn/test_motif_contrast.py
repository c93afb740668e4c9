"""Motif scores of region sets against their background, beside scipy and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu, ranksums
from sklearn.metrics import roc_curve

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.genome.intervals import holds_tss
from grnformer.genome.rankings import (
    open_rankings,
    open_scores,
    write_rankings,
    write_scores,
)
from grnformer.genome.regions import parse_database_regions
from grnformer.genome.scan import scan_regions
from grnformer.grn.cistromes.build import build_cistromes
from grnformer.grn.enrichment.contrast import (
    best_threshold,
    contrast_regions,
    draw_background,
    rank_sum_p,
)

SETTINGS = {
    "kinds": [], "background": "sets", "max_background": None, "promoter": None, "correct_ties": False,
    "adjusted_p": 0.05, "log2_fold_change": 0.5, "min_mean": 0.0, "hit_threshold": None, "min_overlap": 0.4,
    "min_regions": 10, "min_mapped": 0.2, "seed": 1,
}  # fmt: skip
TSS = pd.DataFrame(
    {"gene": ["A", "B"], "chrom": ["chr1", "chr2"], "tss": [5000, 70], "strand": "+"}
)


def test_rank_sums_are_scipys_with_and_without_ties():
    rng = np.random.default_rng(0)
    inside = np.maximum(rng.normal(0.3, 1, (40, 70)), 0).astype(np.float32)
    outside = np.maximum(rng.normal(0, 1, (40, 90)), 0).astype(np.float32)
    inside[:10] += rng.random((10, 70))
    expected = [ranksums(a, b).pvalue for a, b in zip(inside, outside, strict=True)]
    np.testing.assert_allclose(
        rank_sum_p(inside, outside, correct_ties=False), expected, rtol=1e-10
    )
    inside[-1] = outside[-1] = 0
    corrected = [
        mannwhitneyu(
            a.astype(float), b.astype(float), use_continuity=False, method="asymptotic"
        ).pvalue
        for a, b in zip(inside[:-1], outside[:-1], strict=True)
    ]
    np.testing.assert_allclose(
        rank_sum_p(inside, outside, correct_ties=True), [*corrected, 1], rtol=1e-10
    )


def test_the_threshold_is_youdens():
    rng = np.random.default_rng(1)
    inside, outside = rng.gamma(3, 2, 200), rng.gamma(2, 2, 300)
    inside[:20] = outside[:50] = 0
    false, true, thresholds = roc_curve(
        [1] * 180 + [0] * 250, np.r_[inside[20:], outside[50:]]
    )
    taken = thresholds[np.argmax(true - false)]
    least = best_threshold(inside, outside)
    assert least in inside or least in outside
    assert ((inside > least) == (inside >= taken)).all()
    assert best_threshold(inside, np.zeros(3)) == 0
    one_word = np.repeat([9.0, 4.0, 0.0], [60, 20, 20])  # sites of one word score alike
    assert best_threshold(one_word, np.repeat([4.0, 0.0], [30, 70])) == 4


def test_background_is_not_the_sets_own_and_has_no_greater_fraction_of_promoters():
    near = np.arange(100) < 40
    own, candidates = np.r_[0:5, 60:75], np.arange(100)
    drawn = draw_background(own, candidates, near, 40, np.random.default_rng(0))
    assert not set(drawn) & set(own)
    assert len(drawn) == len(set(drawn)) == 40
    assert near[drawn].sum() == 10  # 5 of the set's 20
    assert (
        len(draw_background(own, candidates, near, None, np.random.default_rng(0)))
        == 15 + 45
    )  # 15 of 60 promoters, as 5 of 20
    no_promoters = np.zeros(100, bool)
    assert draw_background(
        own, candidates, no_promoters, None, np.random.default_rng(0)
    ).tolist() == sorted(set(range(100)) - set(own))


def test_background_of_few_regions_beside_promoters_has_fewer_promoters():
    """Half of the set are promoters; beside 50 promoters there are 20 other regions to draw."""
    near = np.arange(90) < 60
    own, candidates = np.r_[0:10, 60:70], np.arange(90)
    drawn = draw_background(own, candidates, near, None, np.random.default_rng(0))
    assert near[drawn].sum() == (~near[drawn]).sum() == 20
    only_promoters = draw_background(
        own, np.arange(60), near, None, np.random.default_rng(0)
    )
    assert len(only_promoters) == 0


def test_background_has_no_greater_fraction_of_promoters_in_any_case():
    """Random sets and candidates: the promise holds, and one more promoter would break it or is not there."""
    rng = np.random.default_rng(3)
    short = 0
    for _ in range(3000):
        n_regions = int(rng.integers(2, 80))
        near = rng.random(n_regions) < rng.choice([0, 0.1, 0.5, 0.9, 1])
        own = rng.choice(n_regions, int(rng.integers(1, n_regions)), replace=False)
        candidates = rng.choice(
            n_regions, int(rng.integers(1, n_regions + 1)), replace=False
        )
        at_most = rng.choice([None, 1, 5, 30])
        drawn = draw_background(own, candidates, near, at_most, rng)

        others = np.setdiff1d(candidates, own)
        wanted = len(others) if at_most is None else min(at_most, len(others))
        assert set(drawn) <= set(others)
        assert len(drawn) == len(set(drawn)) <= wanted
        promoters = int(near[drawn].sum())
        # products of counts, so that no rounding decides
        assert promoters * len(own) <= near[own].sum() * len(drawn)
        more_breaks = (promoters + 1) * len(own) > near[own].sum() * (len(drawn) + 1)
        assert more_breaks or promoters == near[others].sum() or len(drawn) == wanted
        short += len(drawn) < wanted
    assert short > 300


def test_promoters_lie_near_a_tss():
    regions = [
        "chr1:3000-4002",
        "chr1:2000-3999",
        "chr1:6000-6100",
        "chr1:6001-6100",
        "chr2:0-10",
        "chr3:0-9",
    ]
    near = holds_tss(parse_database_regions(regions, "test"), TSS, margin=1000)
    assert near.tolist() == [True, False, True, False, True, False]


@pytest.fixture
def planted(tmp_path):
    """300 regions x 25 motifs; m0 scores high in the first 40, m1 in the next 40, m2 everywhere; two sets."""
    rng = np.random.default_rng(2)
    scores = np.where(rng.random((300, 25)) < 0.3, rng.gamma(2, 2, (300, 25)), 0)
    scores[:40, 0] += rng.gamma(4, 3, 40)
    scores[40:80, 1] += rng.gamma(4, 3, 40)
    scores[:, 2] += 9
    names = [f"chr1:{1000 * i}-{1000 * i + 500}" for i in range(300)]
    path = tmp_path / "x.regions_vs_motifs.scores.feather"
    write_scores(path, scores, [f"m{i}" for i in range(25)], names)
    chosen = {"T": [*range(40), *range(200, 220)], "U": range(40, 100)}
    sets = pd.concat(
        pd.DataFrame(
            {
                "kind": "dar",
                "set": name,
                "region": [names[i] for i in rows],
                "score": 1.0,
            }
        )
        for name, rows in chosen.items()
    )
    return open_scores(path), sets, scores.astype(np.float32), chosen


ANNOTATIONS = pd.DataFrame(
    [
        ("m0", "GATA1", "direct"),
        ("m1", "GATA2", "similarity"),
        ("m2", "SPI1", "direct"),
    ],
    columns=["motif", "tf", "evidence"],
)


def test_planted_motifs_are_found_as_the_definition_says(planted):
    database, sets, scores, chosen = planted
    found = contrast_regions(database, sets, ANNOTATIONS, TSS, **SETTINGS)
    contracts.check(found, "motif_enrichment", where="test")
    assert found.loc[found["set"] == "T", "motif"].tolist()[0] == "m0"
    assert found.loc[found["set"] == "U", "motif"].tolist()[0] == "m1"
    assert "m2" not in set(found["motif"])
    inside, outside = scores[list(chosen["T"])], scores[list(chosen["U"])]
    adjusted = false_discovery_control(ranksums(inside, outside, axis=0).pvalue)
    change = np.log2((inside.mean(axis=0) + 1e-12) / (outside.mean(axis=0) + 1e-12))
    row = found[(found["set"] == "T") & (found["motif"] == "m0")].iloc[0]
    assert row["adjusted_p"] == pytest.approx(adjusted[0], rel=1e-6)
    assert row["log2_fold_change"] == row["score"] == pytest.approx(change[0], rel=1e-5)
    assert row["mean_background"] == pytest.approx(outside[:, 0].mean(), rel=1e-5)
    hits = {i for i in chosen["T"] if scores[i, 0] > row["hit_threshold"]}
    assert {
        int(name.split(":")[1].split("-")[0]) // 1000 for name in row["regions"]
    } == hits
    assert len(hits & set(range(40))) >= 25

    links = pd.DataFrame({"region": sets["region"].unique(), "gene": "G", "rho": 0.5})
    build = {
        "method": "dem",
        "min_abs_rho": 0.05,
        "region_set_kinds": [],
        "settings": {},
    }
    cistromes = build_cistromes(
        links, ["GATA1", "GATA2"], pd.DataFrame(), sets, found, **build
    )
    contracts.check(cistromes, "cistromes", where="test")
    assert set(cistromes["evidence"]) == {"dem:m0", "dem:m1"}


def test_background_of_the_database_and_a_given_threshold(planted):
    database, sets, scores, _ = planted
    changes = {
        "background": "database",
        "max_background": 100,
        "promoter": 1000,
        "hit_threshold": 5.0,
    }
    found = contrast_regions(database, sets, ANNOTATIONS, TSS, **SETTINGS | changes)
    row = found[(found["set"] == "T") & (found["motif"] == "m0")].iloc[0]
    assert row["hit_threshold"] == 5.0
    assert len(row["regions"]) == (scores[[*range(40), *range(200, 220)], 0] > 5).sum()
    again = contrast_regions(
        database, sets[::-1], ANNOTATIONS, TSS, **SETTINGS | changes
    )
    pd.testing.assert_frame_equal(again, found)
    other = contrast_regions(
        database, sets, ANNOTATIONS, TSS, **SETTINGS | changes | {"seed": 2}
    )
    assert not other["mean_background"].equals(found["mean_background"])


def test_contrast_says_why_there_is_none(planted, tmp_path):
    database, sets, _, _ = planted
    with pytest.raises(InputError, match="no motif of 25 differs in any of 2"):
        contrast_regions(
            database, sets, ANNOTATIONS, TSS, **SETTINGS | {"log2_fold_change": 20}
        )
    with pytest.raises(InputError, match="none of 1 region sets has a background"):
        contrast_regions(
            database, sets[sets["set"] == "T"], ANNOTATIONS, TSS, **SETTINGS
        )
    with pytest.raises(InputError, match="background is 'all'"):
        contrast_regions(
            database, sets, ANNOTATIONS, TSS, **SETTINGS | {"background": "all"}
        )
    write_rankings(
        tmp_path / "r.feather",
        np.zeros((3, 2)),
        ["a", "b"],
        ["chr1:0-1", "chr1:2-3", "chr1:4-5"],
    )
    with pytest.raises(InputError, match="database of scores"):
        open_scores(tmp_path / "r.feather")
    with pytest.raises(InputError, match="database of rankings"):
        open_rankings(database.path)
    write_scores(tmp_path / "n.feather", np.full((1, 1), -0.5), ["a"], ["chr1:0-1"])
    with pytest.raises(InputError, match=r"scores from -0\.5"):
        open_scores(tmp_path / "n.feather").load(["chr1:0-1"])


def test_a_set_with_little_or_no_background_is_named(planted, caplog):
    """No region of set V is a promoter, and all others but the last five are."""
    database, sets, _, _ = planted
    last = pd.DataFrame(
        {"kind": "dar", "set": "V", "region": database.features[285:295], "score": 1.0}
    )
    starts = pd.DataFrame(
        {
            "gene": "A",
            "chrom": "chr1",
            "tss": np.arange(0, 285_000, 1000),
            "strand": "+",
        }
    )
    changes = {"promoter": 0, "adjusted_p": 1.0, "log2_fold_change": 0.0}
    contrast_regions(
        database,
        last,
        ANNOTATIONS,
        starts,
        **SETTINGS | changes | {"background": "database"},
    )
    assert "dar V: only 5 regions are its background" in caplog.text

    both = pd.concat([sets[sets["set"] == "T"], last])
    with pytest.raises(InputError, match="none of 2 region sets has a background"):
        contrast_regions(database, both, ANNOTATIONS, starts, **SETTINGS | changes)
    assert "dar V is left out: no region is its background" in caplog.text


def test_a_set_alone_of_its_kind_is_compared_with_sets_of_other_kinds(planted):
    database, sets, _, _ = planted
    apart = sets.assign(kind=np.where(sets["set"] == "T", "dar", "topic_top"))
    columns = ["set", "motif", "log2_fold_change", "adjusted_p"]
    expected = contrast_regions(database, sets, ANNOTATIONS, TSS, **SETTINGS)[columns]
    pd.testing.assert_frame_equal(
        contrast_regions(database, apart, ANNOTATIONS, TSS, **SETTINGS)[columns],
        expected,
    )


def test_planted_binding_of_a_simulated_genome_is_recovered(planted_genome, tmp_path):
    """The regions of each cell type, half of them bound by none of its TFs, against all others of the genome."""
    genome = planted_genome
    _, scores = scan_regions(genome.motifs, genome.sequences, max_p=2e-5, seed=1)
    path = tmp_path / "own.regions_vs_motifs.scores.feather"
    write_scores(
        path, scores, list(genome.motifs), list(genome.simulation.regions["region"])
    )
    changes = {"background": "database", "promoter": 1000, "correct_ties": True}
    found = contrast_regions(
        open_scores(path),
        genome.sets,
        genome.annotations,
        genome.simulation.tss,
        **SETTINGS | changes,
    )
    assert not found["motif"].str.startswith("decoy").any()
    pairs = set(
        found.explode("tfs_direct")
        .explode("regions")[["set", "tfs_direct", "regions"]]
        .itertuples(index=False, name=None)
    )
    true = set(
        genome.bound[["cell_types", "tf", "region"]].itertuples(index=False, name=None)
    )
    # one of 12 TFs at a region that is bound by one or two: chance is about 1 in 10
    assert len(pairs & true) > 0.5 * len(pairs)
    assert len(pairs & true) > 0.4 * len(true)
