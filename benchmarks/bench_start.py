"""CPU seconds that a start of Snakemake takes, and of those that the jobs of a small dataset make on Slurm.

``python benchmarks/bench_start.py`` plans the workflow on 240 simulated cells, up to the graphs. Each job on Slurm
starts Snakemake twice: for the job, and in its step.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import write_simulation

CHECKOUT = Path(__file__).parents[1]
REPEATS = 3
STARTS_A_JOB = 2


def cpu_seconds(command: list[str], folder: Path) -> tuple[float, str]:
    """CPU seconds of a command, and what it shows."""
    before = os.times()
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    )
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system, done.stdout


def count_submissions(shown: str) -> tuple[int, int]:
    """Jobs of a plan, and submissions: groups count once."""
    jobs = len(re.findall(r"^ *Job \d+: ", shown, re.MULTILINE))
    grouped = len(re.findall(r"^ +Job \d+: ", shown, re.MULTILINE))
    groups = len(re.findall(r"Group job ", shown))
    return jobs, jobs - grouped + groups


def main() -> None:
    """Print a table in Markdown."""
    snakemake = [sys.executable, "-m", "snakemake"]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_simulation(simulate_multiome(seed=1, n_cells=240), folder)
        options = ["--snakefile", str(CHECKOUT / "Snakefile"), "--configfile"]
        options += ["config.yaml", "--profile", str(CHECKOUT / "slurm"), "-n"]
        plan = [*snakemake, *options, "--executor", "local", "fuse"]

        alone = min(
            cpu_seconds([*snakemake, "--version"], folder)[0] for _ in range(REPEATS)
        )
        first = []
        for _ in range(REPEATS):
            for note in (CHECKOUT / "grnformer").rglob("*.source.json"):
                note.unlink()
            first.append(cpu_seconds(plan, folder)[0])
        again = [cpu_seconds(plan, folder) for _ in range(REPEATS)]

    jobs, submissions = count_submissions(again[0][1])
    start = min(seconds for seconds, _ in again)
    rows = {
        "Snakemake alone": alone,
        "planning the workflow, first time of a checkout": min(first),
        "planning the workflow": start,
        f"starts of {jobs} jobs, submitted one by one": jobs * STARTS_A_JOB * start,
        f"starts of these as {submissions}": submissions * STARTS_A_JOB * start,
    }
    sys.stdout.write("| what | CPU seconds |\n|---|---:|\n")
    for what, seconds in rows.items():
        sys.stdout.write(f"| {what} | {seconds:.1f} |\n")


if __name__ == "__main__":
    main()
