"""Files of RNA for a corpus: Li 2017, Pollen 2014 and PBMC 3k, without the lines that single-cell drug response tests.

``python benchmarks/make_rna_corpus.py [FOLDER]`` writes <FOLDER>/{li,pollen,pbmc3k}.h5ad (default: corpus), log1p of
values per 10,000 (PBMC 3k: counts), obs `cell_type`. `make rna-corpus` fetches what it reads; PBMC 3k is taken from a
mirror ($GRNFORMER_MIRROR) alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anndata as ad
from table import say

from grnformer.bench.sc_drug.cells import read_cells

PBMC = "rna/pbmc3k_counts_labelled.h5ad"
FILES = ("li", "pollen")


#: Labels of cells that bench.sc_drug tests: config/config.yaml and config/scenarios/benchmarks.yaml
TESTED = {"A549", "K562", "HCT116", "Hi_K562", "Hi_HL60"}


def untested(name: str, folder: Path) -> ad.AnnData:
    """Cells whose label is not tested."""
    settings = {"rows": "genes", "values": "linear", "label": "x", "keep": {}}
    cells, labels = folder / f"{name}.csv", folder / f"{name}_labels.csv"
    data = read_cells(cells, settings, labels, None)
    kept = data[~data.obs["label"].isin(TESTED).to_numpy()].copy()
    kept.obs = kept.obs[["label"]].rename(columns={"label": "cell_type"})
    return kept


def main() -> None:
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "corpus")
    target.mkdir(parents=True, exist_ok=True)
    made = {name: untested(name, Path("resources")) for name in FILES}
    mirror = os.environ.get("GRNFORMER_MIRROR")
    if mirror:
        cells = ad.read_h5ad(Path(mirror) / PBMC)
        # Counts as they are. Cells without a type are named "nan" there, and a corpus asks for the type of each.
        typed = cells.obs["cell_type"].astype(str) != "nan"
        made["pbmc3k"] = cells[typed.to_numpy()].copy()
    for name, cells in made.items():
        cells.write_h5ad(target / f"{name}.h5ad")
        say(f"{name}: {cells.n_obs} cells, {cells.n_vars} genes")


if __name__ == "__main__":
    main()
