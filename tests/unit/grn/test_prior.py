"""TF lists, the prior table and the cistromes made from it."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.genome.motif_tfs import read_annotations
from grnformer.grn.cistromes.build import build_cistromes
from grnformer.grn.prior import prepare_prior, read_prior
from grnformer.grn.tfs import read_tf_list, select_tfs

CHIP = ["ReMap_DoRothEA", "ENCODE-proximal"]


@pytest.fixture
def omnipath(tmp_path):
    rows = [
        ("GATA1", "HBG1", "transcriptional", "CollecTRI;ExTRI_CollecTRI", True, False),
        ("GATA1", "HBG1", "transcriptional", "DoRothEA;ReMap_DoRothEA", False, True),
        ("GATA1", "KLF1", "transcriptional", "DoRothEA;ReMap_DoRothEA", True, False),
        ("GATA1", "LMO2", "transcriptional", "ENCODE-proximal", False, False),
        (
            "GATA1",
            "AKT1",
            "post_translational",
            "CollecTRI;ExTRI_CollecTRI",
            True,
            False,
        ),
        (
            "COMPLEX:FOS_JUN",
            "IL2",
            "transcriptional",
            "CollecTRI;NTNU.Curated_CollecTRI",
            True,
            False,
        ),
        (
            "COMPLEX:P01100_P05412",
            "IL2",
            "transcriptional",
            "CollecTRI;NTNU.Curated_CollecTRI",
            True,
            False,
        ),
        (
            "SPI1",
            "CSF1R",
            "transcriptional",
            "CollecTRI;ENCODE-proximal;SIGNOR_CollecTRI",
            False,
            True,
        ),
    ]
    columns = ["source", "target", "type", "sources", "is_stimulation", "is_inhibition"]
    path = tmp_path / "omnipath.parquet"
    pd.DataFrame(rows, columns=columns).to_parquet(path)
    return path


def test_omnipath_is_read_joined_and_split(omnipath):
    prior = prepare_prior(
        read_prior(omnipath),
        collections=["CollecTRI", "DoRothEA"],
        chip_sources=CHIP,
        chip="keep",
    )
    contracts.check(prior, "prior", "test")
    prior = prior.set_index(["tf", "gene"])
    assert sorted(prior.index) == [
        ("FOS", "IL2"), ("GATA1", "HBG1"), ("GATA1", "KLF1"), ("JUN", "IL2"), ("SPI1", "CSF1R"),
    ]  # fmt: skip
    assert prior["sign"].to_dict() == {
        ("FOS", "IL2"): 1, ("GATA1", "HBG1"): 0, ("GATA1", "KLF1"): 1, ("JUN", "IL2"): 1, ("SPI1", "CSF1R"): -1,
    }  # fmt: skip
    assert (
        prior.loc[("GATA1", "HBG1"), "sources"]
        == "CollecTRI;DoRothEA;ExTRI_CollecTRI;ReMap_DoRothEA"
    )
    assert prior.index[prior["chip"]].tolist() == [
        ("GATA1", "HBG1"),
        ("GATA1", "KLF1"),
        ("SPI1", "CSF1R"),
    ]
    assert prior.index[prior["chip_only"]].tolist() == [("GATA1", "KLF1")]


def test_chip_derived_pairs_can_be_dropped_or_chosen(omnipath):
    settings = {"collections": ["CollecTRI", "DoRothEA"], "chip_sources": CHIP}
    dropped = prepare_prior(read_prior(omnipath), chip="drop", **settings)
    assert "KLF1" not in set(dropped["gene"])
    assert len(dropped) == 4
    assert set(
        prepare_prior(read_prior(omnipath), chip="only", **settings)["gene"]
    ) == {"HBG1", "KLF1", "CSF1R"}


def test_plain_table_and_wrong_columns(tmp_path):
    path = tmp_path / "mine.tsv"
    pd.DataFrame({"tf": ["A", "A"], "gene": ["x", "y"], "sign": [1, -3]}).to_csv(
        path, sep="\t", index=False
    )
    prior = prepare_prior(
        read_prior(path), collections=[], chip_sources=CHIP, chip="keep"
    )
    assert prior[["sign", "sources"]].to_numpy().tolist() == [[1, "mine"], [-1, "mine"]]
    with pytest.raises(InputError, match="collections among its sources"):
        prepare_prior(
            read_prior(path), collections=["CollecTRI"], chip_sources=CHIP, chip="keep"
        )
    path.write_text("a\tb\nc\td\n")
    with pytest.raises(InputError, match="tf, gene"):
        read_prior(path)


def test_signs_are_numbers_or_words(tmp_path):
    signs = ["Activation", "repression", "Unknown", "+", "-", "0.7", "-2", "", "NA"]
    rows = "".join(f"A\tG{i}\t{sign}\n" for i, sign in enumerate(signs))
    (tmp_path / "p.tsv").write_text(f"tf\tgene\tsign\n{rows}")
    expected = [1, -1, 0, 1, -1, 1, -1, 0, 0]
    assert read_prior(tmp_path / "p.tsv")["sign"].tolist() == expected
    for wrong in ("up?", "inf"):
        (tmp_path / "p.tsv").write_text(f"tf\tgene\tsign\nA\tB\t1\nA\tC\t{wrong}\n")
        with pytest.raises(InputError, match="line 3, column 'sign'"):
            read_prior(tmp_path / "p.tsv")


def test_flags_of_a_prior_and_of_motifs_are_read_by_their_words(tmp_path):
    head = "source\ttarget\ttype\tsources\tis_stimulation\tis_inhibition\n"
    flags = [("TRUE", "F"), ("no", "yes"), ("NA", "1"), ("t", "")]
    rows = "".join(f"A\tG\ttranscriptional\ts\t{a}\t{b}\n" for a, b in flags)
    (tmp_path / "p.tsv").write_text(head + rows)
    assert read_prior(tmp_path / "p.tsv")["sign"].tolist() == [1, -1, -1, 1]
    (tmp_path / "p.tsv").write_text(head + rows.replace("yes", "maybe"))
    with pytest.raises(InputError, match="line 3, column 'is_inhibition': 'maybe'"):
        read_prior(tmp_path / "p.tsv")

    evidence = {"motif_similarity_fdr": 0.001, "orthologous_identity": 0.0}
    head = "motif\tTF\tdirectAnnotation\tinferred_Orthology\tinferred_MotifSimil\n"
    (tmp_path / "m.tsv").write_text(f"{head}m\tA\tNA\tno\tT\nm\tB\t\tYES\tFALSE\n")
    found = read_annotations(tmp_path / "m.tsv", **evidence)
    assert found["evidence"].tolist() == ["similarity", "orthology"]
    (tmp_path / "m.tsv").write_text(f"{head}m\tA\tperhaps\tno\tT\n")
    with pytest.raises(InputError, match="'perhaps'"):
        read_annotations(tmp_path / "m.tsv", **evidence)


def test_a_tf_list_holds_one_symbol_a_line(tmp_path):
    (tmp_path / "t.txt").write_bytes("\ufeff# TFs\r\nPAX5 \r\n\r\nNA\r\n".encode())
    assert read_tf_list(tmp_path / "t.txt") == ["NA", "PAX5"]
    (tmp_path / "t.txt").write_text("PAX5\nSPI1 JUN\n")
    with pytest.raises(InputError, match="line 2: 'SPI1 JUN'"):
        read_tf_list(tmp_path / "t.txt")


def test_tf_lists(tmp_path):
    plain, table = tmp_path / "tfs.txt", tmp_path / "motifs.tsv.gz"
    plain.write_text("GATA1\nSPI1\n\nGATA1\n")
    pd.DataFrame({"motif": ["m1", "m2"], "tf": ["SPI1", "JUN"]}).to_csv(
        table, sep="\t", index=False
    )
    assert read_tf_list(plain) == ["GATA1", "SPI1"]
    assert read_tf_list(table) == ["JUN", "SPI1"]
    table.unlink()
    (tmp_path / "wrong.csv").write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match="column 'tf'"):
        read_tf_list(tmp_path / "wrong.csv")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        read_tf_list(tmp_path / "empty.txt")


def test_selected_tfs_are_measured_in_enough_cells():
    counts = np.array([50, 3, 20])
    assert select_tfs(
        ["SPI1", "GATA1", "JUN"], ["GATA1", "SPI1", "ACTB"], counts, min_cells=10
    ) == ["GATA1"]
    with pytest.raises(InputError, match="none in 60 cells"):
        select_tfs(["GATA1"], ["GATA1", "SPI1", "ACTB"], counts, min_cells=60)


@pytest.fixture
def links():
    return pd.DataFrame(
        {
            "region": ["r1", "r2", "r1", "r3", "r4"],
            "gene": ["HBG1", "HBG1", "OTHER", "KLF1", "CSF1R"],
            "distance": 0, "promoter": True, "importance": 0.5, "rho": [0.3, 0.01, 0.3, -0.2, 0.2],
            "weight": 0.1,
        }
    )  # fmt: skip


SETS = pd.DataFrame(
    {"set": "topic_1", "kind": "topic_otsu", "region": ["r1", "r4"], "score": 1.0}
)


def test_prior_cistromes_hold_for_the_known_target_only(omnipath, links):
    prior = prepare_prior(
        read_prior(omnipath), collections=[], chip_sources=CHIP, chip="keep"
    )
    settings = {
        "method": "prior",
        "min_abs_rho": 0.05,
        "region_set_kinds": [],
        "settings": {"chip_sources": CHIP},
    }
    found = build_cistromes(links, ["GATA1", "JUN"], prior, SETS, **settings)
    contracts.check(found, "cistromes", "test")
    assert found[["tf", "region", "gene", "evidence"]].to_numpy().tolist() == [
        ["GATA1", "r1", "HBG1", "prior:ExTRI_CollecTRI|chip:ReMap_DoRothEA"],
        ["GATA1", "r3", "KLF1", "chip:ReMap_DoRothEA"],
    ]
    assert found["score"].tolist() == [2, 1]
    within = build_cistromes(
        links, ["GATA1"], prior, SETS, **settings | {"region_set_kinds": ["topic_otsu"]}
    )
    assert within["region"].tolist() == ["r1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_abs_rho": 0.9}, "reaches"),
        ({"region_set_kinds": ["dar"]}, "lies in a region set"),
        ({"method": "tarot"}, "one of"),
    ],
)
def test_empty_cistromes_stop_the_run(omnipath, links, change, message):
    prior = prepare_prior(
        read_prior(omnipath), collections=[], chip_sources=CHIP, chip="keep"
    )
    settings = {
        "method": "prior",
        "min_abs_rho": 0.05,
        "region_set_kinds": [],
        "settings": {"chip_sources": CHIP},
    }
    with pytest.raises(InputError, match=message):
        build_cistromes(links, ["GATA1"], prior, SETS, **settings | change)
    with pytest.raises(InputError, match="prior targets"):
        build_cistromes(links, ["NANOG"], prior, SETS, **settings)
