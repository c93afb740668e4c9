"""A simulated dataset, and the workflow run on it as a user would: by the snakemake command."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.core.resources import MIRROR_VARIABLE
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import SMALL, write_simulation

ROOT = Path(__file__).parents[2]
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
PARTS = ("grnformer", "workflow", "config", "envs", "profiles", "Snakefile")


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run of snakemake left: exit status, all that the terminal showed, and the jobs it started."""

    status: int
    terminal: str

    @property
    def jobs(self) -> dict[str, int]:
        """Rules in the table of jobs that snakemake prints before it starts, with their counts."""
        table = re.search(
            r"^job +count\n-+ +-+\n((?:\w+ +\d+\n)+)", self.terminal, re.MULTILINE
        )
        rows = [line.split() for line in table.group(1).splitlines()] if table else []
        return {name: int(count) for name, count in rows if name != "total"}


@dataclasses.dataclass(frozen=True)
class Workplace:
    """A working directory with a scenario, and the checkout whose workflow runs in it."""

    folder: Path
    scenario: Path
    checkout: Path = ROOT

    def snakemake(self, *arguments: str, timeout: float = 900) -> Run:
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(self.checkout / "Snakefile"),
        ]
        command += [
            "--directory",
            str(self.folder),
            "--configfile",
            str(self.scenario),
            "--cores",
            "2",
            *arguments,
        ]
        environment = {
            key: value for key, value in os.environ.items() if key != MIRROR_VARIABLE
        }
        # no run of a test needs a network, nor does a compute node have one
        environment |= dict.fromkeys(PROXIES, "http://127.0.0.1:9")
        done = subprocess.run(
            command,
            env=environment,
            cwd=self.folder,
            timeout=timeout,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return Run(done.returncode, done.stdout)

    def must(self, *arguments: str, timeout: float = 900) -> Run:
        """Run snakemake; fail the test with the end of its output unless it succeeds."""
        run = self.snakemake(*arguments, timeout=timeout)
        if run.status:
            logs = [p.read_text() for p in self.folder.rglob("logs/**/*.log")]
            traces = "\n".join(
                text[-3000:]
                for text in logs
                if "Traceback" in text or "stopped: wrong input" in text
            )
            pytest.fail(
                f"snakemake {' '.join(arguments)} failed:\n{run.terminal[-4000:]}\n{traces}"
            )
        return run


def copy_checkout(target: Path) -> Path:
    """Copy what the workflow consists of; times are kept, so that compiled caches stay valid."""
    target.mkdir(parents=True)
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, target / part)
    return target


@pytest.fixture(scope="session")
def make_workplace() -> Callable[..., Workplace]:
    """`make_workplace(folder, base, checkout=..., **changes)`: a scenario over that at `base`, run in `folder`."""

    def make(
        folder: Path, base: Path, checkout: Path = ROOT, **changes: object
    ) -> Workplace:
        folder.mkdir(parents=True, exist_ok=True)
        scenario = yaml.safe_load(base.read_text())
        update_config(scenario, changes)
        path = folder / "scenario.yaml"
        path.write_text(yaml.safe_dump(scenario, sort_keys=False))
        return Workplace(folder, path, checkout)

    return make


@pytest.fixture(scope="session")
def small() -> Simulation:
    """Enough to be read and refused."""
    return simulate_multiome(seed=5, n_cells=40, n_genes=60, n_tfs=4)


@pytest.fixture(scope="session")
def small_data(small: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_simulation(small, folder)
    return folder


@pytest.fixture(scope="session")
def planted() -> Simulation:
    return simulate_multiome(seed=1, n_cells=240, repression_fraction=0.35)


@pytest.fixture(scope="session")
def shuffled(planted: Simulation) -> Simulation:
    """The same counts with what joins them broken: RNA cells against ATAC cells, prior TFs against their targets."""
    rng = np.random.default_rng(0)
    rna, prior = planted.rna.copy(), planted.prior.copy()
    rna.X = rna.X[rng.permutation(rna.n_obs)]
    prior["gene"] = rng.permutation(prior["gene"])
    prior = prior.drop_duplicates(["tf", "gene"]).query("tf != gene")
    return dataclasses.replace(planted, rna=rna, prior=prior)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("copy") / "checkout")


@pytest.fixture(scope="session")
def finished(
    planted: Simulation,
    checkout: Path,
    make_workplace: Callable[..., Workplace],
    tmp_path_factory: pytest.TempPathFactory,
) -> Workplace:
    """The whole workflow, run once on the planted network by a copy of the checkout. Not to be changed by tests."""
    folder = tmp_path_factory.mktemp("planted")
    write_simulation(planted, folder / "data")
    place = make_workplace(
        folder / "work", folder / "data" / "config.yaml", checkout, **SMALL
    )
    place.must()
    return place


@pytest.fixture
def spare(finished: Workplace, tmp_path: Path) -> Workplace:
    """A copy of the finished workplace, to be run in."""
    shutil.copytree(finished.folder, tmp_path / "work", symlinks=True)
    return dataclasses.replace(
        finished,
        folder=tmp_path / "work",
        scenario=tmp_path / "work" / finished.scenario.name,
    )
