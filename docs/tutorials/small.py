"""Data small enough for tutorials: a simulated run, made once when the site is built, and a file as 10x writes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
import yaml
from snakemake.utils import update_config

from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import SMALL, write_simulation

CHECKOUT = Path(__file__).parents[2].absolute()
BUILT = CHECKOUT / "docs" / "_build" / "tutorials"


def small_run() -> Path:
    """The folder of a run on 150 simulated cells, whose network is known: networks, and a model an arm."""
    folder = BUILT / "small"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "results/report/pretrain/index.html").exists():
        simulation = simulate_multiome(seed=1, n_cells=150, repression_fraction=0.35)
        scenario = write_simulation(simulation, folder / "data")
        snakemake(folder, scenario, SMALL, "pretrain")
    return Path(os.path.relpath(folder))


def snakemake(
    folder: Path, scenario: dict[str, Any], changes: dict[str, Any], *targets: str
) -> None:
    """Run the workflow in a folder; show the end of what it printed if it fails."""
    update_config(scenario, changes)
    (folder / "mine.yaml").write_text(yaml.safe_dump(scenario))
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    command += ["--snakefile", str(CHECKOUT / "Snakefile")]
    command += ["--configfile", "mine.yaml", "--", *targets]
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:])


def write_10x(path: Path, transcripts: Path, n_cells: int = 240, seed: int = 1) -> None:
    """Write made-up counts of three kinds of cells, with real genes and places, as Cell Ranger ARC does (.h5)."""
    rng = np.random.default_rng(seed)
    genes = pd.read_csv(transcripts, sep="\t")
    genes = genes[genes["gene_type"] == "protein_coding"]
    genes = genes.drop_duplicates("gene_name").head(9000)
    kind = rng.integers(3, size=n_cells)

    # each kind has genes that it expresses ten times as much, and promoters that it alone opens
    level = rng.gamma(0.3, 1.0, size=(3, len(genes)))
    level *= np.where(rng.random(level.shape) < 0.05, 10, 1)
    rna = rng.poisson(4000 * (level / level.sum(1, keepdims=True))[kind])
    opened = rng.random((3, len(genes))) * (rng.random((3, len(genes))) < 0.5)
    atac = rng.poisson(4000 * (opened / opened.sum(1, keepdims=True))[kind])

    start = (genes["tss"] - 250).clip(lower=0).astype(int)
    places = [
        f"{chrom}:{first}-{first + 500}"
        for chrom, first in zip(genes["seqnames"], start, strict=True)
    ]
    counts = sp.csr_matrix(np.hstack([rna, atac]).astype(np.int32))
    names = [*genes["gene_name"], *places]
    kinds = ["Gene Expression"] * len(genes) + ["Peaks"] * len(places)
    ids = [*genes["gene_id"], *places]
    barcodes = [f"CELL{number:012d}-1" for number in range(n_cells)]

    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            matrix[name] = getattr(counts, name)
        matrix["shape"] = np.array(counts.shape[::-1], dtype=np.int32)
        matrix["barcodes"] = np.array(barcodes, dtype="S")
        features = matrix.create_group("features")
        genome = ["GRCh38"] * len(names)
        for name, values in {
            "id": ids,
            "name": names,
            "feature_type": kinds,
            "genome": genome,
        }.items():
            features[name] = np.array(values, dtype="S")
