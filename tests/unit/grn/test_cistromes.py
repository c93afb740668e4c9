"""The registry of cistrome methods, and the method `promoter`."""

import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.grn.cistromes import (
    check_motif_settings,
    describe_method,
    method_names,
    motif_rules,
)
from grnformer.grn.cistromes.build import build_cistromes

# r4 is linked to G1, but not at its promoter: a motif on the promoter says nothing of it
LINKS = pd.DataFrame(
    {
        "region": ["r1", "r2", "r3", "r4"],
        "gene": ["G1", "G1", "G2", "G1"],
        "rho": [0.5, 0.01, -0.5, 0.9],
        "promoter": [True, True, True, False],
    }
)
TARGETS = pd.DataFrame(
    [
        ("GATA1", "G1", "M1::x", 1.5),
        ("SPI1", "G2", "M2", 1.0),
        ("NANOG", "G1", "M3", 2.0),
        ("SPI1", "G9", "M2", 3.0),
    ],
    columns=["tf", "gene", "motif", "log_odds"],
)
PROMOTER = {
    "method": "promoter",
    "min_abs_rho": 0.05,
    "region_set_kinds": [],
    "settings": {},
}


def build(tfs, targets=TARGETS):
    return build_cistromes(
        LINKS, tfs, pd.DataFrame(), pd.DataFrame(), targets, **PROMOTER
    )


def test_every_method_says_what_it_reads_and_which_rules_make_it():
    assert method_names() == (
        "cistarget", "cistarget_genes", "dem", "motif_scan", "prior", "promoter", "pyscenic_ctx"
    )  # fmt: skip
    section = {"dem": {"scores": None}}
    rules = {name: motif_rules({**section, "method": name}) for name in method_names()}
    assert rules == {
        "cistarget": ["enrich_motifs"],
        "cistarget_genes": ["enrich_modules"],
        "dem": ["scan_motifs", "contrast_motifs"],
        "motif_scan": ["scan_motifs", "enrich_motifs"],
        "prior": [],
        "promoter": ["score_promoter_motifs"],
        "pyscenic_ctx": ["run_pyscenic_ctx"],
    }
    assert motif_rules({"method": "dem", "dem": {"scores": "x"}}) == ["contrast_motifs"]
    for name in method_names():
        reads = describe_method(name).reads
        assert (reads is None) == (name == "prior")
        assert (
            reads is None
            or (contracts.SCHEMAS / "files" / f"{reads.contract}.yaml").exists()
        )


def test_a_tf_binds_the_linked_regions_of_genes_whose_promoter_it_binds():
    found = build(["Gata1", "SPI1", "KLF1"])
    contracts.check(found, "cistromes", where="test")
    assert found[["tf", "region", "gene", "evidence", "score"]].to_numpy().tolist() == [
        ["Gata1", "r1", "G1", "promoter:M1_x", 1.5],
        ["SPI1", "r3", "G2", "promoter:M2", 1.0],
    ]
    assert (found["sign"] == 0).all()


def test_what_leaves_no_cistrome_is_refused():
    with pytest.raises(InputError, match="none of a gene with a linked region"):
        build(["KLF1"])
    with pytest.raises(InputError, match="no motif"):
        build(["SPI1"], None)
    section = {
        "method": "promoter",
        "promoter": {"promoters": None, "collections": ["x"], "tables": []},
    }
    with pytest.raises(InputError, match=r"without promoter\.promoters"):
        check_motif_settings(section)
