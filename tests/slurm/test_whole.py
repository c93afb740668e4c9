"""A small dataset through the profile, up to the graphs: few jobs, and the tables that a run without Slurm makes."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import write_simulation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

QUICK = {
    "topics": {"n_topics": [4, 6]},
    "grn": {
        "tf_gene": {"hist_boosting": {"learning_rate": 0.1, "max_trees": 50}},
        "region_gene": {"n_trees": 10},
    },
    "fuse": {"graphs": ["hybrid", "random"]},
}


@pytest.fixture(scope="module")
def runs(snakemake, tmp_path_factory):
    """Folder of a run by the profile, what its terminal showed, and folder of one without Slurm."""
    folders = [tmp_path_factory.mktemp(name) for name in ("submitted", "local")]
    simulation = simulate_multiome(seed=1, n_cells=240, n_genes=120, n_tfs=6)
    config = write_simulation(simulation, folders[0] / "data")
    update_config(config, QUICK)
    for folder in folders:
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    started = [
        snakemake(folder, *options, "--configfile", "config.yaml", "--", "fuse")
        for folder, options in zip(
            folders, ([], ["--executor", "local", "--cores", "1"]), strict=True
        )
    ]
    said = [run.end(500) for run in started]
    return folders[0], said[0], folders[1]


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """All tables in the results, by name."""
    found = {}
    for path in sorted((folder / "results" / "simulated").rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".parquet":
            found[name] = pd.read_parquet(path)
        elif path.suffix == ".tsv":
            found[name] = pd.read_csv(path, sep="\t")
    return found


def test_the_tables_are_those_of_a_run_without_slurm(runs):
    submitted, _, local = runs
    found, expected = tables(submitted), tables(local)
    assert len(found) > 20
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame, check_exact=True, obj=name)
    activity = [
        ad.read_h5ad(folder / "results/simulated/grn/cell_activity.h5ad").X
        for folder in (submitted, local)
    ]
    assert np.array_equal(*activity)


def test_small_jobs_are_submitted_together(runs):
    """On nodes with 4 CPUs, all of them: a job that asks for more would never have run."""
    # the last is the page of the stage
    assert runs[1].count("has been submitted with SLURM jobid") <= 9
