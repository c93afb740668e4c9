"""Runs that are killed, told to stop, find a damaged checkpoint or diverge."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from grnformer.core import io
from grnformer.train.checkpoints import Checkpoints
from grnformer.train.divergence import Divergence
from grnformer.train.preemption import EXIT_CODE, Preempted, preemption_notice
from grnformer.train.progress import Progress
from grnformer.train.run import run

TIMED = ["tokens_per_second", "memory_mb"]


def outcome(job):
    """Weights, training curve without times, held-out scores."""
    curve = io.read_table(job["outputs"]["training"], "training").drop(columns=TIMED)
    return (
        load_file(job["outputs"]["weights"]),
        curve,
        io.read_json(job["outputs"]["heldout"], "heldout"),
    )


def assert_same(job, other):
    weights, curve, heldout = outcome(job)
    others = outcome(other)
    for name, value in weights.items():
        assert torch.equal(value, others[0][name]), name
    pd.testing.assert_frame_equal(curve, others[1], check_exact=True)
    assert heldout == others[2]


def checkpoints(job):
    return sorted(Path(job["checkpoints"]).glob("*.ckpt"))


def flip(path):
    """Change one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def start(job):
    """A process of its own, as a cluster would start it."""
    path = Path(job["checkpoints"]) / "job.json"
    io.write_json(job, path, "pretrain_job")
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "grnformer.train", str(path)],
        stderr=subprocess.DEVNULL,
        env=alone,
    )


@pytest.mark.fault(
    "`kill -9` of pretraining",
    happens="the newest checkpoint is left",
    shown="nothing",
    then="it resumes there, to the bits of an unbroken run",
)
def test_a_killed_run_goes_on_to_the_same_bits(job_of, settings):
    settings["size"] |= {"steps": 24}
    settings["checkpoints"] |= {"steps": 2}
    killed, whole = job_of("killed", settings), job_of("whole", settings)
    unbroken, process = start(whole), start(killed)
    try:
        deadline = time.monotonic() + 120
        while (
            len(checkpoints(killed)) < 2
            and process.poll() is None
            and time.monotonic() < deadline
        ):
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not Path(killed["outputs"]["weights"]).exists()
    assert 4 <= int(checkpoints(killed)[-1].stem[-9:]) < 24
    assert start(killed).wait() == 0
    assert unbroken.wait() == 0
    assert_same(killed, whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_and_stops_after_the_step(job_of, settings, number, monkeypatch):
    settings["checkpoints"] |= {"steps": 1000}
    stopped, whole = job_of("stopped", settings), job_of("whole", settings)
    advance = Progress.advance

    def advance_and_signal(self, done, loss, tokens):
        advance(self, done, loss, tokens)
        if done == 3:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "advance", advance_and_signal)
        with pytest.raises(Preempted, match=signal.Signals(number).name) as raised:
            run(stopped)
    assert raised.value.code == EXIT_CODE
    assert signal.getsignal(number) == before
    assert [int(path.stem[-9:]) for path in checkpoints(stopped)] == [4]
    run(stopped)
    run(whole)
    assert_same(stopped, whole)


def test_the_first_signal_is_handed_on_even_if_it_came_before_there_was_whom_to():
    told = []
    with preemption_notice() as notice:
        signal.raise_signal(signal.SIGUSR1)
        notice.hand_on(told.append)
        signal.raise_signal(signal.SIGTERM)
    assert told == [signal.SIGUSR1]
    assert notice.name == "SIGTERM"


@pytest.mark.fault(
    "a checkpoint is damaged",
    happens="the one before it is taken",
    shown="`… is damaged`, with the file",
    then="the same",
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_taken(
    job_of, settings, caplog
):
    damaged = job_of("damaged", settings)
    run(damaged)
    weights = Path(damaged["outputs"]["weights"])
    expected = weights.read_bytes()
    older, newest = checkpoints(damaged)
    assert (older.stem[-9:], newest.stem[-9:]) == ("000000010", "000000012")
    weights.unlink()
    flip(newest)
    with caplog.at_level(logging.INFO, "grnformer.train"):
        run(damaged)
    assert re.search(f"{newest} is damaged .*SHA-256", caplog.text)
    assert "resuming after step 10" in caplog.text
    assert weights.read_bytes() == expected


def test_only_whole_checkpoints_of_the_same_run_are_taken(tmp_path, caplog):
    key, other = "a" * 64, "b" * 64
    kept = Checkpoints(tmp_path, key, keep=3)
    assert kept.newest() is None
    for step in range(1, 6):
        kept.save(step, {"x": torch.full((3,), step)})
    assert [path.stem[-1] for path in sorted(tmp_path.glob("*.ckpt"))] == [
        "3",
        "4",
        "5",
    ]
    assert torch.equal(kept.read(kept.newest())["x"], torch.full((3,), 5))
    third, fourth, fifth = sorted(tmp_path.glob("*.ckpt"))
    fifth.write_bytes(fifth.read_bytes()[:100])
    fourth.with_suffix(".sha256").unlink()
    with caplog.at_level(logging.INFO, "grnformer.train"):
        assert kept.newest() == third
        assert Checkpoints(tmp_path, other, keep=3).newest() is None
    assert all(
        name in caplog.text
        for name in (fifth.name, f"{fourth.with_suffix('.sha256').name} is missing")
    )
    (tmp_path / f"{key[:12]}-000000009.partial").write_bytes(b"killed while writing")
    Checkpoints(tmp_path, other, keep=3).save(1, {})
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".ckpt", ".sha256"]


def test_a_checkpoint_is_written_when_minutes_have_passed(job_of, settings):
    settings["checkpoints"] = {"steps": 1000, "minutes": 1e-9, "keep": 100}
    job = job_of("timed", settings)
    run(job)
    assert len(checkpoints(job)) == settings["size"]["steps"]


@pytest.mark.fault(
    "a loss is no number",
    happens="training stops before the weights change",
    shown="the step, the parameters, the file of the batch",
    then="the same, until settings change",
)
def test_divergence_stops_saves_the_batch_and_says_where(job_of, settings):
    settings["size"] |= {"learning_rate": 1e30}
    job = job_of("diverged", settings)
    with pytest.raises(
        Divergence,
        match=r"step \d+; (not finite:|.* the largest weight is) .* The batch is saved in",
    ) as raised:
        run(job)
    saved = list(Path(job["checkpoints"]).glob("diverged_*.pt"))
    assert len(saved) == 1
    assert str(saved[0]) in str(raised.value)
    batch = torch.load(saved[0], weights_only=True)
    assert batch["gene_BL"].shape == (16, 24)
    assert batch["masked_BL"].any()
    assert f"step {batch['step']}" in str(raised.value)


def test_a_finished_run_is_not_trained_again(job_of, settings):
    job = job_of("done", settings)
    run(job)
    first = Path(job["outputs"]["weights"]).read_bytes()
    curve = json.dumps(io.read_table(job["outputs"]["training"], "training").to_dict())
    run(
        job
        | {
            "settings": settings
            | {
                "progress_seconds": 1.0,
                "checkpoints": {"steps": 1, "minutes": 5, "keep": 4},
            }
        }
    )
    assert Path(job["outputs"]["weights"]).read_bytes() == first
    assert (
        json.dumps(io.read_table(job["outputs"]["training"], "training").to_dict())
        == curve
    )
