"""Value bins, token draws, and the moments of drawn tokens."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from grnformer.data.tokens import (
    bin_values,
    cell_depth,
    draw_tokens,
    highest_tokens,
    rank_values,
)
from grnformer.model.moments import (
    SHRINK,
    gene_fractions,
    gene_moments,
    nonzero_medians,
)


def test_bins_follow_ranks_within_the_cell_on_any_scale():
    cells = sp.csr_matrix([[0, 1, 2, 3, 4], [0, 5, 5, 5, 9]], dtype=float)
    binned = bin_values(cells, 4).toarray()
    np.testing.assert_allclose(binned, [[0, 0.25, 0.5, 0.75, 1], [0, 0.5, 0.5, 0.5, 1]])
    np.testing.assert_array_equal(bin_values(cells.power(2) * 7, 4).toarray(), binned)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 12), st.integers(1, 12), st.floats(0, 1))
def test_every_row_has_the_same_number_of_distinct_tokens_with_their_values(
    n_expressed, n_tokens, share
):
    row = np.zeros((1, 12))
    row[0, :n_expressed] = np.arange(1, n_expressed + 1) / 12
    gene, value = draw_tokens(
        sp.csr_matrix(row), n_tokens, share, np.random.default_rng(0)
    )
    assert len(set(gene[0])) == n_tokens
    np.testing.assert_allclose(value[0], row[0, gene[0]], rtol=1e-6)


def test_moments_are_those_of_many_drawn_tokens():
    rng = np.random.default_rng(0)
    values = bin_values(
        sp.csr_matrix(rng.poisson(0.7, (30, 15)) * rng.random((30, 15))), 10
    )
    types = rng.integers(2, size=30)
    mean, deviation, type_mean = gene_moments(
        [(values[:10], types[:10], None), (values[10:], types[10:], None)], 2, 6, 0.5
    )
    sums, squares, counts, of_type = (
        np.zeros(15),
        np.zeros(15),
        np.zeros(15),
        np.zeros((2, 2, 15)),
    )
    draws = 2000
    for _ in range(draws):
        gene, value = draw_tokens(values, 6, 0.5, rng)
        np.add.at(sums, gene, value)
        np.add.at(squares, gene, value**2)
        np.add.at(counts, gene, 1)
        for t in range(2):
            np.add.at(of_type[0, t], gene[types == t], value[types == t])
            np.add.at(of_type[1, t], gene[types == t], 1)
    weight = counts / draws
    expected = (sums / draws + SHRINK * sums.sum() / counts.sum()) / (weight + SHRINK)
    square = (squares / draws + SHRINK * squares.sum() / counts.sum()) / (
        weight + SHRINK
    )
    np.testing.assert_allclose(mean, expected, atol=0.01)
    np.testing.assert_allclose(deviation, np.sqrt(square - expected**2), atol=0.01)
    per_type = (of_type[0] / draws + SHRINK * expected) / (of_type[1] / draws + SHRINK)
    np.testing.assert_allclose(type_mean, per_type, atol=0.02)


def test_depth_is_told_from_the_least_count():
    counts = np.array([[1, 0, 3, 2], [0, 1, 7, 0], [0, 0, 0, 0]])
    totals = np.array([537.0, 12_345.0, 1.0])
    cells = sp.csr_matrix(np.log1p(counts / totals[:, None] * 10_000), dtype=np.float32)
    np.testing.assert_allclose(cell_depth(cells)[:2], totals[:2], rtol=1e-5)
    assert cell_depth(cells)[2] == 10_000


def test_ranks_follow_the_value_over_the_genes_median_and_the_highest_are_kept():
    counts = np.array([[4.0, 0, 3, 10], [0, 0, 0, 5], [0, 0, 0, 0]])
    values = rank_values(sp.csr_matrix(np.log1p(counts)), np.array([1.0, 1, 0.5, 5]))
    np.testing.assert_allclose(
        values.toarray(), [[2 / 3, 0, 1, 1 / 3], [0, 0, 0, 1], [0, 0, 0, 0]], rtol=1e-6
    )
    gene, value, present = highest_tokens(values, 2)
    np.testing.assert_array_equal(gene, [[2, 0], [3, 0], [0, 0]])
    np.testing.assert_array_equal(
        present, [[True, True], [True, False], [False, False]]
    )
    np.testing.assert_allclose(value, [[1, 2 / 3], [1, 0], [0, 0]], rtol=1e-6)


def test_shares_and_medians_are_those_of_expressed_genes():
    cells = sp.csr_matrix(np.log1p([[2.0, 0, 1], [4, 0, 0], [9, 3, 0]]))
    np.testing.assert_allclose(nonzero_medians(cells), [4, 3, 1])
    shares = gene_fractions(
        [(cells[:2], np.array([0, 1])), (cells[2:], np.array([1]))], 2
    )
    np.testing.assert_allclose(shares.sum(1), 1)
    total = np.array([3, 1, 1]) + SHRINK / 3
    np.testing.assert_allclose(shares[2], total / total.sum())
    of_type = np.array([2, 1, 0]) + SHRINK * shares[2]
    np.testing.assert_allclose(shares[1], of_type / of_type.sum())


def test_a_last_bit_does_not_decide_between_equal_ranks():
    """Processors differ in it, in expm1 and so in medians."""
    expression = sp.csr_matrix(np.log1p([[3.0, 3.0, 1.0]]))
    exact = rank_values(expression, np.array([3.0, 3.0, 3.0])).toarray()
    for other in (np.nextafter(3.0, 4), np.nextafter(3.0, 2)):
        ranked = rank_values(expression, np.array([3.0, other, 3.0])).toarray()
        np.testing.assert_array_equal(ranked, exact)
