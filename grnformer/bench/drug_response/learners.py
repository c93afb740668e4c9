"""Random forest and gradient boosting on the lines' expression: what trees make of it.

Shapes: L lines, D drugs, K known lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grnformer.bench.drug_response.lines import standardise_lines


@dataclass(frozen=True)
class TreeSettings:
    """Settings of both learners, the same in every fold.

    Attributes
    ----------
    line_components
        Principal components of expression that trees split on.
    n_trees
        Trees of the forest.
    n_rounds
        Rounds of boosting of each component of the response.
    response_components
        Principal components of the response that are boosted, one model each.
    seed
        Of the sampled lines and features.
    """

    line_components: int
    n_trees: int
    n_rounds: int
    response_components: int
    seed: int


def grow_forest(
    features: np.ndarray, response: np.ndarray, known: np.ndarray, trees: TreeSettings
) -> np.ndarray:
    """Predict the response (L x D) by one forest of all drugs, fitted on the lines `known` (Breiman 2001).

    Parameters
    ----------
    features
        L x genes; their components come from the known lines.
    response
        K x D, without missing values.
    """
    from sklearn.ensemble import RandomForestRegressor

    components = standardise_lines(features, known, trees.line_components)
    forest = RandomForestRegressor(
        n_estimators=trees.n_trees,
        min_samples_leaf=3,
        max_features=1 / 3,
        random_state=trees.seed,
    )
    return np.asarray(forest.fit(components[known], response).predict(components))


def boost(
    features: np.ndarray, response: np.ndarray, known: np.ndarray, trees: TreeSettings
) -> np.ndarray:
    """Predict the response (L x D) by boosted trees of its principal components, one model each (see `grow_forest`).

    A model a drug would fit noise: drugs share most of what expression can tell.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    components = standardise_lines(features, known, trees.line_components)
    mean = response.mean(axis=0)
    scores, size, axes = np.linalg.svd(response - mean, full_matrices=False)

    predicted = np.tile(mean, (len(features), 1))
    for number in range(min(trees.response_components, len(size))):
        model = HistGradientBoostingRegressor(
            max_iter=trees.n_rounds,
            learning_rate=0.05,
            max_leaf_nodes=8,
            min_samples_leaf=10,
            l2_regularization=1.0,
            max_features=0.3,
            early_stopping=False,
            random_state=trees.seed,
        )
        model.fit(components[known], scores[:, number] * size[number])
        predicted += np.outer(model.predict(components), axes[number])
    return predicted
