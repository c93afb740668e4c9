"""TF activities against direct formulas; a right network is worth more than a rewired one where it is planted."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from grnformer.bench.drug_response.network_features import (
    edges_of_eregulons,
    known_network,
    score_network_features,
)
from grnformer.bench.drug_response.split import assign_parts
from grnformer.bench.drug_response.tf_activity import (
    regulon_weights,
    rewire_regulons,
    score_activity,
)
from grnformer.bench.summary import summarise_scores
from grnformer.core.errors import InputError

FOLDS = {"n_folds": 3, "validation_fraction": 0.2, "seed": 1}


def test_activity_is_the_t_value_of_a_regression_on_the_regulon() -> None:
    rng = np.random.default_rng(0)
    expression = rng.normal(size=(3, 20))
    weights = rng.choice([-1.0, 0.0, 1.0], size=(2, 20))
    found = score_activity(expression, weights)
    for line, tf in np.ndindex(3, 2):
        fit = linregress(weights[tf], expression[line])
        assert found[line, tf] == pytest.approx(fit.slope / fit.stderr)


def test_rewiring_keeps_degrees_and_moves_targets() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.random((10, 50)) < 0.2
    tf, gene = np.nonzero(pairs)
    edges = pd.DataFrame({"tf": tf, "gene": gene, "sign": 1}).astype(
        {"tf": str, "gene": str}
    )
    edges["tf"] = "TF" + edges["tf"]
    rewired = rewire_regulons(edges, rng)
    assert not rewired.duplicated(["tf", "gene"]).any()
    for column in ("tf", "gene"):
        pd.testing.assert_series_equal(
            rewired[column].value_counts(sort=False).sort_index(),
            edges[column].value_counts(sort=False).sort_index(),
        )
    both = edges.merge(rewired, on=["tf", "gene"])
    assert len(both) < 0.5 * len(edges)


def test_a_planted_network_beats_its_rewired_form() -> None:
    rng = np.random.default_rng(1)
    genes = pd.Index([f"G{i}" for i in range(200)])
    edges = pd.DataFrame(
        [(f"TF{t}", f"G{20 * t + i}", 1) for t in range(10) for i in range(20)],
        columns=["tf", "gene", "sign"],
    )
    activity = rng.normal(size=(90, 10))
    weights = regulon_weights(edges, genes, 5)
    profiles = activity @ weights.to_numpy() + 3 * rng.normal(size=(90, 200))
    values = activity @ rng.normal(size=(10, 8)) + rng.normal(size=(90, 8))
    row, column = np.indices(values.shape)
    responses = pd.DataFrame(
        {
            "line": [f"L{i:02d}" for i in row.ravel()],
            "drug": [f"d{j}" for j in column.ravel()],
            "ln_ic50": values.ravel(),
        }
    )
    expression = pd.DataFrame(
        profiles, index=sorted(set(responses["line"])), columns=genes
    )
    given = responses, expression, {"line": assign_parts(responses, "line", **FOLDS)}
    settings = {"min_targets": 5, "rewirings": 2, "seed": 1}
    scores = score_network_features(*given, {"planted": edges}, **settings)
    summary = summarise_scores(scores, n_resamples=100, seed=1).set_index("arm")
    assert summary["kind"].to_dict() == {
        "all genes": "baseline",
        "planted": "model",
        "planted_rewired": "control",
    }
    right = summary.loc["planted", "estimate"]
    assert right > summary.loc["planted_rewired", "estimate"] + 0.1
    assert right > summary.loc["all genes", "estimate"]
    with pytest.raises(InputError, match="no TF of 50 targets"):
        score_network_features(
            *given, {"planted": edges}, **settings | {"min_targets": 50}
        )


def test_a_known_network_is_named_by_the_collections_that_it_is_of() -> None:
    sources = ["CollecTRI", "DoRothEA;Other", "Other"]
    prior = pd.DataFrame({"tf": "A", "gene": list("ghi"), "sign": 1})
    prior = prior.assign(sources=sources)
    (found,) = known_network(prior, ["CollecTRI", "DoRothEA"]).items()
    assert (found[0], found[1]["gene"].tolist()) == (
        "CollecTRI and DoRothEA",
        ["g", "h"],
    )
    assert list(known_network(prior, [])) == ["prior"]
    with pytest.raises(InputError, match=r"from \['Dorothea'\]"):
        known_network(prior, ["CollecTRI", "Dorothea"])


def test_a_pair_of_eregulons_with_both_signs_has_none() -> None:
    eregulons = pd.DataFrame(
        [
            ("A_direct_+/+", "A", "g"),
            ("A_direct_-/+", "A", "g"),
            ("A_direct_-/+", "A", "h"),
            ("B_direct_+/+", "B", "g"),
        ],
        columns=["eregulon", "tf", "gene"],
    )
    found = edges_of_eregulons(pd.concat([eregulons, eregulons]))
    assert found.to_numpy().tolist() == [["A", "g", 0], ["A", "h", -1], ["B", "g", 1]]
