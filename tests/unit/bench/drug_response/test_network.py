"""The response network: drug graphs, fairness between arms, no look at the test part, learning."""

import anndata
import numpy as np
import pandas as pd
import pytest
import torch

from grnformer.bench.drug_response import train
from grnformer.bench.drug_response.drug_graph import N_ATOM_FEATURES, batch_drugs
from grnformer.bench.drug_response.lines import standardise_lines
from grnformer.bench.drug_response.matrix import Matrix, fit_additive
from grnformer.bench.drug_response.metrics import (
    double_centred_pearson,
    root_mean_squared_error,
)
from grnformer.bench.drug_response.network import DrugEncoder
from grnformer.bench.drug_response.predict import crossvalidate_network
from grnformer.bench.drug_response.score import score_predictions
from grnformer.bench.drug_response.split import assign_parts
from grnformer.bench.drug_response.train import (
    TrainingSettings,
    calibrate,
    predict_fold,
)
from grnformer.core.errors import InputError

SETTINGS = {
    "line_components": 10,
    "drug_hidden": 16,
    "n_layers": 2,
    "line_hidden": 16,
    "rank": 8,
    "dropout": 0.0,
    "lines_per_batch": 10,
    "max_epochs": 60,
    "evaluate_every": 5,
    "patience": 60,
    "learning_rate": 0.01,
    "encoder_learning_rate": 0.01,
    "weight_decay": 0.01,
}
Planted = tuple[np.ndarray, np.ndarray, np.ndarray]


def test_a_drug_graph_has_its_atoms_and_bonds_both_ways() -> None:
    batch = batch_drugs(["CCO", "c1ccccc1", "C"])
    assert batch.num_graphs == 3
    assert batch.x.shape == (10, N_ATOM_FEATURES)
    assert batch.batch.bincount().tolist() == [3, 6, 1]
    assert batch.edge_index.shape == (2, 2 * (2 + 6))
    pairs = set(map(tuple, batch.edge_index.T.tolist()))
    assert {(b, a) for a, b in pairs} == pairs


def test_the_encoder_sees_structure_not_the_order_of_atoms() -> None:
    torch.manual_seed(0)
    encoder = DrugEncoder(16, 3).eval()
    with torch.no_grad():
        code = encoder(batch_drugs(["OCC", "CCO", "CCN", "CC(C)C", "CCCC"]))
    torch.testing.assert_close(code[0], code[1])
    assert not torch.allclose(code[1], code[2])
    assert not torch.allclose(code[3], code[4])


def test_lines_are_standardised_on_the_fitted_lines_alone() -> None:
    rng = np.random.default_rng(0)
    features = np.hstack([rng.normal(size=(30, 5)) * [1, 2, 3, 4, 5], np.ones((30, 1))])
    fitted = np.arange(30) < 20
    components = standardise_lines(features, fitted, 3)
    assert components.shape == (30, 3)
    assert np.mean(components[fitted] ** 2) == pytest.approx(1, abs=1e-5)
    changed = features.copy()
    changed[25] = 100.0
    np.testing.assert_allclose(
        standardise_lines(changed, fitted, 3)[:20], components[:20], atol=1e-5
    )
    wide = rng.normal(size=(30, 80))
    one, other = (
        standardise_lines(wide, fitted, 80),
        standardise_lines(wide @ np.diag(np.full(80, 3.0)), fitted, 80),
    )
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_calibration_shrinks_wrong_means_and_keeps_the_double_centred_score(
    planted: Planted,
) -> None:
    values, mask, _ = planted
    rng = np.random.default_rng(1)
    residual = np.nan_to_num(values - np.nanmean(values))
    _, _, drug_effect = fit_additive(values, mask)
    predicted = residual - drug_effect + 5 * rng.normal(size=(1, 12))
    validation = mask & (rng.random(mask.shape) < 0.3)
    calibrated = calibrate(predicted, residual, validation)
    test = mask & ~validation
    assert root_mean_squared_error(
        residual, calibrated, test
    ) < root_mean_squared_error(residual, predicted, test)
    before, after = (
        double_centred_pearson(values, p, test) for p in (predicted, calibrated)
    )
    assert after == pytest.approx(before, abs=1e-9)


