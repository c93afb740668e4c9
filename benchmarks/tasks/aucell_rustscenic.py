"""rustscenic's AUCell on the same matrix, dense or sparse as ours gets it."""

import numpy as np
import scipy.sparse as sp
from rustscenic.aucell import score


def prepare(arrays, options):
    names = [f"gene{number}" for number in range(arrays["matrix"].shape[1])]
    sets = {
        f"set{number:05d}": [names[row] for row in np.flatnonzero(column)]
        for number, column in enumerate(arrays["members"].T)
    }
    matrix = arrays["matrix"] if options["dense"] else sp.csr_matrix(arrays["matrix"])
    return matrix, names, sets


def run(prepared, options):
    matrix, names, sets = prepared
    found = score((matrix, names), sets, top_frac=options["auc_threshold"])
    return {"auc": found[list(sets)].to_numpy()}
