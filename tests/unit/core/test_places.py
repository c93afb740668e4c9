"""A matrix named behind the path of its file."""

import pytest

from grnformer.core.places import join_place, split_place


@pytest.mark.parametrize(
    ("reference", "file", "place"),
    [
        ("a/b.h5mu:rna", "a/b.h5mu", "rna"),
        ("b.h5mu:rna/layers/counts", "b.h5mu", "rna/layers/counts"),
        ("b.h5ad:raw", "b.h5ad", "raw"),
        ("resource:b.h5ad:layers/counts", "resource:b.h5ad", "layers/counts"),
        ("b.zarr:X", "b.zarr", "X"),
        ("b.h5ad", "b.h5ad", ""),
        ("resource:b.h5ad", "resource:b.h5ad", ""),
        ("b.h5:rna", "b.h5:rna", ""),
        ("obs:cell.h5ad", "obs:cell.h5ad", ""),
    ],
)
def test_file_and_place(reference: str, file: str, place: str) -> None:
    assert split_place(reference) == (file, place)
    assert join_place(file, place) == reference


def test_a_file_that_is_called_so_is_a_file(tmp_path) -> None:
    odd = tmp_path / "run.h5ad:raw"
    odd.touch()
    assert split_place(odd) == (str(odd), "")
