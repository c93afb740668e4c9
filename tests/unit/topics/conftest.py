"""Cells from planted topics."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

with warnings.catch_warnings():
    # tomotopy's extension types are old-fashioned, and its import hides the warning behind a ModuleNotFoundError.
    warnings.filterwarnings(
        "ignore", "builtin type .* has no __module__ attribute", DeprecationWarning
    )
    import tomotopy  # noqa: F401


@pytest.fixture(scope="session")
def planted():
    """150 cells of 3 types, each mostly of one of 3 topics; topic t favours the regions t * 100 to t * 100 + 99."""
    rng = np.random.default_rng(0)
    n_cells, n_regions, n_topics = 150, 360, 3
    region_topic = np.full((n_regions, n_topics), 1.0)
    for topic in range(n_topics):
        region_topic[topic * 100 : (topic + 1) * 100, topic] = 30.0
    region_topic /= region_topic.sum(axis=0)
    types = np.repeat(["a", "b", "c"], n_cells // 3)
    cell_topic = np.full((n_cells, n_topics), 0.1)
    cell_topic[np.arange(n_cells), np.repeat(range(n_topics), n_cells // 3)] = 0.8
    accessible = rng.random((n_cells, n_regions)) < np.minimum(
        cell_topic @ region_topic.T * 60, 1
    )
    return SimpleNamespace(
        matrix=sp.csr_matrix(accessible.astype(np.float32)),
        cell_topic=cell_topic,
        region_topic=region_topic,
        types=types,
        regions=[f"chr1:{i * 1000}-{i * 1000 + 500}" for i in range(n_regions)],
    )


@pytest.fixture
def settings():
    """A section `topics` of the config, quick to fit."""
    return {
        "seed": 3,
        "method": "lda_tomotopy",
        "max_tokens": None,
        "lda_tomotopy": {"n_iterations": 60, "alpha": 3.0, "eta": 0.1},
        "evaluation": {
            "heldout_cells": 0.2,
            "alpha": 3.0,
            "coherence_regions": 20,
            "coherence_smoothing": 1,
            "coherence_topics": None,
            "distinct_correlation": 0.8,
        },
    }
