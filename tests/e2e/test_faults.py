"""What happens to files, clocks, disks and processes, and what the next run makes of it: two samples, filtered."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import pytest
from mudata import read_h5mu

from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import write_simulation

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

PREP = Path("results/simulated/prep")
TARGET = str(PREP / "filtered.h5mu")


@pytest.fixture(scope="module")
def prepared(make_workplace: Callable, tmp_path_factory):
    """A workplace with its data, in which the target was made: samples s1 and s2, halves of one simulation."""
    folder = tmp_path_factory.mktemp("prepared")
    small = simulate_multiome(seed=5, n_cells=80, n_genes=150)
    write_simulation(small, folder / "data")
    place = make_workplace(folder / "work", folder / "data" / "config.yaml")
    rows = []
    for name, cells in (("s1", slice(0, 40)), ("s2", slice(40, 80))):
        (place.folder / name).mkdir()
        small.rna[cells].copy().write_h5ad(place.folder / name / "rna.h5ad")
        small.atac[cells].copy().write_h5ad(place.folder / name / "atac.h5ad")
        rows.append(f"simulated\t{name}\t{name}/rna.h5ad\t{name}/atac.h5ad\tsimulated")
    (place.folder / "samples.tsv").write_text(
        "\n".join(["dataset\tsample\trna\tatac\tgenome", *rows]) + "\n"
    )
    text = place.scenario.read_text().splitlines()
    text = [line for line in text if not line.startswith("samples:")]
    place.scenario.write_text("\n".join([*text, "samples: samples.tsv"]) + "\n")
    place.must(TARGET)
    return place


@pytest.fixture
def place(prepared, tmp_path: Path):
    """A copy of it, to be spoilt."""
    folder = tmp_path / "work"
    shutil.copytree(prepared.folder, folder)
    return dataclasses.replace(
        prepared, folder=folder, scenario=folder / prepared.scenario.name
    )


def content(place) -> dict[str, object]:
    """What is in the target: cells, the sum of their counts."""
    cells = read_h5mu(place.folder / TARGET)
    counts = cells["rna"].layers["counts"] if cells["rna"].layers else cells["rna"].X
    return {"cells": list(cells.obs_names), "counts": counts.sum()}


@pytest.mark.fault(
    "`kill -9` of Snakemake and its jobs",
    happens="all ends at once; the folder stays locked",
    shown="`Directory cannot be locked`, at the next run",
    then="after `--unlock` what is missing or was being written",
)
@pytest.mark.fault(
    "two runs at once in one folder",
    happens="the second does not start",
    shown="`Directory cannot be locked`",
    then="nothing is lost: the first goes on",
)
def test_a_killed_run_leaves_nothing_half_written(prepared, place) -> None:
    """While it goes on, a second is refused."""
    shutil.rmtree(place.folder / "results")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", TARGET]
    command += ["--snakefile", str(place.checkout / "Snakefile")]
    command += ["--configfile", str(place.scenario)]
    with (place.folder / "terminal.txt").open("w") as terminal:
        run = subprocess.Popen(
            command,
            cwd=place.folder,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while not list((place.folder / PREP).glob("samples/*.h5mu")):
        assert run.poll() is None
        time.sleep(0.02)
    # it waits while a second is started
    os.killpg(run.pid, signal.SIGSTOP)
    assert "Directory cannot be locked" in place.snakemake(TARGET).terminal
    # its jobs too, as the kernel does that lacks memory
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()

    assert "Directory cannot be locked" in place.snakemake(TARGET).terminal
    place.must("--unlock")
    again = place.must("--rerun-incomplete", TARGET)
    assert "prepare_tss" not in again.jobs, "only what is missing"
    assert content(place) == content(prepared)


@pytest.mark.fault(
    "the folder of results can only be read",
    happens="the run ends before its first job",
    shown="`Read-only file system`, with the path",
    then="all, once it can be written to",
)
def test_results_that_can_only_be_read(place) -> None:
    results = place.folder / "results"
    shutil.rmtree(results)
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(results)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs root, to mount a disk that can only be read")
    try:
        run = place.snakemake(TARGET)
    finally:
        subprocess.run(["umount", "--lazy", str(results)], check=True)
    assert run.status != 0
    assert "Read-only file system" in run.terminal
    assert str(results) in run.terminal or "results/" in run.terminal


@pytest.mark.fault(
    "an intermediate file is cut off",
    happens="the job that reads it stops",
    shown="the file, and what to do",
    then="after the file is removed: its job and those behind it",
)
def test_a_truncated_intermediate_file_is_named(prepared, place) -> None:
    cut = place.folder / PREP / "samples" / "s1.h5mu"
    cut.write_bytes(cut.read_bytes()[:-2000])
    run = place.snakemake(TARGET)
    assert run.status != 0
    assert "Found:" in run.terminal
    assert "s1.h5mu is cut off or damaged" in run.terminal
    assert "Traceback" not in run.terminal
    cut.unlink()
    assert place.must(TARGET).jobs == {"ingest_sample": 1, "filter_multiome": 1}
    assert content(place) == content(prepared)


@pytest.mark.fault(
    "an input from a machine whose clock is ahead",
    happens="the run ends before its first job",
    shown="the file and its date",
    then="nothing, once it has a date that has been",
)
def test_an_input_of_the_future_is_refused_before_work_is_lost(place) -> None:
    """Snakemake removes what is older than its input, after the work."""
    path = place.folder / "s1" / "rna.h5ad"
    ahead = time.time() + 3600
    os.utime(path, (ahead, ahead))
    run = place.snakemake(TARGET)
    assert run.status != 0
    assert "rna.h5ad is dated" in run.terminal
    assert run.jobs == {}
    os.utime(path)
    assert place.must(TARGET).jobs == {}


@pytest.mark.fault(
    "a sample is removed from the sheet",
    happens="results are of the others alone",
    shown="the jobs with their reason",
    then="what joins the samples, and what is behind it",
)
def test_without_a_sample_the_rest_is_what_it_is_alone(prepared, place) -> None:
    sheet = place.folder / "samples.tsv"
    rows = sheet.read_text().splitlines()
    sheet.write_text("\n".join(row for row in rows if "s2" not in row) + "\n")
    run = place.must(TARGET)
    assert run.jobs == {"filter_multiome": 1}
    cells = content(place)["cells"]
    assert cells == [cell for cell in content(prepared)["cells"] if "s1" in cell]


@pytest.mark.fault(
    "an input is replaced by another of an older date",
    happens="it is seen by its content",
    shown="the jobs with their reason",
    then="what read the file, and what is behind it",
)
def test_an_older_input_in_place_of_a_newer_is_seen(prepared, place) -> None:
    path = place.folder / "s2" / "rna.h5ad"
    rna = ad.read_h5ad(path)
    rna.X = rna.X * 2
    rna.write_h5ad(path)
    os.utime(path, (1, 1))
    run = place.must(TARGET)
    assert run.jobs == {"ingest_sample": 1, "filter_multiome": 1}
    assert content(place)["counts"] > content(prepared)["counts"]
