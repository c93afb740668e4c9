import dataclasses
import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from grnformer.core.errors import InputError
from grnformer.topics.evaluate import Fits, score_fits
from grnformer.topics.fit import binarize, choose_regions, fit_models
from grnformer.topics.lda_tomotopy import fit_lda
from grnformer.topics.model import to_table
from grnformer.topics.pycistopic import take_models

LDA = {"alpha": 3.0, "eta": 0.1, "n_iterations": 60, "seed": 3}


def fit_topics(matrix, n_topics, settings):
    """All that rule fit_topics does: the model and its scores."""
    binary = binarize(matrix)
    fits = fit_models(binary, n_topics, settings)
    return fits.model, score_fits(binary, fits, settings)


def matched_correlations(found, planted):
    correlation = np.corrcoef(found.T, planted.T)[: found.shape[1], found.shape[1] :]
    return correlation[linear_sum_assignment(-correlation)]


def test_planted_topics_are_recovered_in_regions_and_cells(planted):
    model = fit_lda(planted.matrix, 3, **LDA)
    assert matched_correlations(model.region_topic, planted.region_topic).min() > 0.8
    assert matched_correlations(model.cell_topic, planted.cell_topic).min() > 0.8
    np.testing.assert_allclose(model.cell_topic.sum(axis=1), 1)
    np.testing.assert_allclose(model.region_topic.sum(axis=0), 1)


def test_same_seed_same_topics_and_another_seed_others(planted, settings):
    first, scores = fit_topics(planted.matrix, 3, settings)
    again, scores_again = fit_topics(planted.matrix, 3, settings)
    for field in dataclasses.fields(first):
        np.testing.assert_array_equal(
            getattr(first, field.name), getattr(again, field.name)
        )
    assert scores.equals(scores_again)
    other = fit_lda(planted.matrix, 3, **LDA | {"seed": 4})
    assert not np.array_equal(first.region_topic, other.region_topic)


def test_counts_stored_zeros_and_the_order_of_storage_do_not_matter(planted, settings):
    indptr, indices = planted.matrix.indptr, planted.matrix.indices
    backwards = np.concatenate(
        [indices[a:b][::-1] for a, b in itertools.pairwise(indptr)]
    )
    values = np.append(np.full(len(indices), 3.0), 0.0)
    stored = np.append(backwards, 359), np.append(indptr[:-1], len(indices) + 1)
    expected, _ = fit_topics(planted.matrix, 3, settings)
    found, _ = fit_topics(
        sp.csr_matrix((values, *stored), shape=planted.matrix.shape), 3, settings
    )
    np.testing.assert_array_equal(found.region_topic, expected.region_topic)


def test_cell_without_regions_and_region_without_cells_follow_the_priors(planted):
    matrix = planted.matrix.tolil()
    matrix[7] = 0
    matrix[:, 11] = 0
    model = fit_lda(matrix.tocsr(), 3, **LDA)
    np.testing.assert_allclose(model.cell_topic[7], 1 / 3)
    assert (
        model.region_topic[11]
        <= np.delete(model.region_topic, 11, axis=0).min(axis=0) + 1e-12
    ).all()
    assert (model.region_topic[11] > 0).all()


def test_held_out_likelihood_prefers_the_planted_count_to_one_that_hides_a_topic(
    planted, settings
):
    few = fit_topics(planted.matrix, 2, settings)[1]["heldout_log_likelihood"].item()
    right = fit_topics(planted.matrix, 3, settings)[1]["heldout_log_likelihood"].item()
    assert right > few
    assert right > -np.log(planted.matrix.shape[1])  # better than equal probabilities


def test_unusable_input_is_refused(planted, settings):
    with pytest.raises(InputError, match="fewer topics than cells"):
        fit_topics(planted.matrix, 121, settings)
    with pytest.raises(InputError, match=r"topics\.min_cells"):
        choose_regions(planted.matrix, 151)
    with pytest.raises(InputError, match="lda_tomotopy"):
        fit_topics(planted.matrix, 3, settings | {"method": "unknown"})


