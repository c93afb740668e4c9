"""A simulated genome with region sets and motifs to be told from decoys; small random edges and batches of cells."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grnformer.data.batch import Batch
from grnformer.genome.motifs import read_motifs
from grnformer.genome.sequence import read_sequences
from grnformer.graph.structure import ALWAYS_OPEN, make_edges
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation

N, K, B, L = 20, 5, 6, 8  # genes, eRegulons, cells, tokens


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
    motifs |= {f"decoy{i}": [rng.dirichlet(np.full(4, 0.2), size=12)] for i in range(60)}
    regions = simulation.regions
    bound = simulation.edges.explode("cell_types")
    sets = []
    for name, part in bound.groupby("cell_types"):
        chosen = set(part["region"]) | set(rng.choice(regions["region"], part["region"].nunique(), replace=False))
        sets.append(pd.DataFrame({"kind": "dar", "set": name, "region": sorted(chosen), "score": 1.0}))
    annotations = pd.DataFrame({"motif": [f"{tf}_motif" for tf in simulation.tfs], "tf": list(simulation.tfs)})
    sequences = read_sequences(tmp_path / "genome.fa", regions)
    return PlantedGenome(simulation, motifs, sequences, pd.concat(sets), annotations.assign(evidence="direct"), bound)


def edges_of(rng, count, gates=None):
    source, target = rng.integers(5, size=count), rng.integers(N, size=count)
    weight = (rng.random(count) + 0.1).astype(np.float32) * rng.choice([-1, 1], count).astype(np.float32)
    return make_edges(source, target, weight, ALWAYS_OPEN if gates is None else rng.integers(gates, size=count))


@pytest.fixture
def structure():
    rng = np.random.default_rng(0)
    return {"cell_type": [edges_of(rng, 30), edges_of(rng, 25)], "cell": [edges_of(rng, 40, K)]}


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    genes = np.stack([rng.permutation(N)[:L] for _ in range(B)])
    values = rng.random((B, L)).astype(np.float32) * (rng.random((B, L)) < 0.7)
    masked = np.zeros((B, L), bool)
    masked[:, :3] = True
    active = (rng.random((B, K)) < 0.5).astype(np.float32)
    return Batch(*map(torch.from_numpy, (genes, values, masked)), rng.integers(2, size=B), torch.from_numpy(active))
