"""A simulated genome with region sets, and motifs to be told from decoys."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnformer.genome.motifs import read_motifs
from grnformer.genome.sequence import read_sequences
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation


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
