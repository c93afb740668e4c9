"""eRegulons: leading edge and binarisations against direct versions, sign classes, a planted network, the funnel."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.grn.eregulons.binarise import binarise_links
from grnformer.grn.eregulons.build import build_eregulons
from grnformer.grn.eregulons.funnel import check_not_empty
from grnformer.grn.eregulons.leading_edge import leading_edge

SETTINGS = {
    "sign_pairs": ["+/+", "+/-", "-/+", "-/-"], "min_abs_rho_tf_gene": 0.03, "min_abs_rho_region_gene": 0.03,
    "sign_from_evidence": False, "keep_known_targets": False, "weak_signs": "left_out",
    "targets": "leading_edge", "order_links_by": "importance",
    "quantiles": [0.85, 0.9, 0.95], "top_regions": [2, 3], "basc": False, "binarise_each_sign": False,
    "min_targets": 5, "min_targets_each": False, "extended": "all",
}  # fmt: skip


def slow_leading_edge(scores, hits):
    """Walk down the whole ranking."""
    hits = set(hits)
    total = sum(scores[i] for i in hits)
    running, best, best_at, lowest = 0.0, 0.0, -1, 0.0
    for i in range(len(scores)):
        running += scores[i] / total if i in hits else -1 / (len(scores) - len(hits))
        lowest = min(lowest, running)
        if running > best + 1e-12:
            best, best_at = running, i
    if best <= -lowest + 1e-12:
        return [], 0.0
    return sorted(i for i in hits if i <= best_at), best


def test_leading_edge_equals_the_walk():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(2, 60))
        scores = np.sort(rng.gamma(0.5, size=n))[::-1]
        hits = np.flatnonzero(rng.random(n) < rng.random())
        hits = hits[: n - 1] if len(hits) else np.array([n - 1])
        edge, score = leading_edge(scores, hits)
        expected, expected_score = slow_leading_edge(scores, hits.tolist())
        assert score == pytest.approx(expected_score, abs=1e-9)
        assert edge.tolist() == expected


def test_leading_edge_of_top_and_bottom_sets():
    scores = np.linspace(1, 0.1, 100)
    edge, score = leading_edge(scores, np.array([0, 1, 2, 90]))
    assert edge.tolist() == [0, 1, 2]
    assert score > 0.9
    assert leading_edge(scores, np.array([99]))[0].size == 0


def test_binarisations_equal_pandas():
    rng = np.random.default_rng(1)
    gene = rng.integers(0, 12, 300)
    importance = rng.random(300)
    masks = binarise_links(
        gene, importance, quantiles=[0.85, 0.5], top_regions=[1, 5], basc=False
    )
    frame = pd.DataFrame({"gene": gene, "importance": importance})
    by_gene = frame.groupby("gene")["importance"]
    for q in (0.85, 0.5):
        assert np.array_equal(
            masks[f"quantile_{q}"], importance > by_gene.transform("quantile", q)
        )
    for top in (1, 5):
        assert np.array_equal(masks[f"top_{top}"], by_gene.rank(ascending=False) <= top)


def test_binarisation_of_single_regions_and_zeros():
    masks = binarise_links(
        np.array([0, 1, 1]),
        np.array([1.0, 0.0, 0.0]),
        quantiles=[0.9],
        top_regions=[2],
        basc=False,
    )
    assert masks["quantile_0.9"].tolist() == [True, False, False]
    assert masks["top_2"].tolist() == [True, False, False]


@pytest.fixture
def network():
    """Two TFs, 200 genes with 4 regions each. T1 activates genes 0-29 and represses 30-59 through their region 1."""
    rng = np.random.default_rng(2)
    genes = [f"g{i:03d}" for i in range(200)]
    importance = rng.random((2, 200)) * 0.01
    rho = rng.normal(0, 0.02, (2, 200)).clip(-0.029, 0.029)
    importance[0, :60] += 1
    # unbound genes, between the true targets and the other bound ones
    importance[0, 140:] += 0.02
    rho[0, :30], rho[0, 30:60] = 0.5, -0.5
    rho[0, 100:], rho[1] = 0.1, 0.1
    tf_gene = pd.DataFrame(
        {
            "tf": np.repeat(["T1", "T2"], 200), "gene": genes * 2,
            "importance": importance.ravel(), "rho": rho.ravel(),
        }
    )  # fmt: skip
    link_importance = np.tile([0.1, 0.7, 0.15, 0.05], 200)
    region_gene = pd.DataFrame(
        {
            "region": [f"chr1:{i}-{i + 1}" for i in range(800)],
            "gene": np.repeat(genes, 4),
            "distance": 0,
            "promoter": False,
            "importance": link_importance,
            "rho": np.tile([0.01, 0.4, -0.4, 0.4], 200),
            "weight": 0.5 + link_importance,
        }
    )
    known = region_gene[region_gene["gene"].isin(genes[:60] + genes[100:140])]
    cistromes = pd.DataFrame(
        {"tf": "T1", "region": known["region"], "gene": known["gene"], "annotation": "direct", "evidence": "prior:x",
         "sign": 0, "score": 1.0}
    )  # fmt: skip
    return tf_gene, region_gene, cistromes


def test_planted_network_and_signs_are_recovered(network):
    eregulons, funnel = build_eregulons(*network, ["T1", "T2"], **SETTINGS)
    contracts.check(eregulons, "eregulons", "test")
    contracts.check(funnel, "funnel", "test")
    assert eregulons.groupby("eregulon")["gene"].nunique().to_dict() == {
        f"T1_direct_{s1}/{s2}": 30 for s1 in "+-" for s2 in "+-"
    }
    up = eregulons[eregulons["eregulon"] == "T1_direct_+/+"]
    assert set(up["gene"]) == {f"g{i:03d}" for i in range(30)}
    # region 1 by every binarisation; region 3 (importance .05) by none; region 0 has no sign
    assert (up["region"].str.extract(r":(\d+)-")[0].astype(int) % 4 == 1).all()
    assert (up["tf_gene_rho"] == 0.5).all()
    assert (
        eregulons.loc[eregulons["eregulon"] == "T1_direct_-/-", "region_gene_rho"] < 0
    ).all()
    assert funnel["tfs"].tolist() == [2, 1, 1, 1, 1, 1]
    assert funnel["pairs"].tolist()[1] == 100


def test_only_chosen_sign_pairs_and_enough_targets(network):
    eregulons, _ = build_eregulons(
        *network, ["T1"], **SETTINGS | {"sign_pairs": ["-/+"]}
    )
    assert set(eregulons["eregulon"]) == {"T1_direct_-/+"}
    eregulons, funnel = build_eregulons(
        *network, ["T1"], **SETTINGS | {"min_targets": 31}
    )
    assert eregulons.empty
    assert funnel["tfs"].tolist()[-2:] == [1, 0]


def test_weak_correlations_take_the_sign_of_the_evidence(network):
    tf_gene, region_gene, cistromes = network
    weak = tf_gene["gene"].isin([f"g{i:03d}" for i in range(10)])
    tf_gene = tf_gene.assign(rho=tf_gene["rho"].mask(weak, 0.0))
    without, _ = build_eregulons(
        tf_gene, region_gene, cistromes.assign(sign=1), ["T1"], **SETTINGS
    )
    sizes = without.groupby("eregulon")["gene"].nunique()
    assert sizes["T1_direct_+/+"] == 20
    settings = SETTINGS | {"sign_from_evidence": True}
    known, _ = build_eregulons(
        tf_gene, region_gene, cistromes.assign(sign=1), ["T1"], **settings
    )
    sizes = known.groupby("eregulon")["gene"].nunique()
    assert sizes["T1_direct_+/+"] == 30
    # the evidence does not overrule a clear correlation
    assert sizes["T1_direct_-/+"] >= 28


def test_known_targets_need_no_leading_edge(network):
    tf_gene, region_gene, cistromes = network
    settings = SETTINGS | {"keep_known_targets": True, "sign_pairs": ["+/+"]}
    absent = tf_gene[~tf_gene["gene"].isin(["g000", "g001"])]
    found, _ = build_eregulons(
        absent, region_gene, cistromes.assign(sign=1), ["T1"], **settings
    )
    pairs = found.drop_duplicates("gene").set_index("gene")
    # clear negative correlations (30-59) stay out; weakly ranked (100-139) and unweighted (0, 1) targets are in
    assert set(pairs.index) == {f"g{i:03d}" for i in [*range(30), *range(100, 140)]}
    assert pairs.loc[
        ["g000", "g001"], ["tf_gene_weight", "tf_gene_rho"]
    ].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert (pairs["tf_gene_weight"].drop(["g000", "g001"]) > 0).all()
    unsigned, _ = build_eregulons(absent, region_gene, cistromes, ["T1"], **settings)
    assert unsigned["gene"].nunique() == 28


def test_links_can_be_ordered_by_correlation(network):
    tf_gene, region_gene, cistromes = network
    region_gene = region_gene.assign(rho=np.tile([0.01, 0.4, -0.4, 0.6], 200))
    found, _ = build_eregulons(
        tf_gene,
        region_gene,
        cistromes,
        ["T1"],
        **SETTINGS | {"order_links_by": "rho", "quantiles": [], "top_regions": [1]},
    )
    assert (found["region"].str.extract(r":(\d+)-")[0].astype(int) % 4 == 3).all()
    with pytest.raises(InputError, match="order_links_by"):
        build_eregulons(*network, ["T1"], **SETTINGS | {"order_links_by": "taste"})


def test_evidence_for_a_region_holds_for_all_its_genes(network):
    tf_gene, region_gene, cistromes = network
    shared = region_gene.assign(
        region=region_gene["region"].where(region_gene.index % 4 != 1, "chr2:1-2")
    )
    shared = shared.drop_duplicates(["region", "gene"])
    for_region = cistromes.iloc[:1].assign(region="chr2:1-2", gene=None)
    eregulons, _ = build_eregulons(tf_gene, shared, for_region, ["T1"], **SETTINGS)
    assert set(eregulons.loc[eregulons["eregulon"] == "T1_direct_+/+", "gene"]) >= {
        f"g{i:03d}" for i in range(30)
    }


def test_row_order_does_not_matter(network):
    tf_gene, region_gene, cistromes = network
    one, _ = build_eregulons(tf_gene, region_gene, cistromes, ["T1"], **SETTINGS)
    two, _ = build_eregulons(
        tf_gene.iloc[::-1],
        region_gene.sample(frac=1, random_state=1),
        cistromes.iloc[::-1],
        ["T1"],
        **SETTINGS,
    )
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("change", "rule", "key"),
    [
        (lambda t, r, c: (t, r, c.iloc[:0]), "build_cistromes", "min_abs_rho"),
        (
            lambda t, r, c: (t, r.assign(rho=0.0), c),
            "link_regions",
            "min_abs_rho_region_gene",
        ),
        (
            lambda t, r, c: (t[t["tf"] == "T2"], r, c),
            "infer_tf_gene",
            "min_abs_rho_tf_gene",
        ),
    ],
)
def test_an_empty_result_names_the_rule_that_emptied_it(network, change, rule, key):
    eregulons, funnel = build_eregulons(*change(*network), ["T1", "T2"], **SETTINGS)
    assert eregulons.empty
    with pytest.raises(InputError, match=f"{rule} emptied the run") as caught:
        check_not_empty(funnel)
    assert key in caught.value.remedy


def test_a_set_found_at_the_bottom_has_no_leading_edge():
    """Its running sum falls further below 0 than it rises above: a negative score in GSEA."""
    scores = np.linspace(1, 0.5, 50)
    assert leading_edge(scores, np.array([0, *range(40, 50)]))[0].size == 0
    assert leading_edge(scores, np.array([*range(10), 49]))[0].size == 10


def test_extended_cistromes_make_eregulons_of_their_own(network):
    tf_gene, region_gene, cistromes = network
    both = pd.concat(
        [cistromes, cistromes.assign(annotation="extended", evidence="prior:y")],
        ignore_index=True,
    )
    both = both[
        (both["annotation"] == "extended")
        | both["gene"].isin([f"g{i:03d}" for i in range(30)])
    ]
    found, _ = build_eregulons(tf_gene, region_gene, both, ["T1"], **SETTINGS)
    contracts.check(found, "eregulons", "test")
    kinds = found.groupby("eregulon")["annotation"].agg(set)
    assert set(kinds.index) == {
        *(f"T1_direct_+/{s}" for s in "+-"), *(f"T1_extended_{s1}/{s2}" for s1 in "+-" for s2 in "+-")
    }  # fmt: skip
    assert all(kinds[name] == {name.split("_")[1]} for name in kinds.index)
    assert (found.groupby("annotation")["triplet_rank"].min() == 1).all()
    other, funnel = build_eregulons(
        tf_gene, region_gene, both, ["T1"], **SETTINGS | {"extended": "without_direct"}
    )
    assert set(other["eregulon"]) == {
        *(f"T1_direct_+/{s}" for s in "+-"),
        *(f"T1_extended_-/{s}" for s in "+-"),
    }
    assert funnel["pairs"].iloc[-1] == 60
    none, _ = build_eregulons(
        tf_gene, region_gene, both, ["T1"], **SETTINGS | {"extended": "none"}
    )
    assert set(none["annotation"]) == {"direct"}
    with pytest.raises(InputError, match="extended"):
        build_eregulons(
            tf_gene, region_gene, both, ["T1"], **SETTINGS | {"extended": "some"}
        )


def test_links_of_either_sign_can_be_binarised_by_themselves(network):
    """The one negative link of a gene is its best negative one, though two positive ones are better."""
    tf_gene, region_gene, cistromes = network
    settings = SETTINGS | {"quantiles": [], "top_regions": [1], "sign_pairs": ["+/-"]}
    together, _ = build_eregulons(tf_gene, region_gene, cistromes, ["T1"], **settings)
    assert together.empty
    apart, _ = build_eregulons(
        tf_gene,
        region_gene,
        cistromes,
        ["T1"],
        **settings | {"binarise_each_sign": True},
    )
    assert apart["gene"].nunique() == 30
    assert (apart["region"].str.extract(r":(\d+)-")[0].astype(int) % 4 == 2).all()


def test_each_binarisation_can_be_asked_for_enough_targets(network):
    """Two binarisations of 16 genes each have 30 together."""
    tf_gene, region_gene, cistromes = network
    half = region_gene["gene"].isin([f"g{i:03d}" for i in range(0, 60, 2)])
    links = region_gene.assign(
        importance=np.where(
            half, np.tile([0.9, 0.7, 0.8, 0.05], 200), region_gene["importance"]
        )
    )
    settings = SETTINGS | {
        "quantiles": [],
        "top_regions": [1],
        "sign_pairs": ["+/+"],
        "min_targets": 16,
    }
    united, _ = build_eregulons(
        tf_gene, links, cistromes, ["T1"], **settings | {"top_regions": [1, 3]}
    )
    assert united["gene"].nunique() == 30
    assert build_eregulons(tf_gene, links, cistromes, ["T1"], **settings)[0].empty
    each = settings | {"top_regions": [1, 3], "min_targets_each": True}
    found, _ = build_eregulons(tf_gene, links, cistromes, ["T1"], **each)
    assert found["gene"].nunique() == 30
    found, _ = build_eregulons(
        tf_gene, links, cistromes, ["T1"], **each | {"min_targets": 31}
    )
    assert found.empty


def test_all_targets_of_a_cistrome_are_kept_and_the_weak_activate(network):
    tf_gene, region_gene, cistromes = network
    absent = tf_gene[tf_gene["gene"] != "g000"]
    weak = {"targets": "all", "weak_signs": "activating", "order_links_by": "weight"}
    found, _ = build_eregulons(
        absent, region_gene, cistromes, ["T1"], **SETTINGS | weak | {"top_regions": [4]}
    )
    genes = found.groupby("eregulon")["gene"].agg(set)
    # clear correlations keep their sign; all other targets of the cistrome, also one without importance, activate
    repressed = {f"g{i:03d}" for i in range(30, 60)}
    assert genes["T1_direct_-/+"] == repressed
    assert genes["T1_direct_+/+"] == set(cistromes["gene"]) - repressed
    # of the gene's links the one without a sign is in, the negative one is not; each weighs its score
    of_one = found[(found["gene"] == "g000") & (found["eregulon"] == "T1_direct_+/+")]
    assert of_one["region_gene_rho"].tolist() == [0.01, 0.4, 0.4]
    assert of_one["region_gene_weight"].tolist() == [0.6, 1.2, 0.55]
    assert (of_one["tf_gene_weight"] == 0).all()

    # by correlation alone: bound genes of a clear sign stay, though importance ranks them behind unbound ones
    signed, _ = build_eregulons(
        *network, ["T1"], **SETTINGS | {"targets": "all", "sign_pairs": ["+/+"]}
    )
    assert set(signed["gene"]) == {f"g{i:03d}" for i in [*range(30), *range(100, 140)]}
