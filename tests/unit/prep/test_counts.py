"""Counts come out as they went in, or are refused: nothing wraps, is rounded or gets another name."""

import csv
from pathlib import Path

import anndata
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grnformer.core.errors import InputError
from grnformer.prep.counts import as_counts, check_totals, sum_repeated_genes
from grnformer.prep.text_matrix import read_text_matrix

FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
INT32 = np.iinfo(np.int32)
# Without line breaks, NUL and surrogates, which no text table holds.
NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=5
)
NUMBERS = st.one_of(
    st.integers(0, 9),
    st.integers(-2, INT32.max + 2),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=True, allow_infinity=True),
)


@FEW
@given(st.lists(NUMBERS, min_size=1, max_size=4), st.sampled_from("ilfdLQ"))
def test_counts_are_kept_or_refused(numbers: list[float], kind: str) -> None:
    with np.errstate(all="ignore"):
        try:
            values = np.array([numbers]).astype(kind)
        except OverflowError:
            return
    # As numbers of Python: in float32 the limit would be rounded.
    plain = values.ravel().tolist()
    are_counts = all(0 <= x <= INT32.max and x == int(x) for x in plain) and any(plain)
    if not are_counts:
        with pytest.raises(InputError):
            as_counts(values, "test")
        return

    counts = as_counts(values, "test")
    assert counts.dtype == np.int32
    assert counts.toarray().tolist() == values.tolist()
    assert (counts.data != 0).all()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**32 + 5, "int64"),
        (3 * 10**9, "int64"),
        (1e12, "float64"),
        (2**32 - 1, "uint32"),
        (2**31, "float32"),
    ],
)
def test_a_count_that_would_wrap_is_named(value: float, kind: str) -> None:
    with pytest.raises(InputError, match=f"mine.h5ad: a count of {int(value)}"):
        as_counts(np.array([[1, value]], dtype=kind), "mine.h5ad")
    most = np.array([[1, INT32.max]], dtype="int64")
    assert as_counts(most, "mine.h5ad").toarray().tolist() == most.tolist()


def test_entries_and_genes_that_wrap_together() -> None:
    """Two entries of one place, and two genes of one name, that int32 holds singly."""
    twice = sp.csr_matrix((np.array([2**30] * 2), [0, 0], [0, 2]), shape=(1, 1))
    with pytest.raises(InputError, match=f"a count of {2**31}"):
        as_counts(twice, "test")
    data = anndata.AnnData(sp.csr_matrix(np.array([[2**30, 2**30]], dtype=np.int32)))
    data.var_names = ["A", "A"]
    with pytest.raises(InputError, match=f"a count of {2**31}"):
        sum_repeated_genes(data, "test")


def test_cells_of_one_total() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(0.5, 2, (12, 400)) * rng.uniform(1, 3, (12, 1)))
    check_totals(sp.csr_matrix(counts), "test")
    for total in (1e4, 1e6, 5331):
        scaled = np.round(total * counts / counts.sum(axis=1, keepdims=True))
        with pytest.raises(InputError, match=r"(?s)in each of 12 cells.*per million"):
            check_totals(sp.csr_matrix(scaled), "test")
    # Of few cells, only a round total tells.
    check_totals(sp.csr_matrix(scaled[:9]), "test")
    # Counts that were sampled down have one total exactly.
    sampled_down = [rng.permutation(400) for _ in range(12)]
    check_totals(sp.csr_matrix(np.array(sampled_down)), "test")


@FEW
@given(
    st.data(),
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(NAMES, min_size=1, max_size=4),
    st.sampled_from([".csv", ".tsv"]),
)
def test_a_text_matrix_is_read_as_it_was_written(
    tmp_path: Path,
    data: st.DataObject,
    rows: list[str],
    columns: list[str],
    suffix: str,
) -> None:
    size = len(rows) * len(columns)
    numbers = st.lists(st.integers(0, 2**40), min_size=size, max_size=size)
    matrix = np.array(data.draw(numbers)).reshape(len(rows), len(columns))
    path = tmp_path / f"m{suffix}"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="," if suffix == ".csv" else "\t")
        writer.writerow(["", *columns])
        writer.writerows(
            [name, *line] for name, line in zip(rows, matrix.tolist(), strict=True)
        )
    read, read_rows, read_columns = read_text_matrix(path)
    assert [read_rows, read_columns] == [rows, columns]
    assert read.toarray().tolist() == matrix.tolist()
