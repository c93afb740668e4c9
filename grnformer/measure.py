"""Run a command and print its wall time and peak memory: ``python -m grnformer.measure COMMAND ...``."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil


def measure(command: list[str], interval: float = 0.5) -> tuple[int, float, int]:
    """Run `command`; return its exit status, its wall time (s) and the peak memory (bytes) of its process tree.

    Memory is the sum of the processes' proportional set sizes (pages shared by n processes count 1/n in each),
    looked at every `interval` seconds; where the system does not tell these, resident set sizes are summed.
    """
    start, peak = time.monotonic(), 0
    process = subprocess.Popen(command)
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(interval)
    return process.returncode, time.monotonic() - start, peak


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
    status, seconds, peak = measure(sys.argv[1:])
    minutes, rest = divmod(round(seconds), 60)
    sys.stderr.write(f"Wall time {minutes} min {rest} s, peak memory {peak / 1e9:.2f} GB\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
