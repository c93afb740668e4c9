"""A small dataset on disk with a planted network: TFs vary freely, targets follow the signed sum of their TFs."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import io
from grnformer.data.split import split_cells
from grnformer.graph.bundle import EDGE_TYPES, Bundle, Graph, write_bundle
from grnformer.graph.modes import MODES
from grnformer.grn.activity.recovery import score_cells

N_TFS, N_TARGETS, RANK_CUTOFF = 10, 30, 10
SIZE = {
    "backbone": {"n_bins": 20, "width": 16, "n_layers": 1, "n_heads": 2, "hidden": 32, "dropout": 0.1}
    | {"norm_first": True, "bilinear": True, "original": False, "masked_attention": False},
    "adapter": {"n_heads": 2, "position": "after"},
    "gnn": {"name": "sage", "width": 16, "n_layers": 1, "n_heads": 2, "fanout": 10}
    | {"direction": "tf_to_gene", "fusion": "sum"},
    "gene_start": "coexpression",
    "n_tokens": 24,
    "expressed_fraction": 0.5,
    "mask_fraction": 0.3,
    "batch_size": 16,
    "block_cells": 20,
    "held_blocks": 2,
    "steps": 12,
    "warmup_steps": 2,
    "learning_rate": 0.003,
    "precision": "32-true",
    "accumulate": 1,
    "compile": False,
}


@pytest.fixture
def settings():
    optimiser = {"adapter_scalar_rate": 0.05, "weight_decay": 0.01, "cell_loss": 0.5, "clip": 1.0}
    return {
        "seed": 1,
        "backbone": "scgpt",
        "heldout_cells": 100,
        "heldout_repeats": 2,
        "perturbed_fraction": 0.2,
        "perturbed_degree_power": 0,
        "tune": {"how": "full", "layers": 1, "rank": 2, "alpha": 4},
        "checkpoints": {"steps": 5, "minutes": 1000, "keep": 2},
        "strategy": "auto",
        "workers": 0,
        "progress_seconds": 1000,
        "tensorboard": False,
        "optimiser": optimiser | {"log_every": 2, "evaluate_every": 6},
        "embed": {"n_tokens": 24, "draws": 2, "dense_above": 0.9},
        "size": {**SIZE, "backbone": dict(SIZE["backbone"])},
        "size_name": "tiny",
    }


@pytest.fixture
def cells(tmp_path):
    """(path of the .h5ad, AnnData, TFs of each target, their signs)."""
    rng = np.random.default_rng(0)
    n_cells, n_genes = 160, N_TFS + N_TARGETS
    tf = rng.normal(size=(n_cells, N_TFS))
    regulators = np.stack([rng.permutation(N_TFS)[:2] for _ in range(N_TARGETS)])
    signs = rng.choice([-1, 1], regulators.shape)
    targets = (tf[:, regulators] * signs).sum(2) / np.sqrt(2) + 0.2 * rng.normal(size=(n_cells, N_TARGETS))
    expression = np.maximum(np.concatenate([tf, targets], axis=1), 0).astype(np.float32)
    obs = pd.DataFrame(
        {"cell_type": np.where(np.arange(n_cells) % 2, "A", "B")}, index=[f"c{i}" for i in range(n_cells)]
    )
    data = ad.AnnData(sp.csr_matrix(expression), obs, pd.DataFrame(index=[f"G{i}" for i in range(n_genes)]))
    data.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad", data, regulators, signs


@pytest.fixture
def bundle_of(cells):
    _, data, regulators, signs = cells
    names = list(data.var_names)
    genes = pd.DataFrame({"node": range(len(names)), "gene": names, "token": range(len(names))})
    edges = pd.DataFrame({"tf": regulators.ravel(), "gene": np.repeat(np.arange(N_TARGETS) + N_TFS, 2), "weight": 1.0})
    edges["sign"] = signs.ravel()
    types = [edges.assign(cell_type=name).astype(EDGE_TYPES) for name in ("A", "B")]
    eregulons = edges.assign(eregulon=edges["tf"]).astype(EDGE_TYPES)
    pairs = eregulons.loc[(eregulons["sign"] > 0), ["eregulon", "gene"]]
    own = pd.DataFrame({"eregulon": range(N_TFS), "gene": range(N_TFS)})
    members = pd.concat([own, pairs]).sort_values(["eregulon", "gene"], ignore_index=True)
    sets = sp.csc_matrix((np.ones(len(members)), (members["gene"], members["eregulon"])), shape=(len(names), N_TFS))
    auc = score_cells(data.X, sets, RANK_CUTOFF)
    thresholds = pd.DataFrame({"eregulon": range(N_TFS), "threshold": np.quantile(auc, 0.6, axis=0).astype(float)})
    cell, regulon = np.nonzero(auc > thresholds["threshold"].to_numpy())
    graph = Graph(
        genes.assign(is_tf=genes["node"] < N_TFS),
        pd.concat(types, ignore_index=True)[["cell_type", "tf", "gene", "weight", "sign"]],
        eregulons[["eregulon", "tf", "gene", "weight", "sign"]],
        pd.DataFrame({"cell": data.obs_names.to_numpy(object)[cell], "eregulon": regulon}),
        [f"r{k}" for k in range(N_TFS)],
        members.assign(gene=members["gene"].map(dict(enumerate(names)))),
        thresholds,
        RANK_CUTOFF,
    )

    def make(mode):
        changed = MODES[mode](graph, np.random.default_rng(0))
        meta = {"mode": mode, "scales": ["cell_type", "cell"], "cell_types": ["A", "B"]}
        meta |= {"eregulons": graph.eregulon_names, "genes": len(names), "edges": {}, "eregulon_edges": 0, "seed": 0}
        meta |= {
            "active_pairs": 0,
            "edges_lost": 0,
            "genes_lost": 0,
            "genes_without_edge": 0,
            "rank_cutoff": RANK_CUTOFF,
        }
        lost = pd.DataFrame({"gene": ["X"], "reason": ["no"], "edges_lost": [2]})
        return Bundle(changed, lost, meta)

    return make


@pytest.fixture
def job_of(cells, bundle_of, tmp_path):
    """Write the inputs of a run; make its job, whose outputs and checkpoints lie in a folder of the given name."""
    path, data, *_ = cells
    io.write_table(split_cells(data.obs, heldout_fraction=0.25, seed=1), tmp_path / "split.tsv", "split")
    write_bundle(bundle_of("hybrid"), tmp_path / "hybrid")

    def make(name, settings, **arm):
        folder = tmp_path / name
        names = {"weights": "model.safetensors", "card": "model.json", "training": "training.tsv"}
        names |= {"heldout": "heldout.json", "reference": "reference.parquet"}
        job = {"multiome": path, "split": tmp_path / "split.tsv", "bundle": tmp_path / "hybrid"}
        job |= {"checkpoints": folder / "checkpoint"}
        job = {key: str(value) for key, value in job.items()}
        job |= {"checkpoint": None, "medians": None, "vocabulary": None, "settings": settings, "seed": 1, "threads": 1}
        job["arm"] = {"graph": "hybrid", "adapter": True, "perturbation": "coexpression"} | arm
        return job | {"outputs": {key: str(folder / file) for key, file in names.items()}}

    return make
