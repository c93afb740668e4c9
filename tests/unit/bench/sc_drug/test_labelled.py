import anndata
import numpy as np
import pandas as pd
import pytest

from grnformer.bench.sc_drug import labelled
from grnformer.bench.sc_drug.entries import is_embeddable
from grnformer.bench.summary import summarise_scores
from grnformer.core.errors import InputError
from grnformer.settings.read import read_defaults

SETTINGS = read_defaults("bench")["sc_drug"]
METHODS = SETTINGS["methods"] | {"epochs": 3, "components": 8, "rounds": 5}
SCORING = {"resamples": 100, "permutations": 20, "seed": 1}
ENTRY = {
    "name": "own",
    "drug": "drug03",
    "values": "z_scores",
    "sensitive": "s",
    "resistant": "r",
    "cell_set": "set",
    "leave_out": ["K562"],
}


def make(screen, order):
    """60 cells, each a noisy line; sensitive: below the median response. Labels permuted by `order`."""
    responses, expression = screen
    rows = responses.set_axis(["CELL_LINE_NAME", "DRUG_NAME", "LN_IC50"], axis=1)
    matrix, profiles = labelled.screen_matrix(rows, expression)
    rng = np.random.default_rng(2)
    known = np.flatnonzero(~np.isnan(matrix.values[:, 3]))[:60]
    response = matrix.values[known, 3]
    label = np.where(response < np.median(response), "s", "r")[
        order(np.random.default_rng(3))
    ]
    values = profiles.iloc[known].to_numpy() + rng.normal(size=(60, 300))
    obs = pd.DataFrame({"label": label, "depth": 1.0, "mitochondrial": np.nan})
    cells = anndata.AnnData(
        values, obs.set_axis(map(str, range(60))), pd.DataFrame(index=profiles.columns)
    )
    return matrix, profiles, *labelled.split_labels(cells, ENTRY)


def test_permuted_labels_change_no_prediction_and_no_choice_but_the_score(screen):
    matrix, profiles, cells, labels = make(screen, lambda rng: np.arange(60))
    *_, other_cells, permuted = make(screen, lambda rng: rng.permutation(60))
    assert "label" not in cells.obs
    assert not labels["sensitive"].equals(permuted["sensitive"])

    arguments = (matrix, profiles, ENTRY, METHODS, SCORING)
    found, chosen = labelled.predict_cells(cells, *arguments)
    again, chosen_again = labelled.predict_cells(other_cells, *arguments)
    pd.testing.assert_frame_equal(found, again, check_exact=True)
    pd.testing.assert_frame_equal(chosen, chosen_again, check_exact=True)

    scores = labelled.score_cells(found, labels, ENTRY, SCORING)
    best = scores[scores["member"] == "all"].set_index(["metric", "arm"])["value"]
    assert best["cells_auroc", "ridge"] > 0.85
    assert best["cells_auroc", "depth"] == 0.5
    assert 0.2 < best["cells_auroc", "shuffled_responses"] < 0.8
    assert ("cells_auroc", "mitochondrial") not in best
    worse = labelled.score_cells(found, permuted, ENTRY, SCORING)
    worse = worse.set_index(["metric", "arm", "member"])["value"]
    assert worse["cells_auroc", "ridge", "all"] < 0.75


def embed(screen, cells):
    """A model that mixes genes: embeddings of training lines and of cells, in the form that models read."""
    _, expression = screen
    axes = np.random.default_rng(4).normal(size=(300, 12)) / 17
    matrix, profiles = labelled.screen_matrix(
        screen[0].set_axis(["CELL_LINE_NAME", "DRUG_NAME", "LN_IC50"], axis=1),
        expression,
    )
    trained, _ = labelled.training_of(matrix, ENTRY)
    entry = ENTRY | {"values": "logarithms"}
    both = labelled.as_models_read(cells, profiles[trained], entry)
    tables = [pd.DataFrame(data.X @ axes, data.obs_names) for data in both]
    return [{"hybrid: 1": table, "hybrid: 2": table + 1} for table in tables]


