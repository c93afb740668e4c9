"""XGBoost as one would set it up plainly: histograms, GRNBoost2's learning rate and shares, 150 rounds."""

import numpy as np
import xgboost


def prepare(arrays, options):
    return arrays["matrix"], arrays["tfs"], arrays["targets"]


def run(prepared, options):
    matrix, tfs, targets = prepared
    settings = {
        "tree_method": "hist",
        "max_depth": 3,
        "learning_rate": 0.01,
        "subsample": 0.9,
        "colsample_bynode": 0.1,
        "nthread": 1,
        "seed": options["seed"],
    }
    importance = np.zeros((len(targets), len(tfs)))
    for row, target in enumerate(targets):
        others = np.flatnonzero(tfs != target)
        data = xgboost.QuantileDMatrix(
            matrix[:, tfs[others]], matrix[:, target], nthread=1
        )
        gain = xgboost.train(settings, data, 150).get_score(
            importance_type="total_gain"
        )
        columns = [others[int(name[1:])] for name in gain]
        importance[row, columns] = list(gain.values())
        importance[row] /= max(importance[row].sum(), 1e-12)
    return {"importance": importance}
