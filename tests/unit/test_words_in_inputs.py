"""Genes, TFs and drugs called NA, None or nan keep their names in every file that users bring; no cell type has one."""

import gzip
import logging
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.core.io import read_delimited
from grnformer.genome.motif_tfs import read_annotations
from grnformer.genome.tss import read_tss
from grnformer.graph.vocabulary import read_aliases, read_vocabulary
from grnformer.grn.prior import read_prior
from grnformer.grn.tfs import read_tf_list
from grnformer.prep.formats import read_matrix
from grnformer.prep.fragments.barcodes import read_sizes
from grnformer.prep.fragments.consensus import read_blacklist
from grnformer.prep.pairing import annotation_of, label_cells, read_annotation

NAMES = [
    "NA",
    "None",
    "null",
    "nan",
    "n/a",
    "NULL",
    "N/A",
    "<NA>",
    "#N/A",
    "NaN",
    "True",
    "inf",
    "1e5",
    "007",
]
# Words that say of a cell that it has no type.
MISSING = NAMES[:10]
THRESHOLDS = {"motif_similarity_fdr": 0.001, "orthologous_identity": 0.0}
SEPARATORS = {".tsv": "\t", ".csv": ",", ".tsv.gz": "\t"}


def save(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, sep="," if ".csv" in path.name else "\t", index=False)
    return path


@pytest.mark.parametrize("suffix", SEPARATORS)
@pytest.mark.parametrize("header", ["", "cell{}type\n"])
def test_annotation(tmp_path: Path, suffix: str, header: str) -> None:
    barcodes = pd.Index([f"AC{i}-1" for i in range(len(NAMES))])
    separator = SEPARATORS[suffix]
    text = header.format(separator) + "".join(
        f"{b}{separator}{n}\n" for b, n in zip(barcodes, NAMES, strict=True)
    )
    path = tmp_path / f"types{suffix}"
    path.write_bytes(
        gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode()
    )
    types = label_cells(
        read_annotation(path, barcodes), barcodes, "sample", min_annotated=0.2
    )
    assert types.tolist() == [""] * len(MISSING) + NAMES[len(MISSING) :]


def test_annotation_in_obs_and_its_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    obs = pd.DataFrame(
        {"type": pd.Categorical([*NAMES, None])},
        index=[f"c{i}" for i in range(len(NAMES) + 1)],
    )
    anndata.AnnData(np.ones((len(obs), 1)), obs=obs).write_h5ad(tmp_path / "rna.h5ad")
    labels = annotation_of(read_matrix(tmp_path / "rna.h5ad").obs, "type", "sample")
    with caplog.at_level(logging.WARNING):
        types = label_cells(labels, obs.index, "sample", min_annotated=0.2)
    assert types.tolist() == [""] * len(MISSING) + NAMES[len(MISSING) :] + [""]
    assert "'NA'" in caplog.text
    assert "''" not in caplog.text
    assert "007" not in caplog.text
    with pytest.raises(
        InputError, match=r"11 of 15 cells have no cell type, 10 of them"
    ):
        label_cells(labels, obs.index, "sample", min_annotated=0.9)


@pytest.mark.parametrize("suffix", SEPARATORS)
def test_prior(tmp_path: Path, suffix: str) -> None:
    plain = pd.DataFrame(
        {"tf": NAMES, "gene": NAMES[::-1], "sign": [1, -1] * 7, "sources": NAMES}
    )
    prior = read_prior(save(plain, tmp_path / f"plain{suffix}"))
    pd.testing.assert_frame_equal(prior, plain, check_dtype=False)

    plain.loc[0, "tf"], plain.loc[1, "gene"], plain.loc[2, ["sign", "sources"]] = (
        None,
        "",
        None,
    )
    prior = read_prior(save(plain, tmp_path / f"holes{suffix}"))
    assert prior["tf"].tolist() == NAMES[2:]
    assert prior.loc[0, ["sign", "sources"]].tolist() == [0, ""]

    flags = {"type": "transcriptional", "is_stimulation": True, "is_inhibition": False}
    omnipath = pd.DataFrame(
        {"source": NAMES, "target": NAMES, "sources": NAMES} | flags
    )
    prior = read_prior(save(omnipath, tmp_path / f"omnipath{suffix}"))
    assert prior.to_numpy().tolist() == [[name, name, 1, name] for name in NAMES]


