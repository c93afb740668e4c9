import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.topics.evaluate import count_distinct_topics, mean_coherence, select_topic_count, split_regions
from grnformer.topics.model import TopicModel, infer_cell_topics, iterate_imputed, token_log_likelihood


def test_split_gives_each_cell_two_halves(planted):
    first, second = split_regions(planted.matrix, np.random.default_rng(1))
    assert (abs(first + second - planted.matrix)).nnz == 0
    sizes = np.diff(planted.matrix.indptr)
    np.testing.assert_array_equal(np.diff(first.indptr), sizes // 2)


def test_likelihood_against_a_dense_computation(planted):
    model = TopicModel(planted.cell_topic, planted.region_topic)
    dense = np.log(planted.cell_topic @ planted.region_topic.T)
    rows, columns = planted.matrix.nonzero()
    np.testing.assert_allclose(token_log_likelihood(planted.matrix, model), dense[rows, columns])


def test_inferred_proportions_find_the_planted_topic(planted):
    inferred = infer_cell_topics(planted.matrix, planted.region_topic, alpha=0.5)
    np.testing.assert_allclose(inferred.sum(axis=1), 1)
    assert (inferred.argmax(axis=1) == planted.cell_topic.argmax(axis=1)).mean() > 0.95


def test_imputed_blocks_are_the_dense_product(planted):
    blocks = list(iterate_imputed(planted.cell_topic, planted.region_topic, 100))
    assert [block.stop - block.start for block, _ in blocks] == [100, 100, 100, 60]
    np.testing.assert_allclose(np.hstack([values for _, values in blocks]), planted.cell_topic @ planted.region_topic.T)


def test_coherence_by_hand():
    matrix = sp.csr_matrix([[1, 1, 0], [1, 1, 0], [1, 0, 1]], dtype=float)
    topics = np.array([[0.6, 0.5], [0.3, 0.1], [0.1, 0.4]])
    # topic 1: regions 0, 1 are together in 2 cells, region 0 is in 3; topic 2: regions 0, 2 together in 1
    expected = np.mean([np.log((2 + 1) / 3), np.log((1 + 1) / 3)])
    assert mean_coherence(matrix, topics, 2) == pytest.approx(expected)


def test_copies_of_a_topic_count_once(planted):
    rng = np.random.default_rng(0)
    copies = planted.region_topic[:, :2] * rng.uniform(0.9, 1.1, size=(360, 2))
    assert count_distinct_topics(np.hstack([planted.region_topic, copies]), 0.8) == 3
    assert count_distinct_topics(planted.region_topic, 0.8) == 3


def scores(**columns):
    table = {"n_topics": [20, 10, 5], "distinct_topics": [20, 10, 5], "log_likelihood": [-8.0] * 3}
    table |= {"heldout_log_likelihood": [-8.0, -8.5, -9.0], "heldout_standard_error": [0.1] * 3}
    return pd.DataFrame(table | {"coherence": [-3.0, -2.0, -1.0]} | columns)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, 20),  # the best held-out likelihood by far
        ({"heldout_log_likelihood": [-8.0, -8.05, -9.0]}, 10),  # equal within an error: the more coherent
        ({"distinct_topics": [15, 10, 5]}, 10),  # topics that are copies do not compete
    ],
)
def test_selection(columns, expected):
    table = select_topic_count(scores(**columns))
    assert table.query("selected")["n_topics"].tolist() == [expected]
    assert table["n_topics"].tolist() == [5, 10, 20]
