"""What a job took, as it says itself when it ends.

Snakemake looks at a job every half second, and from 15 seconds on every 30. What a job did after the last look is
missing in its benchmark file: half the CPU time of a job of 30 seconds.
"""

from __future__ import annotations

import resource
import sys

AFFECTS_RESULTS = False
BESIDE = ".cost.json"  # in place of a log's suffix
# ru_maxrss is in kB, on macOS in bytes
_PER_MB = 2**20 if sys.platform == "darwin" else 2**10


def read_own_cost() -> dict[str, float]:
    """CPU time (s) and peak resident memory (MB) of this process so far, with processes that it waited for.

    Memory is that of the largest of them.
    """
    usages = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return {
        "cpu_seconds": round(sum(use.ru_utime + use.ru_stime for use in usages), 2),
        "peak_memory_mb": round(max(use.ru_maxrss for use in usages) / _PER_MB, 2),
    }