def test_some_cells_are_held_out_of_the_second_model_and_scores_go_by_it(
    planted, settings
):
    fits = fit_models(planted.matrix, 3, settings)
    assert fits.held_out.sum() == 30
    assert fits.partial.cell_topic.shape == (120, 3)
    spoilt = dataclasses.replace(
        fits,
        partial=dataclasses.replace(
            fits.partial, region_topic=np.full((360, 3), 1 / 360)
        ),
    )
    scores = score_fits(planted.matrix, spoilt, settings)
    assert scores["heldout_log_likelihood"].item() == pytest.approx(-np.log(360))
    assert scores["log_likelihood"].item() > -np.log(360)


def test_of_many_cells_some_are_fitted_and_all_have_proportions(planted, settings):
    n_tokens = planted.matrix.nnz
    few = settings | {"max_tokens": round(0.6 * n_tokens)}
    fits = fit_models(planted.matrix, 3, few)
    n_fitted = len(fits.partial.cell_topic)
    assert 80 < n_fitted < 100
    assert fits.held_out.sum() == 30
    np.testing.assert_array_equal(fits.model.region_topic, fits.partial.region_topic)
    for of_all, truth in (
        (fits.model.region_topic, planted.region_topic),
        (fits.model.cell_topic, planted.cell_topic),
    ):
        assert matched_correlations(of_all, truth).min() > 0.8
    np.testing.assert_allclose(fits.model.cell_topic.sum(axis=1), 1)
    with pytest.raises(InputError, match=r"(?s)of 150 cells .*topics\.max_tokens"):
        fit_models(planted.matrix, 3, settings | {"max_tokens": 100})


def test_held_out_cells_have_no_part_in_the_topics_of_many(planted, settings):
    few = settings | {"max_tokens": planted.matrix.nnz // 2}
    fits = fit_models(planted.matrix, 3, few)
    spoilt = planted.matrix.tolil()
    spoilt[fits.held_out] = 1
    again = fit_models(spoilt.tocsr(), 3, few)
    np.testing.assert_array_equal(again.model.region_topic, fits.model.region_topic)


def test_up_to_the_bound_all_cells_are_fitted(planted, settings):
    bounded = fit_models(
        planted.matrix, 3, settings | {"max_tokens": planted.matrix.nnz}
    )
    whole = fit_models(planted.matrix, 3, settings)
    np.testing.assert_array_equal(bounded.model.cell_topic, whole.model.cell_topic)
    assert bounded.partial.cell_topic.shape == (120, 3)


def tables(fits, cells, regions):
    """What run_pycistopic writes."""
    kept = [cell for cell, out in zip(cells, fits.held_out, strict=True) if not out]
    return {
        "cell_topic": to_table(fits.model.cell_topic, cells, "cell"),
        "region_topic": to_table(fits.model.region_topic, regions, "region"),
        "partial_cell_topic": to_table(fits.partial.cell_topic, kept, "cell"),
        "partial_region_topic": to_table(fits.partial.region_topic, regions, "region"),
    }


def test_models_of_the_original_are_taken_from_its_tables(planted, settings):
    fits = fit_models(planted.matrix, 3, settings)
    cells = [f"c{i}" for i in range(150)]
    written = tables(fits, cells, planted.regions)
    taken = take_models(cells, planted.regions, **written)
    assert isinstance(taken, Fits)
    np.testing.assert_array_equal(taken.held_out, fits.held_out)
    assert score_fits(planted.matrix, taken, settings).equals(
        score_fits(planted.matrix, fits, settings)
    )
    for change in (
        {"region_topic": written["region_topic"].iloc[::-1]},
        {"cell_topic": written["cell_topic"].iloc[1:]},
        {"partial_cell_topic": written["cell_topic"]},
        {
            "partial_cell_topic": written["partial_cell_topic"].assign(
                cell=lambda table: table["cell"] + "x"
            )
        },
    ):
        with pytest.raises(InputError, match="run the original again"):
            take_models(cells, planted.regions, **written | change)


def test_regions_are_chosen_by_cells_not_counts():
    matrix = sp.csr_matrix([[5, 1, 1], [0, 1, 1], [0, 0, 1]])
    assert choose_regions(matrix, 2).tolist() == [False, True, True]
