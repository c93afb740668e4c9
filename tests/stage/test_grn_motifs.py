"""Cistromes from motifs through the workflow, on a simulated genome: scanned, and from the database that this made."""

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest

from grnformer.core import io
from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import write_simulation

RULES = ["prepare_prior", "select_tfs", "scan_motifs", "enrich_motifs", "build_cistromes"]


@pytest.fixture
def simulation(tmp_path):
    """What stages prep and topics leave of a simulation: its multiome; each type's regions and as many others."""
    made = simulate_multiome(seed=1, n_cells=60, n_tfs=9)
    write_simulation(made, tmp_path / "data")
    folder = tmp_path / "results" / "tiny"
    parts = {}
    for name, data, key in (("rna", made.rna, "X_pca"), ("atac", made.atac, "X_lsi")):
        var = data.var.assign(n_cells=10) if name == "atac" else data.var.assign(n_cells=10, highly_variable=True)
        x = data.X.astype(np.float32)
        parts[name] = anndata.AnnData(
            x.sign() if name == "atac" else x, obs=pd.DataFrame(index=data.obs_names), var=var
        )
        parts[name].layers["counts"] = data.X
        parts[name].obsm[key] = np.zeros((data.n_obs, 2))
    mudata.set_options(pull_on_update=False)
    multiome = mudata.MuData(parts)
    types = made.annotation["cell_type"].to_numpy()
    multiome.obs = pd.DataFrame({"cell_type": types, "sample": "s1", "donor": "d"}, index=made.rna.obs_names)
    io.write_mudata(multiome, folder / "prep" / "multiome.h5mu", "multiome")
    rng = np.random.default_rng(0)
    sets = []
    for name, part in made.edges.explode("cell_types").groupby("cell_types"):
        bound = part["region"].unique()
        chosen = {*bound, *rng.choice(made.regions["region"], len(bound), replace=False)}
        sets.append(pd.DataFrame({"set": name, "kind": "dar", "region": sorted(chosen), "score": 1.0}))
    io.write_table(pd.concat(sets), folder / "topics" / "region_sets.parquet", "region_sets")
    links = made.regions[["region", "gene"]].assign(distance=0, promoter=True, importance=0.1, rho=0.3)
    io.write_table(links, folder / "grn" / "region_gene.parquet", "region_gene")
    collection = tmp_path / "motifs"
    collection.mkdir()
    (tmp_path / "data" / "motifs.jaspar").rename(collection / "planted.jaspar")
    with (collection / "decoys.pfm").open("w") as handle:
        for i in range(50):
            rows = rng.dirichlet(np.full(4, 0.2), size=12)
            handle.write(f">decoy{i}\n" + "".join("\t".join(f"{v:.4f}" for v in row) + "\n" for row in rows))
    return made


def test_motifs_give_cistromes_and_a_database_serves_again(simulation, tmp_path, run_rules):
    cistromes = {
        "method": "motif_scan",
        "motifs_to_tfs": "data/motif_tfs.tsv",
        "cistarget": {"auc_threshold": 0.05, "rank_threshold": 0.2, "nes_threshold": 2.0},
        "motif_scan": {"fasta": "data/genome.fa", "motifs": "motifs"},
        "prior": {"table": "data/prior.parquet"},
    }
    config = {"grn": {"tfs": {"lists": ["data/tfs.txt"], "min_cells": 3}, "cistromes": cistromes}}
    target = "results/tiny/grn/cistromes.parquet"
    done = run_rules([target], RULES, config)
    assert done.returncode == 0, done.stderr
    found = io.read_table(tmp_path / target, "cistromes")
    assert set(found["annotation"]) == {"direct"}
    assert found["evidence"].str.fullmatch(r"motif_scan:TF\d+_motif").all()
    true = set(simulation.edges[["tf", "region"]].itertuples(index=False, name=None))
    pairs = set(found[["tf", "region"]].itertuples(index=False, name=None))
    assert len(pairs & true) > 0.5 * len(pairs)
    assert len(pairs & true) > 0.5 * len(true)

    made = tmp_path / "results/tiny/grn/motifs.regions_vs_motifs.rankings.feather"
    made.rename(tmp_path / "given.regions_vs_motifs.rankings.feather")
    (tmp_path / "data" / "genome.fa").unlink()
    given = cistromes["cistarget"] | {"rankings": "given.regions_vs_motifs.rankings.feather"}
    config["grn"]["cistromes"] = cistromes | {"method": "cistarget", "cistarget": given}
    done = run_rules([target], RULES, config)
    assert done.returncode == 0, done.stderr
    again = io.read_table(tmp_path / target, "cistromes")
    renamed = found.assign(evidence=found["evidence"].str.replace("motif_scan:", "cistarget:"))
    pd.testing.assert_frame_equal(again, renamed)

    config["grn"]["cistromes"] = cistromes | {"motifs_to_tfs": None}
    refused = run_rules([target], RULES, config)
    assert refused.returncode != 0
    assert "without motifs_to_tfs" in refused.stderr
