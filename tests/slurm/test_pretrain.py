"""Pretraining on two nodes: by srun in an allocation, with a notice of preemption; by the Slurm profile."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

from grnformer.core import io

CHECKOUT = Path(__file__).parents[2]
START = "import json, sys\nfrom grnformer.train.run import start_run\n"
START += "start_run(json.load(open(sys.argv[1])), processes=1, nodes=2)"


def checkpoints(folder):
    return sorted(folder.glob("*.ckpt"))


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


def test_the_profile_trains_on_two_nodes(cluster, inputs, tmp_path):
    size = {
        "n_tokens": 12,
        "batch_size": 8,
        "steps": 3,
        "warmup_steps": 1,
        "adapter": {"n_heads": 2},
    }
    size |= {"gnn": {"width": 8}, "backbones": {"scgpt": {"width": 8, "n_heads": 2}}}
    pretrain = {
        "seeds": [1],
        "sizes": {"tiny": size},
        "optimiser": {"log_every": 1, "evaluate_every": 2},
    }
    config = {
        "samples": "samples.tsv",
        "fuse": {"vocabulary": "vocabulary.json", "min_cells": 1},
    }
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump(config | {"pretrain": pretrain | {"strategy": "fsdp"}})
    )
    (tmp_path / "empty").touch()
    (tmp_path / "samples.tsv").write_text(
        "dataset\tsample\trna\tatac\tgenome\ntiny\ts1\tempty\tempty\thg38\n"
    )
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(CHECKOUT / "Snakefile"),
        "--directory",
        ".",
    ]
    command += [
        "--profile",
        str(CHECKOUT / "slurm"),
        "--configfile",
        "config.yaml",
        "--jobs",
        "2",
        "--retries",
        "0",
    ]
    command += [
        "--latency-wait",
        "5",
        "--slurm-init-seconds-before-status-checks",
        "1",
        "--seconds-between-status-checks",
        "1",
    ]
    command += [
        "--set-resources",
        "pretrain_model:nodes=2",
        "pretrain_model:tasks=2",
        "pretrain_model:mpi=srun",
    ]
    command += ["--allowed-rules", "build_graph", "split_cells", "pretrain_model", "--"]
    target = "results/tiny/pretrain/hybrid/seed1/model.safetensors"
    ran = subprocess.run(
        [*command, target],
        cwd=tmp_path,
        env=cluster,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-6000:]
    log = (
        tmp_path / "results/logs/tiny/pretrain/pretrain_model.hybrid.seed1.log"
    ).read_text()
    assert "2 processes on 2 machines (srun), strategy fsdp" in log
    curve = io.read_table(
        tmp_path / "results/tiny/pretrain/hybrid/seed1/training.tsv", "training"
    )
    assert isinstance(curve, pd.DataFrame)
    assert curve["step"].max() == 3
