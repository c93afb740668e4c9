"""The pass over a fragments file: what it counts, and what it refuses."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.prep.fragments import scan
from grnformer.prep.fragments.barcodes import check_chromosomes_of_fragments
from grnformer.prep.fragments.scan import scan_fragments

MIRROR = os.environ.get("GRNFORMER_MIRROR")


def plainly(path: Path, chromosomes: set[str]) -> pd.DataFrame:
    """What the scan counts, by pandas, all at once."""
    table = pd.read_csv(path, sep="\t", header=None, comment="#")
    table = table[table[0].isin(chromosomes)]
    length = table[2] - table[1]
    table = table.assign(
        n=1, short=length < 147, spanning=(length >= 147) & (length < 294)
    )
    return table.groupby(3)[["n", 4, "short", "spanning"]].sum()


@pytest.mark.parametrize("block", [1 << 12, 16 << 20])
def test_counts_of_barcodes_and_chromosomes(
    fragments: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block by block the same as all at once; fragments on chromosomes without genes are not counted."""
    monkeypatch.setattr(scan, "_BLOCK_BYTES", block)
    barcodes, chromosomes = scan_fragments(fragments, {"chr1", "chr2"})
    contracts.check(barcodes, "fragment_barcodes", where="test")
    contracts.check(chromosomes, "fragment_chromosomes", where="test")
    expected = plainly(fragments, {"chr1", "chr2"})
    found = barcodes.set_index("barcode").loc[expected.index]
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    everything = pd.read_csv(fragments, sep="\t", header=None, comment="#")
    of_chromosome = chromosomes.set_index("chrom")
    assert (
        of_chromosome["fragments"].to_dict() == everything[0].value_counts().to_dict()
    )
    assert of_chromosome["length"].to_dict() == everything.groupby(0)[2].max().to_dict()


LINE = "chr1\t10\t90\tAC\t1\n"


def test_order_is_checked_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two chromosomes of many blocks pass; the same with one late line does not."""
    monkeypatch.setattr(scan, "_BLOCK_BYTES", 256)
    lines = [
        f"chr{c}\t{i}\t{i + 50}\tAC\t1\n" for c in (1, 2) for i in range(0, 3000, 10)
    ]
    (tmp_path / "f.tsv").write_text("".join(lines))
    barcodes, _ = scan_fragments(tmp_path / "f.tsv", {"chr1", "chr2"})
    assert barcodes["n_fragments"].tolist() == [600]
    (tmp_path / "f.tsv").write_text("".join([*lines, LINE]))
    with pytest.raises(InputError, match="line 601"):
        scan_fragments(tmp_path / "f.tsv", {"chr1", "chr2"})


def test_chromosomes_of_another_style_or_build(tss: pd.DataFrame) -> None:
    found = pd.DataFrame(
        {"chrom": ["1", "2"], "fragments": [60, 40], "length": [900, 800]}
    )
    with pytest.raises(InputError, match="naming style"):
        check_chromosomes_of_fragments(found, tss, None, "test")
    found["chrom"] = "chr" + found["chrom"]
    check_chromosomes_of_fragments(found, tss, {"chr1": 900}, "test")
    with pytest.raises(InputError, match="up to chr1:900"):
        check_chromosomes_of_fragments(found, tss, {"chr1": 899, "chr2": 900}, "test")


@pytest.mark.mirror
@pytest.mark.skipif(
    not MIRROR, reason="no mirror of real data: GRNFORMER_MIRROR is not set"
)
def test_real_files_of_signac_and_archr() -> None:
    """10x fragments as bgzip: counted as pandas counts them."""
    folder = Path(str(MIRROR)) / "fragments"
    for name, chromosomes in (
        ("signac_fragments_tiny", {"chr1"}),
        ("ArchR_PBSmall_fragments_hg19", {"chr5", "chr11"}),
    ):
        path = folder / f"{name}.tsv.gz"
        barcodes, found = scan_fragments(path, chromosomes)
        assert set(found["chrom"]) == chromosomes
        expected = plainly(path, chromosomes)
        np.testing.assert_array_equal(
            barcodes.set_index("barcode").loc[expected.index].to_numpy(),
            expected.to_numpy(),
        )


def test_a_fragment_spans_a_nucleosome_from_147_to_293_bp(tmp_path: Path) -> None:
    lines = [f"chr1\t10\t{10 + length}\tAC\t1\n" for length in (146, 147, 293, 294)]
    (tmp_path / "f.tsv").write_text("".join(lines))
    barcodes, _ = scan_fragments(tmp_path / "f.tsv", {"chr1"})
    assert barcodes.loc[0, ["n_fragments", "n_short", "n_spanning"]].tolist() == [
        4,
        1,
        2,
    ]