def test_permuted_labels_change_no_prediction_and_no_choice_from_embeddings(screen):
    matrix, _, cells, labels = make(screen, lambda rng: np.arange(60))
    *_, other_cells, permuted = make(screen, lambda rng: rng.permutation(60))
    found, chosen = labelled.predict_embedded(
        *embed(screen, cells), matrix, ENTRY, METHODS
    )
    again, chosen_again = labelled.predict_embedded(
        *embed(screen, other_cells), matrix, ENTRY, METHODS
    )
    pd.testing.assert_frame_equal(found, again, check_exact=True)
    pd.testing.assert_frame_equal(chosen, chosen_again, check_exact=True)
    assert {"hybrid: 1", "hybrid (logistic): 2"} < set(found)
    assert set(chosen["tried"]) == {4}
    # an embedding is standardised: a shift of all cells and lines is none
    np.testing.assert_allclose(found["hybrid: 1"], found["hybrid: 2"])

    kinds = {"hybrid": "model", "none": "control"}
    naive = pd.DataFrame({"cell": found["cell"]})
    naive = naive.assign(**{"wrong_drugs: a": 0.0, "shuffled_responses: 1": 0.0})
    scores = labelled.score_cells(
        naive.merge(found, on="cell"), labels, ENTRY, SCORING, kinds
    )
    best = scores[scores["member"] == "all"].set_index(["metric", "arm"])
    assert best.loc[("cells_auroc", "hybrid"), "value"] > 0.75
    assert best.loc[("cells_auroc", "hybrid (neighbours)"), "kind"] == "model"
    worse = labelled.score_cells(naive.merge(found), permuted, ENTRY, SCORING, kinds)
    worse = worse.set_index(["metric", "arm", "member"])["value"]
    assert worse["cells_auroc", "hybrid", "all"] < 0.7


def test_cells_that_cannot_be_embedded_are_told_as_failed(screen):
    _, profiles, cells, labels = make(screen, lambda rng: np.arange(60))
    with pytest.raises(InputError, match="no model can embed"):
        labelled.as_models_read(cells, profiles, ENTRY)
    naive = pd.DataFrame({"cell": labels["cell"], "wrong_drugs: a": 0.0})
    naive["shuffled_responses: 1"] = 0.0
    kinds = {"hybrid": "model", "none": "control"}
    scores = labelled.score_cells(naive, labels, ENTRY, SCORING, kinds)
    summary = summarise_scores(scores, n_resamples=100, seed=1)
    row = summary.set_index(["metric", "arm"]).loc["cells_auroc"]
    told = row.loc["hybrid (cannot be embedded: values are z-scores)"]
    assert np.isnan(told["estimate"])
    assert (told["failed"], told["kind"]) == (1, "model")
    assert is_embeddable({"values": "logarithms"})
    assert not is_embeddable(ENTRY)


def test_a_drug_that_the_screen_lacks_and_one_label_are_refused(screen):
    matrix, profiles, cells, _ = make(screen, lambda rng: np.arange(60))
    with pytest.raises(InputError, match="such as 'drug03'"):
        labelled.predict_cells(
            cells, matrix, profiles, ENTRY | {"drug": "Drug-03"}, METHODS, SCORING
        )
    one = anndata.AnnData(
        np.zeros((3, 2)), pd.DataFrame({"label": ["s"] * 3}, list("abc"))
    )
    with pytest.raises(InputError, match="10 cells at least"):
        labelled.split_labels(one, ENTRY)


def test_a_screen_with_a_wrong_value_and_a_drug_of_few_lines_are_refused(screen):
    responses, expression = screen
    rows = responses.set_axis(["CELL_LINE_NAME", "DRUG_NAME", "LN_IC50"], axis=1)
    with pytest.raises(InputError, match="LN_IC50 with missing"):
        labelled.screen_matrix(
            rows.replace(rows["LN_IC50"].iloc[0], np.nan), expression
        )

    few = (rows["DRUG_NAME"] != ENTRY["drug"]) | (rows.index % 2 == 0)
    matrix, profiles = labelled.screen_matrix(rows[few], expression)
    cells = make(screen, lambda rng: np.arange(60))[2]
    with pytest.raises(InputError, match="lines with a response to 'drug03'"):
        labelled.predict_cells(cells, matrix, profiles, ENTRY, METHODS, SCORING)
