"""The networks by the original tools beside ours, on a planted network: GRNBoost2, pySCENIC's ctx and AUCell."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from grnformer.genome.rankings import write_rankings
from grnformer.simulate.multiome import Simulation
from grnformer.simulate.write import write_simulation

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("PYSCENIC_PYTHON", ROOT / ".envs/pyscenic/bin/python"))
pytestmark = [pytest.mark.e2e, pytest.mark.slow]
needs_pyscenic = pytest.mark.skipif(
    not PYTHON.exists(),
    reason="the environment .envs/pyscenic is not built: make env-pyscenic",
)
COMPARISON = "results/bench/compare_networks/simulated/originals.tsv"


def write_motifs(simulation: Simulation, folder: Path) -> None:
    """A ranking database in which each TF's planted targets lead its motif, beside decoys, and the motifs' TFs."""
    rng = np.random.default_rng(0)
    genes = list(simulation.rna.var_names)
    scores = rng.random((len(genes), len(simulation.tfs) + 60))
    for column, tf in enumerate(simulation.tfs):
        targets = simulation.edges.loc[simulation.edges["tf"] == tf, "gene"]
        scores[[genes.index(gene) for gene in targets], column] += 0.8
    motifs = [f"{tf}_motif" for tf in simulation.tfs] + [f"decoy{i}" for i in range(60)]
    ranks = np.argsort(np.argsort(-scores, axis=0), axis=0)
    write_rankings(
        folder / "planted.genes_vs_motifs.rankings.feather", ranks, motifs, genes
    )
    table = pd.DataFrame(
        {"#motif_id": motifs[: len(simulation.tfs)], "gene_name": simulation.tfs}
    )
    table = table.assign(
        motif_similarity_qvalue=0.0,
        orthologous_identity=1.0,
        description="gene is directly annotated",
    )
    table.to_csv(folder / "motif2tf.tsv", sep="\t", index=False)


@pytest.fixture(scope="module")
def place(
    planted: Simulation,
    make_workplace: Callable,
    tmp_path_factory: pytest.TempPathFactory,
):
    """The scenario config/scenarios/originals.yaml with these data, and motifs in place of prior knowledge."""
    folder = tmp_path_factory.mktemp("originals")
    write_simulation(planted, folder / "data")
    write_motifs(planted, folder / "data")
    sheet = pd.read_csv(folder / "data" / "samples.tsv", sep="\t", dtype=str)
    pd.concat([sheet, sheet.assign(dataset="originals")]).to_csv(
        folder / "samples.tsv", sep="\t", index=False
    )
    base = yaml.safe_load((folder / "data" / "config.yaml").read_text())
    shipped = yaml.safe_load(
        (ROOT / "config" / "scenarios" / "originals.yaml").read_text()
    )
    modules = {
        "min_genes": 6,
        "top_targets": [15],
        "top_regulators": [2],
        "auc_threshold": 0.1,
        "rank_threshold": 80,
    }
    base["grn"]["cistromes"] |= {
        "method": "cistarget_genes",
        "motifs_to_tfs": str(folder / "data" / "motif2tf.tsv"),
        "cistarget_genes": modules
        | {
            "rankings": [
                str(folder / "data" / "planted.genes_vs_motifs.rankings.feather")
            ]
        },
    }
    base["bench"]["grn_accuracy"]["lines"] *= 2
    originals = shipped["datasets"]["snareseq_originals"]["grn"]
    changes = {
        "samples": str(folder / "samples.tsv"),
        "topics": {"n_topics": [4]},
        "environments": {"pyscenic": str(PYTHON)},
        "pretrain": shipped["pretrain"],
        "datasets": {
            "originals": {"grn": originals | {"cistromes": {"method": "pyscenic_ctx"}}}
        },
        "bench": {
            "n_resamples": 100,
            "compare": [["simulated", "originals"]],
            "grn_accuracy": {
                "lines": [
                    line | {"dataset": dataset}
                    for dataset in ("simulated", "originals")
                    for line in base["bench"]["grn_accuracy"]["lines"][
                        : len(set(planted.annotation["cell_type"]))
                    ]
                ]
            },
        },
    }
    path = folder / "base.yaml"
    path.write_text(yaml.safe_dump(base))
    return make_workplace(folder / "work", path, **changes)


@pytest.fixture(scope="module")
def finished(place):
    place.must(COMPARISON)
    return place


def edges(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(frame["tf"], frame["gene"], strict=True))


@needs_pyscenic
def test_the_originals_recover_the_planted_network_as_ours_do(
    finished, planted: Simulation
) -> None:
    """Measured: precision .88 and .83, recall .44 and .45; chance .07."""
    true = edges(planted.edges)
    precision = {}
    for dataset in ("simulated", "originals"):
        found = edges(
            pd.read_parquet(
                finished.folder / f"results/{dataset}/grn/eregulons.parquet"
            )
        )
        precision[dataset] = len(found & true) / len(found)
        assert len(found & true) > 0.25 * len(true), dataset
    assert min(precision.values()) > 0.6
    assert abs(precision["simulated"] - precision["originals"]) < 0.15


@needs_pyscenic
def test_networks_stand_beside_each_other(finished) -> None:
    """Measured: rho .76, top pairs .68, TFs 1, edges .68; AUPRC over random 6.3 (ours) and 6.7."""
    table = pd.read_csv(finished.folder / COMPARISON, sep="\t").set_index(
        ["part", "what"]
    )
    assert (
        table.loc[("TF-gene importance", "Spearman's rho over all pairs"), "agreement"]
        > 0.6
    )
    assert (
        table.loc[
            ("TF-gene importance", "share of the top 5% of pairs in both"), "agreement"
        ]
        > 0.5
    )
    assert table.loc[("eRegulons", "TFs"), "agreement"] > 0.7
    assert table.loc[("eRegulons", "TF-gene edges"), "agreement"] > 0.5
    accuracy = table.loc[("accuracy", "AUPRC of tf_gene")]
    assert accuracy["left"] == pytest.approx(accuracy["right"], rel=0.2)
    assert accuracy[["left", "right"]].min() > 3
    assert (
        table.loc[("cost", "TF-gene importance: CPU time"), ["left", "right"]]
        .notna()
        .all()
    )


@needs_pyscenic
def test_each_dataset_ran_its_own_methods(finished) -> None:
    results = finished.folder / "results"
    assert not (results / "simulated" / "grn" / "originals").exists()
    names = {
        path.stem for path in (results / "originals" / "grn" / "originals").iterdir()
    }
    assert names == {"adjacencies", "module_enrichment", "cell_auc"}
    for dataset, method in (
        ("simulated", "cistarget_genes"),
        ("originals", "pyscenic_ctx"),
    ):
        evidence = pd.read_parquet(results / dataset / "grn" / "eregulons.parquet")[
            "evidence"
        ]
        assert {text.split(":")[0] for text in evidence} == {method}
    again = finished.must("-n", COMPARISON)
    assert "Nothing to be done" in again.terminal


def test_a_missing_environment_stops_the_run_before_its_first_job(
    place, tmp_path: Path, make_workplace
) -> None:
    absent = make_workplace(
        tmp_path,
        place.scenario,
        environments={"pyscenic": str(tmp_path / "absent" / "python")},
    )
    run = absent.snakemake("-n", COMPARISON)
    assert run.status != 0
    assert "make env-pyscenic" in run.terminal
    assert not run.jobs
