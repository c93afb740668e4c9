import numpy as np

from grnformer.topics.evaluate import split_regions
from grnformer.topics.model import (
    TopicModel,
    infer_cell_topics,
    iterate_imputed,
    token_log_likelihood,
)


def test_split_gives_each_cell_two_halves(planted):
    first, second = split_regions(planted.matrix, np.random.default_rng(1))
    assert (abs(first + second - planted.matrix)).nnz == 0
    sizes = np.diff(planted.matrix.indptr)
    np.testing.assert_array_equal(np.diff(first.indptr), sizes // 2)


def test_likelihood_against_a_dense_computation(planted):
    model = TopicModel(planted.cell_topic, planted.region_topic)
    dense = np.log(planted.cell_topic @ planted.region_topic.T)
    rows, columns = planted.matrix.nonzero()
    np.testing.assert_allclose(
        token_log_likelihood(planted.matrix, model), dense[rows, columns]
    )


def test_inferred_proportions_find_the_planted_topic(planted):
    inferred = infer_cell_topics(planted.matrix, planted.region_topic, alpha=0.5)
    np.testing.assert_allclose(inferred.sum(axis=1), 1)
    assert (inferred.argmax(axis=1) == planted.cell_topic.argmax(axis=1)).mean() > 0.95


def test_imputed_blocks_are_the_dense_product(planted):
    blocks = list(iterate_imputed(planted.cell_topic, planted.region_topic, 100))
    assert [block.stop - block.start for block, _ in blocks] == [100, 100, 100, 60]
    np.testing.assert_allclose(
        np.hstack([values for _, values in blocks]),
        planted.cell_topic @ planted.region_topic.T,
    )
