"""arboreto's stop rule with a scikit-learn whose `oob_improvement_` no longer carries it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor

PATH = Path(__file__).parents[3] / "workflow" / "originals" / "stop_rule.py"
BOOSTING = {
    "learning_rate": 0.01,
    "n_estimators": 5000,
    "max_features": 0.1,
    "subsample": 0.9,
    "random_state": 1,
}


@pytest.fixture(scope="module")
def stop_rule():
    spec = importlib.util.spec_from_file_location("stop_rule", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cells() -> tuple[np.ndarray, np.ndarray]:
    """A gene that follows three of 30 TFs: 300 cells x 30 TFs, and the gene's expression."""
    rng = np.random.default_rng(0)
    tfs = np.log1p(rng.poisson(2, (300, 30)))
    return tfs, tfs[:, :3].sum(axis=1) + rng.normal(0, 1, 300)


def test_arboretos_own_monitor_stays_where_it_is_right(stop_rule) -> None:
    assert stop_rule.monitor_class("1.2.2") is None
    assert stop_rule.monitor_class("0.24.1") is None
    assert stop_rule.monitor_class("1.3.0") is stop_rule.StopMonitor
    assert stop_rule.monitor_class("1.10.dev0") is stop_rule.StopMonitor


def test_an_improvement_is_measured_on_the_cells_left_out_of_that_very_tree(
    stop_rule, cells
) -> None:
    masks = []

    class Recorded(stop_rule.StopMonitor):
        def __call__(self, current_round, regressor, variables):
            masks.append(variables["sample_mask"].copy())
            return super().__call__(current_round, regressor, variables)

    monitor = Recorded()
    model = GradientBoostingRegressor(**BOOSTING).fit(*cells, monitor=monitor)
    tfs, gene = cells
    stages = [np.full(len(gene), gene.mean()), *model.staged_predict(tfs)]
    expected = [
        np.mean((gene - before)[~mask] ** 2) - np.mean((gene - after)[~mask] ** 2)
        for mask, before, after in zip(masks, stages[:-1], stages[1:], strict=True)
    ]
    np.testing.assert_allclose(monitor._improvements, expected, atol=1e-12)
    windows = np.convolve(expected, np.full(25, 1 / 25), mode="valid")
    assert windows[-1] < 0
    assert (windows[:-1] >= 0).all()


def test_boosting_goes_on_where_scikit_learns_own_figure_would_end_it(
    stop_rule, cells
) -> None:
    def drifted(current_round, regressor, variables):
        return (
            current_round >= 24
            and np.mean(
                regressor.oob_improvement_[current_round - 24 : current_round + 1]
            )
            < 0
        )

    own = GradientBoostingRegressor(**BOOSTING).fit(*cells, monitor=drifted)
    kept = GradientBoostingRegressor(**BOOSTING).fit(
        *cells, monitor=stop_rule.StopMonitor()
    )
    assert len(own.estimators_) < 60 < 90 < len(kept.estimators_)
