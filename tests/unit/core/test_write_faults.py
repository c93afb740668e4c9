"""A full disk and a folder that cannot be written to: named, with nothing half written left."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from grnformer.core import io
from grnformer.core.errors import WriteFault
from grnformer.train.checkpoints import Checkpoints

NUMBERS = np.random.default_rng(1).normal(size=100_000)
WRITERS = {
    "text": lambda path: path.write_text("x" * 1_000_000),
    "tsv": lambda path: pd.DataFrame({"x": NUMBERS}).to_csv(path, sep="\t"),
    "parquet": lambda path: pd.DataFrame({"x": NUMBERS}).to_parquet(path),
    "numpy": lambda path: NUMBERS.tofile(path),
    "safetensors": lambda path: save_file({"x": torch.tensor(NUMBERS)}, path),
}


def disk(folder: Path, options: str):
    """A file system of memory; needs root."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("needs root, to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small(tmp_path: Path):
    """A disk of 200 kB."""
    yield from disk(tmp_path / "small", "size=200k")


@pytest.fixture
def closed(tmp_path: Path):
    """A disk that can only be read."""
    yield from disk(tmp_path / "closed", "ro")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_named_and_freed(small: Path, writer: str) -> None:
    (small / "out").write_text("before")
    with (
        pytest.raises(WriteFault, match=f"no space left in {small}"),
        io.atomic(small / "out") as path,
    ):
        WRITERS[writer](path)
    assert [file.name for file in small.iterdir()] == ["out"]
    assert (small / "out").read_text() == "before"


@pytest.mark.fault(
    "the disk is full while a checkpoint is written",
    happens="training ends; the checkpoint before is left",
    shown="`no space left in …`",
    then="it resumes from that",
)
def test_a_checkpoint_without_room_leaves_the_one_before(small: Path) -> None:
    checkpoints = Checkpoints(small, "a" * 64, keep=3)
    first = checkpoints.save(1, {"x": torch.zeros(1000)})
    with pytest.raises(WriteFault, match=f"no space left in {small}"):
        checkpoints.save(2, {"x": torch.tensor(NUMBERS)})
    assert sorted(small.iterdir()) == [first, first.with_suffix(".sha256")]
    assert checkpoints.newest() == first


def test_what_a_kill_left_of_a_checkpoint_is_removed_by_the_next(
    tmp_path: Path,
) -> None:
    for suffix in ("partial", "partial_sha256"):
        (tmp_path / f"{'a' * 12}-000000001.{suffix}").touch()
    path = Checkpoints(tmp_path, "a" * 64, keep=3).save(2, {})
    assert sorted(tmp_path.iterdir()) == [path, path.with_suffix(".sha256")]


@pytest.mark.fault(
    "the disk is full in prep",
    happens="the job ends; nothing half written is left",
    shown="`no space left in …`",
    then="the job, once there is room",
)
def test_a_job_on_a_full_disk_ends_in_one_message(small: Path) -> None:
    """Of HDF5, too, which otherwise ends in a fault of memory; the log lies on the full disk."""
    program = f"""
from types import SimpleNamespace
from grnformer.core.job import job
empty = dict(input=[], output=[], params={{}}, wildcards={{}})
with job(SimpleNamespace(threads=1, log=[{str(small / "log")!r}], rule="merge_samples", **empty)):
    import anndata, numpy
    from grnformer.core import io
    cells = anndata.AnnData(numpy.random.default_rng(1).poisson(1.0, (300, 3000)).astype("f4"))
    with io.atomic({str(small / "out.h5ad")!r}) as path:
        cells.write_h5ad(path, compression="gzip")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "merge_samples stopped: nothing can be written.\nFound: no space" in (
        ran.stderr
    )
    assert "Traceback" not in ran.stderr
    assert [file.name for file in small.iterdir()] == ["log"]


def test_a_folder_that_can_only_be_read_is_named(closed: Path) -> None:
    cells = ad.AnnData(np.ones((2, 2), np.float32))
    for folder in (closed, closed / "prep"):
        with (
            pytest.raises(WriteFault, match=r"cannot be written to \(Read-only"),
            io.atomic(folder / "out.h5ad") as path,
        ):
            cells.write_h5ad(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_by_the_number_of_any_error_before(
    tmp_path: Path, number: int
) -> None:
    def write() -> None:
        try:
            raise OSError(number, "written in part")
        finally:
            # as torch does on closing its file
            raise RuntimeError("unexpected pos 832 vs 726")

    with pytest.raises(WriteFault, match="no space left"), io.atomic(tmp_path / "out"):
        write()


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), io.atomic(tmp_path / "out"):
        (tmp_path / "absent").read_text()
    assert list(tmp_path.iterdir()) == []
