"""Nearest reference cells: exact, by the approximate index, and what lies beyond the usual distance."""

import logging

import numpy as np
import pandas as pd
import pytest

from grnformer.infer.mapping import ReferenceIndex, warn_out_of_domain

USUAL = {"usual_quantile": 0.95, "seed": 1}


def make_reference(n_cells, n_dimensions=16, seed=0):
    """Cells of eight types in an embedding whose dimensions have very unlike scales."""
    centres, rng = (
        np.random.default_rng(0).normal(size=(8, n_dimensions)) * 3,
        np.random.default_rng([1, seed]),
    )
    types = rng.integers(0, 8, n_cells)
    points = centres[types] + rng.normal(size=(n_cells, n_dimensions))
    table = pd.DataFrame(
        points * np.geomspace(0.01, 100, n_dimensions),
        columns=[f"dim_{d}" for d in range(n_dimensions)],
    )
    table.insert(0, "cell", [f"c{i}" for i in range(n_cells)])
    table.insert(1, "cell_type", [f"t{t}" for t in types])
    return table


def points_of(table):
    return table.filter(like="dim_").to_numpy()


def test_exact_search_is_the_brute_force_nearest():
    reference, query = (
        make_reference(200),
        points_of(make_reference(200, seed=0))[::7] * 1.01,
    )
    index = ReferenceIndex(reference, exact_up_to=200, **USUAL)
    points, scale = points_of(reference), points_of(reference).std(0)
    distance = np.sqrt(((query[:, None] - points[None]) ** 2 / scale**2).sum(-1))
    mapped = index.map(query)
    assert index.is_exact
    assert mapped["cell"].tolist() == [f"c{i}" for i in distance.argmin(1)]
    np.testing.assert_allclose(mapped["distance"], distance.min(1), rtol=1e-4)
    between = np.sqrt(((points[:, None] - points[None]) ** 2 / scale**2).sum(-1))
    np.fill_diagonal(between, np.inf)
    np.testing.assert_allclose(
        index.usual_distance, np.quantile(between.min(1), 0.95), rtol=1e-4
    )


def test_the_approximate_index_finds_what_the_exact_search_finds():
    reference = make_reference(3000)
    query = points_of(make_reference(300, seed=1))
    exact = ReferenceIndex(reference, exact_up_to=3000, **USUAL)
    index = ReferenceIndex(reference, exact_up_to=2999, **USUAL)
    assert not index.is_exact
    found, distance = index.nearest(query)
    assert index._approximate.nprobe < index._approximate.nlist / 5
    truth, least = exact.nearest(query)
    assert (found == truth).mean() >= 0.95
    np.testing.assert_allclose(distance[found == truth], least[found == truth])
    np.testing.assert_allclose(index.usual_distance, exact.usual_distance, rtol=0.02)
    again = ReferenceIndex(reference, exact_up_to=2999, **USUAL)
    assert (again.nearest(query)[0] == found).all()


def test_cells_unlike_the_reference_are_out_of_domain(caplog):
    reference = make_reference(500)
    index = ReferenceIndex(reference, exact_up_to=500, **USUAL)
    same_kind = points_of(make_reference(200, seed=1))
    strange = same_kind + 10 * points_of(reference).std(0)
    near, far = index.map(same_kind), index.map(strange)
    assert near["out_of_domain"].mean() < 0.2
    assert far["out_of_domain"].all()
    with caplog.at_level(logging.INFO, "grnformer.train"):
        warn_out_of_domain(near, 0.2)
        assert not [r for r in caplog.records if r.levelno == logging.WARNING]
        warn_out_of_domain(pd.concat([near, far]), 0.2)
    assert "farther from any pretraining cell" in caplog.text


@pytest.mark.parametrize("n_cells", [1, 2])
def test_a_reference_of_very_few_cells(n_cells):
    reference = make_reference(n_cells)
    mapped = ReferenceIndex(reference, exact_up_to=10, **USUAL).map(
        points_of(reference)
    )
    assert mapped["cell"].tolist() == reference["cell"].tolist()
