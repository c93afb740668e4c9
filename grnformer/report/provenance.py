"""Where the numbers come from: versions, configuration, seeds, resources, time and memory of every rule."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from grnformer.report.choices import tabulate_choices
from grnformer.report.page import Block, Listing, Note, Section, Table
from grnformer.report.resources import tabulate_resources

if TYPE_CHECKING:
    import pandas as pd

_MAIN_PACKAGES = (
    "snakemake", "scanpy", "anndata", "mudata", "numpy", "scipy", "pandas", "scikit-learn", "numba", "tomotopy",
    "torch", "torch-geometric", "lightning", "rdkit", "plotly", "pyarrow",
)  # fmt: skip


def describe_software(commit: str) -> pd.DataFrame:
    """Versions of grnformer, with its git commit, Python, the platform and main packages; columns name, version."""
    import pandas as pd

    import grnformer

    rows = [
        ("grnformer", grnformer.__version__),
        ("grnformer git commit", commit),
        ("Python", platform.python_version()),
        ("platform", platform.platform()),
    ]
    for name in _MAIN_PACKAGES:
        try:
            rows.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            rows.append((name, "not installed"))
    return pd.DataFrame(rows, columns=["name", "version"])


def git_commit(checkout: str | Path) -> str:
    """Commit of the checkout, marked where files differ from it; says so where there is no git checkout."""
    command = ["git", "-C", str(checkout)]
    try:
        commit = subprocess.run(
            [*command, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        ).stdout.strip()
        changed = subprocess.run([*command, "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "not run from a git checkout"
    return f"{commit}{' with uncommitted changes' if changed.strip() else ''}"


def rendering_time() -> str:
    """Now, in UTC: the one line of the page that differs between two renderings of the same results."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level, keys joined by dots; lists stay lists."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def tabulate_costs(benchmarks: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Time and memory of every job, from Snakemake's benchmark files.

    Parameters
    ----------
    benchmarks
        Path of the file (results/<dataset>/benchmark/<stage>/<rule>.tsv) -> its content.

    Returns
    -------
    One row a job: dataset, stage, job, wall_seconds, cpu_seconds, peak_memory_mb (NaN where the job was too short to
    be measured).
    """
    import pandas as pd

    rows = []
    for path, frame in benchmarks.items():
        parts = Path(path).parts
        at = parts.index("benchmark")
        dataset = parts[at - 1] if parts[at - 1] != "results" else "all"
        numbers = frame.apply(pd.to_numeric, errors="coerce")
        rows.append(
            {
                "of": dataset,
                "stage": parts[at + 1],
                "job": "/".join(parts[at + 2 :]).removesuffix(".tsv"),
                "wall_seconds": float(numbers["s"].mean()),
                "cpu_seconds": float(numbers["cpu_time"].mean()) if "cpu_time" in numbers else float("nan"),
                "peak_memory_mb": float(numbers["max_rss"].max()),
            }
        )
    return pd.DataFrame(rows, columns=["of", "stage", "job", "wall_seconds", "cpu_seconds", "peak_memory_mb"])


def sum_up_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """Jobs, wall and CPU seconds and peak memory of each stage."""
    grouped = costs.groupby(["of", "stage"], sort=False)
    return grouped.agg(
        jobs=("job", "size"),
        wall_seconds=("wall_seconds", "sum"),
        cpu_seconds=("cpu_seconds", "sum"),
        peak_memory_mb=("peak_memory_mb", "max"),
    ).reset_index()


def provenance_sections(
    config: dict[str, Any],
    configs: dict[str, dict[str, Any]],
    samples: list[dict[str, str]],
    registry: dict[str, Any],
    benchmarks: dict[str, pd.DataFrame],
    commit: str,
) -> list[Section]:
    """Sections of the whole run: costs, methods and configuration, resources, software."""
    import pandas as pd

    costs = tabulate_costs(benchmarks)
    resources = tabulate_resources(configs, samples, registry)
    sheet = pd.DataFrame(samples).replace("", None).rename(columns={"dataset": "of"})
    labels = {
        "of": "dataset",
        "wall_seconds": "wall time (s)",
        "cpu_seconds": "CPU time (s)",
        "peak_memory_mb": "peak memory (MB)",
    }
    cost_blocks: list[Block] = [
        Table("costs_by_stage", sum_up_costs(costs), "Time and peak resident memory of each stage, as Snakemake "
        "measured them. Wall times are summed over jobs; jobs that ran side by side count each.", labels),
        Table("costs_by_job", costs, f"The same for each of the {len(costs)} jobs. A dash: the job was too short to be "
              "measured.", labels, folded=True),
    ] if len(costs) else [Note("No benchmark files were given.", kind="missing")]  # fmt: skip
    settings: list[Block] = [
        Table(
            "methods",
            tabulate_choices(config, configs),
            "Methods, switches, arms and seeds as configured. What stands under the name of a method counts only where "
            "that method is chosen.",
        ),
        Table(
            "samples", sheet, f"The sample sheet, {len(sheet)} {'sample' if len(sheet) == 1 else 'samples'}.", labels
        ),
        Listing("The whole configuration", yaml.safe_dump(config, sort_keys=False, width=110)),
    ]
    return [
        Section("costs", "Time and memory", cost_blocks),
        Section("settings", "Methods and configuration", settings),
        Section("resources", "Resources", [_resources(resources)]),
        Section(
            "software",
            "Software",
            [
                Table(
                    "software",
                    describe_software(commit),
                    "Software that rendered this page; the other stages ran in the same environment unless their rule "
                    "names another.",
                ),
                Note(f"Rendered {rendering_time()}."),
            ],
        ),
    ]


def _resources(resources: pd.DataFrame) -> Block:
    if resources.empty:
        return Note("The run used no resource of the registry.")
    return Table(
        "resources",
        resources,
        f"The {len(resources)} resources that the sample sheet and the stages of this run name. A file is only used "
        "after its SHA-256 was found equal to this one.",
        {"sha256": "SHA-256"},
    )
