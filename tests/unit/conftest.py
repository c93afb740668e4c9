"""A simulated genome with region sets and motifs among decoys; random edges and batches; cells of a planted network."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from grnformer.data.batch import Batch
from grnformer.genome.motifs import read_motifs
from grnformer.genome.sequence import read_sequences
from grnformer.graph.bundle import EDGE_TYPES, Bundle, Graph
from grnformer.graph.modes import MODES
from grnformer.graph.structure import ALWAYS_OPEN, make_edges
from grnformer.grn.activity.recovery import score_cells
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation

N, K, B, L = 20, 5, 6, 8  # genes, eRegulons, cells, tokens
N_TFS, N_TARGETS, RANK_CUTOFF = 10, 30, 10
SIZE = {
    "backbone": {
        "n_bins": 20,
        "width": 16,
        "n_layers": 1,
        "n_heads": 2,
        "hidden": 32,
        "dropout": 0.1,
    }
    | {
        "norm_first": True,
        "bilinear": True,
        "original": False,
        "masked_attention": False,
    },
    "adapter": {"n_heads": 2, "position": "after"},
    "gnn": {"name": "sage", "width": 16, "n_layers": 1, "n_heads": 2, "fanout": 10}
    | {"direction": "tf_to_gene", "fusion": "sum"},
    "gene_start": "coexpression",
    "linear_start": True,
    "linear_axes": [2, 3],
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


@dataclass(frozen=True)
class PlantedGenome:
    """A simulation on disk: motifs of its TFs and 60 decoys, sequences of its regions, a region set a cell type."""

    simulation: Simulation
    motifs: dict[str, list[np.ndarray]]
    sequences: list[str]
    sets: pd.DataFrame
    annotations: pd.DataFrame
    bound: pd.DataFrame


@pytest.fixture
def planted_genome(tmp_path: Path) -> PlantedGenome:
    """Half of the regions of each cell type's set are bound by none of its TFs."""
    simulation = simulate_multiome(seed=1, n_cells=30)
    write_simulation(simulation, tmp_path)
    rng = np.random.default_rng(0)
    motifs = read_motifs([tmp_path / "motifs.jaspar"], background_fraction=0.01)
    motifs |= {
        f"decoy{i}": [rng.dirichlet(np.full(4, 0.2), size=12)] for i in range(60)
    }
    regions = simulation.regions
    bound = simulation.edges.explode("cell_types")
    sets = []
    for name, part in bound.groupby("cell_types"):
        chosen = set(part["region"]) | set(
            rng.choice(regions["region"], part["region"].nunique(), replace=False)
        )
        sets.append(
            pd.DataFrame(
                {"kind": "dar", "set": name, "region": sorted(chosen), "score": 1.0}
            )
        )
    annotations = pd.DataFrame(
        {"motif": [f"{tf}_motif" for tf in simulation.tfs], "tf": list(simulation.tfs)}
    )
    sequences = read_sequences(tmp_path / "genome.fa", regions)
    return PlantedGenome(
        simulation,
        motifs,
        sequences,
        pd.concat(sets),
        annotations.assign(evidence="direct"),
        bound,
    )


def edges_of(rng, count, gates=None):
    source, target = rng.integers(5, size=count), rng.integers(N, size=count)
    weight = (rng.random(count) + 0.1).astype(np.float32) * rng.choice(
        [-1, 1], count
    ).astype(np.float32)
    return make_edges(
        source,
        target,
        weight,
        ALWAYS_OPEN if gates is None else rng.integers(gates, size=count),
    )


@pytest.fixture
def structure():
    rng = np.random.default_rng(0)
    return {
        "cell_type": [edges_of(rng, 30), edges_of(rng, 25)],
        "cell": [edges_of(rng, 40, K)],
    }


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    genes = np.stack([rng.permutation(N)[:L] for _ in range(B)])
    values = rng.random((B, L)).astype(np.float32) * (rng.random((B, L)) < 0.7)
    masked = np.zeros((B, L), bool)
    masked[:, :3] = True
    active = (rng.random((B, K)) < 0.5).astype(np.float32)
    return Batch(
        *map(torch.from_numpy, (genes, values, masked)),
        rng.integers(2, size=B),
        torch.from_numpy(active),
    )


@pytest.fixture
def settings():
    optimiser = {
        "adapter_scalar_rate": 0.05,
        "weight_decay": 0.01,
        "cell_loss": 0.5,
        "clip": 1.0,
    }
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
        "embed": {"n_tokens": 24, "draws": 2},
        # A test that changes a part of it changes no other test's.
        "size": deepcopy(SIZE),
        "size_name": "tiny",
    }


