"""The same training, shared by parts of a batch and by worker processes; how several processes are started.

That two of them train as one does: tests/stage/test_pretrain.py, test_sharding.py.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.data import batcher
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.steps import StepBatches, load
from grnformer.model.backbones import BACKBONES
from grnformer.train.processes import (
    EXPECTED,
    GPUS,
    describe,
    find_meeting_point,
    find_starter,
    make_fabric,
)
from grnformer.train.run import run, start_command, start_run

# edges, neighbours, units and what BERT shows for a mask are drawn within each part
EXACT = {"perturbation": "none"}


@pytest.fixture
def deterministic(settings):
    settings["size"]["backbone"]["dropout"] = 0.0
    # AdamW's first steps are as long for a gradient of rounding alone as for any: kept short, they part no two runs
    settings["size"]["learning_rate"] = 1e-5
    return settings


def losses(job):
    curve = io.read_table(job["outputs"]["training"], "training")
    return curve.set_index(["step", "split"])[["loss", "gradient_norm", "beta"]]


def assert_near(job, other):
    pd.testing.assert_frame_equal(
        losses(job), losses(other), check_exact=False, rtol=1e-4, atol=1e-6
    )
    weights, others = (load_file(j["outputs"]["weights"]) for j in (job, other))
    for name, value in weights.items():
        # without effect on the attention: its gradient is rounding alone
        if name == "candidates.key.2.bias":
            continue
        torch.testing.assert_close(value, others[name], rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("backbone", ["scgpt", "geneformer"])
def test_accumulated_gradients_are_those_of_the_batch(job_of, deterministic, backbone):
    """geneformer's cells have unequal numbers of tokens: parts must be weighed."""
    if backbone == "geneformer":
        deterministic["size"]["backbone"] = {
            "width": 16,
            "n_layers": 1,
            "n_heads": 2,
            "hidden": 32,
            "dropout": 0.0,
        }
        deterministic["size"]["backbone"] |= {
            "positions": 64,
            "cell_tokens": False,
            "bert_masks": False,
        }
        deterministic["backbone"] = "geneformer"
    whole, parts = (
        job_of("whole", deterministic, **EXACT),
        job_of("parts", deterministic, **EXACT),
    )
    parts["settings"] = deterministic | {
        "size": deterministic["size"] | {"accumulate": 3}
    }
    run(whole)
    run(parts)
    assert_near(whole, parts)


@pytest.fixture
def batches(cells, bundle_of):
    graph = bundle_of("hybrid").graph
    tokeniser = BACKBONES["scgpt"].tokeniser(n_bins=20, expressed_fraction=0.5)
    with Corpus.of_dataset(cells[0], graph.genes["gene"].tolist()) as store:
        source = Batcher(
            store, graph, ["A", "B"], tokeniser, n_tokens=24, mask_fraction=0.3
        )
        sizes = {"batch_size": 15, "block_cells": 20, "held_blocks": 2}
        yield StepBatches(source, np.arange(120), **sizes, n_steps=9, seed=1)


def test_parts_of_processes_make_up_the_batch(batches):
    whole = dict(batches)
    shared = []
    for process in range(2):
        batches.divide(2, process, 2, 2)
        shared.append(dict(batches))
    for step in range(2, 9):
        parts = [part for process in shared for part in process[step].batches]
        assert [len(part.gene_BL) for part in parts] == [4, 4, 4, 3]
        for name in ("gene_BL", "value_BL", "masked_BL", "active_BK"):
            joined = torch.cat([getattr(part, name) for part in parts])
            assert torch.equal(joined, getattr(whole[step].batches[0], name))
        weights = [weight for process in shared for weight in process[step].weights]
        assert np.mean(weights) == pytest.approx(1)
    with pytest.raises(InputError, match="divide a batch of 15"):
        batches.divide(0, 0, 8, 2)


