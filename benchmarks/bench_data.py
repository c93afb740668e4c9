"""Data side of pretraining: cells a second and resident memory at 10^4, 10^5 and 10^6 cells streamed from disk."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from table import Table, say

SIZES = (10_000, 100_000, 1_000_000)
N_GENES, EXPRESSED, N_TYPES = 1000, 60, 8  # EXPRESSED: genes a cell
CHUNK = 20_000  # cells written at once
N_REGULONS, MEMBERS, STEPS = 20, 30, 400
SETTINGS = {"batch_size": 32, "block_cells": 256, "held_blocks": 16}  # as in config/config.yaml


def write_cells(path: Path, n_cells: int) -> None:
    """Write random cells as a CSR .h5ad, a part at a time."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        x = file.create_group("X")
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": (n_cells, N_GENES)})
        x["indptr"] = np.arange(n_cells + 1, dtype=np.int64) * EXPRESSED
        data = x.create_dataset("data", (n_cells * EXPRESSED,), "float32", chunks=(CHUNK,))
        indices = x.create_dataset("indices", (n_cells * EXPRESSED,), "int32", chunks=(CHUNK,))
        for first in range(0, n_cells, CHUNK):
            rows = min(CHUNK, n_cells - first)
            gaps = rng.integers(1, N_GENES // EXPRESSED + 1, (rows, EXPRESSED))
            part = slice(first * EXPRESSED, (first + rows) * EXPRESSED)
            indices[part] = (np.cumsum(gaps, axis=1) - 1).astype(np.int32).ravel()
            data[part] = rng.exponential(1.0, rows * EXPRESSED).astype(np.float32)
        for name, index in (("obs", n_cells), ("var", N_GENES)):
            frame = file.create_group(name)
            columns = np.array(["cell_type"] if name == "obs" else [], dtype=h5py.string_dtype())
            frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
            frame.attrs["column-order"] = columns
            names = np.array([f"{name[0]}{i}" for i in range(index)], dtype=h5py.string_dtype())
            frame["_index"] = names
            frame["_index"].attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
        types = file["obs"].create_group("cell_type")
        types.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
        types["codes"] = (np.arange(n_cells) % N_TYPES).astype(np.int8)
        types["codes"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        types["categories"] = np.array([f"type{t}" for t in range(N_TYPES)], dtype=h5py.string_dtype())
        types["categories"].attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})


def measure(path: str) -> dict[str, float]:
    """Draw batches of the cells in `path`; in a process of its own."""
    import time

    import pandas as pd
    import psutil

    from grnformer.fuse.graph import EDGE_TYPES, Graph
    from grnformer.model.backbones import BACKBONES
    from grnformer.train.batches import Cells, StepBatches
    from grnformer.train.cells import CellStore

    rng = np.random.default_rng(2)
    names = [f"v{i}" for i in range(N_GENES)]
    genes = pd.DataFrame({"node": range(N_GENES), "gene": names, "token": range(N_GENES), "is_tf": False})
    members = [(k, names[g]) for k in range(N_REGULONS) for g in np.sort(rng.permutation(N_GENES)[:MEMBERS])]
    edges = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in EDGE_TYPES.items()})
    graph = Graph(
        genes,
        edges,
        edges,
        pd.DataFrame({"cell": pd.Series(dtype=object), "eregulon": pd.Series(dtype=int)}),
        [f"r{k}" for k in range(N_REGULONS)],
        pd.DataFrame(members, columns=["eregulon", "gene"]),
        pd.DataFrame({"eregulon": range(N_REGULONS), "threshold": 0.1}),
        50,
    )
    process = psutil.Process()
    with CellStore(path, names) as store:
        tokeniser = BACKBONES["scgpt"].tokeniser(n_bins=51, expressed_share=0.5)
        cells = Cells(store, graph, [f"type{t}" for t in range(N_TYPES)], tokeniser, n_tokens=128, mask_share=0.3)
        batches = StepBatches(cells, np.arange(store.n_cells), **SETTINGS, n_steps=STEPS, seed=1)
        resident, begun = [], time.perf_counter()
        for step, _ in batches:
            if step % 10 == 0:
                resident.append(process.memory_info().rss / 2**20)
        seconds = time.perf_counter() - begun
    return {"cells_per_second": STEPS * SETTINGS["batch_size"] / seconds, "resident": max(resident)}


def main() -> None:
    """Measure each size, write the table."""
    table, first = Table("data"), None
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder) / f"{size}.h5ad"
            say(f"writing {size} cells")
            write_cells(path, size)
            done = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            path.unlink()
            first = first or found
            table.add_figure(f"{size} cells: cells a second", "cells/s", found["cells_per_second"])
            table.add_cost(
                f"{size} cells: resident memory against {SIZES[0]}", "MB", found["resident"], first["resident"], 0.909
            )
    table.write()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        say(json.dumps(measure(sys.argv[1])))
    else:
        main()
