"""One model of two simulated datasets with partly different genes and cell types, and of RNA without chromatin."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.core import io
from grnformer.data.corpus import Corpus
from grnformer.graph.bundle import read_bundle
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*[zZ]arr:UserWarning"),
]

ROOT = Path(__file__).parents[2]


def renamed(simulation: Simulation, types: dict[str, str]) -> Simulation:
    """The same with other names of cell types."""
    rna, atac = simulation.rna.copy(), simulation.atac.copy()
    for data in (rna, atac):
        data.obs["cell_type"] = data.obs["cell_type"].astype(str).replace(types)
    annotation = simulation.annotation.assign(
        cell_type=simulation.annotation["cell_type"].replace(types)
    )
    return dataclasses.replace(simulation, rna=rna, atac=atac, annotation=annotation)


@pytest.fixture(scope="module")
def trained(make_workplace: Callable, tmp_path_factory: pytest.TempPathFactory):
    """The scenario config/scenarios/corpus.yaml on halves of one simulation: either lacks genes of the other."""
    folder = tmp_path_factory.mktemp("corpus")
    whole = simulate_multiome(seed=1, n_cells=520, repression_fraction=0.35)
    order = np.random.default_rng(0).permutation(520)
    targets = [gene for gene in whole.rna.var_names if gene not in whole.tfs]
    sheets = []
    for name, rows, lacking in (
        ("first", order[:240], targets[:15]),
        ("second", order[240:480], targets[-15:]),
    ):
        rows = np.sort(rows)
        rna = whole.rna[rows, ~whole.rna.var_names.isin(lacking)].copy()
        annotation = whole.annotation.iloc[rows].reset_index(drop=True)
        half = dataclasses.replace(
            whole, rna=rna, atac=whole.atac[rows].copy(), annotation=annotation
        )
        half = renamed(half, {"type_3": "inf"}) if name == "second" else half
        write_simulation(half, folder / name)
        sheets.append(
            pd.read_csv(folder / name / "samples.tsv", sep="\t", dtype=str).assign(
                dataset=name
            )
        )
    pd.concat(sheets).to_csv(folder / "samples.tsv", sep="\t", index=False)
    rest = whole.rna[np.sort(order[480:])].copy()
    rest.write_zarr(folder / "rest.zarr")
    write_simulation(whole, folder / "all")  # whose vocabulary has the genes of both
    scenario = yaml.safe_load(
        (ROOT / "config" / "scenarios" / "corpus.yaml").read_text()
    )
    scenario["pretrain"]["corpora"]["both"]["files"] = {
        "rest": str(folder / "rest.zarr")
    }
    scenario |= {"samples": str(folder / "samples.tsv"), "topics": {"n_topics": [4]}}
    size = {"steps": 400, "batch_size": 16, "n_tokens": 64}
    pretrain = {"seeds": [1], "heldout_repeats": 1, "sizes": {"tiny": size}}
    small = {"pretrain": pretrain, "bench": {"grn_accuracy": {"lines": []}}}
    update_config(scenario, small)
    place = make_workplace(folder / "work", folder / "all" / "config.yaml", **scenario)
    run = place.must("--", "results/both/pretrain/hybrid/seed1/model.safetensors")
    return place, run, folder


def test_each_dataset_has_its_networks_and_one_model_is_trained(trained) -> None:
    jobs = trained[1].jobs
    assert jobs["build_eregulons"] == jobs["build_graph"] == 2
    assert jobs["join_bundles"] == jobs["join_splits"] == jobs["pretrain_model"] == 1


def test_a_type_called_na_keeps_its_name_from_prep_to_the_split(trained) -> None:
    folder, expected = trained[0].folder / "results/second", {"type_1", "type_2", "inf"}
    for table, contract in (
        ("prep/markers.tsv", "markers"),
        ("grn/cell_type_summary.tsv", "cell_type_summary"),
        ("pretrain/split.tsv", "split"),
    ):
        assert set(io.read_table(folder / table, contract)["cell_type"]) == expected, (
            table
        )
    rna = io.read_modality(folder / "prep/multiome.h5mu", "rna", "multiome")
    split = io.read_table(folder / "pretrain/split.tsv", "split").set_index("cell")[
        "cell_type"
    ]
    assert split.to_dict() == rna.obs["cell_type"].astype(str).to_dict()


def test_held_out_cells_of_every_dataset_are_predicted(trained) -> None:
    """Their masked values follow the predictions, alike in the two halves of one simulation."""
    scores = json.loads(
        (
            trained[0].folder / "results/both/pretrain/hybrid/seed1/heldout.json"
        ).read_text()
    )
    assert set(scores["datasets"]) == {"first", "second", "rest"}
    for name in ("first", "second"):
        assert scores["datasets"][name]["pearson"] > 0.1
    assert (
        abs(scores["datasets"]["first"]["loss"] - scores["datasets"]["second"]["loss"])
        < 0.25
    )


def test_the_joint_bundle_keeps_what_each_dataset_knows(trained) -> None:
    place, _, folder = trained
    bundle = read_bundle(place.folder / "results/both/fuse/hybrid")
    assert {"first/type_1", "second/type_1", "type_3", "inf"} <= set(
        bundle.meta["cell_types"]
    )
    described = bundle.meta["datasets"]
    assert described["rest"]["cell_types"] == {
        "type_1": "first/type_1",
        "type_2": "first/type_2",
        "type_3": "type_3",
    }
    assert described["rest"]["values"] == "counts"
    assert described["first"]["genes"] < described["rest"]["genes"]
    paths = {
        name: place.folder / f"results/{name}/prep/multiome.h5mu"
        for name in ("first", "second")
    }
    with Corpus.of_bundle({**paths, "rest": folder / "rest.zarr"}, bundle) as store:
        reference = io.read_table(
            place.folder / "results/both/pretrain/hybrid/seed1/reference.parquet",
            "reference_embedding",
        )
        assert reference["cell"].tolist() == store.cells.tolist()
        assert set(reference["cell_type"]) == set(bundle.meta["cell_types"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"corpora": {"both": {"datasets": ["first", "third"]}}},
            "holds the dataset 'third'",
        ),
        (
            {"corpora": {"both": {"datasets": ["first", "first"]}}},
            "holds the dataset 'first' twice",
        ),
        (
            {"corpora": {"first": {"datasets": ["first"], "files": {}}}},
            "a corpus named 'first'",
        ),
        (
            {"corpora": {"both": {"files": {"rest": "nowhere.h5ad"}}}},
            "no file or folder nowhere.h5ad",
        ),
    ],
)
def test_wrong_corpora_stop_the_run(
    trained, make_workplace: Callable, tmp_path: Path, change, message
) -> None:
    place = make_workplace(tmp_path, trained[0].scenario, pretrain=change)
    run = place.snakemake("-n", "--", "pretrain")
    assert run.status
    assert message in run.terminal