def test_a_part_without_a_masked_token_adds_nothing(job_of, deterministic):
    """One cell a part, and every second cell has too few tokens for its share of masks to be one."""
    job = job_of("few", deterministic, **EXACT)
    job["settings"] = deterministic | {
        "size": deterministic["size"] | {"accumulate": 16, "steps": 3}
    }
    drawn = batcher.draw_mask

    def none_in_every_second(*arguments):
        masked = drawn(*arguments)
        masked[::2] = False
        return masked

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batcher, "draw_mask", none_in_every_second)
        run(job)
        whole = job_of(
            "whole",
            deterministic | {"size": deterministic["size"] | {"steps": 3}},
            **EXACT,
        )
        run(whole)
    assert_near(whole, job)


def test_workers_make_the_batches_in_order(batches):
    alone = [
        (step, parts.batches[0].gene_BL)
        for step, parts in load(batches, 7, 0, pinned=False)
    ]
    shared = [
        (step, parts.batches[0].gene_BL)
        for step, parts in load(batches, 7, 2, pinned=False)
    ]
    assert [step for step, _ in shared] == list(range(7))
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(alone, shared, strict=True))


def test_what_started_a_process_tells_how_many_there_are():
    torchrun = {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}
    assert find_starter(torchrun) == ("torchrun", 4, 2)
    step = {
        "SLURM_NTASKS": "16",
        "SLURM_STEP_NUM_TASKS": "16",
        "SLURM_STEP_NUM_NODES": "2",
    }
    assert find_starter(step) == ("srun", 8, 2)
    assert find_starter({"SLURM_NTASKS": "16", "SLURM_STEP_NUM_TASKS": "1"}) == (
        "plain",
        1,
        1,
    )
    assert find_starter({}) == ("plain", 1, 1)
    with pytest.raises(InputError, match="3 tasks on 2 nodes"):
        find_starter({"SLURM_STEP_NUM_TASKS": "3", "SLURM_STEP_NUM_NODES": "2"})


def test_start_commands():
    assert start_command(Path("job.json"), 4, 1)[1:] == [
        *(
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=4",
            "--shutdown-timeout=120",
        ),
        "--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1",
        *("-m", "grnformer.train", "job.json"),
    ]
    several = start_command(Path("job.json"), 4, 2)
    assert several[:5] == [
        "srun",
        "--overlap",
        "--nodes=2",
        "--ntasks=8",
        "--ntasks-per-node=4",
    ]


def test_fewer_processes_than_asked_for_are_refused(monkeypatch):
    monkeypatch.setenv(EXPECTED, "2")
    with pytest.raises(InputError, match="plain started 1 processes"):
        make_fabric("auto", "32-true")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
@pytest.mark.fault(
    "a GPU is asked for and not there",
    happens="the job ends before it trains",
    shown="what was found, and how to train without",
    then="the same",
)
@pytest.mark.parametrize("gpus", [1, 2])
def test_a_gpu_asked_for_and_not_there_stops_the_run(job_of, settings, gpus):
    job = job_of("asked", settings)
    with pytest.raises(InputError, match="0 GPUs that PyTorch can use") as stopped:
        start_run(job, processes=gpus, nodes=1, gpus=gpus)
    assert stopped.value.expected.startswith(f"{gpus}, ")
    assert "pretrain_model:gpu=0" in stopped.value.remedy
    assert not Path(job["checkpoints"]).exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_a_machine_without_the_gpus_of_the_others_stops_the_run(monkeypatch):
    monkeypatch.setenv(GPUS, "1")
    with pytest.raises(InputError, match="0 GPUs that PyTorch can use"):
        make_fabric("auto", "32-true")


def test_the_log_names_device_and_processes(job_of, settings, caplog, monkeypatch):
    with caplog.at_level("INFO", "grnformer.train"):
        run(job_of("told", settings))
    assert "training on CPU (threads of a process: 1): 1 process" in caplog.messages
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: "NVIDIA H100")
    told = describe(torch.device("cuda:0"), 4, 2, "srun", "fsdp")
    assert told == (
        "training on GPU (NVIDIA H100): 4 processes on 2 machines (srun), strategy fsdp"
    )


def test_several_machines_need_an_allocation():
    with pytest.raises(InputError, match="no Slurm allocation"):
        find_meeting_point({})
