"""All benchmarks of speed and growth one after the other, so that their tables are of one run on one machine.

Takes about 40 minutes. benchmarks/results/speed.tsv says of each when it began, what it took, and how busy the machine
was as it began: a load average of a minute above about 1 says that other work ran beside it.
``python benchmarks/bench_speed.py data cistarget`` runs some anew, and leaves the rows of the others.
"""

import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from harness import HERE
from table import say

BENCHMARKS = (
    "grn", "aucell", "cistarget", "region_gene", "pooled_links", "topics", "sampled_topics", "growth", "mapping",
    "data", "adapter", "train", "precision",
)  # fmt: skip

# what reads the mirror
MIRRORED = {"pooled_links", "sampled_topics"}


def main() -> None:
    """Run all, write the table after each; end with an error if any failed."""
    names = sys.argv[1:] or BENCHMARKS
    if MIRRORED & set(names) and "GRNFORMER_MIRROR" not in os.environ:
        # said at once: two of them need it, and half an hour would pass before the first does
        sys.exit(
            "GRNFORMER_MIRROR is not set. Expected: a folder with paired/SNARE_mouse_cortex_rna_counts.h5ad and "
            "..._atac_counts.h5ad, which pooled_links and sampled_topics read."
        )
    commit = subprocess.check_output(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=HERE, text=True
    )
    path = HERE / "results/speed.tsv"
    rows, failed = {}, []
    if sys.argv[1:] and path.exists():
        before = pd.read_csv(path, sep="\t").to_dict("records")
        rows = {row["benchmark"]: row for row in before}
    for name in names:
        began, load = datetime.now(UTC), os.getloadavg()[0]
        start, used = time.monotonic(), os.times()
        status = subprocess.call([sys.executable, str(HERE / f"bench_{name}.py")])
        after = os.times()
        cpu = after.children_user + after.children_system
        if status:
            failed.append(name)
            continue
        target = f"bench-{name.replace('_', '-')}"
        rows[target] = {
            "benchmark": target,
            "began": began.strftime("%Y-%m-%d %H:%M UTC"),
            "wall_seconds": round(time.monotonic() - start),
            "cpu_seconds": round(cpu - used.children_user - used.children_system),
            "load_before": round(load, 2),
            "commit": commit.strip(),
            "processor": processor(),
            "cores": os.cpu_count(),
        }
        table = pd.DataFrame(rows.values())
        table.to_csv(path, sep="\t", index=False)
        say(table[["benchmark", "wall_seconds", "load_before"]].tail(1).to_string())
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def processor() -> str:
    """Name of the processor, where Linux tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    named = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return named[0].strip() if named else platform.processor()


if __name__ == "__main__":
    main()