@pytest.fixture
def cells(tmp_path):
    """(path of the .h5ad, AnnData, TFs of each target, their signs); targets follow the signed sum of their TFs."""
    rng = np.random.default_rng(0)
    n_cells, n_genes = 160, N_TFS + N_TARGETS
    tf = rng.normal(size=(n_cells, N_TFS))
    regulators = np.stack([rng.permutation(N_TFS)[:2] for _ in range(N_TARGETS)])
    signs = rng.choice([-1, 1], regulators.shape)
    targets = (tf[:, regulators] * signs).sum(2) / np.sqrt(2) + 0.2 * rng.normal(
        size=(n_cells, N_TARGETS)
    )
    expression = np.maximum(np.concatenate([tf, targets], axis=1), 0).astype(np.float32)
    obs = pd.DataFrame(
        {"cell_type": np.where(np.arange(n_cells) % 2, "A", "B")},
        index=[f"c{i}" for i in range(n_cells)],
    )
    data = ad.AnnData(
        sp.csr_matrix(expression),
        obs,
        pd.DataFrame(index=[f"G{i}" for i in range(n_genes)]),
    )
    data.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad", data, regulators, signs


@pytest.fixture
def bundle_of(cells):
    _, data, regulators, signs = cells
    names = list(data.var_names)
    genes = pd.DataFrame(
        {"node": range(len(names)), "gene": names, "token": range(len(names))}
    )
    edges = pd.DataFrame(
        {
            "tf": regulators.ravel(),
            "gene": np.repeat(np.arange(N_TARGETS) + N_TFS, 2),
            "weight": 1.0,
        }
    )
    edges["sign"] = signs.ravel()
    types = [edges.assign(cell_type=name).astype(EDGE_TYPES) for name in ("A", "B")]
    eregulons = edges.assign(eregulon=edges["tf"]).astype(EDGE_TYPES)
    pairs = eregulons.loc[(eregulons["sign"] > 0), ["eregulon", "gene"]]
    own = pd.DataFrame({"eregulon": range(N_TFS), "gene": range(N_TFS)})
    members = pd.concat([own, pairs]).sort_values(
        ["eregulon", "gene"], ignore_index=True
    )
    sets = sp.csc_matrix(
        (np.ones(len(members)), (members["gene"], members["eregulon"])),
        shape=(len(names), N_TFS),
    )
    auc = score_cells(data.X, sets, RANK_CUTOFF)
    thresholds = pd.DataFrame(
        {
            "eregulon": range(N_TFS),
            "threshold": np.quantile(auc, 0.6, axis=0).astype(float),
        }
    )
    cell, regulon = np.nonzero(auc > thresholds["threshold"].to_numpy())
    graph = Graph(
        genes.assign(is_tf=genes["node"] < N_TFS),
        pd.concat(types, ignore_index=True)[
            ["cell_type", "tf", "gene", "weight", "sign"]
        ],
        eregulons[["eregulon", "tf", "gene", "weight", "sign"]],
        pd.DataFrame(
            {"cell": data.obs_names.to_numpy(object)[cell], "eregulon": regulon}
        ),
        [f"r{k}" for k in range(N_TFS)],
        members.assign(gene=members["gene"].map(dict(enumerate(names)))),
        thresholds,
        RANK_CUTOFF,
    )

    def make(mode):
        changed = MODES[mode](graph, np.random.default_rng(0))
        meta = {"mode": mode, "scales": ["cell_type", "cell"], "cell_types": ["A", "B"]}
        meta |= {
            "eregulons": graph.eregulon_names,
            "genes": len(names),
            "edges": {},
            "eregulon_edges": 0,
            "seed": 0,
        }
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
def trained():
    """See `train_and_save`."""
    return train_and_save


def train_and_save(path, data, bundle_of, settings, tmp_path):
    """Folder of a model of the cells in the file at `path`, with its bundle where the workflow puts it."""
    from grnformer.core import io
    from grnformer.data.corpus import Corpus
    from grnformer.data.split import split_cells
    from grnformer.graph.bundle import write_bundle
    from grnformer.model.saved import save_model
    from grnformer.train.pretrain import pretrain

    bundle, folder = (
        bundle_of("hybrid"),
        tmp_path / "results" / "x" / "pretrain" / "hybrid" / "seed1",
    )
    split = split_cells(data.obs, heldout_fraction=0.25, seed=1)
    arm = {"graph": "hybrid", "adapter": True, "perturbation": "none"}
    options = {
        "model_seed": 1,
        "checkpoints": tmp_path / "c",
        "threads": 1,
        "checkpoint": None,
        "medians": None,
    }
    with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as store:
        done = pretrain(store, split, bundle, arm, settings, **options)
    save_model(
        done.model, done.card, folder / "model.safetensors", folder / "model.json"
    )
    io.write_table(done.reference, folder / "reference.parquet", "reference_embedding")
    write_bundle(bundle, tmp_path / "results" / "x" / "fuse" / "hybrid")
    return folder
