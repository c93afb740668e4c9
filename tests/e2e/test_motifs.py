"""Cistromes from motifs in place of known targets on a planted network, by the scenarios of config/scenarios

Each runs on in a copy of the finished workplace: what does not depend on motifs is there.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.genome.rankings import write_rankings
from grnformer.simulate.multiome import Simulation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
GRN = "results/simulated/grn"
N_DECOYS = 60


@pytest.fixture
def run_scenario(spare, make_workplace: Callable):
    """Run a scenario of config/ with `changes` laid over it, up to the networks; gives the workplace and the jobs."""

    def run(name: str, cistromes: dict, target: str = "grn"):
        data = spare.folder.parent / "data"
        scenario = yaml.safe_load((ROOT / "config" / "scenarios" / name).read_text())
        update_config(
            scenario,
            {
                "grn": {
                    "cistromes": cistromes
                    | {"motifs_to_tfs": str(data / "motif_tfs.tsv")}
                }
            },
        )
        place = make_workplace(spare.folder, spare.scenario, spare.checkout, **scenario)
        return place, place.must("--", target).jobs

    return run


@pytest.fixture
def data(spare, planted: Simulation) -> Path:
    """Beside the copy: the motifs' TFs, and the planted motifs among decoys."""
    folder = spare.folder.parent / "data"
    (folder / "motifs").mkdir(parents=True)
    rng = np.random.default_rng(0)
    motifs = planted.motifs | {
        f"decoy{i}": rng.dirichlet(np.full(4, 0.2), size=12) for i in range(N_DECOYS)
    }
    text = ["MEME version 4\n\nALPHABET= ACGT\n"]
    for name, matrix in motifs.items():
        name = name if name.startswith("decoy") else f"{name}_motif"
        rows = matrix / matrix.sum(axis=1, keepdims=True)
        text.append(
            f"\nMOTIF {name}\nletter-probability matrix: alength= 4 w= {len(rows)} nsites= 20 E= 0\n"
        )
        text += [" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows]
    (folder / "motifs" / "all.meme").write_text("".join(text))
    table = pd.DataFrame(
        {"motif": [f"{tf}_motif" for tf in planted.tfs], "tf": planted.tfs}
    )
    table.to_csv(folder / "motif_tfs.tsv", sep="\t", index=False)
    genome = "".join(
        f">{name}\n{sequence.decode()}\n" for name, sequence in planted.genome.items()
    )
    (folder / "genome.fa").write_text(genome)
    return folder


def rank_planted(
    simulation: Simulation, names: list[str], column: str, path: Path
) -> None:
    """A ranking database in which what each TF binds is near the top of its motif, among decoys."""
    rng = np.random.default_rng(1)
    scores = rng.random((len(names), len(simulation.tfs) + N_DECOYS))
    place = {name: i for i, name in enumerate(names)}
    for number, tf in enumerate(simulation.tfs):
        bound = simulation.edges.loc[simulation.edges["tf"] == tf, column].unique()
        scores[[place[name] for name in bound], number] += 0.8
    ranks = np.argsort(np.argsort(-scores, axis=0), axis=0)
    motifs = [f"{tf}_motif" for tf in simulation.tfs] + [
        f"decoy{i}" for i in range(N_DECOYS)
    ]
    write_rankings(path, ranks, motifs, names)


def check_network(
    place,
    simulation: Simulation,
    evidence: str,
    *,
    with_regions: bool,
    tf_fraction: float = 0.5,
) -> pd.DataFrame:
    """True TF-gene pairs are many more than with the TFs exchanged; each edge of each type names its evidence."""
    found = pd.read_parquet(place.folder / GRN / "eregulons.parquet")
    assert found["evidence"].str.fullmatch(evidence + r":TF\d+_motif").all()
    assert (found["region"] != "").all() == with_regions
    truth = set(simulation.edges[["tf", "gene"]].itertuples(index=False, name=None))
    pairs = found[["tf", "gene"]].drop_duplicates()
    right = sum(pair in truth for pair in pairs.itertuples(index=False, name=None))
    tfs = list(simulation.tfs)
    wrong = np.mean(
        [
            sum(
                (tfs[(tfs.index(tf) + shift) % len(tfs)], gene) in truth
                for tf, gene in pairs.to_numpy()
            )
            for shift in range(1, len(tfs))
        ]
    )
    assert found["tf"].nunique() >= tf_fraction * len(tfs)
    assert right > 0.3 * len(pairs)
    assert right > 3 * wrong
    for path in (place.folder / GRN / "cell_type").glob("*.parquet"):
        network = pd.read_parquet(path)
        assert network["evidence"].str.startswith(f"{evidence}:").all()
        assert (network["regions"].map(len) > 0).all() == with_regions
    return found


def test_motif_sites_of_the_datasets_own_regions(
    run_scenario, planted: Simulation, data: Path
) -> None:
    files = {"fasta": str(data / "genome.fa"), "motifs": str(data / "motifs")}
    small = {"auc_threshold": 0.05, "rank_threshold": 0.2, "nes_threshold": 2.0}
    place, jobs = run_scenario(
        "motifs_scan.yaml", {"motif_scan": files, "cistarget": small}
    )
    assert jobs["scan_motifs"] == jobs["enrich_motifs"] == 1
    assert not {"fit_topics", "infer_tf_gene", "link_regions", "pretrain_model"} & set(
        jobs
    )
    check_network(place, planted, "motif_scan", with_regions=True)


def test_motif_scores_against_a_background(
    run_scenario, planted: Simulation, data: Path
) -> None:
    """Sets of 31 to 108 regions of 600 leave a rank-sum test little power: a quarter of the TFs, but hardly a decoy."""
    # few sites by chance
    files = {
        "fasta": str(data / "genome.fa"),
        "motifs": str(data / "motifs"),
        "max_p": 2.0e-5,
    }
    test = {"method": "dem", "motif_scan": files, "dem": {"background": "database"}}
    place, jobs = run_scenario("motifs_scan.yaml", test)
    assert jobs["scan_motifs"] == jobs["contrast_motifs"] == 1
    assert not {
        "enrich_motifs",
        "fit_topics",
        "infer_tf_gene",
        "link_regions",
        "pretrain_model",
    } & set(jobs)
    contrast = pd.read_parquet(place.folder / GRN / "motif_contrast.parquet")
    decoy = contrast["motif"].str.startswith("decoy")
    assert decoy.sum() <= 1  # of 60, in five sets
    assert contrast.loc[~decoy, "motif"].nunique() >= 2  # of 12; 3 were found
    bound = planted.edges.groupby("tf")["region"].agg(set)
    hits = contrast[~decoy].explode("regions")
    right = [
        region in bound[motif.removesuffix("_motif")]
        for motif, region in hits[["motif", "regions"]].to_numpy()
    ]
    assert np.mean(right) > 0.6
    check_network(place, planted, "dem", with_regions=True, tf_fraction=0.15)


def test_a_database_of_the_genomes_regions(
    run_scenario, planted: Simulation, data: Path
) -> None:
    """Its regions are not quite ours, and more: as those of a database are."""
    regions = planted.regions
    own = (
        regions["chrom"]
        + ":"
        + (regions["start"] + 60).astype(str)
        + "-"
        + (regions["end"] + 60).astype(str)
    )
    names = [*own, *(f"chr99:{1000 * i}-{1000 * i + 500}" for i in range(600))]
    moved = dataclasses.replace(
        planted,
        edges=planted.edges.assign(
            region=planted.edges["region"].map(
                dict(zip(regions["region"], own, strict=True))
            )
        ),
    )
    path = data / "planted.regions_vs_motifs.rankings.feather"
    rank_planted(moved, names, "region", path)
    small = {
        "rankings": str(path),
        "auc_threshold": 0.02,
        "rank_threshold": 0.2,
        "nes_threshold": 2.0,
    }
    place, jobs = run_scenario("cistarget.yaml", {"cistarget": small})
    assert jobs["enrich_motifs"] == 1
    assert "scan_motifs" not in jobs
    check_network(place, planted, "cistarget", with_regions=True)


def test_regulons_of_genes_by_pyscenics_route(
    run_scenario, planted: Simulation, data: Path
) -> None:
    path = data / "planted.genes_vs_motifs.rankings.feather"
    rank_planted(planted, list(planted.rna.var_names), "gene", path)
    modules = {
        "min_genes": 6,
        "top_targets": [15],
        "top_regulators": [2],
        "repressing": True,
    }
    small = modules | {
        "rankings": [str(path)],
        "auc_threshold": 0.1,
        "rank_threshold": 80,
    }
    place, jobs = run_scenario("regulons_pyscenic.yaml", {"cistarget_genes": small})
    assert jobs["enrich_modules"] == 1
    found = check_network(place, planted, "cistarget_genes", with_regions=False)
    assert found["eregulon"].str.fullmatch(r"TF\d+_direct_[+-]/0").all()
    signs = planted.edges.drop_duplicates(["tf", "gene"]).set_index(["tf", "gene"])[
        "sign"
    ]
    known = found.join(signs, on=["tf", "gene"], how="inner")
    named = np.where(known["eregulon"].str[-3] == "+", 1, -1)
    assert np.mean(named == known["sign"]) > 0.8
