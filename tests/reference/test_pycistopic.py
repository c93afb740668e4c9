"""Topics, their scores, region sets and differentially accessible regions beside pycisTopic's own, run in its
environment.
"""

import json
import subprocess
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from grnformer.topics.dar import find_dars
from grnformer.topics.lda_tomotopy import fit_lda
from grnformer.topics.model import TopicModel
from grnformer.topics.region_sets import binarize_topics
from grnformer.topics.scores import (
    density_cao_juan,
    divergence_arun,
    joint_log_likelihood,
    mean_coherence,
    topic_coherence,
)

with warnings.catch_warnings():
    # tomotopy's extension types are old-fashioned, and its import hides the warning behind a ModuleNotFoundError.
    warnings.filterwarnings(
        "ignore", "builtin type .* has no __module__ attribute", DeprecationWarning
    )
    import tomotopy  # noqa: F401

ROOT = Path(__file__).parents[2]
N_TOPICS = 8
OPTIONS = {
    "n_topics": N_TOPICS,
    "n_iterations": 100,
    "alpha": 50,
    "eta": 0.1,
    "seed": 1,
}
pytestmark = [pytest.mark.reference, pytest.mark.slow]


@pytest.fixture(scope="module")
def python(load):
    harness = load("harness")
    found = harness.find_python("pycistopic")
    if found is None:
        pytest.skip(harness.why_absent("pycistopic"))
    return found


@pytest.fixture(scope="module")
def reference(load, python):
    """Run a task of benchmarks/tasks in pycisTopic's interpreter; gives its result."""
    return lambda task, arrays, options: (
        load("harness").run_task(task, arrays, options, python).result
    )


@pytest.fixture(scope="module")
def cells():
    """300 cells of 4 types that share 8 programmes of 100 regions each, and what those are."""
    rng = np.random.default_rng(0)
    region_topic = np.full((900, N_TOPICS), 1.0)
    for topic in range(N_TOPICS):
        region_topic[topic * 100 : (topic + 1) * 100, topic] = rng.gamma(4, 10, 100)
    region_topic /= region_topic.sum(axis=0)
    types = rng.integers(0, 4, 300)
    cell_topic = rng.dirichlet(np.full(N_TOPICS, 0.3), 300)
    cell_topic[np.arange(300), types * 2] += 0.6
    cell_topic /= cell_topic.sum(axis=1, keepdims=True)
    depth = 120 * np.exp(0.3 * rng.standard_normal((300, 1)))
    open_ = rng.random((300, 900)) < -np.expm1(-depth * (cell_topic @ region_topic.T))
    names = np.array(["a", "b", "c", "d"])[types]
    return SimpleNamespace(
        matrix=sp.csr_matrix(open_.astype(np.int32)),
        types=names,
        region_topic=region_topic,
    )


@pytest.fixture(scope="module")
def theirs(cells, reference):
    """pycisTopic's model of the cells, and its metrics."""
    matrix = cells.matrix
    arrays = {
        "data": matrix.data,
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "shape": np.array(matrix.shape),
    }
    return reference("topics_pycistopic", arrays, OPTIONS)


def matched(first, second):
    """Correlations of topics paired one to one."""
    correlation = np.corrcoef(first.T, second.T)[: first.shape[1], first.shape[1] :]
    return correlation[linear_sum_assignment(-correlation)]


def test_both_find_the_planted_programmes(cells, theirs) -> None:
    ours = fit_lda(cells.matrix, N_TOPICS, alpha=50, eta=0.1, n_iterations=100, seed=1)
    assert np.median(matched(theirs["region_topic"], cells.region_topic)) > 0.7
    assert np.median(matched(ours.region_topic, cells.region_topic)) > 0.7
    assert np.median(matched(ours.region_topic, theirs["region_topic"])) > 0.9


def test_scores_of_its_model_are_its_own(cells, theirs) -> None:
    model = TopicModel(theirs["cell_topic"], theirs["region_topic"])
    arun = divergence_arun(
        model.region_topic, model.cell_topic, np.diff(cells.matrix.indptr)
    )
    assert arun == pytest.approx(theirs["Arun_2010"].item())
    assert density_cao_juan(model.region_topic) == pytest.approx(
        theirs["Cao_Juan_2009"].item()
    )
    coherence = topic_coherence(cells.matrix, model.region_topic, 20, 1e-12)
    # of equal probabilities at the end of the top regions, either is taken
    np.testing.assert_allclose(coherence, theirs["coherence"], atol=0.6)
    assert np.median(np.abs(coherence - theirs["coherence"])) < 0.1
    assert mean_coherence(theirs["coherence"], 5) == pytest.approx(
        theirs["Mimno_2011"].item()
    )


def test_its_log_likelihood_is_not_the_one_of_griffiths_and_steyvers(
    cells, theirs
) -> None:
    """pycisTopic 2.0a overwrites the sums of the formula: a log-probability of hundreds of regions comes out positive.

    Ours is the package lda's, see tests/unit/topics/test_scores.py. If this fails, pycisTopic was mended: say so in
    docs/topics.md.
    """
    model = TopicModel(theirs["cell_topic"], theirs["region_topic"])
    ours = (
        joint_log_likelihood(cells.matrix, model, alpha=50 / N_TOPICS, eta=0.1)
        * cells.matrix.nnz
    )
    assert ours < -cells.matrix.nnz
    assert theirs["loglikelihood"].item() > 0


