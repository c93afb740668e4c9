"""The processes of a training run: how many is told by what started them (torchrun, srun), not by the config."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

logger = logging.getLogger(__name__)
# variable by which what starts a run tells its processes how many there are
EXPECTED = "GRNFORMER_PROCESSES"
# variable by which it tells them how many GPUs each machine was asked for
GPUS = "GRNFORMER_GPUS"


def make_fabric(strategy: str, precision: str) -> Fabric:
    """Join the processes of this run; alone where the process was started by itself.

    Parameters
    ----------
    strategy
        auto (ddp where there are several processes), ddp (all weights in every process) or fsdp (weights, gradients
        and the optimiser's state divided among the processes, see `sharding`).
    precision
        Of Lightning: 32-true or bf16-mixed.

    Raises
    ------
    InputError
        If more processes were started on a machine than it has GPUs, or fewer or more than were asked for; if GPUs were
        asked for that are not there.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import (
        LightningEnvironment,
        SLURMEnvironment,
        TorchElasticEnvironment,
    )
    from lightning_fabric.strategies import DDPStrategy, ModelParallelStrategy

    starter, devices, nodes = find_starter(os.environ)
    expected = int(os.environ.get(EXPECTED, devices * nodes))
    if devices * nodes != expected:
        raise InputError(
            f"{starter} started {devices * nodes} processes of a run",
            f"the {expected} that were asked for",
            "on several nodes: --set-resources pretrain_model:nodes=N pretrain_model:tasks=N pretrain_model:mpi=srun",
        )

    check_gpus(int(os.environ.get(GPUS, 0)))
    gpus = torch.cuda.device_count()
    if gpus and devices > gpus:
        raise InputError(
            f"{devices} processes on a machine of {gpus} GPUs",
            "one a GPU",
            "start as many as there are",
        )

    # Said, not detected: in an allocation Slurm's variables are there without srun.
    environment: Any = LightningEnvironment()
    if starter == "torchrun":
        environment = TorchElasticEnvironment()
    elif starter == "srun":
        environment = SLURMEnvironment(auto_requeue=False)
    chosen: Any = "auto"
    if devices * nodes > 1 and strategy == "fsdp":
        from grnformer.train.sharding import shard

        chosen = ModelParallelStrategy(
            partial(shard, precision=precision),
            data_parallel_size=devices * nodes,
            tensor_parallel_size=1,
        )
    elif devices * nodes > 1:
        # Which parameters have a part in the loss depends on the arm and on the batch's graphs.
        chosen = DDPStrategy(find_unused_parameters=True)

    options: dict[str, Any] = {
        "devices": devices,
        "num_nodes": nodes,
        "strategy": chosen,
        "precision": precision,
    }
    fabric = Fabric(
        accelerator="cuda" if gpus else "cpu", plugins=[environment], **options
    )

    fabric.launch()
    logger.info(
        "%s", describe(fabric.device, fabric.world_size, nodes, starter, strategy)
    )
    return fabric


def check_gpus(asked: int) -> None:
    """Check that this machine has so many GPUs: training on the CPU instead would take days without a word.

    Raises
    ------
    InputError
        If PyTorch can use fewer.
    """
    found = torch.cuda.device_count()
    if found >= asked:
        return

    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    reason = "nvidia-smi shows which there are"
    if torch.version.cuda is None:
        reason = f"PyTorch {torch.__version__} is built without CUDA"
    elif hidden is not None:
        reason = f"CUDA_VISIBLE_DEVICES is {hidden!r}"
    raise InputError(
        f"{found} GPUs that PyTorch can use on {socket.gethostname()} ({reason})",
        f"{asked}, as the resource `gpu` of pretrain_model asks for",
        "run where they are (on Slurm: --set-resources pretrain_model:slurm_partition=NAME), or train on the CPU "
        "(pretrain_model:gpu=0)",
    )


def describe(
    device: torch.device, processes: int, machines: int, starter: str, strategy: str
) -> str:
    """Say in one line on what a run trains, and in how many processes."""
    if device.type == "cuda":
        place = f"GPU ({torch.cuda.get_device_name(device)})"
    else:
        place = f"CPU (threads of a process: {torch.get_num_threads()})"

    if processes == 1:
        return f"training on {place}: 1 process"
    where = "1 machine" if machines == 1 else f"{machines} machines"
    return (
        f"training on {place}: {processes} processes on {where} ({starter}), "
        f"strategy {strategy}"
    )


def find_starter(environment: Any) -> tuple[str, int, int]:
    """What started this process (torchrun, srun, or plain), processes a machine, machines."""
    # First: torchrun may itself run in a step of Slurm.
    if "TORCHELASTIC_RUN_ID" in environment:
        local = int(environment["LOCAL_WORLD_SIZE"])
        return "torchrun", local, int(environment["WORLD_SIZE"]) // local
    # of this very srun, not of the whole job
    tasks = int(environment.get("SLURM_STEP_NUM_TASKS", 1))
    if tasks > 1:
        nodes = int(environment.get("SLURM_STEP_NUM_NODES", 1))
        if tasks % nodes:
            raise InputError(
                f"srun started {tasks} tasks on {nodes} nodes",
                "as many on each node",
                "give --ntasks-per-node",
            )
        return "srun", tasks // nodes, nodes
    return "plain", 1, 1


def find_meeting_point(environment: Any) -> dict[str, str]:
    """Address and port where the processes of a Slurm allocation meet, as variables of PyTorch; those set stay.

    Nodes' names need not be known to the name service, but Slurm knows their addresses.

    Raises
    ------
    InputError
        Outside an allocation.
    """
    if "SLURM_JOB_ID" not in environment:
        raise InputError(
            "several machines are asked for, and this is no Slurm allocation (no SLURM_JOB_ID)",
            "an allocation of as many nodes",
            "run by --profile slurm or within salloc; on one machine leave the resource `nodes` at 1",
        )

    def show(*words: str) -> str:
        return subprocess.run(
            ["scontrol", "show", *words], check=True, capture_output=True, text=True
        ).stdout

    # of Slurm's variables Snakemake's executor leaves a job little more than this number
    nodes = re.search(
        r"^\s*NodeList=(\S+)", show("job", environment["SLURM_JOB_ID"]), re.MULTILINE
    )
    if nodes is None:
        raise InputError(
            f"scontrol names no nodes of job {environment['SLURM_JOB_ID']}",
            "a running allocation",
            "see scontrol show job",
        )

    first = show("hostnames", nodes.group(1)).split()[0]
    address = re.search(r"\bNodeAddr=(\S+)", show("node", first))
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]

    found = {
        "MASTER_ADDR": address.group(1) if address else first,
        "MASTER_PORT": str(port),
    }
    return found | {name: environment[name] for name in found if name in environment}
