"""BASC A against the paper's definition, written out by trying every step function."""

import itertools

import numpy as np
import pytest

from grnformer.grn.eregulons.basc import find_thresholds
from grnformer.grn.eregulons.binarise import binarise_links


def step_function_cost(values: np.ndarray, breaks: tuple[int, ...]) -> float:
    parts = np.split(values, [b + 1 for b in breaks])
    return sum(((part - part.mean()) ** 2).sum() for part in parts)


def plain_basc(values: np.ndarray) -> float:
    """All step functions of each number of discontinuities are tried; means and errors are taken of the values."""
    values = np.sort(values)
    n = len(values)
    strongest = []
    for n_breaks in range(1, n - 1):
        best = min(
            itertools.combinations(range(n - 1), n_breaks),
            key=lambda b: step_function_cost(values, b),
        )
        edges = [-1, *best, n - 1]
        scores = []
        for i, d in enumerate(best):
            below, above = (
                values[edges[i] + 1 : d + 1],
                values[d + 1 : edges[i + 2] + 1],
            )
            middle = (values[d] + values[d + 1]) / 2
            scores.append(
                (above.mean() - below.mean()) / ((values - middle) ** 2).sum()
            )
        strongest.append(best[int(np.argmax(scores))])
    place = int(np.floor(np.median(strongest)))
    return (values[place] + values[place + 1]) / 2


def threshold(values: np.ndarray, most: int = 100) -> float:
    falling = np.sort(values)[::-1].astype(float)
    return find_thresholds(falling, np.array([0, len(falling)]), most)[0]


@pytest.mark.parametrize("draw", ["exponential", "uniform", "lognormal", "two_modes"])
def test_the_threshold_is_that_of_the_definition(draw: str) -> None:
    rng = np.random.default_rng(7)
    for size in [3, 4, 5, 6, 7, 8, 9, 9]:
        values = {
            "exponential": lambda n=size: rng.exponential(size=n),
            "uniform": lambda n=size: 1e3 + rng.random(n),
            "lognormal": lambda n=size: rng.lognormal(0, 2, n),
            "two_modes": lambda n=size: np.r_[
                rng.normal(0, 0.1, n - 2), rng.normal(5, 0.1, 2)
            ],
        }[draw]()
        assert threshold(values) == pytest.approx(plain_basc(values), rel=1e-12)


def test_two_groups_of_values_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    for n_high in (2, 10, 30):
        values = np.r_[rng.normal(1, 0.05, 40 - n_high), rng.normal(3, 0.05, n_high)]
        assert 1.2 < threshold(values) < 2.8


def test_groups_are_binarised_by_themselves_and_any_scale_is_alike() -> None:
    rng = np.random.default_rng(1)
    parts = [np.sort(rng.exponential(size=n))[::-1] for n in (12, 2, 30, 5)]
    start = np.r_[0, np.cumsum([len(p) for p in parts])]
    found = find_thresholds(np.concatenate(parts), start, 100)
    assert found[1] == -np.inf
    np.testing.assert_allclose(
        found[[0, 2, 3]], [threshold(parts[i]) for i in (0, 2, 3)]
    )
    np.testing.assert_allclose(
        find_thresholds(1e-6 * np.concatenate(parts), start, 100), 1e-6 * found
    )


def test_of_many_links_the_best_are_looked_at() -> None:
    values = np.r_[
        np.linspace(0.0, 0.1, 200), np.linspace(1.0, 1.1, 10), np.linspace(2.0, 2.1, 10)
    ]
    assert 1.1 < threshold(values, most=20) < 2
    assert 0.1 < threshold(values, most=60) < 2


def test_links_above_the_step_pass() -> None:
    gene = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
    importance = np.array([0.1, 0.12, 0.9, 0.11, 0.3, 0.0, 0.2, 0.2, 0.2])
    mask = binarise_links(gene, importance, quantiles=[], top_regions=[], basc=True)[
        "basc"
    ]
    assert mask.tolist() == [False, False, True, False, True, False, True, True, True]
