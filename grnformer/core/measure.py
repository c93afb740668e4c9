"""Run a command and print its wall time, CPU time and peak memory: ``python -m grnformer.core.measure COMMAND ...``."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import time
from typing import NamedTuple

import psutil


class Cost(NamedTuple):
    """Cost of a command: exit status, wall time (s), CPU time (s), peak memory (bytes)."""

    status: int
    wall: float
    cpu: float
    memory: int


def measure(command: list[str], interval: float = 2.0) -> Cost:
    """Run `command`; return its exit status, and the times and peak memory of its process tree.

    CPU time is that of all processes that were waited for. Memory is the sum of the processes' proportional set
    sizes (pages shared by n processes count 1/n in each), sampled every `interval` seconds, since each sample costs
    tens of milliseconds. Where the system does not give these, resident set sizes are summed.
    """
    start, before = time.monotonic(), _cpu_of_children()
    process = subprocess.Popen(command)

    peak = 0
    while process.returncode is None:
        peak = max(peak, _memory(process.pid))
        # Waits at most an interval, and ends as soon as the command does.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(interval)

    wall, cpu = time.monotonic() - start, _cpu_of_children() - before
    return Cost(process.returncode, wall, cpu, peak)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _memory(pid: int) -> int:
    # Processes end at any moment: those that are gone use no memory.
    try:
        parent = psutil.Process(pid)
        tree = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_process_memory(process) for process in tree)


def _process_memory(process: psutil.Process) -> int:
    # Another user's process, or a system without proportional sizes, gives only the resident size.
    try:
        full = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:
        return process.memory_info().rss
    return getattr(full, "pss", full.rss)


def main() -> None:
    """Command line: run, report on standard error, hand on the exit status."""
    cost = measure(sys.argv[1:])
    minutes, rest = divmod(round(cost.wall), 60)
    sys.stderr.write(
        f"Wall time {minutes} min {rest} s, CPU time {cost.cpu:.0f} s, peak memory {cost.memory / 1e9:.2f} GB\n"
    )
    sys.exit(cost.status)


if __name__ == "__main__":
    main()
