"""Wrong input stops before any long work, with one clear message: what was found, what was expected, how to mend it."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from grnformer.settings.read import complete
from grnformer.simulate.multiome import Simulation

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
CONFIG = complete({})


def refused(run, *, found: str) -> None:
    """The terminal shows one message, in the usual three parts, and no traceback."""
    assert run.status != 0
    for part in ("Found: ", "Expected: ", "To mend it: "):
        assert run.terminal.count(part) == 1, run.terminal
    assert re.search(found, run.terminal), run.terminal
    assert "Traceback" not in run.terminal


@pytest.fixture
def place(make_workplace, small_data: Path, tmp_path: Path) -> Callable[..., Any]:
    """A workplace on the small dataset, with changes of its scenario."""

    def make(**changes: object):
        return make_workplace(tmp_path / "work", small_data / "config.yaml", **changes)

    return make


def sheet(small_data: Path, target: Path, **changes: str | None) -> str:
    """The small dataset's sheet with cells replaced, or columns dropped (None)."""
    frame = pd.read_csv(
        small_data / "samples.tsv", sep="\t", dtype=str, keep_default_na=False
    )
    for column, value in changes.items():
        frame = (
            frame.drop(columns=column)
            if value is None
            else frame.assign(**{column: value})
        )
    frame.to_csv(target, sep="\t", index=False)
    return str(target)


def registered(
    folder: Path, content: bytes, source: str, sha256: str
) -> dict[str, Any]:
    """Config changes that make the TSS table a pinned resource of `source` with hash `sha256`."""
    (folder / "original.tsv.gz").write_bytes(content)
    entry = {"source": source, "sha256": sha256, "licence": "none", "about": "TSSs"}
    shipped = yaml.safe_load((ROOT / "config" / "resources.yaml").read_text())
    (folder / "registry.yaml").write_text(
        yaml.safe_dump(shipped | {"tss.tsv.gz": entry})
    )
    return {
        "resources": {"registry": str(folder / "registry.yaml")},
        "genomes": {"simulated": {"tss": "resource:tss.tsv.gz"}},
    }


# Decided while the workflow is read: no job starts.


def test_a_missing_column(place, small_data: Path, tmp_path: Path) -> None:
    run = place(
        samples=sheet(small_data, tmp_path / "samples.tsv", genome=None)
    ).snakemake("prep")
    refused(run, found=r"Found: .*samples\.tsv .*missing \['genome'\]")
    assert run.jobs == {}


def test_a_target_that_is_no_stage(place) -> None:
    run = place().snakemake("-n", "--", "gnr")
    refused(run, found="Found: the target 'gnr'")
    assert "did you mean 'grn'?" in run.terminal
    assert "Traceback" not in run.terminal


def test_an_unknown_config_key(place) -> None:
    run = place(prep={"min_cells_per_gene": 3}).snakemake("prep")
    refused(run, found="Found: in the config at prep: .*'min_cells_per_gene'")
    assert run.jobs == {}


def test_a_misspelt_path_that_no_job_of_the_target_reads(place) -> None:
    run = place(fuse={"vocabulary": "nowhere.json"}).snakemake("prep")
    refused(
        run, found=r"Found: fuse\.vocabulary in the config: no file .*nowhere\.json"
    )
    assert run.jobs == {}


# Decided by the first job: resources.


def test_a_resource_whose_hash_differs(place, small_data: Path, tmp_path: Path) -> None:
    content = (small_data / "tss.tsv.gz").read_bytes()
    source = f"path:{tmp_path / 'original.tsv.gz'}"
    run = place(**registered(tmp_path, content, source, sha256="0" * 64)).snakemake(
        "prep"
    )
    refused(
        run,
        found=f"Found: tss.tsv.gz from path:.* has SHA-256 {hashlib.sha256(content).hexdigest()}",
    )
    assert not (tmp_path / "work" / "results" / "simulated" / "prep").exists()
    assert not (tmp_path / "work" / "resources" / "tss.tsv.gz").exists()


def test_no_network_and_no_mirror(place, small_data: Path, tmp_path: Path) -> None:
    """The message says what to do; done, a run needs no network and leaves the file as it is."""
    content = (small_data / "tss.tsv.gz").read_bytes()
    far = "https://127.0.0.1:9/tss.tsv.gz"
    sha256 = hashlib.sha256(content).hexdigest()
    offline = place(**registered(tmp_path, b"", far, sha256=sha256))
    run = offline.snakemake("prep")
    refused(run, found=f"Found: tss.tsv.gz could not be fetched from {far}")
    assert re.search(
        r"To mend it: run `grnformer fetch` .*resources/tss\.tsv\.gz.*GRNFORMER_MIRROR",
        run.terminal,
    )
    assert not (tmp_path / "work" / "results" / "simulated" / "prep").exists()

    fetched = tmp_path / "work" / "resources" / "tss.tsv.gz"
    fetched.parent.mkdir(exist_ok=True)
    fetched.write_bytes(content)
    os.utime(fetched, (1, 1))
    wanted = (
        "--forcerun",
        "fetch_resource",
        "--",
        "results/simulated/prep/tss.parquet",
    )
    assert offline.must(*wanted).jobs == {"prepare_tss": 1}
    assert fetched.stat().st_mtime == 1
    fetched.touch()
    assert offline.must("--dry-run", *wanted).jobs == {}, "the same bytes"


# Decided when a sample is read: once by the command, then by the function that the rule calls.


def test_disjoint_barcodes_by_the_command(
    place, small: Simulation, small_data: Path, tmp_path: Path
) -> None:
    other = small.atac.copy()
    other.obs_names = [f"cell_{number}" for number in range(other.n_obs)]
    other.write_h5ad(tmp_path / "atac.h5ad")
    run = place(
        samples=sheet(
            small_data, tmp_path / "samples.tsv", atac=str(tmp_path / "atac.h5ad")
        )
    ).snakemake("prep")
    refused(
        run, found="ingest_sample stopped: wrong input.\nFound: .*0 of 40 RNA barcodes"
    )
    left = {
        path.name
        for path in (tmp_path / "work" / "results" / "simulated" / "prep").rglob("*")
        if path.is_file()
    }
    assert left == {"tss.parquet"}
