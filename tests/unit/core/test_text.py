"""Text that users bring is read as it is meant, or refused with its file, line and kind."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.core.text import (
    as_flags,
    as_numbers,
    as_whole,
    open_text,
    read_frame,
    read_lines,
    read_rows,
    read_text,
)

SETTING = "x.table"


def put(folder: Path, content: bytes, name: str = "t.tsv") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_mark_line_ends_and_compression_are_no_part_of_the_text(tmp_path: Path) -> None:
    content = "\ufeffa\r\nb\rc\n".encode()
    assert read_text(put(tmp_path, content)) == "a\nb\nc\n"
    # by content: browsers unpack, and keep the name
    assert read_text(put(tmp_path, content, "t.tsv.gz")) == "a\nb\nc\n"
    packed = gzip.compress(content)
    assert read_text(put(tmp_path, packed + packed)) == "a\nb\nc\n\ufeffa\nb\nc\n"
    with open_text(put(tmp_path, packed)) as text:
        assert text.read() == b"a\r\nb\rc\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\nß\n".encode("latin-1"), r"(?s)line 2 is not UTF-8.*save it as UTF-8"),
        ("a\n".encode("utf-16"), r"(?s)UTF-16.*save it as UTF-8"),
        ("a\nb".encode("utf-16-le"), "line 1 has a NUL byte"),
        (b"PK\x03\x04", "Excel"),
        (b"\xd0\xcf\x11\xe0", "old Excel"),
        (gzip.compress(b"abc" * 99, mtime=0)[:-9], "cut off or damaged"),
        (gzip.compress(b"abc" * 99, mtime=0)[:-8] + b"\0" * 8, "cut off or damaged"),
    ],
)
def test_what_is_no_text_says_what_it_is(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_text(put(tmp_path, content), SETTING)


def test_a_table_keeps_its_words_and_lines(tmp_path: Path) -> None:
    content = b'# of mine\na\tb\t\t\n\n NA \t"x\ty"\t\t\n#\nrun#3\t\n\t\t\n'
    frame = read_frame(put(tmp_path, content), SETTING)
    expected = pd.DataFrame(
        [["NA", "x\ty"], ["run#3", ""]], [4, 6], columns=["a", "b"], dtype=object
    )
    pd.testing.assert_frame_equal(frame, expected.rename_axis(index="line"))
    assert read_lines(tmp_path / "t.tsv", SETTING)[0] == (2, "a\tb")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n# x\n", "is empty"),
        (b"a\tb\n", "a header line and no row"),
        (b"a\ta\n1\t2\n", "'a' stands twice"),
        (b"a\tb\n1\t2\n\n3\n", "line 4 has 1 fields, the first line 2"),
        (b"a\tb\nr1\t1\t2\n", "(?s)line 2 has 3 fields.*row names"),
        (b'a\tb\n1\t"2\n3\t4\n', "line 2: unexpected end of data"),
    ],
)
def test_a_table_that_is_none_is_refused_by_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_frame(put(tmp_path, content), SETTING)


def test_a_short_line_is_filled_only_where_it_may_be(tmp_path: Path) -> None:
    path = put(tmp_path, b"a\tb\n1\n")
    assert read_frame(path, SETTING, pad=True).to_numpy().tolist() == [["1", ""]]
    with pytest.raises(InputError, match="line 2"):
        read_rows(path, SETTING)


def test_cells_are_numbers_whole_numbers_or_flags(tmp_path: Path) -> None:
    path = put(tmp_path, b"n\tw\tf\n1.5\t3\tTRUE\nNA\t-2\tno\n\t1e3\t\n")
    frame = read_frame(path, SETTING)
    assert as_numbers(frame["n"], path, SETTING).fillna(9).tolist() == [1.5, 9, 9]
    assert as_whole(frame["w"], path, SETTING).tolist() == [3, -2, 1000]
    assert as_flags(frame["f"], path, SETTING).tolist() == [True, False, False]
    for read, column in ((as_whole, "n"), (as_flags, "n"), (as_numbers, "f")):
        with pytest.raises(InputError, match=f"line 2.*column '{column}'"):
            read(frame[column], path, SETTING)


def test_parquet_reads_as_the_same_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"tf": pd.Categorical(["A", None]), "sign": [1, -1]})
    table["flag"] = [True, False]
    table.to_parquet(tmp_path / "t.parquet")
    frame = read_frame(tmp_path / "t.parquet", SETTING)
    assert frame.to_numpy().tolist() == [["A", "1", "True"], ["", "-1", "False"]]
    table.assign(tf=[[1], [2]]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="column 'tf' holds"):
        read_frame(tmp_path / "t.parquet", SETTING)
