"""Data side of pretraining: cells a second and resident memory at 10^4, 10^5 and 10^6 cells streamed from disk.

From an .h5ad, from a .zarr (format 3), and from two .h5ad of half the cells each, of which either lacks a tenth of the
genes.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import zarr
from anndata.io import read_elem, write_elem
from table import Table, say

SIZES = (10_000, 100_000, 1_000_000)
N_GENES, EXPRESSED, N_TYPES = 1000, 60, 8  # EXPRESSED: genes a cell
CHUNK = 20_000  # cells written at once
N_REGULONS, MEMBERS, STEPS = 20, 30, 400
# as in config/sizes/tiny.yaml
SETTINGS = {"batch_size": 32, "block_cells": 256, "held_blocks": 16}


def write_cells(path: Path, n_cells: int) -> None:
    """Write random cells as CSR, a part at a time: an .h5ad, or by its name a .zarr."""
    if path.suffix == ".zarr":
        write_cells(path.with_suffix(".h5ad"), n_cells)
        copy_as_zarr(path.with_suffix(".h5ad"), path)
        path.with_suffix(".h5ad").unlink()
        return
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        x = file.create_group("X")
        x.attrs.update(
            {
                "encoding-type": "csr_matrix",
                "encoding-version": "0.1.0",
                "shape": (n_cells, N_GENES),
            }
        )
        x["indptr"] = np.arange(n_cells + 1, dtype=np.int64) * EXPRESSED
        data = x.create_dataset(
            "data", (n_cells * EXPRESSED,), "float32", chunks=(CHUNK,)
        )
        indices = x.create_dataset(
            "indices", (n_cells * EXPRESSED,), "int32", chunks=(CHUNK,)
        )
        for first in range(0, n_cells, CHUNK):
            rows = min(CHUNK, n_cells - first)
            gaps = rng.integers(1, N_GENES // EXPRESSED + 1, (rows, EXPRESSED))
            part = slice(first * EXPRESSED, (first + rows) * EXPRESSED)
            indices[part] = (np.cumsum(gaps, axis=1) - 1).astype(np.int32).ravel()
            data[part] = rng.exponential(1.0, rows * EXPRESSED).astype(np.float32)
        for name, index in (("obs", n_cells), ("var", N_GENES)):
            frame = file.create_group(name)
            columns = np.array(
                ["cell_type"] if name == "obs" else [], dtype=h5py.string_dtype()
            )
            frame.attrs.update(
                {
                    "encoding-type": "dataframe",
                    "encoding-version": "0.2.0",
                    "_index": "_index",
                }
            )
            frame.attrs["column-order"] = columns
            names = np.array(
                [f"{name[0]}{i}" for i in range(index)], dtype=h5py.string_dtype()
            )
            frame["_index"] = names
            frame["_index"].attrs.update(
                {"encoding-type": "string-array", "encoding-version": "0.2.0"}
            )
        types = file["obs"].create_group("cell_type")
        types.attrs.update(
            {
                "encoding-type": "categorical",
                "encoding-version": "0.2.0",
                "ordered": False,
            }
        )
        types["codes"] = (np.arange(n_cells) % N_TYPES).astype(np.int8)
        types["codes"].attrs.update(
            {"encoding-type": "array", "encoding-version": "0.2.0"}
        )
        types["categories"] = np.array(
            [f"type{t}" for t in range(N_TYPES)], dtype=h5py.string_dtype()
        )
        types["categories"].attrs.update(
            {"encoding-type": "string-array", "encoding-version": "0.2.0"}
        )


def copy_as_zarr(source: Path, target: Path) -> None:
    """The same cells as a .zarr, in chunks of as many values."""
    root = zarr.open_group(target, mode="w", zarr_format=3)
    with h5py.File(source) as file:
        root.attrs.update(dict(file.attrs))
        for name in ("obs", "var"):
            write_elem(root, name, read_elem(file[name]))
        x = root.create_group("X")
        x.attrs.update(
            {
                "encoding-type": "csr_matrix",
                "encoding-version": "0.1.0",
                "shape": [len(file["obs/_index"])],
            }
        )
        for name in ("data", "indices", "indptr"):
            values = file["X"][name]
            array = x.create_array(
                name, shape=values.shape, dtype=values.dtype, chunks=(CHUNK,)
            )
            for start in range(0, len(values), 100 * CHUNK):
                array[start : start + 100 * CHUNK] = values[start : start + 100 * CHUNK]


def open_cells(paths: list[str], graph, names: list[str]):
    """One file, or two as a corpus: the first lacks the last tenth of the genes, the second the first tenth."""
    from grnformer.data.corpus import Corpus
    from grnformer.graph.bundle import Bundle

    if len(paths) == 1:
        return Corpus.of_dataset(paths[0], names)
    tenth = N_GENES // 10
    measured = {
        paths[0]: np.arange(N_GENES - tenth),
        paths[1]: np.arange(tenth, N_GENES),
    }
    sources = [
        pd.DataFrame({"dataset": d, "gene": [names[n] for n in nodes], "node": nodes})
        for d, nodes in measured.items()
    ]
    about = {
        "cell_types": {f"type{t}": f"type{t}" for t in range(N_TYPES)},
        "values": "logarithms",
        "rank_cutoff": 50,
    }
    half = N_REGULONS // 2
    datasets = {
        d: about | {"eregulons": [i * half, (i + 1) * half]}
        for i, d in enumerate(measured)
    }
    return Corpus.of_bundle(
        dict(zip(paths, paths, strict=True)),
        Bundle(graph, sources[0], {"datasets": datasets}, pd.concat(sources)),
    )


def measure(paths: list[str]) -> dict[str, float]:
    """Draw batches of the cells in one file or two; in a process of its own."""
    import psutil

    from grnformer.data.batcher import Batcher
    from grnformer.data.steps import StepBatches
    from grnformer.graph.bundle import EDGE_TYPES, Graph
    from grnformer.model.backbones import BACKBONES

    rng = np.random.default_rng(2)
    names = [f"v{i}" for i in range(N_GENES)]
    genes = pd.DataFrame(
        {"node": range(N_GENES), "gene": names, "token": range(N_GENES), "is_tf": False}
    )
    members = [
        (k, names[g])
        for k in range(N_REGULONS)
        for g in np.sort(rng.permutation(N_GENES)[:MEMBERS])
    ]
    edges = pd.DataFrame(
        {name: pd.Series(dtype=kind) for name, kind in EDGE_TYPES.items()}
    )
    graph = Graph(
        genes,
        edges,
        edges,
        pd.DataFrame(
            {"cell": pd.Series(dtype=object), "eregulon": pd.Series(dtype=int)}
        ),
        [f"r{k}" for k in range(N_REGULONS)],
        pd.DataFrame(members, columns=["eregulon", "gene"]),
        pd.DataFrame({"eregulon": range(N_REGULONS), "threshold": 0.1}),
        50,
    )
    process = psutil.Process()
    with open_cells(paths, graph, names) as store:
        tokeniser = BACKBONES["scgpt"].tokeniser(n_bins=51, expressed_fraction=0.5)
        cells = Batcher(
            store,
            graph,
            [f"type{t}" for t in range(N_TYPES)],
            tokeniser,
            n_tokens=128,
            mask_fraction=0.3,
        )
        batches = StepBatches(
            cells, np.arange(store.n_cells), **SETTINGS, n_steps=STEPS, seed=1
        )
        resident, begun = [], time.perf_counter()
        for step, _ in batches:
            if step % 10 == 0:
                resident.append(process.memory_info().rss / 2**20)
        seconds = time.perf_counter() - begun
    return {
        "cells_per_second": STEPS * SETTINGS["batch_size"] / seconds,
        "resident": max(resident),
    }


def main() -> None:
    """Measure each size, write the table."""
    table, first = Table("data"), {}
    kinds = {
        ".h5ad": ["{}.h5ad"],
        ".zarr": ["{}.zarr"],
        "two files": ["{}.a.h5ad", "{}.b.h5ad"],
    }
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            for kind, files in kinds.items():
                paths = [Path(folder) / file.format(size) for file in files]
                say(f"writing {size} cells: {kind}")
                for path in paths:
                    write_cells(path, size // len(paths))
                command = [sys.executable, __file__, *map(str, paths)]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=True
                )
                found = json.loads(done.stdout.splitlines()[-1])
                for path in paths:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                start = first.setdefault(kind, found)
                what = f"{size} cells, {kind}"
                table.add_figure(
                    f"{what}: cells a second", "cells/s", found["cells_per_second"]
                )
                against = f"{what}: resident memory against {SIZES[0]}"
                table.add_cost(
                    against, "MB", found["resident"], start["resident"], 0.909
                )
    table.write()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        say(json.dumps(measure(sys.argv[1:])))
    else:
        main()
