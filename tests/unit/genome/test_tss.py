"""The three kinds of TSS tables give the same sites."""

import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.genome.tss import read_tss, ucsc_names

ENSDB = """seqnames	start	end	strand	gene_id	tx_id	tss	ts_start	ts_end	gene_name	gene_type
1	10001	20000	+	ENSG1	T1	10001	10001	20000	AAA	protein_coding
1	10001	20000	+	ENSG1	T2	10001	10001	19000	AAA	protein_coding
chrX	30001	50000	-	ENSG2	T3	50000	30001	50000	BBB	lincRNA
chrCHR_HSCHR6_MHC_COX_CTG1	1	900	-	ENSG3	T4	900	1	900	CCC	lincRNA
chrX	30001	50000	-	ENSG2	T5	NA	30001	50000	BBB	lincRNA
"""
# 1,000 bp upstream to 100 bp downstream; the last but one was cut at a neighbour, the last gives no distance.
WINDOWS = """chr1	9001	10101	AAA	-450	+
chrX	49900	51000	BBB	-450	-
chr2	5000	5600	DDD	300	+
chr3	100	1200		-450	+
chr4	9001	10101	EEE	.	+
"""


def _sites(frame):
    return {(r.gene, r.chrom, r.tss, r.strand) for r in frame.itertuples()}


def test_kinds_agree(tmp_path):
    (tmp_path / "e.tsv").write_text(ENSDB)
    (tmp_path / "w.bed").write_text(WINDOWS)
    ensdb, windows = read_tss(tmp_path / "e.tsv"), read_tss(tmp_path / "w.bed")
    expected = {("AAA", "chr1", 10000, "+"), ("BBB", "chrX", 49999, "-")}
    assert _sites(ensdb) == expected
    assert _sites(windows) == expected | {
        ("DDD", "chr2", 4999, "+"),
        ("EEE", "chr4", 10000, "+"),
    }
    for frame in (ensdb, windows):
        contracts.check(frame, "tss", where="test")
    ensdb.to_csv(tmp_path / "plain.csv", index=False)
    pd.testing.assert_frame_equal(read_tss(tmp_path / "plain.csv"), ensdb)


@pytest.mark.parametrize(
    "text", ["", "A\nB\n", "a\tb\n1\t2\n", "gene\tchrom\ttss\tstrand\nA\tchr1\tNA\t+\n"]
)
def test_unusable_table(tmp_path, text):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(InputError):
        read_tss(tmp_path / "t.tsv")


@pytest.mark.parametrize("score", [".", "0", "1000", "-450"])
def test_a_bed_of_sites_has_its_own_positions(tmp_path, score):
    lines = f"chr1\t999\t1000\tA\t{score}\t+\tmRNA\nchr1\t1999\t2000\tB\t{score}\t-1\tmRNA\n"
    (tmp_path / "t.bed").write_text(f"track name=x\n# Chromosome\tStart\n{lines}")
    assert _sites(read_tss(tmp_path / "t.bed")) == {
        ("A", "chr1", 999, "+"),
        ("B", "chr1", 1999, "-"),
    }


def test_a_whole_window_shows_its_own_site_whatever_another_transcript_says(tmp_path):
    """IL10 in HOMER's table of hg19: the distance is that of a transcript on the other strand."""
    far = "chr1\t206971215\t206972315\tIL10\t-25926\t+\n"
    cut = "chr2\t100\t200\tFFF\t-25926\t+\n"
    (tmp_path / "w.bed").write_text(WINDOWS + far + cut)
    sites = read_tss(tmp_path / "w.bed").set_index("gene")["tss"]
    assert sites["IL10"] == 206972214
    assert "FFF" not in sites


@pytest.mark.parametrize("score", [".", "1000"])
def test_windows_without_distance_are_read_by_their_shape(tmp_path, score):
    rows = f"chr1\t9001\t10101\tA\t{score}\t+\nchr1\t49900\t51000\tB\t{score}\t-\n"
    (tmp_path / "w.bed").write_text(rows)
    expected = {("A", "chr1", 10000, "+"), ("B", "chr1", 49999, "-")}
    assert _sites(read_tss(tmp_path / "w.bed")) == expected
    (tmp_path / "w.bed").write_text(rows + f"chr1\t100\t900\tC\t{score}\t+\n")
    with pytest.raises(InputError, match="not known where in an interval"):
        read_tss(tmp_path / "w.bed")


def test_ids_have_no_version_and_strands_are_signs(tmp_path):
    (tmp_path / "t.tsv").write_text(
        "gene\tgene_id\tchrom\ttss\tstrand\n"
        "A\tENSG01.5\tX\t5\t1\nA\tENSG01.5_PAR_Y\tY\t5\t-1\nB\t\t1\t7\t+\nC\tFBgn01.2\t1\t9\t-\n"
    )
    table = read_tss(tmp_path / "t.tsv").set_index("gene")
    assert set(table.loc["A", "gene_id"]) == {"ENSG01"}
    assert set(table.loc["A", "strand"]) == {"+", "-"}
    assert table.loc["B", "gene_id"] is None or pd.isna(table.loc["B", "gene_id"])
    assert table.loc["C", "gene_id"] == "FBgn01.2"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A\tchr1\t5\tforward", "line 4, column 'strand': 'forward'"),
        ("A\tchr1\t1.5\t+", "line 4, column 'tss': '1.5'"),
        ("A\tchr1\t-1\t+", "line 4, column 'tss'"),
        ("A\tchr1\tfive\t+", "line 4, column 'tss': 'five'"),
    ],
)
def test_a_wrong_site_is_refused_by_its_line(tmp_path, row, message):
    text = f"# made by hand\ngene\tchrom\ttss\tstrand\nB\tchr1\t7\t+\n{row}\n"
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_tss(tmp_path / "t.tsv")


def test_ucsc_names():
    names = pd.Series(["1", "chr1", "MT", "chrMT", "X", "2L", "GL000192.1", "chrUn_1"])
    assert ucsc_names(names).tolist() == [
        "chr1",
        "chr1",
        "chrM",
        "chrM",
        "chrX",
        "chr2L",
        "GL000192.1",
        "chrUn_1",
    ]
