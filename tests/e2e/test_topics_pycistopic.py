"""Topics by pycisTopic on a planted network: the scenario topics_pycistopic.yaml, beside our own topics."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.core.io import read_modality
from grnformer.settings.read import read_defaults
from grnformer.simulate.multiome import Simulation
from grnformer.simulate.write import write_simulation
from grnformer.topics.dar import find_dars
from grnformer.topics.fit import binarize
from grnformer.topics.lda_tomotopy import fit_lda

with warnings.catch_warnings():
    # tomotopy's extension types are old-fashioned, and its import hides the warning behind a ModuleNotFoundError.
    warnings.filterwarnings(
        "ignore", "builtin type .* has no __module__ attribute", DeprecationWarning
    )
    import tomotopy  # noqa: F401

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("PYCISTOPIC_PYTHON", ROOT / ".envs/pycistopic/bin/python"))
SETS = "results/simulated/topics/region_sets.parquet"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="the environment .envs/pycistopic is not built: make env-pycistopic",
    ),
]


@pytest.fixture(scope="module")
def place(
    planted: Simulation,
    make_workplace: Callable,
    tmp_path_factory: pytest.TempPathFactory,
):
    """The scenario with these data, run as far as the region sets."""
    folder = tmp_path_factory.mktemp("pycistopic")
    write_simulation(planted, folder / "data")
    changes = yaml.safe_load(
        (ROOT / "config" / "scenarios" / "topics_pycistopic.yaml").read_text()
    )
    # its prior of 50 regions outweighs the regions of these small cells
    own = {"n_topics": [5, 8], "pycistopic": {"alpha": 5}}
    update_config(changes, {"environments": {"pycistopic": str(PYTHON)}, "topics": own})
    place = make_workplace(folder / "work", folder / "data" / "config.yaml", **changes)
    place.must(SETS)
    return place


@pytest.fixture(scope="module")
def ours(place) -> pd.DataFrame:
    """Differentially accessible regions of the same cells by our own topics."""
    settings = read_defaults("topics")
    atac = read_modality(
        place.folder / "results/simulated/prep/multiome.h5mu", "atac", "multiome"
    )
    matrix = binarize(atac.X)
    model = fit_lda(matrix, 5, seed=1, **settings["lda_tomotopy"])
    return find_dars(
        model,
        atac.var_names.tolist(),
        atac.obs["cell_type"].to_numpy(),
        **settings["dar"],
    )


def open_in_type(sets: pd.DataFrame, edges: pd.DataFrame) -> float:
    """How many times more often planted regions are in the set of a type where they work than in those of others."""
    alive = edges.explode("cell_types").drop_duplicates(["region", "cell_types"])
    types = sorted(set(alive["cell_types"]))
    inside, outside = [], []
    for name in types:
        chosen = set(sets[(sets["kind"] == "dar") & (sets["set"] == name)]["region"])
        works = set(alive.loc[alive["cell_types"] == name, "region"])
        idle = set(alive["region"]) - works
        inside.append(len(works & chosen) / len(works))
        outside.append(len(idle & chosen) / max(len(idle), 1))
    return sum(inside) / max(sum(outside), 1e-9)


def test_its_regions_are_those_of_the_types_as_ours_are(
    place, ours: pd.DataFrame, planted: Simulation
) -> None:
    """Measured: planted regions 19 times as often in the sets of their types as in others, ours 9; .47 shared."""
    sets = pd.read_parquet(place.folder / SETS)
    assert set(sets["kind"]) == {"topic_otsu", "topic_li", "topic_top", "dar"}
    theirs = sets[sets["kind"] == "dar"]
    assert open_in_type(theirs, planted.edges) > 5
    assert open_in_type(theirs, planted.edges) > 0.6 * open_in_type(ours, planted.edges)
    first, second = (
        set(zip(part["set"], part["region"], strict=True)) for part in (theirs, ours)
    )
    assert len(first & second) / len(first | second) > 0.3


def test_counts_are_chosen_by_the_mean_of_its_four_scores(place) -> None:
    folder = place.folder / "results/simulated/topics"
    table = pd.read_csv(folder / "model_selection.tsv", sep="\t")
    assert table["n_topics"].tolist() == [5, 8]
    assert (
        table.loc[table["selected"], "mean_score"].item() == table["mean_score"].max()
    )
    assert table["cao_juan_2009"].between(0, 1).all()
    chosen = table.loc[table["selected"], "n_topics"].item()
    fitted = pd.read_parquet(folder / f"originals/{chosen}/cell_topic.parquet")
    pd.testing.assert_frame_equal(
        fitted, pd.read_parquet(folder / "cell_topic.parquet")
    )
