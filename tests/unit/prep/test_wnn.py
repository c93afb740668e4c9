"""Weighted nearest neighbours against a cell-by-cell transcription of the paper, and on planted types."""

import numpy as np
import pytest

from grnformer.prep import wnn
from grnformer.prep.wnn import weigh_neighbors

EXACT = {"max_exact_cells": None, "seed": 1}


def _reference(embeddings, k, n_bandwidth, n_candidates):
    """Hao et al. 2021, methods, one cell at a time."""
    spaces = [e / np.linalg.norm(e, axis=1, keepdims=True) for e in embeddings]
    n = len(spaces[0])
    away = [np.linalg.norm(s[:, None] - s[None], axis=2) for s in spaces]
    order = [
        [
            sorted((j for j in range(n) if j != i), key=lambda j: d[i, j])
            for i in range(n)
        ]
        for d in away
    ]
    ratio, width = np.zeros((n, len(spaces))), np.zeros((n, len(spaces)))
    for r, space in enumerate(spaces):
        sets = [{i, *order[r][i][:k]} for i in range(n)]
        for i in range(n):
            jaccard = {
                j: len(sets[i] & sets[j]) / len(sets[i] | sets[j])
                for j in range(n)
                if j != i
            }
            barely = sorted(
                (j for j in jaccard if jaccard[j] > 0),
                key=lambda j: (jaccard[j], -away[r][i, j]),
            )
            width[i, r] = (
                np.mean([away[r][i, j] for j in barely[:n_bandwidth]])
                - away[r][i, order[r][i][0]]
            )
            theta = []
            for neighbors in order:
                predicted = space[neighbors[i][:k]].mean(axis=0)
                gap = max(
                    np.linalg.norm(space[i] - predicted) - away[r][i, order[r][i][0]], 0
                )
                theta.append(np.exp(-gap / width[i, r]))
            ratio[i, r] = theta[r] / (
                max(t for s, t in enumerate(theta) if s != r) + 1e-4
            )
    weights = np.exp(ratio) / np.exp(ratio).sum(axis=1, keepdims=True)
    chosen = []
    for i in range(n):
        candidates = set().union(
            *(order[r][i][:n_candidates] for r in range(len(spaces)))
        )

        def affinity(j, i=i):
            return sum(
                weights[i, r]
                * np.exp(
                    -max(away[r][i, j] - away[r][i, order[r][i][0]], 0) / width[i, r]
                )
                for r in range(len(spaces))
            )

        chosen.append(sorted(candidates, key=affinity, reverse=True)[:k])
    return np.array(chosen), weights


@pytest.fixture
def embeddings():
    rng = np.random.default_rng(3)
    return [rng.normal(size=(50, 6)) + 2, rng.normal(size=(50, 4)) - 1]


@pytest.mark.parametrize("n_bandwidth", [1, 5, 49])
def test_equals_the_reference(embeddings, n_bandwidth):
    """Also where fewer cells share a neighbour than set the width."""
    asked = {"n_bandwidth": n_bandwidth, "n_candidates": 15}
    expected, expected_weights = _reference(embeddings, k=8, **asked)
    indices, distances, weights = weigh_neighbors(
        embeddings, n_neighbors=8, **asked, **EXACT
    )
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-4)
    np.testing.assert_array_equal(indices, expected)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_modality_that_tells_types_apart_weighs_more():
    """RNA separates a from b and c; ATAC separates c from a and b: jointly all three types are apart."""
    rng = np.random.default_rng(0)
    types = np.repeat([0, 1, 2], 60)
    axes = np.eye(10) * 6
    rna = rng.normal(size=(180, 10)) + axes[[0, 1, 1]][types]
    atac = rng.normal(size=(180, 10)) + axes[[0, 0, 1]][types]
    indices, _, weights = weigh_neighbors([rna, atac], n_neighbors=15, **EXACT)
    assert (types[indices] == types[:, None]).mean() > 0.9  # either alone: 0.67
    assert weights[types == 0, 0].mean() > 0.5 > weights[types == 2, 0].mean()


def test_fewer_cells_than_neighbors():
    rng = np.random.default_rng(0)
    indices, *_ = weigh_neighbors(
        [rng.normal(size=(5, 3)), rng.normal(size=(5, 2))], n_neighbors=20, **EXACT
    )
    assert indices.shape == (5, 4)
    assert all(sorted([i, *row]) == [0, 1, 2, 3, 4] for i, row in enumerate(indices))


@pytest.mark.slow
def test_descent_finds_what_exact_search_finds(monkeypatch):
    """Of 400 cells in 8 types, as many are found twice at one place as not: a cell is never its own neighbour."""
    rng = np.random.default_rng(1)
    types = np.arange(400) % 8
    rna = rng.normal(size=(400, 5)) + 6 * rng.normal(size=(8, 5))[types]
    rna[200:300] = rna[:100]
    exact, far, _ = weigh_neighbors([rna], n_neighbors=10, n_candidates=30, **EXACT)
    monkeypatch.setattr(wnn, "_search", None)
    asked = {"n_neighbors": 10, "n_candidates": 30, "max_exact_cells": 399}
    found, away, _ = weigh_neighbors([rna], seed=2, **asked)

    same = [len(set(one) & set(other)) for one, other in zip(exact, found, strict=True)]
    assert np.mean(same) > 9.5
    assert np.allclose(away, far, atol=0.02)
    assert not (found == np.arange(400)[:, None]).any()
    assert np.array_equal(weigh_neighbors([rna], seed=2, **asked)[0], found)
