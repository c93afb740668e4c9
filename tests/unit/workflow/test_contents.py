"""What is in a user's file counts, and for small files its date does not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from grnformer.core import digests
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


def test_of_large_files_size_date_and_samples_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "READ_UP_TO", 4)
    monkeypatch.setattr(digests, "SAMPLE", 2)
    path = tmp_path / "fragments.tsv.gz"

    def seen(content: bytes, date: int) -> str:
        path.write_bytes(content)
        os.utime(path, ns=(date, date))
        return digest(path)

    content = bytes(range(100))
    first = seen(content, 7)
    assert seen(content, 6) != first
    assert seen(content + b"!", 7) != first
    assert seen(b"!" + content[1:], 7) != first
    assert seen(content[:-1] + b"!", 7) != first
    assert seen(content[:50] + b"!!!!!!" + content[56:], 7) != first
    assert seen(content[:15] + b"!" + content[16:], 7) == first, "between two samples"
    assert seen(content, 7) == first


def test_blocks_of_a_large_folder_are_spread_over_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "SAMPLE", 2)
    for number in range(8):
        (tmp_path / str(number)).write_bytes(bytes(20))
    first = digests.describe_content(tmp_path, 100)
    assert first.startswith("samples:")
    seen = set()
    for number in range(8):
        (tmp_path / str(number)).write_bytes(b"x" * 20)
        seen.add(digests.describe_content(tmp_path, 100))
    assert len(seen - {first}) == 8


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
