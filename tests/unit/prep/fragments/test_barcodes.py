"""Barcodes are judged one reason each, and every one is accounted for."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.prep.fragments.barcodes import (
    chromosome_lengths,
    judge_barcodes,
    judge_enrichment,
    judge_frip,
)
from grnformer.prep.sample import load_sample

BOUNDS = {
    "min_barcode_overlap": 0.5,
    "min_fragments": 100,
    "max_fragments": 5000,
    "max_nucleosome_signal": 2.0,
    "max_duplicate_rate": 0.8,
}


@pytest.fixture
def counted() -> pd.DataFrame:
    """Four cells, and one barcode with each fault."""
    rows = [(f"cell{i}", 1000, 2000, 500, 300) for i in range(4)]
    rows += [
        ("few", 99, 200, 50, 30),
        ("many", 5001, 9000, 2500, 1500),
        ("duplicates", 1000, 6000, 500, 300),
        ("nucleosomes", 1000, 2000, 200, 500),
        ("unpaired", 1000, 2000, 500, 300),
        ("closed", 1000, 2000, 500, 300),
        ("scattered", 1000, 2000, 500, 300),
        ("droplet", 2, 2, 1, 1),
    ]
    return pd.DataFrame(
        rows, columns=["barcode", "n_fragments", "n_reads", "n_short", "n_spanning"]
    )


@pytest.fixture
def of_rna(counted: pd.DataFrame) -> pd.Index:
    return pd.Index([*counted["barcode"].drop([8, 11]), "no_atac"])


def judged(counted: pd.DataFrame, of_rna: pd.Index) -> pd.DataFrame:
    qc = judge_barcodes(counted, of_rna, "s1", **BOUNDS)
    score = pd.Series(9.0, index=counted["barcode"])
    score["closed"] = 1.0
    qc = judge_enrichment(
        qc, score, 8.0, "s1", "toy", min_tss_enrichment=4, min_library_tss_enrichment=2
    )
    frip = pd.Series(0.5, index=counted["barcode"])
    frip["scattered"] = 0.01
    return judge_frip(qc, frip, "s1", min_frip=0.1)


def test_each_fault_has_its_reason(counted: pd.DataFrame, of_rna: pd.Index) -> None:
    qc = judged(counted, of_rna)
    contracts.check(qc, "fragment_qc", where="test")
    reasons = qc.set_index("barcode")["reason"]
    assert reasons[[f"cell{i}" for i in range(4)]].isna().all()
    assert reasons.dropna().to_dict() == {
        "few": "fewer than 100 fragments",
        "many": "more than 5000 fragments",
        "duplicates": "duplicate rate above 0.8",
        "nucleosomes": "nucleosome signal above 2",
        "unpaired": "no RNA barcode",
        "closed": "TSS enrichment below 4",
        "scattered": "fraction of fragments in peaks below 0.1",
        "droplet": "fewer than 100 fragments",
    }
    measured = qc.set_index("barcode").loc["cell0"]
    assert measured["duplicate_rate"] == pytest.approx(0.5)
    assert measured["nucleosome_signal"] == pytest.approx(0.6)


def test_barcodes_that_are_not_those_of_the_rna(
    counted: pd.DataFrame, of_rna: pd.Index
) -> None:
    with pytest.raises(InputError, match="suffix such as -1"):
        judge_barcodes(counted, of_rna + "-1", "s1", **BOUNDS)


def test_bounds_that_nothing_passes(counted: pd.DataFrame, of_rna: pd.Index) -> None:
    with pytest.raises(
        InputError, match=r"no barcode passes.*fewer than 100000 fragments"
    ):
        judge_barcodes(counted, of_rna, "s1", **(BOUNDS | {"min_fragments": 100_000}))


@pytest.mark.parametrize("library", [1.1, np.nan])
def test_a_library_without_enrichment_is_of_another_build(
    counted: pd.DataFrame, of_rna: pd.Index, library: float
) -> None:
    qc = judge_barcodes(counted, of_rna, "s1", **BOUNDS)
    score = pd.Series(9.0, index=counted["barcode"])
    with pytest.raises(InputError, match="another build"):
        judge_enrichment(
            qc,
            score,
            library,
            "s1",
            "hg19",
            min_tss_enrichment=4,
            min_library_tss_enrichment=2,
        )


def test_lengths_are_the_same_for_all_samples(tss: pd.DataFrame) -> None:
    one = pd.DataFrame(
        {"chrom": ["chr1", "chr2"], "fragments": 1, "length": [500, 900]}
    )
    two = pd.DataFrame(
        {"chrom": ["chr1", "chrUn"], "fragments": 1, "length": [700, 30]}
    )
    assert chromosome_lengths([one, two], tss, None) == {"chr1": 700, "chr2": 900}
    assert chromosome_lengths([one, two], tss, {"chr1": 1000}) == {
        "chr1": 1000,
        "chr2": 900,
    }


def test_reasons_reach_the_list_of_dropped_cells(
    write_pair, tss, rna, atac, ingest_settings
) -> None:
    """Cells of the RNA that their fragments let down say why; of droplets without RNA, only those with fragments."""
    names = atac.obs_names
    counts = atac[10:].copy()
    barcodes = pd.DataFrame(
        {
            "sample": "s1",
            "barcode": [*names[3:10], *names[10:], "other", "droplet"],
            "paired": [True] * (len(names) - 3) + [False, False],
            "reason": [
                *["TSS enrichment below 4"] * 7,
                *[None] * (len(names) - 10),
                "no RNA barcode",
                "fewer than 9",
            ],
        }
    )
    _, dropped = load_sample(
        write_pair(atac=counts, annotation=None),
        tss,
        barcodes=barcodes,
        **ingest_settings,
    )
    contracts.check(dropped, "dropped", where="test")
    assert dropped["reason"].value_counts().to_dict() == {
        "TSS enrichment below 4": 7,
        "no ATAC barcode": 3,
        "no RNA barcode": 1,
    }
    assert dropped.set_index("name")["reason"]["s1:other"] == "no RNA barcode"
