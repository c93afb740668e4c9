"""Links of a simulation against a made-up CRISPRi screen of it, and its eRegulons in the forms of other benchmarks."""

import numpy as np
import pandas as pd

from grnformer.bench.grn_accuracy.formats import read_network
from grnformer.core import io
from grnformer.grn.cell_type.edges import merge_eregulons


def write_inputs(folder, made):
    """Links that are strong where the truth has an edge; pairs that say so, and one whose gene is not measured."""
    bound = made.regions["region"].isin(made.edges["region"]).to_numpy()
    links = made.regions[["region", "gene"]].assign(
        distance=np.arange(len(bound)),
        promoter=False,
        importance=np.where(bound, 0.5, 0.1),
        rho=np.where(bound, 0.8, -0.1),
        weight=np.where(bound, 0.4, 0.01),
    )
    io.write_table(links, folder / "grn/region_gene.parquet", "region_gene")
    triplets = made.edges[["tf", "region", "gene"]].assign(
        eregulon=made.edges["tf"] + "_direct_+/+",
        tf_gene_weight=np.linspace(0.1, 0.9, len(made.edges)),
        tf_gene_rho=0.5,
        region_gene_weight=0.5,
        region_gene_rho=0.8,
        evidence="planted",
    )
    io.write_table(triplets, folder / "grn/eregulons.parquet", "eregulons")
    pairs = pd.DataFrame(
        {
            "chrom": made.regions["chrom"],
            "chromStart": made.regions["start"] - 50,
            "chromEnd": made.regions["end"] + 50,
            "measuredGeneSymbol": made.regions["gene"],
            "distanceToTSS": -links["distance"],
            "CellType": "line",
            "Regulated": np.where(bound, "TRUE", "FALSE"),
        }
    )
    unmeasured = pairs.head(1).assign(measuredGeneSymbol="unmeasured")
    return bound, triplets, pd.concat([pairs, unmeasured])


def test_links_go_from_files_to_scores_and_networks_to_other_benchmarks(
    tmp_path, run_rules, simulated
):
    folder = tmp_path / "results" / "tiny"
    bound, triplets, pairs = write_inputs(folder, simulated)
    pairs.to_csv(tmp_path / "pairs.tsv", sep="\t", index=False)
    cell_type = simulated.annotation["cell_type"].iloc[0]
    row = {"dataset": "tiny", "cell_type": cell_type, "line": "line"}
    config = {"bench": {"link_accuracy": {"lines": [row], "pairs": "pairs.tsv"}}}
    targets = [
        "results/tiny/bench/link_accuracy/summary.tsv",
        "results/tiny/bench/grn_accuracy/export/gretapy.tsv",
    ]
    run = run_rules(targets, ["score_link_accuracy", "export_networks"], config)
    assert run.returncode == 0, run.stderr

    made = folder / "bench" / "link_accuracy"
    summary = io.read_table(made / "summary.tsv", "summary").set_index("arm")
    assert set(summary["task"]) == {cell_type}
    assert summary.loc["absolute rho", "estimate"] == 1
    assert summary.loc["eRegulon links", "estimate"] == 1
    assert np.isclose(summary.loc["chance", "estimate"], bound.mean())
    assert summary.loc["joined (permuted links)", "kind"] == "control"
    coverage = io.read_table(made / "coverage.tsv", "link_coverage")
    assert coverage["pairs"].tolist() == [len(bound) + 1, *[len(bound)] * 4]

    # both forms hold the network, and are read as the networks of other tools are
    expected = merge_eregulons(triplets).set_index(["tf", "gene"])["weight"]
    export = folder / "bench" / "grn_accuracy" / "export"
    for name in ("genernib.h5ad", "gretapy.tsv"):
        found = read_network(export / name).set_index(["tf", "gene"])["weight"]
        pd.testing.assert_series_equal(found, expected, rtol=1e-5)
