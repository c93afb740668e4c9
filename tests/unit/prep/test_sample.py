"""One sample from files to paired counts, and every wrong input stopped with its own message."""

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
