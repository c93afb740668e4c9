"""Vocabularies in the formats that backbones publish; pickles that want more are refused."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.graph.vocabulary import read_aliases, read_medians, read_vocabulary


def dump(content, path):
    path.write_bytes(pickle.dumps(content))
    return path


def test_every_format_gives_the_same_vocabulary(tmp_path):
    expected = {"A": 0, "B": 2, "NA": 5}
    (tmp_path / "v.json").write_text(json.dumps(expected))
    (tmp_path / "v.tsv").write_text("gene_name\tindex\nA\t0\nB\t2\nNA\t5\n")
    dump(
        {name: np.int16(entry) for name, entry in expected.items()}, tmp_path / "v.pkl"
    )
    assert all(
        read_vocabulary(tmp_path / f"v.{kind}") == expected
        for kind in ("json", "tsv", "pkl")
    )
    assert read_aliases(dump({"x": "A"}, tmp_path / "a.pkl")) == {"x": "A"}
    assert read_aliases([]) == {}


def test_medians_find_their_genes_by_entry(tmp_path):
    vocabulary = dump({"<pad>": 0, "E1": 1, "E2": 2, "E3": 3}, tmp_path / "v.pkl")
    medians = dump({"E1": np.float64(1.5), "E2": 2.5, "E9": 1.0}, tmp_path / "m.pkl")
    genes = pd.DataFrame({"gene": ["b", "a"], "token": [2, 1]})
    np.testing.assert_array_equal(read_medians(medians, vocabulary, genes), [2.5, 1.5])
    assert read_medians([], [], genes) is None
    with pytest.raises(InputError, match="no median above 0 of 1 genes, first 'c'"):
        read_medians(medians, vocabulary, pd.DataFrame({"gene": ["c"], "token": [3]}))


@pytest.mark.parametrize(
    "content",
    [
        {"A": Path("x")},
        {"A": [1]},
        ["A"],
        {"A": 1.5},
        {"A": 1, "B": 1},
        {1: 1},
        {"A": float("nan")},
        {"A": float("inf")},
        {"A": 2**40},
    ],
)
def test_anything_but_whole_numbers_by_text_is_refused(content, tmp_path):
    with pytest.raises(InputError):
        read_vocabulary(dump(content, tmp_path / "v.pkl"))


class Folder:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.path),)


def test_a_pickle_runs_nothing(tmp_path):
    with pytest.raises(InputError, match="mkdir"):
        read_vocabulary(dump({"A": Folder(tmp_path / "made")}, tmp_path / "v.pkl"))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("entry", ["1.5", "x", "NA", "-1", "inf"])
def test_a_wrong_entry_of_a_table_is_refused(entry, tmp_path):
    (tmp_path / "v.tsv").write_text(f"gene_name\tindex\nA\t0\nB\t{entry}\n")
    with pytest.raises(InputError, match=r"whole number|a number"):
        read_vocabulary(tmp_path / "v.tsv")


def test_a_gene_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "v.json").write_text('{"A": 0, "B": 1, "A": 2}')
    (tmp_path / "v.tsv").write_text("gene_name\tindex\nA\t0\nA\t1\n")
    (tmp_path / "a.tsv").write_text("alias\tsymbol\nA\tB\nA\tC\n")
    with pytest.raises(InputError, match="'A' stands twice"):
        read_vocabulary(tmp_path / "v.json")
    with pytest.raises(InputError, match=r"line 3.*'A'"):
        read_vocabulary(tmp_path / "v.tsv")
    with pytest.raises(InputError, match=r"line 3.*'A'"):
        read_aliases(tmp_path / "a.tsv")


def test_a_pickle_that_wants_much_memory_is_refused(tmp_path):
    (tmp_path / "v.pkl").write_bytes(b"}r\xff\xff\xff\x7f.")
    with pytest.raises(InputError, match="object 2147483647"):
        read_vocabulary(tmp_path / "v.pkl")
