"""Regulons that pySCENIC wrote are read as pySCENIC itself means them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from grnformer.grn.given.read import read_network

HERE = Path(__file__).parent
PYTHON = Path(
    os.environ.get("PYSCENIC_PYTHON", HERE.parents[1] / ".envs/pyscenic/bin/python")
)
pytestmark = [
    pytest.mark.reference,
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="the environment .envs/pyscenic is not built: make env-pyscenic",
    ),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pyscenic")
    command = [str(PYTHON), "-W", "ignore", str(HERE / "pyscenic_regulons.py"), folder]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


@pytest.mark.parametrize("name", ["reg.csv", "reg.tsv", "reg.gmt", "auc.loom"])
def test_regulons_are_those_of_pyscenic(written: Path, name: str) -> None:
    meant = json.loads((written / "regulons.json").read_text())
    network = read_network(written / name)
    assert network.weighted == name.startswith("reg.") - (name == "reg.gmt")
    found: dict[str, dict[str, float]] = {}
    for row in network.table.itertuples():
        genes = found.setdefault(f"{row.tf}({'+' if row.sign > 0 else '-'})", {})
        genes[row.gene] = max(row.weight, genes.get(row.gene, 0))
    assert {key: sorted(genes) for key, genes in found.items()} == {
        key: sorted(genes) for key, genes in meant.items()
    }
    if network.weighted:
        assert found == meant
