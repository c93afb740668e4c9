"""Our modules from a TF-gene network, and the enriched motifs and leading edges of each."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.genome.rankings import open_rankings, write_rankings
from grnformer.grn.enrichment.enrich_modules import enrich_modules
from grnformer.grn.enrichment.modules import make_modules


def prepare(arrays, options):
    folder = Path(tempfile.mkdtemp())
    genes = [f"g{i}" for i in range(len(arrays["ranks"]))]
    motifs = [f"m{i}" for i in range(arrays["ranks"].shape[1])]
    path = folder / "db.genes_vs_motifs.rankings.feather"
    write_rankings(path, arrays["ranks"], motifs, genes)
    names = np.array(genes, dtype=object)
    network = pd.DataFrame(
        {"tf": names[arrays["tf"]], "gene": names[arrays["gene"]], "importance": arrays["importance"],
         "rho": arrays["rho"]}
    )  # fmt: skip
    table = pd.DataFrame(
        {
            "motif": np.array(motifs)[arrays["motif"]],
            "tf": names[arrays["owner"]],
            "evidence": "direct",
        }
    )
    run((path, network, table), {**options, "warm": True})
    return path, network, table


def run(prepared, options):
    path, network, table = prepared
    if options.get("warm"):
        few = sorted(network["tf"].unique())[:2]
        network = network[network["tf"].isin(few)]
    cuts = {
        name: options[name]
        for name in ("percentiles", "top_targets", "top_regulators", "min_genes")
    }
    modules = make_modules(network, **cuts, min_abs_rho=0.03, repressing=False)
    thresholds = {
        name: options[name]
        for name in ("auc_threshold", "rank_threshold", "nes_threshold")
    }
    found = enrich_modules(
        [open_rankings(path)], modules, table, min_mapped=0.8, **thresholds
    )
    found = found.sort_values(["tf", "module", "motif"])
    keys = found["tf"] + " " + found["module"] + " " + found["motif"]
    edges = found["genes"].map(lambda genes: " ".join(sorted(genes)))
    return {
        "key": keys.to_numpy(str),
        "nes": found["nes"].to_numpy(),
        "edge": edges.to_numpy(str),
    }
