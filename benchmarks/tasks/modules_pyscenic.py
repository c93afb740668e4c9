"""pySCENIC's modules from a TF-gene network, and the enriched motifs and leading edges of each, without Dask."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from ctxcore.rnkdb import MemoryDecorator, opendb
from pyarrow import feather
from pyscenic import transform
from pyscenic.utils import modules_from_adjacencies


def prepare(arrays, options):
    genes = [f"g{i}" for i in range(len(arrays["ranks"]))]
    motifs = [f"m{i}" for i in range(arrays["ranks"].shape[1])]
    path = Path(tempfile.mkdtemp()) / "db.genes_vs_motifs.rankings.feather"
    columns = dict(zip(genes, arrays["ranks"].astype(np.int16), strict=True))
    feather.write_feather(pa.table({**columns, "motifs": motifs}), str(path))
    names = np.array(genes, dtype=object)
    network = pd.DataFrame(
        {"TF": names[arrays["tf"]], "target": names[arrays["gene"]], "importance": arrays["importance"],
         "rho": arrays["rho"]}
    )  # fmt: skip
    network["regulation"] = (network["rho"] > 0.03).astype(int) - (network["rho"] < -0.03).astype(int)
    table = pd.DataFrame(
        {"TF": names[arrays["owner"]], "MotifID": np.array(motifs)[arrays["motif"]], "MotifSimilarityQvalue": 0.0,
         "OrthologousIdentity": 1.0, "Annotation": "gene is directly annotated"}
    ).set_index(["TF", "MotifID"])  # fmt: skip
    database = MemoryDecorator(opendb(str(path), name="db"))
    run((database, network, table), {**options, "warm": True})
    return database, network, table


def run(prepared, options):
    database, network, table = prepared
    if options.get("warm"):
        network = network[network["TF"].isin(sorted(network["TF"].unique())[:2])]
    genes = sorted({*network["TF"], *network["target"]})
    nothing = pd.DataFrame(0.0, index=range(2), columns=genes)
    modules = modules_from_adjacencies(
        network, nothing, thresholds=options["percentiles"], top_n_targets=options["top_targets"],
        top_n_regulators=options["top_regulators"], min_genes=options["min_genes"],
    )  # fmt: skip
    thresholds = {name: options[name] for name in ("auc_threshold", "rank_threshold", "nes_threshold")}
    function = partial(transform.module2features_auc1st_impl, **thresholds)
    found = []
    for module in modules:
        cut = next(iter(module.context - {"activating"}))
        rows = transform.module2df(database, module, table, module2features_func=function)
        for (tf, motif), row in rows["Enrichment"].iterrows():
            edge = " ".join(sorted(gene for gene, _ in row["TargetGenes"]))
            found.append((f"{tf} {cut} {motif}", row["NES"], edge))
    keys, nes, edges = zip(*sorted(found), strict=True)
    return {"key": np.array(keys), "nes": np.array(nes), "edge": np.array(edges)}
