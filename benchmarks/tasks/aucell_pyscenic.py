"""pySCENIC's AUCell by the workflow's program, rankings included; (seeds x) cells x sets."""

import logging

import numpy as np
import run_pyscenic_aucell
import scipy.sparse as sp


def prepare(arrays, options):
    logging.disable(logging.WARNING)
    matrix = sp.csr_matrix(arrays["matrix"])
    cells = [f"cell{number:07d}" for number in range(matrix.shape[0])]
    genes = [f"gene{number}" for number in range(matrix.shape[1])]
    columns = enumerate(arrays["members"].T)
    sets = {
        f"set{number:05d}": {genes[gene] for gene in np.flatnonzero(column)}
        for number, column in columns
    }
    few = {name: sets[name] for name in list(sets)[:2]}
    run_pyscenic_aucell.score_cells(
        matrix[:5], cells[:5], genes, few, options["auc_threshold"], 1, threads=1
    )
    return matrix, cells, genes, sets


def run(prepared, options):
    threshold = options["auc_threshold"]
    found = [
        run_pyscenic_aucell.score_cells(*prepared, threshold, seed, threads=1)
        for seed in options["seeds"]
    ]
    return {"auc": np.stack([one.to_numpy() for one in found]).squeeze()}
