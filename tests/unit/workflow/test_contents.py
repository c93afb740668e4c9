"""What is in a user's file counts, and for small files its date does not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from grnformer.workflow import contents


@pytest.fixture(autouse=True)
def planned_anew() -> Iterator[None]:
    contents.digest_of.cache_clear()
    yield
    contents.digest_of.cache_clear()


def digest(path: Path) -> str:
    """As the next run sees it."""
    contents.digest_of.cache_clear()
    return contents.digest_of(str(path))


def test_other_content_of_an_older_date_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "tss.tsv"
    path.write_text("chr1 100")
    first = digest(path)
    path.write_text("chr1 200")
    os.utime(path, (1, 1))
    assert digest(path) != first
    path.write_text("chr1 100")
    assert digest(path) == first, "the date of a small file does not count"


def test_of_large_files_size_and_date_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "READ_UP_TO", 4)
    path = tmp_path / "fragments.tsv.gz"
    path.write_text("12345")
    os.utime(path, ns=(7, 7))
    first = digest(path)
    path.write_text("54321")
    os.utime(path, ns=(6, 6))
    assert digest(path) != first
    os.utime(path, ns=(7, 7))
    assert digest(path) == first
    path.write_text("123456")
    os.utime(path, ns=(7, 7))
    assert digest(path) != first


def test_a_folder_is_all_that_is_in_it(tmp_path: Path) -> None:
    chunk = tmp_path / "cells.zarr" / "X" / "0"
    chunk.parent.mkdir(parents=True)
    chunk.write_text("1")
    folder = tmp_path / "cells.zarr"
    seen = [digest(folder)]
    chunk.write_text("2")
    seen.append(digest(folder))
    chunk.rename(chunk.with_name("1"))
    seen.append(digest(folder))
    (folder / "X" / "2").write_text("")
    seen.append(digest(folder))
    assert len(set(seen)) == 4


def test_what_is_not_there_has_no_digest(tmp_path: Path) -> None:
    assert digest(tmp_path / "nowhere") == ""