def test_it_learns_a_planted_interaction_of_unseen_lines_and_never_sees_tested_values(
    planted: Planted, responses: pd.DataFrame, smiles: dict[str, str]
) -> None:
    matrix = Matrix.from_table(responses)
    parts = matrix.part_masks(
        assign_parts(responses, "line", n_folds=4, validation_fraction=0.2, seed=1),
        "fold_1",
    )
    drugs = batch_drugs([smiles[name] for name in matrix.drugs])
    settings = TrainingSettings(**SETTINGS)
    args = ("line", planted[2], drugs, settings, 1)
    predicted = predict_fold(matrix.values, parts, *args)
    assert double_centred_pearson(matrix.values, predicted, parts["test"]) > 0.5
    blinded = np.where(parts["test"], 1e6, matrix.values)
    np.testing.assert_array_equal(predict_fold(blinded, parts, *args), predicted)
    noise = np.random.default_rng(5).normal(size=planted[2].shape)
    blind = predict_fold(matrix.values, parts, "line", noise, drugs, settings, 1)
    assert double_centred_pearson(matrix.values, blind, parts["test"]) < 0.4


def test_features_of_tested_lines_reach_neither_scaling_nor_components_nor_weights(
    planted: Planted,
    responses: pd.DataFrame,
    smiles: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # it centres predictions by the means over all lines, tested ones too, without their labels
    monkeypatch.setattr(train, "calibrate", lambda predicted, *_: predicted)
    matrix = Matrix.from_table(responses)
    parts = matrix.part_masks(
        assign_parts(responses, "line", n_folds=4, validation_fraction=0.2, seed=1),
        "fold_1",
    )
    drugs = batch_drugs([smiles[name] for name in matrix.drugs])
    settings = TrainingSettings(**(SETTINGS | {"max_epochs": 4}))
    tested = parts["test"].any(axis=1)
    changed = planted[2].copy()
    changed[tested] = 5 * changed[tested] + 1
    one, other = (
        predict_fold(matrix.values, parts, "line", features, drugs, settings, 1)
        for features in (planted[2], changed)
    )
    assert not np.allclose(one[tested], other[tested])
    np.testing.assert_array_equal(one[~tested], other[~tested])


def test_folds_take_the_embeddings_in_turn_and_are_scored_one_by_one(
    planted: Planted, responses: pd.DataFrame, smiles: dict[str, str]
) -> None:
    parts = assign_parts(responses, "line", n_folds=3, validation_fraction=0.2, seed=1)
    drugs = pd.DataFrame({"drug": list(smiles), "smiles": list(smiles.values())})
    good = pd.DataFrame(planted[2]).add_prefix("dim_")
    good.insert(0, "line", sorted(set(responses["line"])))
    bad = good.copy()
    bad.iloc[:, 1:] = np.random.default_rng(0).normal(size=planted[2].shape)
    predictions = crossvalidate_network(
        responses,
        drugs,
        [good, bad],
        parts,
        "line",
        arm="hybrid",
        network=SETTINGS,
        seed=1,
        beside=anndata.AnnData(good.set_index("line")),
    )
    assert not predictions.duplicated(["line", "drug"]).any()
    assert len(predictions) == len(responses)
    naive = predictions.assign(mean_effects=0.0)
    scores = score_predictions(predictions, "line", "model", naive)
    of_metric = scores[scores["metric"] == "double_centred_pearson"]
    by_fold = of_metric.pivot_table(index="member", columns="arm", values="value")
    assert list(by_fold.index) == ["1", "2", "3"]
    for arm in ("hybrid", "hybrid_ridge"):
        assert by_fold.loc[["1", "3"], arm].min() > by_fold.loc["2", arm]
    # beside the genes, a poor embedding loses little
    assert by_fold.loc["2", "hybrid_and_genes_ridge"] > by_fold.loc["2", "hybrid_ridge"]
    of_arm = scores[scores["arm"] == "hybrid"]
    assert of_arm.groupby("metric")["n"].sum().unique().tolist() == [len(responses)]
    with pytest.raises(InputError, match="without embedding"):
        crossvalidate_network(
            responses,
            drugs,
            [good.iloc[1:]],
            parts,
            "line",
            arm="hybrid",
            network=SETTINGS,
            seed=1,
        )
