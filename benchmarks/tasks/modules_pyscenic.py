"""pySCENIC's modules from a TF-gene network; their enriched motifs and leading edges by the workflow's program."""

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import original
import pandas as pd
import pyarrow as pa
import run_pyscenic_ctx
from pyarrow import feather
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
    network["regulation"] = (network["rho"] > 0.03).astype(int) - (
        network["rho"] < -0.03
    ).astype(int)
    table = pd.DataFrame(
        {"TF": names[arrays["owner"]], "MotifID": np.array(motifs)[arrays["motif"]], "MotifSimilarityQvalue": 0.0,
         "OrthologousIdentity": 1.0, "Annotation": "gene is directly annotated"}
    ).set_index(["TF", "MotifID"])  # fmt: skip
    # these few TFs need no enriched motif: what counts is the compilation
    with suppress(original.WrongInputError):
        run((path, network, table), {**options, "warm": True})
    return path, network, table


def run(prepared, options):
    path, network, table = prepared
    if options.get("warm"):
        network = network[network["TF"].isin(sorted(network["TF"].unique())[:2])]
    genes = sorted({*network["TF"], *network["target"]})
    nothing = pd.DataFrame(0.0, index=range(2), columns=genes)
    modules = modules_from_adjacencies(
        network, nothing, thresholds=options["percentiles"], top_n_targets=options["top_targets"],
        top_n_regulators=options["top_regulators"], min_genes=options["min_genes"],
    )  # fmt: skip
    found = run_pyscenic_ctx.find_motifs(
        modules, [str(path)], table, options, threads=1
    )
    found["edge"] = [" ".join(sorted(genes)) for genes in found["genes"]]
    found["key"] = found["tf"] + " " + found["module"] + " " + found["motif"]
    found = found.sort_values(["key", "nes", "edge"])
    return {
        "key": found["key"].to_numpy(str),
        "nes": found["nes"].to_numpy(),
        "edge": found["edge"].to_numpy(str),
    }
