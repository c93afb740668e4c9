"""AUCell, specificity scores and TF-gene networks beside pySCENIC's and arboreto's own, run in their environment."""

import numpy as np
import pytest
import scipy.sparse as sp

from grnformer.grn.activity.recovery import score_cells
from grnformer.grn.activity.rss import specificity
from grnformer.grn.tf_gene.hist_boosting import infer

pytestmark = [pytest.mark.reference, pytest.mark.slow]


@pytest.fixture(scope="module")
def reference(load):
    """Run a task of benchmarks/tasks in pySCENIC's interpreter; gives its result."""
    harness = load("harness")
    python = harness.find_python("pyscenic")
    if python is None:
        pytest.skip(harness.why_absent("pyscenic"))
    return lambda task, arrays, options=None: (
        harness.run_task(task, arrays, options, python).result
    )


def test_aucell_is_pyscenics_without_ties(reference) -> None:
    rng = np.random.default_rng(1)
    matrix = np.argsort(rng.random((60, 800)), axis=1) + 1.0
    members = (rng.random((800, 12)) < rng.uniform(0.01, 0.3, 12)).astype(float)
    options = {"auc_threshold": 0.05, "seeds": [1]}
    expected = reference(
        "aucell_pyscenic", {"matrix": matrix, "members": members}, options
    )["auc"]
    ours = score_cells(sp.csr_matrix(matrix), sp.csc_matrix(members), 40)
    assert expected.std() > 0.01
    assert np.abs(ours - expected).max() < 1e-6


def test_with_ties_aucell_is_the_mean_of_pyscenics_over_seeds(reference) -> None:
    rng = np.random.default_rng(2)
    matrix = rng.poisson(0.3, (20, 200)).astype(float)
    members = (rng.random((200, 5)) < 0.1).astype(float)
    options = {"auc_threshold": 0.1, "seeds": list(range(1, 41))}
    drawn = reference(
        "aucell_pyscenic", {"matrix": matrix, "members": members}, options
    )["auc"]
    ours = score_cells(sp.csr_matrix(matrix), sp.csc_matrix(members), 20)
    between_seeds = np.sqrt(np.mean((drawn[0] - drawn[1]) ** 2))
    assert between_seeds > 0.01
    assert np.sqrt(np.mean((ours - drawn.mean(axis=0)) ** 2)) < between_seeds / 4


def test_specificity_is_pyscenics(reference) -> None:
    rng = np.random.default_rng(3)
    auc, types = rng.random((90, 6)) ** 3, rng.integers(3, size=90)
    expected = reference("rss_pyscenic", {"auc": auc, "types": types})["rss"]
    np.testing.assert_allclose(specificity(auc, types, [0, 1, 2]), expected, atol=1e-9)


def test_the_network_is_as_near_to_arboretos_as_arboreto_with_another_seed(
    reference, load
) -> None:
    matrix, truth = load("simulate").simulate_network(300, 120, 30, seed=3)
    bench = load("bench_grn")
    tfs, targets = np.arange(30), np.arange(30, 70)
    arrays = {"matrix": matrix, "tfs": tfs, "targets": targets}
    one, two = (
        reference("tf_gene_arboreto", arrays, {"seed": seed})["importance"]
        for seed in (1, 2)
    )
    settings = {
        "learning_rate": 0.01,
        "max_trees": 5000,
        "max_features": 0.1,
        "subsample": 0.9,
        "max_bins": 64,
    }
    genes = [f"g{number}" for number in range(120)]
    settings = {**settings, "importance": "trees", "seed": 1, "threads": 1}
    ours = infer(sp.csc_matrix(matrix), genes, tfs, targets, **settings)
    assert bench.overlap(one, ours) >= bench.overlap(one, two) - 0.05
    assert bench.agreement(one, ours) >= bench.agreement(one, two) - 0.05
    assert bench.auprc(ours, truth[targets]) >= bench.auprc(one, truth[targets]) - 0.02
    assert ours.sum() == pytest.approx(one.sum(), rel=0.1)  # trees, hence the stop rule
