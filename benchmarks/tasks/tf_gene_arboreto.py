"""arboreto's GRNBoost2, one target after another, without the cost of Dask."""

import numpy as np
from arboreto.core import SGBM_KWARGS, infer_partial_network


def prepare(arrays, options):
    return np.asarray(arrays["matrix"], dtype=np.float64), arrays["tfs"], arrays["targets"]


def run(prepared, options):
    matrix, tfs, targets = prepared
    names = [int(tf) for tf in tfs]
    position = {tf: number for number, tf in enumerate(names)}
    tf_matrix = matrix[:, tfs]
    importance = np.zeros((len(targets), len(tfs)))
    for row, target in enumerate(targets):
        links = infer_partial_network(
            "GBM", SGBM_KWARGS, tf_matrix, names, int(target), matrix[:, target], seed=options["seed"]
        )
        importance[row, [position[int(tf)] for tf in links["TF"]]] = links["importance"]
    return {"importance": importance}
