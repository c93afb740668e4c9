"""The run at scale: simulated cells through prep, topics, grn and fuse; what each step took, time and peak memory.

``python benchmarks/bench_scale.py --cells 100000 --regions 50000``: 2 cores, several hours. Smaller runs say
beforehand what the larger one will take: costs grow with cells. Interrupted runs go on where they were; the folder
may be removed after. ``--plan-for 1000000`` runs nothing: it prints what jobs on as many cells would ask for, by
empty files of the size that inputs would have.
"""

import argparse
import os
import sys
from pathlib import Path

import pandas as pd
import yaml
from harness import HERE
from table import Table, say

from grnformer.cli.plan import plan_jobs
from grnformer.core.measure import measure
from grnformer.report.costs import collect_costs
from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import DATASET, write_simulation

STAGES = ["prep", "topics", "grn", "fuse"]
MEMORY = 24_000  # MB that the run may take
REGIONS_PER_GENE, N_TFS, N_TYPES, SPACING = 10, 200, 8, 40_000
RNA_PER_CELL, ATAC_PER_CELL = 3_000, 2_500  # median counts


def main() -> None:
    """Simulate, run, write benchmarks/results/scale.tsv (or scale-<cells>.tsv where not all cells are run)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=50_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--topics", type=int, nargs="+", default=[20])
    parser.add_argument("--folder", type=Path, default=HERE.parent / "results/scale")
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES)
    parser.add_argument("--plan-for", type=int, default=0, metavar="CELLS")
    asked = parser.parse_args()

    inputs = asked.folder / f"{asked.cells}x{asked.regions}"
    config = inputs / "scale.yaml"
    if not config.exists():
        simulate(inputs, asked.cells, asked.regions, asked.topics)
    if asked.plan_for:
        plan(inputs, asked.plan_for, asked.plan_for / asked.cells)
        return
    command = [sys.executable, "-m", "snakemake", "--cores", str(asked.cores)]
    command += ["--snakefile", str(HERE.parent / "Snakefile"), "--rerun-incomplete"]
    command += ["--directory", str(inputs), "--configfile", str(config)]
    spent = measure([*command, "--", *asked.stages])
    if spent.status:
        sys.exit(spent.status)

    whole = asked.cells == parser.get_default("cells")
    table = Table("scale" if whole else f"scale-{asked.cells}")
    name = f"{asked.cells:,} cells x {asked.regions:,} regions"
    steps = read_steps(inputs / "results")
    for step in steps.to_dict("records"):
        label = f"{name}: {step['stage']}, {step['step']}"
        table.add_figure(f"{label}: wall", "s", step["wall_seconds"])
        table.add_figure(f"{label}: CPU", "s", step["cpu_seconds"])
        table.add_figure(f"{label}: memory at peak", "MB", step["peak_memory_mb"])
    slowest = steps.loc[steps["cpu_seconds"].idxmax()]
    say(f"most CPU: {slowest['stage']}, {slowest['step']}")
    table.add_figure(f"{name}: {asked.cores} cores, wall", "hours", spent.wall / 3600)
    table.add_bound(f"{name}: memory at peak", "MB", spent.memory / 1e6, MEMORY)
    table.write()


def simulate(folder: Path, n_cells: int, n_regions: int, n_topics: list[int]) -> None:
    """Write the cells and the config that runs the stages on them."""
    made = simulate_multiome(
        seed=1,
        n_cells=n_cells,
        n_genes=n_regions // REGIONS_PER_GENE,
        n_tfs=N_TFS,
        n_cell_types=N_TYPES,
        regions_per_gene=REGIONS_PER_GENE,
        gene_spacing=SPACING,
        rna_per_cell=RNA_PER_CELL,
        atac_per_cell=ATAC_PER_CELL,
    )
    say(f"simulated: {made.rna.X.nnz:,} counts of RNA, {made.atac.X.nnz:,} of ATAC")
    config = write_simulation(made, folder)
    config["topics"]["n_topics"] = n_topics
    # as in a run on real cells
    config["grn"]["region_gene"]["accessibility"] = "topics"
    (folder / "scale.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def plan(inputs: Path, n_cells: int, times: float) -> None:
    """Write benchmarks/results/scale-plan.tsv: what each job asks for, were the cells so many times as many."""
    folder = inputs / f"plan-{n_cells}"
    folder.mkdir(exist_ok=True)
    sheet = (inputs / "samples.tsv").read_text()
    for name in ("rna.h5ad", "atac.h5ad"):
        size = round((inputs / name).stat().st_size * times)
        (folder / name).touch()
        os.truncate(folder / name, size)
        say(f"{name}: {size / 1e9:.2f} GB")
        sheet = sheet.replace(str(inputs / name), str(folder / name))
    (folder / "samples.tsv").write_text(sheet)
    config = yaml.safe_load((inputs / "scale.yaml").read_text())
    config["samples"] = str(folder / "samples.tsv")
    (folder / "plan.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    table = Table("scale-plan")
    hours = 0.0
    for job in plan_jobs([folder / "plan.yaml"], STAGES, directory=folder):
        label = f"{n_cells:,} cells: {job.rule.name}"
        minutes, cores = job.resources["runtime"], job.threads
        hours += minutes * cores / 60
        table.add_figure(f"{label}: cores", "cores", cores)
        table.add_figure(f"{label}: time at most", "minutes", minutes)
        table.add_figure(f"{label}: memory", "GB", job.resources["mem_mb"] / 1000)
    table.add_figure(f"{n_cells:,} cells: all jobs at most", "core-hours", hours)
    table.write()


def read_steps(results: Path) -> pd.DataFrame:
    """Sums over the jobs of each step, and the highest memory, in the order of the stages."""
    jobs = collect_costs(results / "benchmarks", results / "logs", [DATASET])
    jobs = jobs[jobs["stage"].isin(STAGES)]
    jobs["order"] = jobs["stage"].map(STAGES.index)
    jobs["step"] = jobs["job"].str.split(".").str[0]
    found = jobs.groupby(["order", "stage", "step"], sort=True, as_index=False)
    return found.agg(
        {"wall_seconds": "sum", "cpu_seconds": "sum", "peak_memory_mb": "max"}
    )


if __name__ == "__main__":
    main()
