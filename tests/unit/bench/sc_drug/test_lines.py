import numpy as np
import pandas as pd
import pytest

from grnformer.bench.drug_response.metrics import double_centred_pearson
from grnformer.bench.intervals import ALL, resample
from grnformer.bench.sc_drug import lines
from grnformer.bench.sc_drug.methods import METHODS, predict_methods
from grnformer.bench.sc_drug.score import double_centred_by_line
from grnformer.bench.summary import best_baseline, summarise_scores
from grnformer.core.errors import InputError
from grnformer.settings.read import read_defaults

SETTINGS = read_defaults("bench")["sc_drug"]
METHOD_SETTINGS = SETTINGS["methods"] | {"epochs": 5, "components": 8, "rounds": 5}
SAMPLES = {"pool_size": 10, "pools": 5, "seed": 1}


def set_up(screen, cells, **changes):
    responses, expression = screen
    tested = lines.set_up(
        cells.obs["line"].to_numpy(str),
        changes.get("responses", responses),
        aliases=[],
        samples=SAMPLES,
        subsets=changes.get("subsets", {}),
    )
    return tested, lines.problem_of(tested, expression, np.asarray(cells.X))


def predict(problem, methods=tuple(METHODS)):
    return predict_methods(problem, methods, METHOD_SETTINGS)


def test_scores_of_lines_are_those_of_the_matrix_of_samples():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(7, 40)) + rng.normal(size=40)
    truth[rng.random(truth.shape) < 0.2] = np.nan
    line = np.repeat(np.arange(7), 5)
    predicted = np.nan_to_num(truth[line]) + 2 * rng.normal(size=(35, 40))
    times = resample(7, 4, seed=1)

    found = double_centred_by_line(truth, predicted, line, times)
    for value, counts in zip(found, times, strict=True):
        rows = np.repeat(np.arange(35), counts[line])
        mask = ~np.isnan(truth[line[rows]])
        expected = double_centred_pearson(truth[line[rows]], predicted[rows], mask)
        assert value == pytest.approx(expected, abs=1e-10)


def test_a_prediction_of_means_has_no_score():
    rng = np.random.default_rng(0)
    truth, line = rng.normal(size=(4, 9)), np.arange(4)
    additive = 1e3 * rng.normal(size=(4, 1)) + rng.normal(size=9)
    times = np.ones((1, 4))
    assert np.isnan(double_centred_by_line(truth, additive, line, times)).all()
    assert np.isnan(double_centred_by_line(truth, np.ones((4, 9)), line, times)).all()


def test_tested_lines_are_not_trained_on_under_any_spelling(screen, cells):
    tested, problem = set_up(screen, cells)
    assert not {"HCT-116", "K-562", "NCI-H1975", "H1975"} & set(tested.training)
    assert len(problem.features) == len(tested.training) == 78


def test_ridge_finds_the_planted_interaction_and_shuffled_responses_do_not(
    screen, cells
):
    tested, problem = set_up(screen, cells)
    found, _ = predict(problem, ["ridge"])
    arms = {name: [predicted] for name, predicted in found.items()}
    scores = lines.score_samples(
        tested, arms, "baseline", resamples=0, seed=1
    ).set_index("task")["value"]
    assert scores["bulk"] > 0.95
    assert scores["pseudobulk"] > scores["cell"] > 0.5

    shuffled = lines.score_shuffled(
        tested, problem, 1.0, permutations=40, seed=1
    ).set_index(["arm", "task"])["value"]
    assert abs(shuffled["shuffled_responses", "pseudobulk"]) < 0.3


def test_a_subset_is_scored_as_if_no_other_line_were_tested(screen, cells):
    pair = ["K-562", "HCT-116", "K-562"]
    tested, problem = set_up(screen, cells, subsets={"two": pair})
    found, _ = predict(problem, ["ridge"])
    arms = {"ridge": [found["ridge"]]}
    scores = lines.score_samples(tested, arms, "baseline", resamples=0, seed=1)
    value = scores.set_index("task")["value"]

    level, line = tested.samples["level"] == "bulk", tested.samples["line"]
    rows = np.flatnonzero(level & line.isin(pair))
    truth = tested.truth[[tested.lines.index(name) for name in line[rows]]]
    both = ~np.isnan(truth).any(axis=0)
    expected = double_centred_pearson(
        truth[:, both], found["ridge"][rows][:, both], np.ones((2, both.sum()), bool)
    )
    assert value["bulk, two"] == pytest.approx(expected)
    assert value["bulk, two"] != pytest.approx(value["bulk"])

    shuffled = lines.score_shuffled(tested, problem, 1.0, permutations=20, seed=1)
    assert list(shuffled["task"][:8]) == list(value.index)


@pytest.mark.parametrize("names", [["K-562", "A549"], ["K-562", "K-562"]])
def test_subsets_of_other_lines_or_of_one_are_refused(screen, cells, names):
    with pytest.raises(InputError, match=r"bench.sc_drug.subsets.some"):
        set_up(screen, cells, subsets={"some": names})


def test_what_tested_lines_respond_changes_no_prediction_and_no_choice(screen, cells):
    responses, _ = screen
    tested, problem = set_up(screen, cells)
    permuted = responses.copy()
    rows = permuted["line"].isin(tested.lines)
    rng = np.random.default_rng(5)
    permuted.loc[rows, "ln_ic50"] = rng.permutation(permuted.loc[rows, "ln_ic50"])
    other, other_problem = set_up(screen, cells, responses=permuted)
    assert not np.array_equal(tested.truth, other.truth, equal_nan=True)

    found, chosen = predict(problem)
    again, chosen_again = predict(other_problem)
    pd.testing.assert_frame_equal(chosen, chosen_again, check_exact=True)
    for name in METHODS:
        assert np.array_equal(found[name], again[name]), name


def test_all_methods_try_as_many_settings(screen, cells):
    _, problem = set_up(screen, cells)
    grids = METHOD_SETTINGS["grids"] | {"ridge": [1.0]}
    with pytest.raises(InputError, match="as many settings for each method"):
        predict_methods(problem, ["ridge"], METHOD_SETTINGS | {"grids": grids})


def test_replicates_make_the_interval_and_pair_arms():
    rng = np.random.default_rng(0)
    times = resample(8, 150, seed=1)
    truth = rng.normal(size=(8, 30))
    parts = [
        lines.as_rows(
            "sc_drug_lines",
            "cell",
            arm,
            kind,
            lines.METRIC,
            "resample",
            double_centred_by_line(
                truth, truth + noise * rng.normal(size=(8, 30)), np.arange(8), times
            ),
            8,
        )
        for arm, kind, noise in (
            ("good", "model", 0.5),
            ("ridge", "baseline", 2.0),
            ("worse", "baseline", 9.0),
        )
    ]
    scores = pd.concat(parts)
    assert best_baseline(scores) == "ridge"
    good = (
        summarise_scores(scores, n_resamples=100, seed=1).set_index("arm").loc["good"]
    )
    observed = scores[scores["member"] == ALL].set_index("arm")["value"]
    assert good["estimate"] == observed["good"]
    assert good["above_baseline"] == pytest.approx(observed["good"] - observed["ridge"])
    assert 0 < good["above_baseline_low"] < good["above_baseline"]
    assert (good["members"], good["failed"]) == (150, 0)
