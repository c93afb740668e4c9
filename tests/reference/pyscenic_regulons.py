"""Regulons as pySCENIC writes them, in its own interpreter: ``python pyscenic_regulons.py FOLDER``.

Writes reg.csv, reg.tsv, reg.gmt (the command line's own writer) and auc.loom (AUCell's), and what df2regulons makes of
the table as regulons.json.
"""

import json
import logging
import sys
from pathlib import Path

import loompy
import numpy as np
import pandas as pd
from pyscenic.cli.utils import append_auc_mtx, save_enriched_motifs
from pyscenic.transform import df2regulons

logging.disable(logging.WARNING)
folder = Path(sys.argv[1])
columns = ["AUC", "NES", "MotifSimilarityQvalue", "OrthologousIdentity", "Annotation", "Context", "TargetGenes",
           "RankAtMax"]  # fmt: skip
up, down = frozenset({"activating", "hg38"}), frozenset({"repressing", "hg38"})
rows = {
    ("A", "m1"): [0.1, 4.0, 0.0, 1.0, "direct", up, [("g", 2.0), ("h", 1.0)], 9],
    ("A", "m2"): [0.1, 3.5, 0.0, 1.0, "direct", up, [("g", 3.0), ("i", 0.5)], 9],
    ("B", "m3"): [0.1, 3.2, 0.0, 1.0, "direct", down, [("h", 0.25)], 9],
}
index = pd.MultiIndex.from_tuples(list(rows), names=["TF", "MotifID"])
motifs = pd.DataFrame(
    list(rows.values()),
    index=index,
    columns=pd.MultiIndex.from_product([["Enrichment"], columns]),
)
for name in ("reg.csv", "reg.tsv", "reg.gmt"):
    save_enriched_motifs(motifs, str(folder / name))

regulons = df2regulons(motifs)
cells = [f"c{i}" for i in range(30)]
counts = np.random.default_rng(0).poisson(2, (30, 4))
matrix = pd.DataFrame(counts, index=cells, columns=["g", "h", "i", "j"])
loompy.create(
    str(folder / "auc.loom"),
    counts.T,
    {"Gene": matrix.columns.to_numpy(str)},
    {"CellID": np.array(cells)},
)
auc = pd.DataFrame(
    np.random.default_rng(1).random((30, len(regulons))),
    index=cells,
    columns=[regulon.name for regulon in regulons],
)
append_auc_mtx(str(folder / "auc.loom"), matrix, auc, regulons)
found = {regulon.name: dict(regulon.gene2weight) for regulon in regulons}
(folder / "regulons.json").write_text(json.dumps(found))
