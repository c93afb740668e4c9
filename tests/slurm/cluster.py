"""A Slurm of two nodes on this machine, thrown away afterwards; each node has 4 CPUs and 2 GPUs that are none.

``python tests/slurm/cluster.py COMMAND …`` runs a command on it. Needs root and, of Debian, slurm-wlm, slurm-client
and munge. With accounting also slurmdbd and mariadb-server.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NODES = ("near1", "near2")
COMMANDS = ("srun", "sbatch", "salloc", "scancel", "scontrol", "squeue", "sinfo")
SEARCH = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
CONFIGURATION = """
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=5
KillWait=2
CompleteWait=0
MailProg=/bin/true
GresTypes=gpu
"""
NODE = """
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=8000 Gres=gpu:2
"""
PARTITIONS = """
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=10 GraceTime=10
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=20 PreemptMode=OFF
PartitionName=ended Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=5 PreemptMode=CANCEL
PartitionName=brief Nodes=ALL MaxTime=2 State=UP PriorityTier=10
"""


ACCOUNTING = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket
"""
ACCOUNTS = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdPort={port}
SlurmUser={user}
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=accounts
"""
#: what accounting needs besides
ACCOUNTANTS = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacct", "sacctmgr")


def lacking(accounting: bool = False) -> list[str]:
    """What this machine lacks for a cluster; empty where one can be made."""
    wanted = ("munged", "slurmctld", "slurmd", *COMMANDS)
    names = [
        name
        for name in (*wanted, *(ACCOUNTANTS if accounting else ()))
        if shutil.which(name, path=SEARCH) is None
    ]
    return names if os.geteuid() == 0 else [*names, "root"]


class Cluster:
    """Slurm's daemons, and the environment in which its commands reach them.

    With accounting, sacct tells of jobs from a database of their own.
    """

    def __init__(self, folder: Path, accounting: bool = False) -> None:
        self.folder = folder
        self.accounting = accounting
        self.database: subprocess.Popen[bytes] | None = None
        self.configuration = folder / "slurm.conf"
        self.environment = os.environ | {
            "SLURM_CONF": str(self.configuration),
            "PATH": f"{folder / 'bin'}{os.pathsep}{SEARCH}",
            "OMP_NUM_THREADS": "1",
            "MYSQL_UNIX_PORT": str(folder / "database.socket"),
        }

    def start(self) -> None:
        """Start the daemons and wait for the nodes."""
        self._write()
        munge = {
            "key-file": "munge.key",
            "socket": "munge.socket",
            "pid-file": "munged.pid",
            "log-file": "munged.log",
            "seed-file": "munge.seed",
        }
        options = [f"--{name}={self.folder / file}" for name, file in munge.items()]
        self._daemon("munged", "--force", *options)
        if self.accounting:
            self._start_accounting()
        self._daemon("slurmctld")
        for node in NODES:
            self.start_node(node)
        wait_until(self.is_idle, 60)

    def _start_accounting(self) -> None:
        data = f"--datadir={self.folder / 'database'}"
        self._daemon(
            "mariadb-install-db", "--no-defaults", "--user=root", "--skip-test-db", data
        )
        options = ["--no-defaults", "--user=root", "--skip-networking", data]
        options += [f"--socket={self.environment['MYSQL_UNIX_PORT']}"]
        options += [f"--pid-file={self.folder / 'mariadbd.pid'}"]
        with (self.folder / "mariadbd.log").open("wb") as log:
            self.database = subprocess.Popen(
                ["mariadbd", *options], env=self.environment, stdout=log, stderr=log
            )
        wait_until(lambda: (self.folder / "mariadbd.pid").exists(), 30)

        self._daemon("slurmdbd")
        wait_until(self._is_counted, 30)

    def _is_counted(self) -> bool:
        """Whether the database of accounts knows the cluster."""
        done = subprocess.run(
            ["sacctmgr", "--immediate", "add", "cluster", "throwaway"],
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        return done.returncode == 0 or "already exists" in done.stdout

    def start_node(self, node: str) -> None:
        """Start a node, for the first time or after `crash`."""
        self._daemon("slurmd", "-N", node)

    def is_idle(self) -> bool:
        """Whether no node has work, or is gone."""
        return self.ask("sinfo", "-h", "-N", "-o", "%T", "-p", "main") == [
            "idle"
        ] * len(NODES)

    def crash(self, node: str) -> None:
        """As if a node lost power: its daemon and all that runs there."""
        log = str(self.folder / f"slurmd.{node}.log")
        # the keepers of its steps hold its log open
        keepers = [pid for pid in processes() if log in open_files(pid)]
        steps = [child for keeper in keepers for child in below(keeper)]
        for pid in [*keepers, *steps]:
            kill(pid)

    def ask(self, *command: str) -> list[str]:
        """Words that a command says."""
        done = subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout.split()

    def stop(self) -> None:
        """End all jobs, then the daemons."""
        subprocess.run(
            ["scancel", "--user", getpass.getuser()],
            env=self.environment,
            check=False,
            capture_output=True,
        )
        daemons = [f"slurmd.{node}" for node in NODES] + ["slurmctld", "slurmdbd"]
        for name in (*daemons, "munged"):
            file = self.folder / f"{name}.pid"
            if file.exists():
                pid = int(file.read_text())
                kill(pid, signal.SIGTERM)
                # one that waits for steps to end would outlive the tests
                with suppress(TimeoutError):
                    wait_until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 3)
                kill(pid)
        if self.database is not None:
            self.database.terminate()
            self.database.wait(30)

    def _daemon(self, *command: str) -> None:
        subprocess.run(
            command, env=self.environment, check=True, capture_output=True, timeout=30
        )

    def _write(self) -> None:
        for name in ("state", "bin", "gpus", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        for parent in (self.folder, *self.folder.parents[:2]):
            # munged refuses a socket in a closed folder
            parent.chmod(parent.stat().st_mode | 0o055)

        known = {"host": socket.gethostname().split(".")[0], "user": getpass.getuser()}
        text = CONFIGURATION.format(port=free_port(), folder=self.folder, **known)
        for node in NODES:
            text += NODE.format(node=node, port=free_port(), **known)
        if not self._make_gpus():
            text = text.replace("GresTypes=gpu\n", "").replace(" Gres=gpu:2", "")
        if self.accounting:
            place = {"port": free_port(), "folder": self.folder}
            text += ACCOUNTING.format(**place)
            accounts = self.folder / "slurmdbd.conf"
            accounts.write_text(ACCOUNTS.format(**place, user=known["user"]))
            accounts.chmod(0o600)
        self.configuration.write_text(text + PARTITIONS)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)

        # the step executor of Snakemake drops SLURM_CONF, so that the commands themselves must know it
        for name in (*COMMANDS, *(("sacct", "sacctmgr") if self.accounting else ())):
            program = shutil.which(name, path=SEARCH)
            wrapper = self.folder / "bin" / name
            wrapper.write_text(
                f'#!/bin/sh\nSLURM_CONF={self.configuration} exec {program} "$@"\n'
            )
            wrapper.chmod(0o755)

    def _make_gpus(self) -> bool:
        """Character devices as /dev/null is one, in place of GPUs; False where none can be made."""
        lines = ["AutoDetect=off"]
        for node in NODES:
            for number in range(2):
                try:
                    os.mknod(
                        self.folder / f"gpus/{node}_{number}",
                        0o20666,
                        os.makedev(1, 3),
                    )
                except OSError:
                    return False
            lines.append(
                f"NodeName={node} Name=gpu File={self.folder}/gpus/{node}_[0-1]"
            )
        (self.folder / "gres.conf").write_text("\n".join(lines) + "\n")
        return True


@contextmanager
def running_cluster(folder: Path, accounting: bool = False) -> Iterator[Cluster]:
    """A cluster in an empty folder, stopped at the end."""
    cluster = Cluster(folder, accounting)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], object], seconds: float) -> None:
    """Return when `true` is; TimeoutError when it is not in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.05)


def processes() -> list[int]:
    """Numbers of all processes."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def open_files(pid: int) -> list[str]:
    """Files that a process holds open."""
    try:
        return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def below(pid: int) -> list[int]:
    """Processes that a process started, and those that they started."""
    try:
        children = [
            int(word)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [*children, *(found for child in children for found in below(child))]


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    if lacking():
        sys.exit(f"lacking: {', '.join(lacking())}")
    with (
        tempfile.TemporaryDirectory() as made,
        running_cluster(Path(made) / "slurm") as started,
    ):
        done = subprocess.run(sys.argv[1:], env=started.environment, check=False)
    sys.exit(done.returncode)
