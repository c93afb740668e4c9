"""What jobs used beside what they asked for, by the size of their inputs: a table in Markdown.

``snakemake --benchmark-extended …`` writes both into the benchmark files; ``python benchmarks/fit_resources.py
results/benchmarks`` prints the table, one row a rule: its largest job. Exits with 1 if a job used more memory or time
than it had asked for.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pandas as pd

COLUMNS = {
    "input_mb": "inputs, MB",
    "memory_mb": "peak memory, MB",
    "asked_mb": "asked, MB",
    "minutes": "minutes",
    "asked_minutes": "asked, minutes",
    "threads": "threads",
}


def read_jobs(folder: Path) -> pd.DataFrame:
    """Rows of all extended benchmark files: rule, and the keys of COLUMNS."""
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        for row in pd.read_csv(path, sep="\t").to_dict("records"):
            if "resources" not in row or pd.isna(row["max_rss"]):
                continue
            asked = ast.literal_eval(row["resources"])
            rows.append(
                {
                    "rule": row["rule_name"],
                    "input_mb": sum(ast.literal_eval(row["input_size_mb"]).values()),
                    "memory_mb": float(row["max_rss"]),
                    "asked_mb": asked["mem_mb"],
                    "minutes": row["s"] / 60,
                    "asked_minutes": asked["runtime"],
                    "threads": row["threads"],
                }
            )
    return pd.DataFrame(rows, columns=["rule", *COLUMNS])


def main(folder: Path) -> None:
    """Print the table of the jobs in `folder`."""
    jobs = read_jobs(folder)
    if jobs.empty:
        sys.exit(f"no benchmark files of --benchmark-extended in {folder}")

    largest = jobs.sort_values("memory_mb").groupby("rule", sort=True).tail(1)
    sys.stdout.write(f"| rule | {' | '.join(COLUMNS.values())} |" + "\n")
    sys.stdout.write("|---|" + "---:|" * len(COLUMNS) + "\n")
    for row in largest.sort_values("rule").to_dict("records"):
        numbers = (f"{row[name]:,.1f}".removesuffix(".0") for name in COLUMNS)
        sys.stdout.write(f"| `{row['rule']}` | {' | '.join(numbers)} |" + "\n")

    short = jobs[
        (jobs["memory_mb"] > jobs["asked_mb"])
        | (jobs["minutes"] > jobs["asked_minutes"])
    ]
    if len(short):
        sys.exit(f"more than asked for: {', '.join(sorted(set(short['rule'])))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
