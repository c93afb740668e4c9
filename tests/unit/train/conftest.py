"""The inputs of a pretraining run on disk."""

import pytest

from grnformer.core import io
from grnformer.data.split import split_cells
from grnformer.graph.bundle import write_bundle


@pytest.fixture
def job_of(cells, bundle_of, tmp_path):
    """Write the inputs of a run; make its job, whose outputs and checkpoints lie in a folder of the given name."""
    path, data, *_ = cells
    io.write_table(
        split_cells(data.obs, heldout_fraction=0.25, seed=1),
        tmp_path / "split.tsv",
        "split",
    )
    write_bundle(bundle_of("hybrid"), tmp_path / "hybrid")

    def make(name, settings, **arm):
        folder = tmp_path / name
        names = {
            "weights": "model.safetensors",
            "card": "model.json",
            "training": "training.tsv",
        }
        names |= {"heldout": "heldout.json", "reference": "reference.parquet"}
        job = {
            "multiome": path,
            "split": tmp_path / "split.tsv",
            "bundle": tmp_path / "hybrid",
        }
        job |= {"checkpoints": folder / "checkpoint"}
        job = {key: str(value) for key, value in job.items()}
        job |= {
            "checkpoint": None,
            "medians": None,
            "vocabulary": None,
            "settings": settings,
            "seed": 1,
            "threads": 1,
        }
        job["arm"] = {
            "graph": "hybrid",
            "adapter": True,
            "perturbation": "coexpression",
        } | arm
        return job | {
            "outputs": {key: str(folder / file) for key, file in names.items()}
        }

    return make