@pytest.mark.parametrize("kind", ["plain", "rcistarget", "snapshot"])
def test_motif_table(tmp_path: Path, kind: str) -> None:
    tables = {
        "plain": pd.DataFrame({"motif": NAMES, "tf": NAMES}),
        "rcistarget": pd.DataFrame(
            {"motif": NAMES, "TF": NAMES, "directAnnotation": True}
        ).assign(inferred_Orthology=False, inferred_MotifSimil=False),
        "snapshot": pd.DataFrame(
            {"#motif_id": NAMES, "gene_name": NAMES, "motif_similarity_qvalue": 0.0}
        ).assign(orthologous_identity=1.0, description="gene is directly annotated"),
    }
    table = tables[kind]
    nameless = table.iloc[:2].copy()
    nameless.iloc[0, 0] = nameless.iloc[1, 1] = ""
    read = read_annotations(
        save(pd.concat([table, nameless]), tmp_path / "m.tsv"), **THRESHOLDS
    )
    assert read.to_numpy().tolist() == [
        [name, name, "direct"] for name in sorted(NAMES)
    ]


def test_tf_lists(tmp_path: Path) -> None:
    usual = [name for name in NAMES if not name.startswith("#")]
    (tmp_path / "tfs.txt").write_text("\n".join(usual))
    assert read_tf_list(tmp_path / "tfs.txt") == sorted(usual)
    table = pd.DataFrame({"tf": [*usual, None], "family": "x"})
    assert read_tf_list(save(table, tmp_path / "tfs.csv")) == sorted(usual)


def test_aliases_and_vocabulary(tmp_path: Path) -> None:
    aliases = pd.DataFrame({"alias": NAMES, "symbol": NAMES[::-1]})
    assert read_aliases(save(aliases, tmp_path / "aliases.tsv")) == dict(
        zip(NAMES, NAMES[::-1], strict=True)
    )
    aliases.loc[3, "symbol"] = ""
    with pytest.raises(InputError, match="1 rows without an alias or symbol"):
        read_aliases(save(aliases, tmp_path / "aliases.tsv"))
    for names in (NAMES, ["007", "1e5"], ["True", "False"]):
        vocabulary = pd.DataFrame({"gene_name": names, "index": range(len(names))})
        expected = {name: i for i, name in enumerate(names)}
        assert read_vocabulary(save(vocabulary, tmp_path / "v.tsv")) == expected


def test_counts_as_text_and_tss(tmp_path: Path) -> None:
    counts = pd.DataFrame(np.eye(len(NAMES), dtype=int), index=NAMES, columns=NAMES)
    counts.to_csv(tmp_path / "counts.csv")
    data = read_matrix(tmp_path / "counts.csv")
    assert [data.obs_names.tolist(), data.var_names.tolist()] == [NAMES, NAMES]
    # the rest of a line is a comment there
    usual = [name for name in NAMES if not name.startswith("#")]
    sites = pd.DataFrame(
        {
            "gene": usual,
            "gene_id": usual,
            "chrom": "chr1",
            "tss": range(len(usual)),
            "strand": "+",
        }
    )
    tss = read_tss(save(sites, tmp_path / "tss.tsv"))
    assert tss[["gene", "gene_id"]].to_numpy().tolist() == [
        [name, name] for name in usual
    ]


def test_tables_of_a_drug_screen_and_of_chromosomes(tmp_path: Path) -> None:
    screen = pd.DataFrame(
        {
            "CELL_LINE_NAME": NAMES,
            "DRUG_NAME": NAMES[::-1],
            "LN_IC50": [None, *[1.5] * 13],
        }
    )
    read = read_delimited(
        save(screen, tmp_path / "screen.csv"), ",", ["CELL_LINE_NAME", "DRUG_NAME"]
    )
    pd.testing.assert_frame_equal(read, screen)
    (tmp_path / "sizes.tsv").write_text("NA\t10\n7\t20\n")
    assert read_sizes(str(tmp_path / "sizes.tsv")) == {"NA": 10, "7": 20}
    (tmp_path / "barred.bed").write_text("NA\t1\t10\n")
    assert read_blacklist(tmp_path / "barred.bed", {"NA": 10})["chrom"].tolist() == [
        "NA"
    ]
