"""The simulator plants what it says, and says all that it plants."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import yaml
from snakemake.utils import update_config

from grnformer.core import contracts
from grnformer.settings.read import check_config, complete
from grnformer.simulate.counts import draw_counts
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.network import draw_prior
from grnformer.simulate.write import write_simulation
from grnformer.workflow.config import read_samples

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_multiome(seed=1)


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulate_multiome(
        seed=2, n_cells=30, n_genes=40, n_tfs=4, rna_per_cell=500.0, atac_per_cell=300.0
    )


@pytest.fixture(scope="module")
def folder(small: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulation")
    write_simulation(small, path, fragments=True)
    return path


def log_fraction(data: anndata.AnnData) -> pd.DataFrame:
    share = data.X.toarray() / data.X.sum(axis=1)
    return pd.DataFrame(
        np.log1p(1e4 * share), index=data.obs_names, columns=data.var_names
    )


def within_types(frame: pd.DataFrame, types: pd.Series) -> pd.DataFrame:
    return frame - frame.groupby(types.to_numpy()).transform("mean")


def test_same_seed_gives_the_same_data() -> None:
    size = {"n_cells": 30, "n_genes": 30, "n_tfs": 4}
    first, second, other = (simulate_multiome(seed=seed, **size) for seed in (3, 3, 4))
    assert (first.rna.X != second.rna.X).nnz == 0
    assert (first.atac.X != second.atac.X).nnz == 0
    assert first.genome == second.genome
    pd.testing.assert_frame_equal(first.edges, second.edges)
    assert (first.rna.X != other.rna.X).nnz > 0


def test_rates_of_blocks_are_those_of_all_cells_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rates of all cells and regions would be 40 GB of 100,000 cells x 50,000 regions."""
    drawn: list[np.ndarray] = []

    def keep(log_rates, of_cells, rng):
        drawn.append(blocks := list(log_rates))
        return draw_counts(np.concatenate(blocks), *of_cells, rng)

    monkeypatch.setattr("grnformer.simulate.counts.draw_blocks", keep)
    size = {"seed": 3, "n_cells": 30, "n_genes": 30, "n_tfs": 4}
    whole = simulate_multiome(**size)
    monkeypatch.setattr("grnformer.simulate.multiome._BLOCK", 16)
    parts = simulate_multiome(**size)
    assert [len(block) for made in drawn for block in made] == [30, 30, 16, 14, 16, 14]
    assert (whole.rna.X != parts.rna.X).nnz == 0
    assert (whole.atac.X != parts.atac.X).nnz == 0


def test_counts_are_paired_sparse_and_whole(simulation: Simulation) -> None:
    for data in (simulation.rna, simulation.atac):
        assert sp.issparse(data.X)
        assert data.X.dtype == np.int32
        assert data.X.min() >= 0
    assert simulation.rna.obs_names.equals(simulation.atac.obs_names)
    assert list(simulation.atac.var_names) == list(simulation.regions["region"])


def test_targets_follow_their_tfs_within_cell_types(simulation: Simulation) -> None:
    """Sign by sign, edges correlate in the direction planted where they work; pairs that are no edge do not."""
    types = simulation.rna.obs["cell_type"]
    expression = within_types(log_fraction(simulation.rna), types)
    rho = np.array(
        [
            expression.loc[types.isin(e.cell_types), [e.tf, e.gene]].corr().iloc[0, 1]
            * e.sign
            for e in simulation.edges.itertuples()
        ]
    )
    truth = set(zip(simulation.edges["tf"], simulation.edges["gene"], strict=True))
    others = [
        expression[tf].corr(expression[gene])
        for tf in simulation.tfs
        for gene in expression
        if gene not in simulation.tfs and (tf, gene) not in truth
    ]
    for sign in (-1, 1):
        assert rho[(simulation.edges["sign"] == sign).to_numpy()].mean() > 0.1
    assert abs(np.mean(others)) < 0.05


def test_bound_regions_follow_their_tf_and_drive_their_gene(
    simulation: Simulation,
) -> None:
    types = simulation.rna.obs["cell_type"]
    expression = within_types(log_fraction(simulation.rna), types)
    accessibility = within_types(log_fraction(simulation.atac), types)
    activity = within_types(simulation.activity, types)
    edges = simulation.edges
    opening = [
        accessibility[e.region].corr(activity[e.tf]) * e.sign
        for e in edges.itertuples()
    ]
    driving = [
        accessibility[e.region].corr(expression[e.gene]) for e in edges.itertuples()
    ]
    assert np.mean(opening) > 0.15
    assert np.mean(driving) > 0.1


def test_edges_are_dead_outside_their_cell_types(simulation: Simulation) -> None:
    """The region of an edge answers in the types that the truth names, against the others."""
    types = simulation.rna.obs["cell_type"].to_numpy()
    accessibility = log_fraction(simulation.atac).groupby(types).mean()
    names = accessibility.index
    partial = simulation.edges[simulation.edges["cell_types"].str.len() < len(names)]
    gain = [
        accessibility.loc[e.cell_types, e.region].mean()
        - accessibility.loc[names.difference(e.cell_types), e.region].mean()
        for e in partial.itertuples()
    ]
    assert len(partial) > 20
    assert np.mean(np.array(gain) * partial["sign"] > 0) > 0.8


