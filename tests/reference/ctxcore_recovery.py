"""ctxcore's recovery of gene sets, in its own interpreter: ``python ctxcore_recovery.py SETS.json FOUND.json``.

`equal_peaks` are all ranks at which the curve is furthest above the bar, up to rounding.
"""

import json
import sys
from pathlib import Path

import numpy as np
import resources
from ctxcore.genesig import GeneSignature
from ctxcore.recovery import aucs, leading_edge, recovery
from ctxcore.rnkdb import opendb

folder = Path(resources.__file__).parent / "tests"
path = next(folder.glob("*.genes_vs_motifs.rankings.feather"))
database = opendb(str(path), name="database")
if len(sys.argv) == 1:
    sys.stdout.write(
        json.dumps({"path": str(path), "v1": str(next(folder.glob("*mc9nr.feather")))})
    )
    sys.exit()
found = {}
for name, (weights, auc_threshold, rank_threshold) in json.loads(
    Path(sys.argv[1]).read_text()
).items():
    ranks = database.load(GeneSignature(name=name, gene2weight=weights))
    weight = np.array([weights[gene] for gene in ranks.columns])
    auc = aucs(ranks, database.total_genes, weight, auc_threshold)
    curves, _ = recovery(
        ranks, database.total_genes, weight, rank_threshold, auc_threshold
    )
    bar = curves.mean(axis=0) + 2.0 * curves.std(axis=0)
    highest = curves - bar > (curves - bar).max(axis=1, keepdims=True) - 1e-9
    edges = [
        leading_edge(curves[i], bar, ranks.values[i], ranks.columns.values)
        for i in range(len(ranks))
    ]
    found[name] = {
        "motifs": list(ranks.index),
        "auc": auc.tolist(),
        "nes": ((auc - auc.mean()) / auc.std()).tolist(),
        "peaks": [int(rank) for _, rank in edges],
        "equal_peaks": [np.flatnonzero(row).tolist() for row in highest],
        "genes": [sorted(gene for gene, _ in edge) for edge, _ in edges],
    }
Path(sys.argv[2]).write_text(json.dumps(found))
