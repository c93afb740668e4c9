"""Runs a task in our or a reference interpreter, on one core, and brings back its result and its cost."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "RAYON")
_ENVIRONMENTS = {
    "pyscenic": "make env-pyscenic",
    "pycistopic": "make env-pycistopic",
    "alternatives": "make env-alternatives",
    "readers": "make env-readers",
}


@dataclass(frozen=True)
class Measured:
    """What a task returned, its CPU and wall seconds, and the memory it added at its peak (MB)."""

    result: dict[str, np.ndarray]
    cpu: float
    wall: float
    memory: float


def find_python(environment: str) -> Path | None:
    """Interpreter of a reference environment (.envs/<name>, or $<NAME>_PYTHON), None where it is not built."""
    named = os.environ.get(f"{environment.upper()}_PYTHON")
    path = Path(named) if named else HERE.parent / ".envs" / environment / "bin/python"
    return path if path.exists() else None


def why_absent(environment: str) -> str:
    """What to say where `find_python` found nothing."""
    return f"the environment .envs/{environment} is not built: {_ENVIRONMENTS[environment]}"


def run_task(
    task: str,
    arrays: dict[str, Any],
    options: dict[str, Any] | None = None,
    python: Path | str = sys.executable,
) -> Measured:
    """Run benchmarks/tasks/<task>.py on `arrays` and `options`, measured; one core, one process.

    Raises
    ------
    RuntimeError
        If the task fails; with the end of its output.
    """
    environment = {
        **os.environ,
        **{f"{name}_NUM_THREADS": "1" for name in _THREADS},
        "PYTHONWARNINGS": "ignore",
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "input.npz", **arrays)
        (folder / "options.json").write_text(json.dumps(options or {}))
        command = [
            str(python),
            str(HERE / "worker.py"),
            str(HERE / f"tasks/{task}.py"),
            str(folder),
        ]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(
                f"the task {task} failed in {python}:\n{(done.stdout + done.stderr)[-3000:]}"
            )
        with np.load(folder / "output.npz") as stored:
            result = dict(stored)
        return Measured(result, **json.loads((folder / "cost.json").read_text()))