def test_regions_lie_at_their_genes_without_overlap(simulation: Simulation) -> None:
    regions = simulation.regions.merge(
        simulation.tss[["gene", "tss", "chrom"]], on="gene", suffixes=("", "_gene")
    )
    assert (regions["chrom"] == regions["chrom_gene"]).all()
    holds = (regions["start"] <= regions["tss"]) & (regions["tss"] < regions["end"])
    assert (holds == regions["promoter"]).all()
    assert (regions["end"] - regions["start"] == 501).all()
    for _, part in simulation.regions.groupby("chrom"):
        ordered = part.sort_values("start")
        assert (ordered["start"].to_numpy()[1:] >= ordered["end"].to_numpy()[:-1]).all()


def test_motifs_stand_in_bound_regions_only_by_chance_elsewhere(
    simulation: Simulation,
) -> None:
    """The best log-odds of a TF's motif is near its maximum in its regions and low in others."""
    regions = simulation.regions.set_index("region")
    bound = {tf: set(part["region"]) for tf, part in simulation.edges.groupby("tf")}
    inside, outside = [], []
    for tf in simulation.tfs[:4]:
        odds = np.log2(simulation.motifs[tf] / 0.25 + 1e-3)
        names = sorted(bound[tf]) + sorted(set(regions.index) - bound[tf])[:40]
        for name in names:
            row = regions.loc[name]
            sequence = np.frombuffer(
                simulation.genome[row.chrom][row.start : row.end], dtype=np.uint8
            )
            code = np.searchsorted(np.frombuffer(b"ACGT", dtype=np.uint8), sequence)
            windows = np.lib.stride_tricks.sliding_window_view(code, len(odds))
            positions = np.arange(len(odds))
            best = max(
                odds[positions, windows].sum(axis=1).max(),
                odds[::-1, ::-1][positions, windows].sum(axis=1).max(),
            )
            (inside if name in bound[tf] else outside).append(
                best / odds.max(axis=1).sum()
            )
    assert np.median(inside) > 0.7
    assert np.quantile(outside, 0.95) < 0.6


@pytest.mark.parametrize(("recall", "precision"), [(1.0, 1.0), (0.8, 0.6), (0.3, 0.5)])
def test_prior_holds_the_stated_fractions(
    simulation: Simulation, recall: float, precision: float
) -> None:
    rng = np.random.default_rng(0)
    prior = draw_prior(
        simulation.edges,
        list(simulation.tfs),
        list(simulation.rna.var_names),
        recall,
        precision,
        rng,
    )
    truth = set(zip(simulation.edges["tf"], simulation.edges["gene"], strict=True))
    known = set(zip(prior["tf"], prior["gene"], strict=True))
    assert len(known) == len(prior)
    assert len(known & truth) / len(truth) == pytest.approx(recall, abs=0.01)
    assert len(known & truth) / len(known) == pytest.approx(precision, abs=0.01)


def test_counts_have_the_stated_mean_and_variance() -> None:
    rng = np.random.default_rng(0)
    counts = draw_counts(np.zeros((4000, 10)), 100.0, 0.0, 0.5, 0.0, rng).toarray()
    assert counts.mean() == pytest.approx(10, rel=0.02)
    assert counts.var() == pytest.approx(10 + 0.5 * 10**2, rel=0.05)
    lossy = draw_counts(np.zeros((4000, 10)), 100.0, 0.0, 0.0, 0.3, rng).toarray()
    assert (lossy == 0).mean() == pytest.approx(0.3, abs=0.01)


def test_written_files_are_what_a_user_would_bring(
    small: Simulation, folder: Path
) -> None:
    rna = anndata.read_h5ad(folder / "rna.h5ad")
    assert (rna.X != small.rna.X).nnz == 0
    contracts.check(pd.read_csv(folder / "tss.tsv.gz", sep="\t"), "tss", where="tss")
    contracts.check(
        pd.read_parquet(folder / "truth.parquet"), "simulated_edges", where="truth"
    )
    fragments = pd.read_csv(
        folder / "fragments.tsv.gz", sep="\t", header=None, comment="#"
    )
    assert set(fragments[3]) == set(small.atac.obs_names)
    sheet = pd.read_csv(
        folder / "samples.tsv", sep="\t", dtype=str, keep_default_na=False
    )
    assert sheet.loc[0, "atac"] == ""
    assert Path(sheet.loc[0, "fragments"]) == folder / "fragments.tsv.gz"
    vocabulary = json.loads((folder / "vocabulary.json").read_text())
    assert set(small.rna.var_names) < set(vocabulary)
    chromosomes = [
        line[1:].strip()
        for line in (folder / "genome.fa").read_text().splitlines()
        if line[0] == ">"
    ]
    assert chromosomes == sorted(small.genome)
    promoters = (folder / "promoters.fa").read_text()
    assert [line for line in promoters.splitlines() if line[0] == ">"].count(
        ">GENE0001_1"
    ) == 1
    assert promoters.count(">") == small.rna.n_vars


def test_scenario_keeps_the_config_schema(folder: Path) -> None:
    config = complete(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
    scenario = yaml.safe_load((folder / "config.yaml").read_text())
    update_config(config, scenario)
    check_config(config)
    sheet = read_samples(scenario["samples"], config, registry={})
    assert sheet["dataset"].tolist() == ["simulated"]
