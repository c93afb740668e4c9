"""What happens to one of two processes (gloo), and what becomes of the run."""

import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from grnformer.core import io
from grnformer.train import run as runs
from grnformer.train.preemption import EXIT_CODE, Preempted


@pytest.fixture
def start_with(monkeypatch):
    """Start a job in two processes, as the workflow does, with a fault after a step of process 1.

    The processes do another job, without a fault, before it: starting them takes longer than what they do.
    """
    usual = runs.start_command

    def start(job, fault, step, before=None):
        def command(path, processes, nodes):
            words = usual(path, processes, nodes)
            first = []
            if before is not None:
                other = Path(before["checkpoints"]) / "job.json"
                other.parent.mkdir(parents=True, exist_ok=True)
                io.write_json(before, other, "pretrain_job")
                first = ["none", "0", str(other)]
            options = words[: words.index("grnformer.train") - 1]
            return [
                *options,
                str(Path(__file__).with_name("faulty.py")),
                *first,
                fault,
                str(step),
                str(path),
            ]

        with monkeypatch.context() as patched:
            patched.setattr(runs, "start_command", command)
            runs.start_run(job, processes=2, nodes=1)

    return start


def checkpoints(job):
    return sorted(Path(job["checkpoints"]).glob("*.ckpt"))


def steps(job):
    return [int(path.stem[-9:]) for path in checkpoints(job)]


@pytest.mark.slow
@pytest.mark.fault(
    "`kill -9` of one of two processes that train together",
    happens="the other ends too",
    shown="the error of the launcher",
    then="it resumes from the newest checkpoint, to the bits of an unbroken run",
)
def test_a_run_of_two_processes_survives_faults(job_of, settings, start_with, capfd):
    """A signal to one process; one to what started them, a kill and a damaged file, then the bits of an unbroken run.

    And a loss of one process that is no number: both stop, and only it saves its batch. Of the jobs that are compared
    to the bit each is the first that its processes do: a later one may differ from it in the last digit.
    """
    settings["size"] |= {"steps": 20}
    settings["checkpoints"] |= {"steps": 5}
    job, whole, told = (
        job_of("broken", settings),
        job_of("whole", settings),
        job_of("told", settings),
    )
    with pytest.raises(Preempted, match="saved after step 4") as stopped:
        start_with(told, "SIGTERM", 3, before=whole)
    assert stopped.value.code == EXIT_CODE
    assert steps(told) == [4]
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
    diverged = job_of("diverged", settings | {"strategy": "fsdp"})
    with pytest.raises(subprocess.CalledProcessError):
        start_with(diverged, "nan", 2, before=job)
    said = capfd.readouterr().err
    assert f"{newest} is damaged" in said
    curves = [
        io.read_table(each["outputs"]["training"], "training") for each in (job, whole)
    ]
    timeless = [
        column
        for column in curves[0]
        if column not in ("tokens_per_second", "memory_mb")
    ]
    pd.testing.assert_frame_equal(
        curves[0][timeless], curves[1][timeless], check_exact=True
    )
    weights, others = (load_file(each["outputs"]["weights"]) for each in (job, whole))
    assert all(torch.equal(value, others[name]) for name, value in weights.items())
    batches = [path.name for path in Path(diverged["checkpoints"]).glob("diverged*")]
    assert batches == ["diverged_step2_process1.pt"]
    assert said.count("the loss is nan at step 2; not finite: gradient of") == 2
    assert said.count(f"saved in {diverged['checkpoints']}/{batches[0]}") == 2
    assert steps(diverged) == []
