"""A throw-away Slurm, Snakemake with the profile on it, and inputs of the tests of pretraining."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).parents[1]
CHECKOUT = TESTS.parent
# Snakemake waits 10 s longer each time it asks; tests have no time
IMPATIENT = f"""
import sys
import snakemake_executor_plugin_slurm as plugin
sys.path.insert(0, {str(CHECKOUT)!r})
plugin.Executor.next_seconds_between_status_checks = property(lambda _: 1, lambda *_: None)
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


made = load("slurm/cluster.py")
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
make_inputs = _stage.inputs.__wrapped__


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[made.Cluster]:
    """The cluster."""
    if lacking := made.lacking():
        pytest.skip(
            f"needs Slurm (Debian: slurm-wlm, slurm-client, munge) and root; lacking: {lacking}"
        )
    with made.running_cluster(tmp_path_factory.mktemp("slurm") / "it") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster(slurm: made.Cluster) -> dict[str, str]:
    """Environment in which Slurm's commands reach the cluster."""
    return slurm.environment


@pytest.fixture(scope="session")
def waiting() -> object:
    """See `wait_until` of cluster.py."""
    return made.wait_until


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the inputs that tests/stage/test_pretrain.py trains on."""
    folder = tmp_path_factory.mktemp("inputs")
    make_inputs(folder)
    return folder


@dataclass
class Run:
    """Snakemake with the profile for Slurm, going on in a folder of its own."""

    process: subprocess.Popen[bytes]
    terminal: Path

    @property
    def said(self) -> str:
        """All that the terminal shows so far."""
        return self.terminal.read_text()

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def end(self, seconds: float = 300) -> str:
        """Wait for its end; it must succeed."""
        assert self.process.wait(seconds) == 0, self.said[-6000:]
        return self.said

    def fail(self, seconds: float = 100) -> str:
        """Wait for its end; it must fail."""
        assert self.process.wait(seconds) != 0, self.said[-6000:]
        return self.said

    def send(self, number: int) -> None:
        """Send a signal, as a terminal does."""
        os.killpg(self.process.pid, number)


@pytest.fixture(scope="session")
def snakemake(slurm: made.Cluster) -> Iterator[object]:
    """`snakemake(folder, *arguments, snakefile="Snakefile")`: start it there; or with that of `faulty.smk`."""
    yield from starter(slurm)


@pytest.fixture(scope="module")
def accounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[made.Cluster]:
    """Another cluster, with accounting."""
    if lacking := made.lacking(accounting=True):
        pytest.skip(
            "needs Slurm with accounting (Debian: slurm-wlm, slurm-client, munge, slurmdbd, mariadb-server) and root; "
            f"lacking: {lacking}"
        )
    folder = tmp_path_factory.mktemp("accounted") / "it"
    with made.running_cluster(folder, accounting=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def on_accounted(accounted: made.Cluster) -> Iterator[object]:
    """As `snakemake`, on that cluster."""
    yield from starter(accounted)


def starter(slurm: made.Cluster) -> Iterator[object]:
    """See `snakemake`; what still runs is killed at the end."""
    runs: list[Run] = []
    whole = f'include: "{CHECKOUT / "workflow" / "Snakefile"}"'
    (slurm.folder / "Snakefile").write_text(f"{IMPATIENT}\n{whole}\n")
    faulty = TESTS / "slurm" / "faulty.smk"
    (slurm.folder / faulty.name).write_text(f"{IMPATIENT}\n{faulty.read_text()}")

    def start(folder: Path, *arguments: str, snakefile: str = "Snakefile") -> Run:
        command = [sys.executable, "-m", "snakemake", "--directory", str(folder)]
        command += ["--snakefile", str(slurm.folder / snakefile)]
        command += ["--profile", str(CHECKOUT / "slurm"), "--latency-wait", "5"]
        command += ["--slurm-init-seconds-before-status-checks", "1"]
        terminal = folder / f"terminal{len(runs)}.txt"
        with terminal.open("wb") as shown:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=folder,
                env=slurm.environment,
                stdout=shown,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # a shell lets what it starts in the background ignore it
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        runs.append(Run(process, terminal))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.send(signal.SIGKILL)
            run.process.wait()
