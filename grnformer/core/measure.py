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
    """What a command came to: exit status, wall time (s), CPU time (s), peak memory (bytes)."""

    status: int
    wall: float
    cpu: float
    memory: int


def measure(command: list[str], interval: float = 2.0) -> Cost:
    """Run `command`; return its exit status, and the times and peak memory of its process tree.

    CPU time is that of all processes which were waited for. Memory is the sum of the processes' proportional set
    sizes (pages shared by n processes count 1/n in each), looked at every `interval` seconds: each look takes the
    system tens of milliseconds. Where the system does not tell these, resident set sizes are summed.
    """
    start, before, peak = time.monotonic(), _cpu_of_children(), 0
    process = subprocess.Popen(command)
    while process.returncode is None:
        peak = max(peak, _memory(process.pid))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(interval)
    return Cost(process.returncode, time.monotonic() - start, _cpu_of_children() - before, peak)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _memory(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        tree = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_process_memory(process) for process in tree)


def _process_memory(process: psutil.Process) -> int:
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
