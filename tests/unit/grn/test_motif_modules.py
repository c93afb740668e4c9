"""Modules of co-expressed genes, pruned by motifs, as cistromes of genes."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.genome.rankings import open_rankings, write_rankings
from grnformer.grn.cistromes.build import build_cistromes
from grnformer.grn.enrichment.enrich_modules import enrich_modules
from grnformer.grn.enrichment.modules import Module, make_modules

CUTS = {
    "percentiles": [0.5], "top_targets": [2], "top_regulators": [1], "min_genes": 3, "min_abs_rho": 0.03,
    "repressing": True,
}  # fmt: skip
THRESHOLDS = {
    "auc_threshold": 0.05,
    "rank_threshold": 80,
    "nes_threshold": 3.0,
    "min_mapped": 0.8,
}


def modules_of(pairs, **changes):
    table = pd.DataFrame(pairs, columns=["tf", "gene", "importance", "rho"])
    found = make_modules(table, **CUTS | {"min_genes": 2} | changes)
    return {(m.tf, m.sign, m.cut): m.genes for m in found}


PAIRS = [
    ("A", "g1", 8.0, 0.5), ("A", "g2", 7.0, 0.4), ("A", "g3", 6.0, 0.2), ("A", "g4", 5.0, -0.5), ("A", "g5", 9.0, 0.01),
    ("B", "g1", 9.0, 0.3), ("B", "g2", 1.0, 0.3), ("B", "g9", 0.0, 0.9),
]  # fmt: skip


def test_modules_are_cut_by_importance_by_tf_and_by_gene():
    # the median of the seven importances above 0 is 7: above it are g5 without a sign, A-g1 and B-g1
    assert modules_of(PAIRS) == {
        ("A", 1, "weight>50.0%"): ("g1", "A"),
        ("B", 1, "weight>50.0%"): ("g1", "B"),
        ("A", 1, "top2"): ("g1", "g2", "A"),
        ("B", 1, "top2"): ("g1", "g2", "B"),
        ("A", 1, "top1perTarget"): ("g2", "g3", "A"),
        ("B", 1, "top1perTarget"): ("g1", "B"),
        ("A", -1, "top2"): ("g4", "A"),
        ("A", -1, "top1perTarget"): ("g4", "A"),
    }
    assert set(modules_of(PAIRS, min_genes=3, repressing=False).values()) == {
        ("g1", "g2", "A"), ("g1", "g2", "B"), ("g2", "g3", "A")
    }  # fmt: skip
    with pytest.raises(
        InputError, match=r"no module of 9 genes in 7 TF-gene pairs .the largest has 3"
    ):
        modules_of(PAIRS, min_genes=9)


@pytest.fixture
def database(tmp_path):
    """400 genes x 30 motifs, genes 0 to 19 at the top of `m0`, 20 to 29 at that of `m1`."""
    rng = np.random.default_rng(3)
    ranks = np.stack([rng.permutation(400) for _ in range(30)], axis=1)
    ranks[:, 0] = np.arange(400)
    ranks[:, 1] = (np.arange(400) - 20) % 400
    write_rankings(
        tmp_path / "small.genes_vs_motifs.rankings.feather", ranks, [f"m{i}" for i in range(30)],
        [f"g{i}" for i in range(400)],
    )  # fmt: skip
    return open_rankings(tmp_path / "small.genes_vs_motifs.rankings.feather")


ANNOTATIONS = pd.DataFrame(
    [
        ("m0", "A", "direct"),
        ("m0", "B", "similarity"),
        ("m1", "A", "orthology"),
        ("m5", "C", "direct"),
    ],
    columns=["motif", "tf", "evidence"],
)


def module(tf, *numbers, sign=1, cut="top50"):
    return Module(tf, sign, cut, (*(f"g{i}" for i in numbers), tf))


def test_leading_edges_of_a_tfs_own_motifs_are_its_regulon(database):
    near_m0 = module("A", *range(15), *range(300, 320))
    near_m1 = module("A", *range(20, 30), *range(310, 320), cut="top5perTarget")
    strange = module("C", *range(15), *range(300, 320))  # m0 is not C's
    unmapped = Module(
        "B",
        1,
        "top50",
        (*(f"g{i}" for i in range(15)), *(f"x{i}" for i in range(5)), "B"),
    )
    enriched = enrich_modules(
        [database], [near_m0, near_m1, strange, unmapped], ANNOTATIONS, **THRESHOLDS
    )
    contracts.check(enriched, "module_enrichment", where="test")
    found = enriched.set_index("motif")
    assert found["annotation"].to_dict() == {"m0": "direct", "m1": "extended"}
    assert found["genes"].to_dict() == {
        "m0": sorted(near_m0.genes[:15]),
        "m1": sorted(near_m1.genes[:10]),
    }
    assert found["rank_at_max"].to_dict() == {"m0": 14, "m1": 9}
    assert set(found["database"]) == {"small"}

    no_links = pd.DataFrame({"region": [], "gene": [], "rho": []})
    settings = {
        "method": "cistarget_genes",
        "min_abs_rho": 0.5,
        "region_set_kinds": ["dar"],
        "settings": {},
    }
    cistromes = build_cistromes(
        no_links, ["A", "g3"], pd.DataFrame(), pd.DataFrame(), enriched, **settings
    )
    contracts.check(cistromes, "cistromes", where="test")
    assert cistromes.groupby("annotation")["gene"].agg(set).to_dict() == {
        "direct": set(near_m0.genes[:15]),
        "extended": set(near_m0.genes[:15]) | set(near_m1.genes[:10]),
    }
    assert set(cistromes["region"]) == {""}
    assert cistromes.groupby("evidence")["gene"].nunique().to_dict() == {
        "cistarget_genes:m0": 15,
        "cistarget_genes:m1": 10,
    }
    assert cistromes["sign"].eq(1).all()
    with pytest.raises(
        InputError, match="enriched modules of 1 TFs, none of the 1 TFs"
    ):
        build_cistromes(
            no_links, ["C"], pd.DataFrame(), pd.DataFrame(), enriched, **settings
        )


def test_a_tf_is_no_target_of_itself_and_an_extended_repeat_is_not_made(database):
    own = Module(
        "g0",
        1,
        "top50",
        (*(f"g{i}" for i in range(15)), *(f"g{i}" for i in range(300, 320)), "g0"),
    )
    own = Module("g0", -1, "top50", tuple(dict.fromkeys(own.genes)))
    table = pd.DataFrame([("m0", "g0", "direct")], columns=["motif", "tf", "evidence"])
    enriched = enrich_modules([database], [own], table, **THRESHOLDS)
    assert "g0" in enriched["genes"][0]
    settings = {
        "method": "cistarget_genes",
        "min_abs_rho": 0.5,
        "region_set_kinds": [],
        "settings": {},
    }
    empty = pd.DataFrame({"region": [], "gene": [], "rho": []})
    cistromes = build_cistromes(empty, ["g0"], empty, empty, enriched, **settings)
    assert set(cistromes["gene"]) == {f"g{i}" for i in range(1, 15)}
    assert set(cistromes["annotation"]) == {"direct"}
    assert set(cistromes["sign"]) == {-1}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"nes_threshold": 5.4}, "30 motifs, of which none can exceed an NES of 5.39"),
        ({"rank_threshold": 400}, "rank_threshold is 400, and .* ranks 400 genes"),
        (
            {"min_mapped": 0.99},
            "1 modules, of which 0 have more than 99% of their genes",
        ),
    ],
)
def test_enrichment_of_modules_says_why_there_is_none(database, change, what):
    with pytest.raises(InputError, match=what):
        enrich_modules(
            [database], [module("A", *range(15))], ANNOTATIONS, **THRESHOLDS | change
        )


def test_a_database_of_regions_or_of_other_motifs_is_refused(database, tmp_path):
    with pytest.raises(InputError, match="none of 30 motifs"):
        enrich_modules(
            [database],
            [module("A", 1)],
            ANNOTATIONS.assign(motif="other"),
            **THRESHOLDS,
        )
    ranks = np.stack([np.arange(100)] * 30, axis=1)
    path = tmp_path / "r.regions_vs_motifs.rankings.feather"
    write_rankings(
        path,
        ranks,
        [f"m{i}" for i in range(30)],
        [f"chr1:{i}-{i + 1}" for i in range(100)],
    )
    with pytest.raises(InputError, match="ranks regions such as 'chr1:0-1'"):
        enrich_modules(
            [open_rankings(path)], [module("A", 1)], ANNOTATIONS, **THRESHOLDS
        )
