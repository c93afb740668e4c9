"""arboreto's GRNBoost2 by the workflow's program: one target after another, without the cost of Dask."""

import numpy as np
import run_arboreto
import scipy.sparse as sp

SETTINGS = {
    "method": "arboreto_grnboost2",
    "arboreto_grnboost2": {
        "learning_rate": 0.01,
        "n_trees": 5000,
        "max_features": 0.1,
        "subsample": 0.9,
        "stop_window": 25,
    },
}


def prepare(arrays, options):
    import arboreto.core  # noqa: F401  (not measured)

    return (
        sp.csc_matrix(np.asarray(arrays["matrix"], dtype=np.float64)),
        arrays["tfs"],
        arrays["targets"],
    )


def run(prepared, options):
    expression, tfs, targets = prepared
    genes = list(range(expression.shape[1]))
    links = run_arboreto.fit_targets(
        expression, genes, tfs, targets, SETTINGS, options["seed"], threads=1
    )
    links = links.pivot_table(
        index="target", columns="TF", values="importance", fill_value=0
    )
    return {
        "importance": links.reindex(index=targets, columns=tfs, fill_value=0).to_numpy()
    }
