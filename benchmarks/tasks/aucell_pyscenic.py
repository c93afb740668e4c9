"""pySCENIC's AUCell in one process, rankings included; seeds x cells x sets, or cells x sets for a single seed."""

import logging

import numpy as np
import pandas as pd
from ctxcore.genesig import GeneSignature
from pyscenic.aucell import aucell


def prepare(arrays, options):
    logging.disable(logging.WARNING)
    genes = [f"gene{number}" for number in range(arrays["matrix"].shape[1])]
    sets = [
        GeneSignature(f"set{number:05d}", [gene for gene, member in zip(genes, column, strict=True) if member])
        for number, column in enumerate(arrays["members"].T)
    ]
    cells = [f"cell{number:07d}" for number in range(len(arrays["matrix"]))]
    matrix = pd.DataFrame(arrays["matrix"], index=pd.Index(cells, name="Cell"), columns=genes)
    aucell(matrix.iloc[:5], sets[:2], auc_threshold=options["auc_threshold"], num_workers=1)
    return matrix, sets


def run(prepared, options):
    matrix, sets = prepared
    found = [
        aucell(matrix, sets, auc_threshold=options["auc_threshold"], noweights=True, seed=seed, num_workers=1)
        for seed in options["seeds"]
    ]
    return {"auc": np.stack([one.loc[matrix.index, [each.name for each in sets]] for one in found]).squeeze()}
