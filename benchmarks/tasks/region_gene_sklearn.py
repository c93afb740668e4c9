"""SCENIC+'s recipe, gene by gene: scikit-learn's gradient boosting and scipy's Spearman correlation.

Its settings are those of SCENIC+: 500 trees, learning rate .01, a tenth of the regions at each split; and accessibility
times 10^6, as pycisTopic imputes it (there cut off to whole numbers: option `whole`). Without the factor scikit-learn
sees no difference between most cells: values less than 1e-7 apart are equal to it.
"""

import numpy as np
from scipy.stats import spearmanr
from sklearn.ensemble import GradientBoostingRegressor

SETTINGS = {"learning_rate": 0.01, "n_estimators": 500, "max_features": 0.1}


def prepare(arrays, options):
    return (
        arrays["expression"],
        arrays["cell_topic"],
        arrays["region_topic"],
        arrays["starts"],
        arrays["pair_region"],
    )


def run(prepared, options):
    expression, cell_topic, region_topic, starts, pair_region = prepared
    importance, rho = np.zeros(len(pair_region)), np.zeros(len(pair_region))
    for gene in range(expression.shape[1]):
        pairs = slice(starts[gene], starts[gene + 1])
        target = expression[:, gene]
        accessible = 1e6 * (cell_topic @ region_topic[pair_region[pairs]].T)
        if options["whole"]:
            accessible = np.floor(accessible)
        model = GradientBoostingRegressor(random_state=options["seed"], **SETTINGS).fit(
            accessible, target
        )
        importance[pairs] = model.feature_importances_
        rho[pairs] = [spearmanr(column, target).statistic for column in accessible.T]
    return {"importance": importance, "rho": rho}
