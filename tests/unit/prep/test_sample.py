"""One sample from files to paired counts, and every wrong input stopped with its own message."""

import gzip

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.prep.pairing import read_annotation
from grnformer.prep.sample import load_sample


def test_pairs_by_barcode_in_any_order(
    write_pair, tss, rna, atac, cell_types, ingest_settings
):
    shuffled = atac[::-1][5:].copy()
    labels = cell_types.drop(cell_types.index[[0, 1]])
    data, dropped = load_sample(
        write_pair(atac=shuffled, annotation=labels), tss, **ingest_settings
    )
    contracts.check(data, "paired_counts", where="test")
    contracts.check(dropped, "dropped", where="test")
    expected = rna.obs_names[2:-5]
    assert data.obs["barcode"].tolist() == expected.tolist()
    assert data.obs_names.tolist() == [f"s1:{b}" for b in expected]
    assert (data.mod["atac"].X != atac[expected].X).nnz == 0
    assert (data.obs["cell_type"].to_numpy() == cell_types[expected].to_numpy()).all()
    assert dropped["reason"].value_counts().to_dict() == {
        "no ATAC barcode": 5,
        "no cell type in the annotation": 2,
    }
    assert dropped.loc[0, "name"] == f"s1:{rna.obs_names[-5]}"


def test_annotation_from_obs_with_header_or_none(
    write_pair, tmp_path, tss, rna, cell_types, ingest_settings
):
    rna.obs["line"] = cell_types
    data, _ = load_sample(
        write_pair(rna=rna, annotation="obs:line"), tss, **ingest_settings
    )
    assert (data.obs["cell_type"].to_numpy() == cell_types.to_numpy()).all()
    cell_types.rename_axis("barcode").rename("type").to_csv(
        tmp_path / "headed.tsv", sep="\t"
    )
    data, _ = load_sample(
        write_pair(annotation=str(tmp_path / "headed.tsv")), tss, **ingest_settings
    )
    assert (data.obs["cell_type"].to_numpy() == cell_types.to_numpy()).all()
    data, _ = load_sample(write_pair(annotation=None), tss, **ingest_settings)
    assert "cell_type" not in data.obs


def _names(data, names, axis="obs"):
    changed = data.copy()
    setattr(changed, f"{axis}_names", pd.Index(names))
    return changed


def _values(data, change):
    changed = data.copy()
    changed.X.data = change(changed.X.data.copy())
    return changed


def _scaled(data):
    """Counts per million, rounded."""
    dense = data.X.toarray()
    scaled = np.round(1e6 * dense / dense.sum(axis=1, keepdims=True))
    changed = data.copy()
    changed.X = sp.csr_matrix(scaled)
    return changed


def _first(value):
    def change(values):
        values[0] = value
        return values

    return change


