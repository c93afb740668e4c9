import lda
import numpy as np
import pytest
import scipy.sparse as sp

from grnformer.topics.lda_tomotopy import fit_lda
from grnformer.topics.model import TopicModel
from grnformer.topics.scores import (
    count_distinct_topics,
    density_cao_juan,
    divergence_arun,
    joint_log_likelihood,
    mean_coherence,
    topic_coherence,
)

# By tmtoolkit 0.12.0, which pycisTopic 2.0a calls, on the models of `drawn`: metric_arun_2010, metric_cao_juan_2009,
# metric_coherence_mimno_2011(top_n=20, normalize=True) with eps 1e-12 (pycisTopic's) and 1 (the paper's).
# fmt: off
ORIGINAL = {
    3: (0.007614867244245635, 0.12477270921924459,
        [-8.309659631465044, -6.378255042684782, -5.924572938746879],
        [-1.459271510839698, -1.4293282757042896, -1.2727502056733822]),
    8: (0.039420307062930454, 0.06282689594643945,
        [-9.43575792366724, -12.279957672342384, -3.6566785145490592, -9.753629851618012, -7.6354710262428735,
         -7.416564769452209, -7.146453338364066, -2.9949568463155627],
        [-1.441037517791412, -1.475836745991939, -1.393892005429535, -1.3128314621957913, -1.506621182161778,
         -1.4086014329840402, -1.6039031867149052, -1.4027083352433627]),
}
# fmt: on


@pytest.fixture(scope="module")
def drawn():
    """80 cells x 120 regions at random, and random models of 3 and 8 topics: topics -> (cells, regions) matrices."""
    rng = np.random.default_rng(0)
    matrix = sp.csr_matrix(
        (rng.random((80, 120)) < np.where(rng.random(120) < 0.3, 0.4, 0.1)).astype(int)
    )
    models = {}
    for n_topics in (3, 8):
        regions = np.abs(np.log(rng.random((120, n_topics)))) ** 3
        cells = -np.log(rng.random((80, n_topics)))
        models[n_topics] = TopicModel(
            cells / cells.sum(axis=1, keepdims=True), regions / regions.sum(axis=0)
        )
    return matrix, models


@pytest.mark.parametrize("n_topics", ORIGINAL)
def test_scores_are_those_that_pycistopic_takes(drawn, n_topics):
    matrix, models = drawn
    model = models[n_topics]
    arun, cao_juan, coherence, coherence_of_the_paper = ORIGINAL[n_topics]
    assert divergence_arun(
        model.region_topic, model.cell_topic, np.diff(matrix.indptr)
    ) == pytest.approx(arun)
    assert density_cao_juan(model.region_topic) == pytest.approx(cao_juan)
    np.testing.assert_allclose(
        topic_coherence(matrix, model.region_topic, 20, 1e-12), coherence
    )
    np.testing.assert_allclose(
        topic_coherence(matrix, model.region_topic, 20, 1), coherence_of_the_paper
    )


def test_coherence_by_hand():
    matrix = sp.csr_matrix([[1, 1, 0], [1, 1, 0], [1, 0, 1]], dtype=float)
    topics = np.array([[0.6, 0.5], [0.3, 0.1], [0.1, 0.4]])
    # topic 1: regions 0, 1 are together in 2 cells, region 0 is in 3; topic 2: regions 0, 2 together in 1
    np.testing.assert_allclose(
        topic_coherence(matrix, topics, 2, 1),
        [np.log((2 + 1) / 3), np.log((1 + 1) / 3)],
    )


def test_mean_coherence_is_that_of_the_best_topics_or_of_all():
    assert mean_coherence(np.array([-3.0, -1.0, -2.0]), 2) == -1.5
    assert mean_coherence(np.array([-3.0, -1.0, -2.0]), 9) == -2
    assert mean_coherence(np.array([-3.0, -1.0, -2.0]), None) == -2


def test_divergence_vanishes_where_topics_are_alike_in_both_views():
    """Topics without a shared region, each of equal probabilities, that hold equal parts of the tokens."""
    regions = np.kron(np.eye(4), np.full((5, 1), 0.2))
    cells = np.full((10, 4), 0.25)
    assert divergence_arun(regions, cells, np.full(10, 7)) == pytest.approx(
        0, abs=1e-12
    )
    assert (
        divergence_arun(regions, np.full((10, 4), [0.7, 0.1, 0.1, 0.1]), np.full(10, 7))
        > 0.5
    )


def test_density_is_the_cosine_of_topics():
    regions = np.kron(np.eye(4), np.full((5, 1), 0.2))
    assert density_cao_juan(regions) == pytest.approx(0, abs=1e-12)
    assert density_cao_juan(np.repeat(regions[:, :1], 3, axis=1)) == pytest.approx(1)


@pytest.mark.parametrize("n_topics", [2, 5])
def test_likelihood_of_a_gibbs_state_is_that_of_lda(planted, n_topics):
    alpha, eta = 4 / n_topics, 0.2
    matrix = planted.matrix[:60].astype(np.int64)
    state = lda.LDA(
        n_topics=n_topics, n_iter=20, alpha=alpha, eta=eta, random_state=1, refresh=100
    ).fit(matrix)
    model = TopicModel(state.doc_topic_, state.topic_word_.T)
    found = joint_log_likelihood(matrix, model, alpha=alpha, eta=eta) * matrix.nnz
    assert found == pytest.approx(state.loglikelihood(), rel=1e-9)


def test_likelihood_grows_as_the_sampler_finds_the_topics(planted):
    found = [
        joint_log_likelihood(
            planted.matrix,
            fit_lda(planted.matrix, 3, alpha=3, eta=0.1, seed=1, n_iterations=n),
            alpha=1,
            eta=0.1,
        )
        for n in (1, 60)
    ]
    assert found[1] > found[0] + 0.1


def test_copies_of_a_topic_count_once(planted):
    rng = np.random.default_rng(0)
    copies = planted.region_topic[:, :2] * rng.uniform(0.9, 1.1, size=(360, 2))
    assert count_distinct_topics(np.hstack([planted.region_topic, copies]), 0.8) == 3
    assert count_distinct_topics(planted.region_topic, 0.8) == 3
