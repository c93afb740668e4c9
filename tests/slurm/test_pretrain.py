"""Pretraining on two nodes, by srun in an allocation with a notice of preemption and by the profile; and its faults."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from grnformer.core import io

pytestmark = pytest.mark.slow

START = "import json, sys\nfrom grnformer.train.run import start_run\n"
START += "start_run(json.load(open(sys.argv[1])), processes=1, nodes=2)"


def checkpoints(folder):
    return sorted(folder.glob("*.ckpt"))


@pytest.mark.fault(
    "a notice (SIGUSR1) to pretraining on two nodes",
    happens="all processes save after the step and end",
    shown="`SIGUSR1: saved after step …`",
    then="it resumes there",
)
def test_two_nodes_save_on_a_notice_and_go_on(
    cluster, job_of, settings, tmp_path, waiting
):
    settings["size"] |= {"steps": 40}
    settings["checkpoints"] |= {"steps": 2}
    job = job_of("nodes", settings | {"strategy": "fsdp"})
    folder = Path(job["checkpoints"])
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [
        "salloc",
        "--quiet",
        "--nodes=2",
        "--ntasks-per-node=1",
        "--mem=3000",
        "--job-name=trained",
    ]
    command += [sys.executable, "-c", START, str(tmp_path / "job.json")]
    with (tmp_path / "log").open("w") as log:
        first = subprocess.Popen(command, env=cluster, stdout=log, stderr=log)
        waiting(lambda: checkpoints(folder) or first.poll() is not None, 120)
        subprocess.run(
            ["scancel", "--signal=USR1", "--name=trained"], env=cluster, check=True
        )
        assert first.wait(120) == 75, (tmp_path / "log").read_text()
    saved = int(checkpoints(folder)[-1].stem[-9:])
    assert 2 <= saved < 40
    second = subprocess.run(
        command, env=cluster, check=False, capture_output=True, text=True
    )
    assert second.returncode == 0, second.stderr
    assert f"resuming after step {saved}" in second.stderr
    curve = io.read_table(job["outputs"]["training"], "training")
    assert curve.loc[curve["split"] == "train", "step"].tolist() == list(
        range(2, 41, 2)
    )


STEPS = 400
ARMS = ("hybrid", "none")
CHECKPOINTED = {"steps": 20, "minutes": 1000, "keep": 2}


def configure(folder, steps, **pretrain):
    """Write a config that trains in small, on the inputs of tests/stage/test_pretrain.py."""
    size = {
        "n_tokens": 12,
        "batch_size": 8,
        "steps": steps,
        "warmup_steps": 1,
        "adapter": {"n_heads": 2},
    }
    size |= {"gnn": {"width": 8}, "backbones": {"scgpt": {"width": 8, "n_heads": 2}}}
    settings = {
        "seeds": [1],
        "sizes": {"tiny": size},
        "optimiser": {"log_every": 1, "evaluate_every": steps - 1},
    }
    config = {
        "samples": "samples.tsv",
        "fuse": {"vocabulary": "vocabulary.json", "min_cells": 1},
        "pretrain": settings | pretrain,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "empty").touch()
    (folder / "samples.tsv").write_text(
        "dataset\tsample\trna\tatac\tgenome\ntiny\ts1\tempty\tempty\thg38\n"
    )


def targets(*arms):
    allowed = ["build_graph", "split_cells", "pretrain_model"]
    models = [model(arm) for arm in arms]
    return ["--configfile", "config.yaml", "--allowed-rules", *allowed, "--", *models]


def model(arm):
    return f"results/tiny/pretrain/{arm}/seed1/model.safetensors"


def log_of(folder, arm):
    name = f"pretrain_model.{arm}.seed1.log"
    return (folder / "results/logs/tiny/pretrain" / name).read_text()


def curve_of(folder, arm):
    path = folder / f"results/tiny/pretrain/{arm}/seed1/training.tsv"
    return io.read_table(path, "training")


@pytest.fixture(scope="module")
def whole(snakemake, inputs):
    """Two models trained without Slurm and without faults."""
    configure(inputs, STEPS, checkpoints=CHECKPOINTED)
    alone = ["--executor", "local", "--cores", "2"]
    snakemake(inputs, *alone, *targets(*ARMS)).end()
    return inputs


@pytest.fixture
def untrained(whole, tmp_path):
    """A copy of that folder, without the models."""
    folder = tmp_path / "untrained"
    shutil.copytree(whole, folder)
    for arm in ARMS:
        shutil.rmtree(folder / "results/tiny/pretrain" / arm)
    return folder


def test_the_profile_trains_on_two_nodes(snakemake, untrained):
    configure(untrained, 3, strategy="fsdp")
    spread = ["pretrain_model:nodes=2", "pretrain_model:tasks=2"]
    spread += ["pretrain_model:mpi=srun"]
    options = ["--retries", "0", "--set-resources", *spread]
    snakemake(untrained, *options, *targets("hybrid")).end()
    log = log_of(untrained, "hybrid")
    assert "2 processes on 2 machines (srun), strategy fsdp" in log
    assert curve_of(untrained, "hybrid")["step"].max() == 3


def nodes_of_arms(slurm):
    """Arm -> node that trains it."""
    found = slurm.ask("squeue", "-h", "-t", "R", "-o", "%k/%N")
    return {line.split("_")[-2]: line.partition("/")[2] for line in found}


@pytest.mark.fault(
    "the node crashes in the middle of pretraining",
    happens="Slurm starts the job again; it resumes from the newest checkpoint",
    shown="`resuming after step …` in the log",
    then="nothing: losses and weights are those of an unbroken run",
)
@pytest.mark.fault(
    "pretraining is preempted (SIGTERM)",
    happens="it saves after the step and ends; a retry resumes",
    shown="`SIGTERM: saved after step …`",
    then="nothing: losses and weights are those of an unbroken run",
)
def test_training_goes_on_after_a_crash_of_its_node_and_a_preemption(
    snakemake, slurm, waiting, whole, untrained
):
    # alone on its node
    alone = ["--set-resources", "pretrain_model:mem_mb=5000"]
    run = snakemake(untrained, *alone, *targets(*ARMS))
    saved = [
        untrained / f"results/tiny/pretrain/{arm}/seed1/checkpoint" for arm in ARMS
    ]
    waiting(lambda: all(map(checkpoints, saved)), 200)
    nodes = nodes_of_arms(slurm)
    urgent = ["srun", "-p", "urgent", "-w", nodes["none"], "--mem=4000", "true"]
    preempting = subprocess.Popen(urgent, env=slurm.environment)
    slurm.crash(nodes["hybrid"])
    slurm.start_node(nodes["hybrid"])
    assert preempting.wait(60) == 0
    assert "SIGTERM: saved after step" in log_of(untrained, "none")

    # the preempted one, which saved and ended; the other is started again by Slurm
    assert run.end().count("Trying to restart") == 1
    for arm in ARMS:
        assert "resuming after step" in log_of(untrained, arm)
        curves = [curve_of(place, arm) for place in (untrained, whole)]
        timeless = curves[0].columns.difference(["tokens_per_second", "memory_mb"])
        pd.testing.assert_frame_equal(
            curves[0][timeless], curves[1][timeless], check_exact=True
        )
        weights = [(place / model(arm)).read_bytes() for place in (untrained, whole)]
        assert weights[0] == weights[1]
