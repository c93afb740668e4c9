"""Corpora of the config are checked before any work."""

from pathlib import Path

import pytest

from grnformer.core.errors import InputError
from grnformer.workflow.corpora import check_corpora

GENOMES = {"a": "hg38", "b": "hg38", "c": "mm10"}


def corpus(*datasets: str, **files: str) -> dict[str, dict]:
    return {"both": {"datasets": list(datasets), "files": files}}


def test_a_corpus_of_known_datasets_and_files_passes(tmp_path: Path) -> None:
    (tmp_path / "atlas.zarr").mkdir()
    check_corpora(
        corpus("a", "b", atlas="atlas.zarr", other="resource:known"),
        GENOMES,
        {"known": {}},
        tmp_path,
    )


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        (corpus("a", "x"), "holds the dataset 'x'"),
        (corpus("a", "a"), "holds the dataset 'a' twice"),
        (corpus("a", "c"), "mixes genomes: a is of hg38, c is of mm10"),
        ({"a": corpus("b")["both"]}, "a corpus named 'a'"),
        ({"bench": corpus("b")["both"]}, "a corpus named 'bench'"),
        ({"x/y": corpus("b")["both"]}, "a corpus named 'x/y'"),
        (corpus("a", b="atlas.zarr"), "names a file 'b'"),
        (corpus("a", atlas="missing.zarr"), "no file or resource missing.zarr"),
        (corpus("a", atlas="resource:unknown"), "no file or resource resource:unknown"),
    ],
)
def test_what_cannot_be_put_together_is_named(
    corpora: dict, message: str, tmp_path: Path
) -> None:
    (tmp_path / "atlas.zarr").mkdir()
    with pytest.raises(InputError, match=message):
        check_corpora(corpora, GENOMES, {"known": {}}, tmp_path)
