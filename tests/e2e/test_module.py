"""The workflow imported by another one, with a prefix and folders of that one's choice, and called from elsewhere."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.core.resources import MIRROR_VARIABLE
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation

pytestmark = pytest.mark.e2e

#: Networks and their report, without models; the sheet names its files relative to the working directory.
SMALL = {
    "samples": "data/samples.tsv",
    "pretrain": {"datasets": []},
    "bench": {"n_resamples": 100},
    "report": {"resamples": 100},
}
IMPORTS = """
configfile: "mine.yaml"


module grnformer:
    snakefile:
        "{checkout}/workflow/Snakefile"
    config:
        config
{more}

use rule * from grnformer as grn_*
"""
PREFIX = """    prefix:
        "networks"
    pathvars:
        results="out",
        logs="log",
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the simulated data in `data`, and a configuration of what differs in mine.yaml."""
    folder = tmp_path_factory.mktemp("data")
    planted: Simulation = simulate_multiome(
        seed=1, n_cells=160, repression_fraction=0.35
    )
    write_simulation(planted, folder / "data")
    sheet = pd.read_csv(
        folder / "data" / "samples.tsv", sep="\t", dtype=str, keep_default_na=False
    )
    for column in ("rna", "atac", "annotation"):
        sheet[column] = [f"data/{Path(path).name}" for path in sheet[column]]
    sheet.to_csv(folder / "data" / "samples.tsv", sep="\t", index=False)
    settings = yaml.safe_load((folder / "data" / "config.yaml").read_text())
    update_config(settings, SMALL)
    (folder / "mine.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture
def place(data: Path, tmp_path: Path) -> Path:
    """A working directory of another workflow."""
    (tmp_path / "data").symlink_to(data / "data")
    (tmp_path / "mine.yaml").symlink_to(data / "mine.yaml")
    return tmp_path


def snakemake(folder: Path, *arguments: str | Path) -> str:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *map(str, arguments)]
    environment = {
        key: value for key, value in os.environ.items() if key != MIRROR_VARIABLE
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def outputs(folder: Path, *arguments: str | Path) -> set[str]:
    """Files that Snakemake would write."""
    table = snakemake(folder, "--quiet", "all", "--summary", *arguments).splitlines()
    start = next(i for i, line in enumerate(table) if line.startswith("output_file\t"))
    rows = csv.DictReader(table[start:], delimiter="\t")
    # messages follow the table
    return {row["output_file"] for row in rows if row["rule"]}


@pytest.mark.slow
def test_imported_with_a_prefix_it_runs_to_its_report(
    place: Path, checkout: Path
) -> None:
    (place / "Snakefile").write_text(IMPORTS.format(checkout=checkout, more=PREFIX))
    terminal = snakemake(place, "grn_all")
    assert "grn_render_report" in terminal
    assert {path.name for path in place.iterdir()} == {
        ".snakemake",
        "Snakefile",
        "data",
        "mine.yaml",
        "networks",
    }
    assert {path.name for path in (place / "networks").iterdir()} == {"out", "log"}
    results = place / "networks" / "out"
    assert {path.name for path in results.iterdir()} == {
        "benchmarks",
        "report",
        "simulated",
    }
    logs = {path.stem for path in (place / "networks" / "log").rglob("*.log")}
    assert logs == {path.stem for path in (results / "benchmarks").rglob("*.tsv")}
    page = (results / "report" / "index.html").read_text()
    assert "simulated" in page
    costs = pd.read_csv(results / "report" / "costs.tsv", sep="\t")
    assert {"filter_multiome", "infer_tf_gene", "score_grn_accuracy"} <= set(
        costs["job"]
    )
    again = snakemake(place, "grn_all")
    assert "Nothing to be done" in again


def test_the_import_without_a_prefix_writes_as_the_checkout_does(
    place: Path, checkout: Path
) -> None:
    direct = outputs(place, "-s", checkout / "Snakefile", "--configfile", "mine.yaml")
    (place / "Snakefile").write_text(IMPORTS.format(checkout=checkout, more=""))
    assert outputs(place, "grn_all") == direct
    assert "results/report/index.html" in direct


def test_models_have_the_prefix_too(place: Path, checkout: Path) -> None:
    with_models = yaml.safe_load((place / "mine.yaml").read_text())
    with_models["pretrain"] = {"datasets": None}
    (place / "mine.yaml").unlink()
    (place / "mine.yaml").write_text(yaml.safe_dump(with_models))
    (place / "Snakefile").write_text(IMPORTS.format(checkout=checkout, more=PREFIX))
    written = outputs(place, "grn_all")
    assert "networks/out/simulated/pretrain/hybrid/seed1/model.safetensors" in written
    assert {path.split("/")[0] for path in written} == {"networks"}


def test_it_is_called_from_elsewhere(
    place: Path, checkout: Path, make_workplace: Callable
) -> None:
    """By the path of its Snakefile, with a working directory, and with folders named in the configuration."""
    options = ["--configfile", place / "mine.yaml", "--directory", place]
    for snakefile in (checkout / "Snakefile", checkout / "workflow" / "Snakefile"):
        assert "results/simulated/grn/eregulons.parquet" in outputs(
            Path("/"), "-s", snakefile, *options
        )
    settings = yaml.safe_load((place / "mine.yaml").read_text()) | {
        "pathvars": {"results": "out/of/here"}
    }
    (place / "other.yaml").write_text(yaml.safe_dump(settings))
    moved = outputs(place, "-s", checkout / "Snakefile", "--configfile", "other.yaml")
    assert "out/of/here/simulated/grn/eregulons.parquet" in moved
    assert {path.split("/")[0] for path in moved} == {"out"}
