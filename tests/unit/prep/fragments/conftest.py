"""A simulated dataset given as fragments, and its cells imported by SnapATAC2 once."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from grnformer.prep.fragments.scan import scan_fragments
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation

MISSING = [
    name for name in ("snapatac2", "MACS3") if importlib.util.find_spec(name) is None
]


@pytest.fixture(scope="session")
def snapatac() -> None:
    """Skip what needs the extra where it is not installed."""
    if MISSING:
        pytest.skip(f"{' and '.join(MISSING)} not installed: make env-fragments")


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulate_multiome(
        seed=3, n_cells=120, n_genes=120, n_tfs=6, atac_per_cell=500.0
    )


@pytest.fixture(scope="session")
def fragments(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fragments")
    write_simulation(simulation, folder, fragments=True)
    return folder / "fragments.tsv.gz"


@pytest.fixture(scope="session")
def lengths(simulation: Simulation) -> dict[str, int]:
    return {chrom: len(sequence) for chrom, sequence in simulation.genome.items()}


@pytest.fixture(scope="session")
def scanned(
    simulation: Simulation, fragments: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    return scan_fragments(fragments, set(simulation.tss["chrom"]))


@pytest.fixture(scope="session")
def imported(
    snapatac: None,
    simulation: Simulation,
    fragments: Path,
    lengths: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """All but the last five cells, as SnapATAC2 stores them."""
    from grnformer.prep.fragments.snapatac import import_fragments

    target = tmp_path_factory.mktemp("imported") / "fragments.h5ad"
    names = simulation.atac.obs_names[:-5]
    import_fragments(
        str(fragments), target, dict(zip(names, names, strict=True)), lengths
    )
    return target