WRONG = {
    "disjoint barcodes": (
        lambda r, a, t: {"atac": _names(a, [f"cell{i}" for i in range(a.n_obs)])},
        "0 of 80",
    ),
    "suffix that tells cells apart": (
        lambda r, a, t: {
            "atac": _names(a, [*(a.obs_names[:40] + "-1"), *(a.obs_names[:40] + "-2")])
        },
        "suffix such as -1 .* 50% match; write the barcodes alike",
    ),
    "row numbers behind a word": (
        lambda r, a, t: {
            "rna": _names(r, [f"cell_{i}" for i in range(80)]),
            "atac": _names(a, [f"nucleus_{i}" for i in range(80)]),
        },
        "prefix such as sample_ .* write the barcodes alike",
    ),
    "row numbers": (
        lambda r, a, t: {"rna": _names(r, [str(i) for i in range(80)])},
        "'0' to '79', which are row numbers",
    ),
    "row numbers of R": (
        lambda r, a, t: {"atac": _names(a, [f"V{i}" for i in range(1, 81)])},
        "'V1' to 'V80', which are row numbers",
    ),
    "barcodes of 10x' two lists": (
        lambda r, a, t: {
            "rna": _names(r, "AAAA" + r.obs_names + "-1"),
            "atac": _names(a, "CCCC" + a.obs_names + "-1"),
        },
        "737K-arc-v1",
    ),
    "few in common": (
        lambda r, a, t: {
            "atac": _names(a, [*a.obs_names[:30], *(f"cell{i}" for i in range(50))])
        },
        "30 of 80 RNA barcodes",
    ),
    "chromosome style": (
        lambda r, a, t: {"atac": _names(a, a.var_names.str[3:], "var")},
        "naming style",
    ),
    "genome build": (
        lambda r, a, t: {
            "atac": _names(
                a,
                [
                    f"{n.split(':')[0]}:{5000 * i}-{5000 * i + 9}"
                    for i, n in enumerate(a.var_names)
                ],
                "var",
            )
        },
        "another genome build",
    ),
    "region names": (
        lambda r, a, t: {
            "atac": _names(a, [f"peak{i}" for i in range(a.n_vars)], "var")
        },
        "chr1:100-600",
    ),
    "repeated region": (
        lambda r, a, t: {
            "atac": _names(
                a,
                [a.var_names[1].replace(":", "_").replace("-", "_"), *a.var_names[1:]],
                "var",
            )
        },
        "repeated regions",
    ),
    "empty": (lambda r, a, t: {"rna": r[:0].copy()}, "empty matrix"),
    "all zero": (
        lambda r, a, t: {"atac": _values(a, np.zeros_like)},
        "all counts are 0",
    ),
    "negative": (
        lambda r, a, t: {"rna": _values(r, _first(-2))},
        "1 negative values, lowest -2",
    ),
    "missing": (
        lambda r, a, t: {"rna": _values(r, _first(np.nan))},
        "missing or infinite",
    ),
    "normalised": (
        lambda r, a, t: {"rna": _values(r, np.log1p)},
        "normalised or log-transformed",
    ),
    "repeated barcode": (
        lambda r, a, t: {"rna": _names(r, [r.obs_names[1], *r.obs_names[1:]])},
        "1 repeated barcodes",
    ),
    "unknown obs column": (
        lambda r, a, t: {"annotation": "obs:line"},
        "no obs column 'line'",
    ),
    "annotation misses cells": (
        lambda r, a, t: {"annotation": t[:60]},
        "20 of 80 cells have no cell type",
    ),
    "annotation of another sample": (
        lambda r, a, t: {"annotation": t.rename(lambda b: b[::-1] + "T")},
        "80 of 80 cells .* annotation is of this sample",
    ),
    "types with one file name": (
        lambda r, a, t: {"annotation": t.map({"alpha": "\u03b1", "beta": "\u03b2"})},
        "'\u03b1' and '\u03b2' would both be written to '_'",
    ),
    "types that differ in case": (
        lambda r, a, t: {"annotation": t.map({"alpha": "Treg", "beta": "TREG"})},
        "'TREG' and 'Treg'",
    ),
    "types that are missing": (
        lambda r, a, t: {"annotation": t.replace("beta", "NA")},
        r"40 of 80 cells have no cell type, 40 of them \['NA'\]",
    ),
    "count that wraps": (
        lambda r, a, t: {"rna": _values(r, lambda v: v + 2.0**32)},
        r"rna.h5ad\): a count of 42949672\d\d",
    ),
    "counts per million": (
        lambda r, a, t: {"rna": _scaled(r)},
        "in each of 80 cells",
    ),
    "two types of a cell": (
        lambda r, a, t: {
            "annotation": pd.concat([t, pd.Series(["gamma"], index=t.index[:1])])
        },
        "two cell types",
    ),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_wrong_input_stops_with_its_message(
    case, write_pair, tss, rna, atac, cell_types, ingest_settings
):
    change, message = WRONG[case]
    row = write_pair(**change(rna, atac, cell_types))
    with pytest.raises(InputError, match=f"(?s){message}"):
        load_sample(row, tss, **ingest_settings)


SPELT = {
    "suffix": (str, lambda b: b + "-1", str),
    "archr": (lambda b: "s1#" + b + "-1", lambda b: b + "-1", lambda b: "s1#" + b),
    "prefix": (lambda b: "s1_" + b, str, lambda b: b + "-1"),
    "spaces": (str, lambda b: b + " ", lambda b: " " + b),
    "case": (str, str.lower, str),
}


@pytest.mark.parametrize("case", SPELT)
def test_barcodes_spelt_otherwise_are_paired(
    case, write_pair, tss, rna, atac, cell_types, ingest_settings, caplog
):
    of_rna, of_atac, of_types = SPELT[case]
    shuffled = atac[::-1]
    row = write_pair(
        rna=_names(rna, [of_rna(b) for b in rna.obs_names]),
        atac=_names(shuffled, [of_atac(b) for b in shuffled.obs_names]),
        annotation=cell_types.rename(of_types)[::-1],
    )
    data, dropped = load_sample(row, tss, **ingest_settings)
    assert data.obs["barcode"].tolist() == [of_rna(b) for b in rna.obs_names]
    assert (data.mod["atac"].X != atac.X).nnz == 0
    assert (data.obs["cell_type"].to_numpy() == cell_types.to_numpy()).all()
    assert dropped.empty
    assert "are paired without it" in caplog.text


def test_barcodes_of_two_lists_by_a_table(
    write_pair, tmp_path, tss, rna, atac, ingest_settings
):
    """In 10x Multiome, a cell's RNA and ATAC barcodes stand in one line of two lists."""
    other = [name[::-1] + "GG" for name in atac.obs_names]
    lines = [f"{a}\t{b}\n" for a, b in zip(rna.obs_names, other, strict=True)]
    (tmp_path / "lists.tsv").write_text("".join(lines[::-1]))
    named = _names(atac, [f"{name}-1" for name in other])[::-1]
    row = write_pair(rna=_names(rna, rna.obs_names + "-1"), atac=named, annotation=None)
    table = {"two_barcodes": str(tmp_path / "lists.tsv")}
    data, _ = load_sample(row, tss, **ingest_settings, **table)
    assert data.obs["barcode"].tolist() == (rna.obs_names + "-1").tolist()
    assert (data.mod["atac"].X != atac.X).nnz == 0

    (tmp_path / "lists.tsv").write_text("A\tB\n")
    with pytest.raises(InputError, match="0 of 80 ATAC barcodes"):
        load_sample(row, tss, **ingest_settings, **table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"barcode\tcell_type\n", "no line but"),
        ("A\tna\u00efve B\n".encode("latin-1"), "UTF-8"),
        ("A\tB cell\n".encode("utf-16"), "UTF-8"),
        (b"PK\x03\x04\xff\xfe\x00", "UTF-8"),
        (b"barcode;cell_type\nA;B cell\n", "separated by semicolons: save it"),
        (b"barcode,cell_type\nA,B cell\n", "separated by commas: save it"),
        (b"", "cannot be read"),
    ],
)
def test_unreadable_annotation(tmp_path, content, message):
    (tmp_path / "types.tsv").write_bytes(content)
    with pytest.raises(InputError, match=f"(?s)types.tsv.*{message}"):
        read_annotation(tmp_path / "types.tsv", pd.Index(["A"]))


def test_annotation_that_is_cut_off(tmp_path):
    rows = "".join(f"{b:08d}\t{b * 7919 % 10007}\n" for b in range(999))
    (tmp_path / "types.tsv.gz").write_bytes(gzip.compress(rows.encode())[:-90])
    with pytest.raises(InputError, match=r"types.tsv.gz cannot be read"):
        read_annotation(tmp_path / "types.tsv.gz", pd.Index(["A"]))


def test_annotation_with_more_columns(
    write_pair, tmp_path, tss, cell_types, ingest_settings
):
    cell_types.to_frame("a").assign(b=1).to_csv(tmp_path / "wide.csv")
    with pytest.raises(InputError, match="3 columns"):
        load_sample(
            write_pair(annotation=str(tmp_path / "wide.csv")), tss, **ingest_settings
        )


def test_annotation_of_barcodes_with_a_hash(tmp_path):
    """ArchR names cells sample#barcode: no comment starts there."""
    (tmp_path / "types.csv").write_text("s#AC,B cell\ns#GT,T cell\n")
    labels = read_annotation(tmp_path / "types.csv", pd.Index(["s#AC", "s#GT"]))
    assert labels.to_dict() == {"s#AC": "B cell", "s#GT": "T cell"}