@pytest.fixture(scope="module")
def sets(cells, theirs, reference):
    """Its region sets and differentially accessible regions of that model."""
    arrays = {
        "cell_topic": theirs["cell_topic"],
        "region_topic": theirs["region_topic"],
        "types": cells.types,
    }
    # as floats: cut to whole millionths, as by its default, ranks tie
    options = {
        "n_top": 120,
        "adjusted_p": 0.05,
        "log2_fold_change": float(np.log2(1.5)),
        "scale_factor": 1,
    }
    exact = reference("region_sets_pycistopic", arrays, options)
    return exact, reference(
        "region_sets_pycistopic", arrays, options | {"scale_factor": 10**6}
    )


def test_binarised_topics_are_its_own(sets, theirs) -> None:
    names = [f"r{region}" for region in range(900)]
    kinds = {"topic_otsu": "otsu", "topic_li": "li", "topic_top": "ntop"}
    ours = binarize_topics(
        theirs["region_topic"],
        names,
        kinds=[*kinds],
        smooth=True,
        n_bins=100,
        n_top=120,
    )
    for kind, method in kinds.items():
        for topic in range(N_TOPICS):
            chosen = set(
                ours[(ours["kind"] == kind) & (ours["set"] == f"topic_{topic + 1}")][
                    "region"
                ]
            )
            expected = {
                name
                for name, inside in zip(names, sets[0][method][topic], strict=True)
                if inside
            }
            shared = len(chosen & expected) / len(chosen | expected)
            # its thresholds are bin centres (Otsu) and hundredths (Li); its top n leaves out ties with the last
            assert shared > (0.95 if kind == "topic_otsu" else 0.8), (
                kind,
                topic,
                len(chosen),
                len(expected),
            )


def test_differentially_accessible_regions_are_its_own(cells, sets, theirs) -> None:
    exact, by_default = sets
    model = TopicModel(theirs["cell_topic"], theirs["region_topic"])
    names = [f"r{region}" for region in range(900)]
    options = {
        "adjusted_p": 0.05,
        "log2_fold_change": float(np.log2(1.5)),
        "min_cells": 10,
        "block_size": 200,
    }
    ours = find_dars(model, names, cells.types, **options)
    for name in "abcd":
        rows = ours[ours["set"] == name].set_index("region")
        assert len(rows) > 20
        assert set(rows.index) == set(exact[f"dar_{name}"])
        rows = rows.loc[exact[f"dar_{name}"]]
        np.testing.assert_allclose(rows["score"], exact[f"fold_{name}"], atol=1e-4)
        np.testing.assert_allclose(
            rows["adjusted_p"], exact[f"p_{name}"], rtol=1e-3, atol=1e-300
        )
        truncated = set(by_default[f"dar_{name}"])
        assert (
            len(truncated & set(rows.index)) / len(truncated | set(rows.index)) > 0.95
        )


def test_the_program_fits_what_the_function_fits(
    cells, theirs, python, tmp_path
) -> None:
    """run_pycistopic.py, as the rule calls it, on a file of the workflow."""
    import anndata
    import h5py

    kept = cells.matrix[:, cells.matrix.getnnz(axis=0) >= 1]
    atac = anndata.AnnData(
        cells.matrix.astype(np.float32),
        obs=pd.DataFrame(index=[f"cell{i}" for i in range(300)]),
        var=pd.DataFrame(index=[f"chr1:{i}-{i + 1}" for i in range(900)]),
    )
    with h5py.File(tmp_path / "multiome.h5mu", "w") as handle:
        anndata.io.write_elem(handle.create_group("mod"), "atac", atac)
    outputs = (
        "cell-topic",
        "region-topic",
        "partial-cell-topic",
        "partial-region-topic",
    )
    settings = {
        "min_cells": 1,
        "evaluation": {"heldout_cells": 0.1},
        "pycistopic": {key: OPTIONS[key] for key in ("n_iterations", "alpha", "eta")},
    }
    command = [
        str(python),
        str(ROOT / "workflow/originals/run_pycistopic.py"),
        "--multiome",
    ]
    command += [
        str(tmp_path / "multiome.h5mu"),
        "--topics",
        str(N_TOPICS),
        "--settings",
        json.dumps(settings),
    ]
    command += ["--seed", "1", "--log", str(tmp_path / "log")]
    for name in outputs:
        command += [f"--{name}", str(tmp_path / f"{name}.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
    tables = [pd.read_parquet(tmp_path / f"{name}.parquet") for name in outputs]
    assert [len(table) for table in tables] == [300, kept.shape[1], 270, kept.shape[1]]
    assert tables[0]["cell"].tolist() == atac.obs_names.tolist()
    if kept.shape[1] == 900:
        np.testing.assert_allclose(
            tables[1].drop(columns="region"), theirs["region_topic"]
        )
    np.testing.assert_allclose(tables[0].drop(columns="cell"), theirs["cell_topic"])
