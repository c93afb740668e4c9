"""Cistromes from motifs through the workflow, on a simulated genome: scanned, and from the database that this made."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import io

RULES = [
    "prepare_prior",
    "select_tfs",
    "scan_motifs",
    "enrich_motifs",
    "build_cistromes",
]


@pytest.fixture
def simulation(simulated, tmp_path):
    """The simulated dataset, with its motifs among decoys."""
    rng = np.random.default_rng(0)
    collection = tmp_path / "motifs"
    collection.mkdir()
    (tmp_path / "data" / "motifs.jaspar").rename(collection / "planted.jaspar")
    with (collection / "decoys.pfm").open("w") as handle:
        for i in range(50):
            rows = rng.dirichlet(np.full(4, 0.2), size=12)
            handle.write(
                f">decoy{i}\n"
                + "".join("\t".join(f"{v:.4f}" for v in row) + "\n" for row in rows)
            )
    return simulated


def test_motifs_give_cistromes_and_a_database_serves_again(
    simulation, tmp_path, run_rules
):
    cistromes = {
        "method": "motif_scan",
        "motifs_to_tfs": "data/motif_tfs.tsv",
        "cistarget": {
            "auc_threshold": 0.05,
            "rank_threshold": 0.2,
            "nes_threshold": 2.0,
        },
        "motif_scan": {"fasta": "data/genome.fa", "motifs": "motifs"},
        "prior": {"table": "data/prior.parquet"},
    }
    config = {
        "grn": {
            "tfs": {"lists": ["data/tfs.txt"], "min_cells": 3},
            "cistromes": cistromes,
        }
    }
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
    given = cistromes["cistarget"] | {
        "rankings": "given.regions_vs_motifs.rankings.feather"
    }
    # a file that the config names must be there, whatever the method
    del cistromes["motif_scan"]
    config["grn"]["cistromes"] = cistromes | {"method": "cistarget", "cistarget": given}
    done = run_rules([target], RULES, config)
    assert done.returncode == 0, done.stderr
    again = io.read_table(tmp_path / target, "cistromes")
    renamed = found.assign(
        evidence=found["evidence"].str.replace("motif_scan:", "cistarget:")
    )
    pd.testing.assert_frame_equal(again, renamed)

    config["grn"]["cistromes"] |= {"motifs_to_tfs": None}
    refused = run_rules([target], RULES, config)
    assert refused.returncode != 0
    assert "without motifs_to_tfs" in refused.stderr
