"""Exports as the tools that they are for read them: decoupler, loompy, pySCENIC, and pyBigWig."""

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from grnformer.api.run import Run
from grnformer.export.formats import export
from grnformer.grn.given.read import read_network
from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import write_simulation

pytestmark = [pytest.mark.reference, pytest.mark.slow]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def written(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    list(export(run, folder, ["scope", "decoupler", "gmt"]))
    return folder


@pytest.fixture(scope="module")
def read_by(load, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Read a folder by a program in the environment of a tool."""
    harness = load("harness")

    def read(environment: str, folder: Path) -> dict[str, Any]:
        python = harness.find_python(environment)
        if python is None:
            pytest.skip(harness.why_absent(environment))
        found = tmp_path_factory.mktemp(environment) / "found.json"
        program = HERE / f"export_{environment}.py"
        command = [python, "-W", "ignore", program, folder, found]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(found.read_text())

    return read


def test_decoupler_and_loompy(run: Run, written: Path, read_by) -> None:
    found = read_by("readers", written)
    counts = run.read_cells("rna").layers["counts"]
    assert found["total"] == counts.sum()
    np.testing.assert_allclose(found["auc"], run.activity.X)
    regulons = [name.split(" ")[0] for name in found["regulons"]]
    assert regulons == list(run.activity.var_names)
    assert found["meta"]["clusterings"][0]["name"] == "Cell Type"
    assert found["sets"] == gene_sets(run)
    # all TFs have a score, none is undefined: no weights are all alike or 0
    assert set(found["ulm"]) == set(run.eregulons["tf"])
    assert np.isfinite(list(found["ulm"].values())).all()
    # and the way in: decoupler's own network, with its signs
    given = read_network(written / "toy.csv")
    assert (given.form, given.signs) == ("decoupler", "weights")
    weights = given.table["weight"].abs() * given.table["sign"]
    pairs = given.table[["tf", "gene"]].assign(weight=weights)
    assert pairs.to_numpy().tolist() == found["toy"]


def test_pyscenic(run: Run, written: Path, read_by) -> None:
    found = read_by("pyscenic", written)
    cells = run.read_cells("rna")
    assert found["cells"] == list(cells.obs_names)
    counts = np.asarray(cells.layers["counts"].sum(axis=0)).ravel()
    assert found["sums"] == dict(zip(cells.var_names, counts, strict=True))
    assert found["sets"] == gene_sets(run)


def test_pybigwig(run: Run, written: Path, read_by, tmp_path: Path) -> None:
    """Coverage of a type is its fragments over each bin of 10 bp, scaled by the bases that all of them cover."""
    if importlib.util.find_spec("snapatac2") is None:
        pytest.skip("snapatac2 not installed: make env-fragments")
    from grnformer.prep.fragments.snapatac import export_coverage, import_fragments

    made = simulate_multiome(seed=3, n_cells=60, n_genes=60, n_tfs=6)
    write_simulation(made, tmp_path, fragments=True)
    names = made.annotation["barcode"]
    lengths = {chrom: len(sequence) for chrom, sequence in made.genome.items()}
    barcodes = dict(zip(names, names, strict=True))
    source, stored = tmp_path / "fragments.tsv.gz", tmp_path / "fragments.h5ad"
    import_fragments(str(source), stored, barcodes, lengths)
    groups = made.annotation.assign(sample="s1", group=made.annotation["cell_type"])
    export_coverage({"s1": str(stored)}, groups, written / "bigwig", bin_size=10)

    columns = ["chrom", "start", "end", "barcode", "reads"]
    fragments = pd.read_csv(source, sep="\t", names=columns, comment="#")
    one = set(groups.loc[groups["group"] == "type_1", "barcode"])
    of_type = fragments[fragments["barcode"].isin(one)]
    covered = (of_type["end"] - of_type["start"]).sum()
    found = read_by("readers", written)["type_1.bw"]
    for chrom, part in of_type.groupby("chrom"):
        bins = np.zeros(-(-lengths[chrom] // 10))
        for start, end in zip(part["start"], part["end"], strict=True):
            bins[start // 10 : (end - 1) // 10 + 1] += 1
        expected = np.repeat(bins, 10)[: lengths[chrom]] / covered * 1e6
        np.testing.assert_allclose(found[chrom], expected, rtol=1e-4)


def gene_sets(run: Run) -> dict[str, list[str]]:
    held = run.eregulons.groupby("eregulon")["gene"]
    return held.agg(lambda genes: sorted(set(genes))).to_dict()
