"""pySCENIC's modules and step ctx, in its own interpreter: ``python pyscenic_ctx.py INPUT.json FOUND.json``.

`enriched` are the rows of ctx with the leading edges of the implementation that keeps each motif's own curve
(module2features_rcc4all_impl); `sorted` those of the one that the command line uses, which mixes up the curves of a
module's motifs where their annotations differ (github.com/aertslab/pySCENIC/issues/635). `equal_edges` are the genes up
to every rank at which the curve is furthest above the bar, up to rounding.
"""

import json
import logging
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from ctxcore.recovery import recovery
from ctxcore.rnkdb import opendb
from pyscenic import transform
from pyscenic.utils import load_motif_annotations, modules_from_adjacencies

logging.disable(logging.WARNING)
given = json.loads(Path(sys.argv[1]).read_text())
network = pd.read_csv(given["network"])
known = network.rename(columns={"tf": "TF", "gene": "target"})
known["regulation"] = (known["rho"] > 0.03).astype(int) - (known["rho"] < -0.03).astype(
    int
)
genes = sorted({*known["TF"], *known["target"]})
nothing = pd.DataFrame(0.0, index=range(3), columns=genes)
modules = modules_from_adjacencies(
    known, nothing, keep_only_activating=False, **given["cuts"]
)
databases = [opendb(path, name=str(i)) for i, path in enumerate(given["rankings"])]
table = load_motif_annotations(given["annotations"])


def edge_of_ties(database, module, motif, length):
    ranks = database.load(module)
    curves, _ = recovery(
        ranks, database.total_genes, np.ones(ranks.shape[1]), length, 0.05
    )
    gap = (curves - curves.mean(axis=0) - 2.0 * curves.std(axis=0))[
        list(ranks.index).index(motif)
    ]
    highest = np.flatnonzero(gap > gap.max() - 1e-9)
    own = ranks.loc[motif]
    return [sorted(own.index[own <= rank]) for rank in (highest[0], highest[-1])]


def rows_of(implementation):
    function = partial(implementation, **given["thresholds"])
    found, tables = [], []
    for i, database in enumerate(databases):
        for module in modules:
            rows = transform.module2df(
                database, module, table, module2features_func=function
            )
            if rows.empty:
                continue
            tables.append(rows[rows["Enrichment", "TargetGenes"].map(len) > 0])
            sign = -1 if "repressing" in module.context else 1
            cut = next(iter(module.context - {"activating", "repressing"}))
            for (tf, motif), row in rows["Enrichment"].iterrows():
                edge = sorted(gene for gene, _ in row["TargetGenes"])
                length = given["thresholds"]["rank_threshold"]
                ties = (
                    edge_of_ties(database, module, motif, length)
                    if given["ties"]
                    else []
                )
                found.append(
                    [
                        tf,
                        sign,
                        cut,
                        i,
                        motif,
                        row["AUC"],
                        row["NES"],
                        int(row["RankAtMax"]),
                        edge,
                        ties,
                    ]
                )
    regulons = transform.df2regulons(pd.concat(tables)) if tables else []
    return found, {regulon.name: sorted(regulon.genes) for regulon in regulons}


rows, regulons = rows_of(transform.module2features_rcc4all_impl)
sorted_rows, sorted_regulons = rows_of(transform.module2features_auc1st_impl)
found = {
    "modules": [
        [m.transcription_factor, sorted(m.context), sorted(m.genes)] for m in modules
    ],
    "enriched": rows,
    "regulons": regulons,
    "sorted": sorted_rows,
    "sorted_regulons": sorted_regulons,
}
Path(sys.argv[2]).write_text(json.dumps(found))
