"""Networks under other seeds, and targets scattered over jobs, on a planted network."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.simulate.multiome import Simulation
from grnformer.simulate.write import write_simulation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SEEDS = [2, 3]
GRN = "results/simulated/grn"


@pytest.fixture(scope="module")
def rerun(
    planted: Simulation,
    make_workplace: Callable,
    tmp_path_factory: pytest.TempPathFactory,
):
    """The scenario config/scenarios/stability.yaml with fewer seeds, its targets in three parts."""
    folder = tmp_path_factory.mktemp("stability")
    write_simulation(planted, folder / "data")
    scenario = yaml.safe_load(
        (ROOT / "config" / "scenarios" / "stability.yaml").read_text()
    )
    update_config(
        scenario, {"grn": {"stability": {"seeds": SEEDS, "min_frequency": 0.5}}}
    )
    place = make_workplace(folder / "work", folder / "data" / "config.yaml", **scenario)
    run = place.must("--set-scatter", "targets=3", "--", "grn")
    return place, run


def read(place, name: str) -> pd.DataFrame:
    path = place.folder / GRN / name
    return (
        pd.read_csv(path, sep="\t", keep_default_na=False)
        if path.suffix == ".tsv"
        else pd.read_parquet(path)
    )


def precision(table: pd.DataFrame, truth: pd.DataFrame) -> float:
    found = table[["tf", "gene"]].drop_duplicates()
    return len(found.merge(truth[["tf", "gene"]].drop_duplicates())) / len(found)


def test_jobs_run_once_a_seed_and_a_part(rerun) -> None:
    jobs = rerun[1].jobs
    assert jobs["infer_tf_gene_part"] == 3
    assert jobs["infer_tf_gene"] == jobs["build_cell_type_grns"] == 1 + len(SEEDS)
    assert (
        rerun[0].folder / "results/logs/simulated/grn/infer_tf_gene.2-of-3.log"
    ).exists()


def test_frequent_edges_are_the_true_ones(rerun, planted: Simulation) -> None:
    """Of the unfiltered triplets, those that both reruns hold are right more often than those that none holds."""
    place, _ = rerun
    every = read(place, "eregulons_unfiltered.parquet")
    again = [
        read(place, f"../grn_seed{seed}/eregulons_unfiltered.parquet") for seed in SEEDS
    ]
    key = ["eregulon", "region", "gene"]
    hits = sum(
        every.merge(one[key], how="left", indicator=True)["_merge"]
        .eq("both")
        .astype(int)
        for one in again
    )
    kept = read(place, "eregulons.parquet")
    assert set(kept["selection_frequency"]) <= {0.5, 1.0}
    assert len(kept) <= (hits >= 1).sum() < len(every)
    assert precision(every[hits.to_numpy() == 2], planted.edges) > precision(
        every[hits.to_numpy() < 2], planted.edges
    )
    for path in (place.folder / GRN / "cell_type").glob("*.parquet"):
        frequency = pd.read_parquet(path)["selection_frequency"]
        assert frequency.between(0, 1).all()
        assert frequency.mean() > 0.5


def test_the_table_of_overlaps_knows_what_draws(rerun) -> None:
    table = read(rerun[0], "stability.tsv")
    assert set(zip(table["seed"], table["other_seed"], strict=True)) == {
        (1, 2),
        (1, 3),
        (2, 3),
    }
    mean = table.groupby("what")["jaccard"].mean()
    assert 0.3 < mean["tf_gene_top"] < 1
    assert mean["eregulon_pairs"] > 0.5
    assert table.loc[table["what"] == "cell_type_edges", "cell_type"].nunique() == 3


def test_the_network_is_the_same_for_any_number_of_parts(rerun) -> None:
    """Bit for bit; and one part is no job more than before."""
    place, _ = rerun
    target = place.folder / GRN / "tf_gene.parquet"
    scattered = pd.read_parquet(target)
    target.unlink()
    run = place.must("--", f"{GRN}/tf_gene.parquet")
    assert run.jobs == {"infer_tf_gene": 1}
    # the record in the file says how many parts it was made of
    pd.testing.assert_frame_equal(pd.read_parquet(target), scattered, check_exact=True)


def test_a_failing_part_names_itself(rerun) -> None:
    place, _ = rerun
    shutil.rmtree(place.folder / GRN / "tf_gene_parts")
    (place.folder / GRN / "tf_gene.parquet").unlink()
    run = place.snakemake(
        "--set-scatter", "targets=5000", "--", f"{GRN}/tf_gene_parts/7-of-5000.parquet"
    )
    assert run.status
    assert "part 7-of-5000 of" in run.terminal
    assert "infer_tf_gene_part" in run.terminal
