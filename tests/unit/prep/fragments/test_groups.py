"""Pseudobulks from types, from clusters of the RNA, or of all cells."""

import anndata
import pandas as pd
import pytest

from grnformer.core import contracts, io
from grnformer.core.errors import InputError
from grnformer.prep.fragments.groups import group_cells

EMBEDDING = {
    "n_hvgs": 50,
    "n_pcs": 8,
    "n_neighbors": 10,
    "cluster_resolution": 0.3,
}
SETTINGS = {
    "without_annotation": "rna_clusters",
    "min_cells_per_group": 20,
    "min_known_genes": 0.3,
    "counts": "whole",
    "min_annotated": 0.9,
    "embedding": EMBEDDING,
    "seed": 1,
}


@pytest.fixture
def row(tmp_path, rna: anndata.AnnData, cell_types: pd.Series) -> dict[str, str]:
    rna.write_h5ad(tmp_path / "rna.h5ad")
    cell_types.to_csv(tmp_path / "types.csv", header=False)
    return {
        "sample": "s1",
        "rna": str(tmp_path / "rna.h5ad"),
        "annotation": str(tmp_path / "types.csv"),
    }


@pytest.fixture
def judged(rna: anndata.AnnData) -> pd.DataFrame:
    """All cells but five that their fragments let down."""
    reason = ["fewer than 500 fragments"] * 5 + [None] * (rna.n_obs - 5)
    return pd.DataFrame({"sample": "s1", "barcode": rna.obs_names, "reason": reason})


def test_given_types_are_the_pseudobulks(row, judged, tss, cell_types) -> None:
    cells = group_cells([row], judged, tss, **SETTINGS)
    contracts.check(cells, "pseudobulks", where="test")
    assert cells.set_index("barcode")["group"].to_dict() == cell_types[5:].to_dict()


def test_small_groups_lose_their_name_in_the_file_too(
    row, judged, tss, tmp_path
) -> None:
    cells = group_cells([row], judged, tss, **(SETTINGS | {"min_cells_per_group": 36}))
    assert cells["group"].value_counts().to_dict() == {"beta": 40, "": 35}
    io.write_table(cells, tmp_path / "pseudobulks.tsv", "pseudobulks")
    pd.testing.assert_frame_equal(
        io.read_table(tmp_path / "pseudobulks.tsv", "pseudobulks"), cells
    )
    with pytest.raises(InputError, match="the largest of 2 has 40 cells"):
        group_cells([row], judged, tss, **(SETTINGS | {"min_cells_per_group": 41}))


def test_a_cell_whose_type_is_na_has_no_pseudobulk(
    row, judged, tss, cell_types, tmp_path
) -> None:
    named = cell_types.map({"alpha": "NA", "beta": "007"})
    named.to_csv(row["annotation"], header=False)
    cells = group_cells([row], judged, tss, **(SETTINGS | {"min_annotated": 0.3}))
    io.write_table(cells, tmp_path / "pseudobulks.tsv", "pseudobulks")
    again = io.read_table(tmp_path / "pseudobulks.tsv", "pseudobulks")
    expected = named[5:].replace("NA", "").to_dict()
    assert again.set_index("barcode")["group"].to_dict() == expected


def test_clusters_of_the_rna_over_samples(row, judged, tss, cell_types) -> None:
    """Two samples with the same barcodes are clustered together and kept apart by name."""
    bare = {key: row[key] for key in ("sample", "rna")}
    rows, both = (
        [bare, bare | {"sample": "s2"}],
        pd.concat([judged, judged.assign(sample="s2")]),
    )
    cells = group_cells(rows, both, tss, **(SETTINGS | {"min_cells_per_group": 2}))
    contracts.check(cells, "pseudobulks", where="test")
    assert cells["sample"].value_counts().to_dict() == {"s1": 75, "s2": 75}
    types = cell_types[cells["barcode"]].to_numpy()
    assert (
        pd.Series(types)
        .groupby(cells["group"].to_numpy())
        .agg(lambda t: t.value_counts(normalize=True).iloc[0])
        .min()
        > 0.9
    )
    whole = group_cells(rows, both, tss, **(SETTINGS | {"without_annotation": "whole"}))
    assert whole["group"].unique().tolist() == ["all"]
    with pytest.raises(InputError, match=r"samples \['s2'\] have no annotation"):
        group_cells([row, rows[1]], both, tss, **SETTINGS)
