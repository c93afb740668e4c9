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
