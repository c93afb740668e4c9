"""Networks from motifs on promoter sequence through the workflow, on a simulated genome."""

import numpy as np

from grnformer.core import io

RULES = [
    "prepare_prior",
    "select_tfs",
    "infer_tf_gene",
    "score_promoter_motifs",
    "build_cistromes",
    "build_eregulons",
]


def test_eregulons_from_promoters_recover_planted_edges(simulated, tmp_path, run_rules):
    """A third of the planted edges is bound at the promoter; with TFs exchanged, hardly any is right."""
    promoter = {
        "promoters": "data/promoters.fa",
        "collections": [{"motifs": "data/motifs.jaspar", "tfs": "data/motif_tfs.tsv"}],
        "n_bins": 40,
        "min_log_odds": 0.5,
    }
    config = {
        "grn": {
            "tfs": {"lists": ["data/tfs.txt"], "min_cells": 3},
            "tf_gene": {"method": "coexpression"},
            "cistromes": {
                "method": "promoter",
                "promoter": promoter,
                "prior": {"table": "data/prior.parquet"},
            },
            "eregulons": {"min_targets": 3},
        }
    }
    grn = tmp_path / "results/tiny/grn"
    done = run_rules(["results/tiny/grn/eregulons_unfiltered.parquet"], RULES, config)
    assert done.returncode == 0, done.stderr

    cistromes = io.read_table(grn / "cistromes.parquet", "cistromes")
    assert cistromes["evidence"].str.fullmatch(r"promoter:TF\d+_motif").all()
    assert (cistromes["sign"] == 0).all()
    assert (cistromes["score"] >= 0.5).all()
    odds = io.read_table(
        grn / "promoter_binding.parquet", "promoter_binding"
    ).set_index("gene")
    row = cistromes.iloc[0]
    assert row["score"] == odds.loc[row["gene"], row["tf"]]

    found = io.read_table(grn / "eregulons_unfiltered.parquet", "eregulons")
    assert found["evidence"].str.startswith("promoter:").all()
    pairs = set(found[["tf", "gene"]].itertuples(index=False, name=None))
    truth = set(simulated.edges[["tf", "gene"]].itertuples(index=False, name=None))
    tfs = list(simulated.tfs)
    exchanged = [
        len(
            {(tfs[(tfs.index(tf) + shift) % len(tfs)], gene) for tf, gene in pairs}
            & truth
        )
        for shift in range(1, len(tfs))
    ]
    assert len(pairs & truth) > 0.4 * len(pairs)
    assert len(pairs & truth) > 3 * np.mean(exchanged)
    assert len(pairs & truth) > 0.1 * len(truth)

    del promoter["promoters"]
    refused = run_rules(["results/tiny/grn/cistromes.parquet"], RULES, config)
    assert refused.returncode != 0
    assert "without promoter.promoters" in refused.stderr
