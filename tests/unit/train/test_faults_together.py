"""What happens to one of two processes (gloo), and what becomes of the run."""

import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from grnformer import io
from grnformer.train import run as runs
from grnformer.train.preemption import EXIT_CODE, Preempted


@pytest.fixture
def start_with(monkeypatch):
    """Start a job in two processes, as the workflow does, with a fault (None: none) after a step of process 1."""
    usual = runs.start_command

    def start(job, fault=None, step=0):
        def command(path, processes, nodes):
            words = usual(path, processes, nodes)
            if fault is None:
                return words
            at = words.index("grnformer.train")
            return [*words[: at - 1], str(Path(__file__).with_name("faulty.py")), fault, str(step), *words[at + 1 :]]

        with monkeypatch.context() as patched:
            patched.setattr(runs, "start_command", command)
            runs.start_run(job, processes=2, nodes=1)

    return start


def checkpoints(job):
    return sorted(Path(job["checkpoints"]).glob("*.ckpt"))


def steps(job):
    return [int(path.stem[-9:]) for path in checkpoints(job)]


def test_a_run_of_two_processes_survives_faults(job_of, settings, start_with, capfd):
    """A signal to one process, to what started them, a kill and a damaged file; then the bits of an unbroken run."""
    settings["size"] |= {"steps": 20}
    settings["checkpoints"] |= {"steps": 5}
    job, whole = job_of("broken", settings), job_of("whole", settings)
    with pytest.raises(Preempted, match="saved after step 4") as stopped:
        start_with(job, "SIGTERM", 3)
    assert stopped.value.code == EXIT_CODE
    assert steps(job) == [4]
    with pytest.raises(Preempted, match="SIGUSR1: saved after step"):
        start_with(job, "starter_SIGUSR1", 6)
    saved = steps(job)[-1]
    assert 7 <= saved < 20
    begun = time.monotonic()
    with pytest.raises(subprocess.CalledProcessError):
        start_with(job, "SIGKILL", 16)
    assert time.monotonic() - begun < 100
    assert steps(job) == [10, 15]
    newest = checkpoints(job)[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    start_with(job)
    assert f"{newest} is damaged" in capfd.readouterr().err
    start_with(whole)
    curves = [io.read_table(each["outputs"]["training"], "training") for each in (job, whole)]
    timeless = [column for column in curves[0] if column not in ("tokens_per_second", "memory_mb")]
    pd.testing.assert_frame_equal(curves[0][timeless], curves[1][timeless], check_exact=True)
    weights, others = (load_file(each["outputs"]["weights"]) for each in (job, whole))
    assert all(torch.equal(value, others[name]) for name, value in weights.items())


def test_no_number_in_one_process_stops_both(job_of, settings, start_with, capfd):
    job = job_of("diverged", settings | {"strategy": "fsdp"})
    with pytest.raises(subprocess.CalledProcessError):
        start_with(job, "nan", 2)
    saved = [path.name for path in Path(job["checkpoints"]).glob("diverged*")]
    assert saved == ["diverged_step2_process1.pt"]
    said = capfd.readouterr().err
    assert said.count("the loss is nan at step 2; not finite: gradient of") == 2
    assert said.count(f"saved in {job['checkpoints']}/{saved[0]}") == 2
    assert steps(job) == []
