"""What a job took, as it says itself when it ends.

Snakemake looks at a job every half second, and from 15 seconds on every 30. What a job did after the last look is
missing in its benchmark file: half the CPU time of a job of 30 seconds.
"""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

AFFECTS_RESULTS = False
BESIDE = ".cost.json"  # in place of a log's suffix
# ru_maxrss is in kB, on macOS in bytes
_PER_MB = 2**20 if sys.platform == "darwin" else 2**10
_STATUS = Path("/proc/self/status")


def read_own_cost() -> dict[str, float]:
    """CPU time (s) and peak resident memory (MB) of this process so far, with processes that it waited for.

    Memory is that of the largest of them.
    """
    own, others = map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    cpu = sum(use.ru_utime + use.ru_stime for use in (own, others))
    peak = max(read_own_peak(), others.ru_maxrss / _PER_MB)
    return {"cpu_seconds": round(cpu, 2), "peak_memory_mb": round(peak, 2)}


def read_own_peak() -> float:
    """Peak resident memory of this process so far, MB."""
    if _STATUS.exists():
        # Linux counts as ru_maxrss of a process that of the one that started it, too
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MB
