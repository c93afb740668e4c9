"""Genes of one species found by their orthologs: in a prior, in a vocabulary."""

from pathlib import Path

import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.genome.orthologs import read_orthologs
from grnformer.genome.target_tables import tfs_of_promoters
from grnformer.graph.align import align_genes
from grnformer.graph.vocabulary import by_ortholog
from grnformer.grn.prior import translate_prior
from grnformer.grn.tfs import read_tf_list

TABLE = """mouse\thuman
Trp53\tTP53
Gata1\tGATA1
Hba-a1\tHBA1
Hba-a2\tHBA1
Many\tONE
Many\tTWO
Hc\tC5
C5\tOTHER
"""


@pytest.fixture
def orthologs(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "orthologs.tsv").write_text(TABLE)
    return read_orthologs(tmp_path / "orthologs.tsv", "fuse.orthologs")


def test_genes_with_several_orthologs_are_left_out(orthologs: dict[str, str]) -> None:
    assert "Many" not in orthologs
    assert orthologs["Hba-a1"] == orthologs["Hba-a2"] == "HBA1"


@pytest.mark.parametrize(
    ("content", "message"),
    [("a\tb\tc\n", "3 columns"), ("a,A\n", "separated by commas"), ("a\t\n", "1 col")],
    ids=["three columns", "commas", "one column"],
)
def test_a_table_of_another_form_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "o.tsv").write_text(content)
    with pytest.raises(InputError, match=message):
        read_orthologs(tmp_path / "o.tsv", "fuse.orthologs")


def test_a_gene_has_the_entry_of_its_ortholog_not_of_its_name(
    orthologs: dict[str, str],
) -> None:
    vocabulary = {"ENSG1": 7, "GATA1": 8, "HBA1": 9, "C5": 10, "<pad>": 0}
    own = by_ortholog(vocabulary, {"TP53": "ENSG1"}, orthologs)
    assert own["Trp53"] == 7, "by the alias of the ortholog"
    # mouse C5 is the ortholog of OTHER, which the vocabulary lacks; human C5 is mouse Hc
    assert "C5" not in own
    assert own["Hc"] == 10
    aligned, lost = align_genes(["Hba-a2", "Hba-a1", "Gata1", "C5"], own, {})
    assert dict(zip(aligned["gene"], aligned["token"], strict=True)) == {
        "Hba-a2": 9,
        "Gata1": 8,
    }
    assert lost.set_index("gene")["reason"].to_dict() == {
        "Hba-a1": "same vocabulary entry as Hba-a2",
        "C5": "not in the vocabulary",
    }


def test_a_prior_is_translated_to_every_gene_with_the_ortholog(
    orthologs: dict[str, str],
) -> None:
    prior = pd.DataFrame(
        {
            "tf": ["GATA1", "GATA1", "TP53", "MYC"],
            "gene": ["HBA1", "MYC", "GATA1", "TP53"],
            "sign": [1, 1, -1, 0],
            "sources": "x",
        }
    )
    own = translate_prior(prior, orthologs)
    assert own[["tf", "gene", "sign"]].to_numpy().tolist() == [
        ["Gata1", "Hba-a1", 1],
        ["Gata1", "Hba-a2", 1],
        ["Trp53", "Gata1", -1],
    ]
    turned = {human: mouse for mouse, human in orthologs.items()}
    with pytest.raises(InputError, match="dataset's gene in the first column"):
        translate_prior(prior, turned)


def test_tfs_of_a_table_of_promoters_are_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "promoters.parquet"
    table = pd.DataFrame({"peak_id": ["chr1_1_2"], "gene_short_name": ["Kitl"]})
    table.assign(Sox2=1.0, Gata1=0.0).to_parquet(path)
    assert read_tf_list(path) == ["Gata1", "Sox2"]
    table[["peak_id"]].to_parquet(tmp_path / "other.parquet")
    with pytest.raises(InputError, match="peak_id, gene_short_name and a TF each"):
        tfs_of_promoters(tmp_path / "other.parquet", "grn.tfs.lists")
