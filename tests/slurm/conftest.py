"""A Slurm of two nodes on this machine, thrown away afterwards; inputs of the tests of pretraining."""

from __future__ import annotations

import getpass
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).parents[1]
COMMANDS = ("srun", "sbatch", "salloc", "scancel", "scontrol", "squeue", "sinfo")
CONFIGURATION = """
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=2
CompleteWait=0
MailProg=/bin/true
NodeName=near1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=4 RealMemory=8000
NodeName=near2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=4 RealMemory=8000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def load(path: str) -> ModuleType:
    """A module of other tests, whose fixtures are taken over below."""
    spec = importlib.util.spec_from_file_location(
        f"taken_{Path(path).parent.name}_{Path(path).stem}", TESTS / path
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_unit, _train, _stage = (
    load("unit/conftest.py"),
    load("unit/train/conftest.py"),
    load("stage/test_pretrain.py"),
)
settings, cells, bundle_of, job_of = (
    _unit.settings,
    _unit.cells,
    _unit.bundle_of,
    _train.job_of,
)
inputs = _stage.inputs


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment in which Slurm's commands reach the cluster."""
    search = os.environ["PATH"] + os.pathsep + "/usr/sbin"
    lacking = [
        name
        for name in ("munged", "slurmctld", "slurmd", *COMMANDS)
        if shutil.which(name, path=search) is None
    ]
    if lacking or os.geteuid() != 0:
        pytest.skip(
            f"needs Slurm (Debian: slurm-wlm, slurm-client, munge) and root; lacking: {lacking or 'root'}"
        )
    folder = tmp_path_factory.mktemp("slurm")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # munged refuses a socket in a closed folder
    for name in ("state", "spool.near1", "spool.near2", "bin"):
        (folder / name).mkdir()
    ports = [free_port() for _ in range(3)]
    values = {
        "host": socket.gethostname().split(".")[0],
        "folder": folder,
        "user": getpass.getuser(),
    }
    values |= dict(zip(("port", "first", "second"), ports, strict=True))
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(**values))
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    # the step executor of Snakemake drops SLURM_CONF, so that the commands themselves must know it
    for name in COMMANDS:
        wrapper = folder / "bin" / name
        wrapper.write_text(
            f'#!/bin/sh\nSLURM_CONF={configuration} exec {shutil.which(name)} "$@"\n'
        )
        wrapper.chmod(0o755)
    environment = os.environ | {
        "SLURM_CONF": str(configuration),
        "PATH": f"{folder / 'bin'}{os.pathsep}{search}",
    }
    environment |= {"OMP_NUM_THREADS": "1"}
    munge = [
        f"--key-file={key}",
        f"--socket={folder}/munge.socket",
        f"--pid-file={folder}/munged.pid",
    ]
    munge += [
        f"--log-file={folder}/munged.log",
        f"--seed-file={folder}/munge.seed",
        "--force",
    ]
    try:
        for command in (
            ["munged", *munge],
            ["slurmctld"],
            ["slurmd", "-N", "near1"],
            ["slurmd", "-N", "near2"],
        ):
            subprocess.run(command, env=environment, check=True, capture_output=True)
        wait_until(
            lambda: (
                ask(environment, "sinfo", "-h", "-N", "-o", "%T") == ["idle", "idle"]
            ),
            60,
        )
        yield environment
    finally:
        subprocess.run(
            ["scancel", "--user", values["user"]],
            env=environment,
            check=False,
            capture_output=True,
        )
        for name in ("slurmd.near1", "slurmd.near2", "slurmctld", "munged"):
            if (folder / f"{name}.pid").exists():
                os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def ask(environment: dict[str, str], *command: str) -> list[str]:
    """Words that a command says."""
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout.split()


def wait_until(true: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.05)


@pytest.fixture
def waiting() -> object:
    return wait_until
