"""The programs of workflow/originals give what the tools give, whatever the number of processes."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.ensemble import GradientBoostingRegressor

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("PYSCENIC_PYTHON", ROOT / ".envs/pyscenic/bin/python"))
pytestmark = [
    pytest.mark.reference,
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="the environment .envs/pyscenic is not built: make env-pyscenic",
    ),
]
BOOSTING = {
    "learning_rate": 0.01,
    "n_trees": 5000,
    "max_features": 0.1,
    "subsample": 0.9,
    "stop_window": 25,
}
GENIE3 = {"n_trees": 20, "max_features": "sqrt"}
GENES = [f"g{i:02d}" for i in range(24)]
TFS = GENES[:8]
DIRECT = """
import sys
import anndata, h5py, json
import numpy as np, pandas as pd
from arboreto.core import SGBM_KWARGS, RF_KWARGS, infer_partial_network
from ctxcore.genesig import GeneSignature
from pyscenic.aucell import aucell

matrix = pd.read_parquet(sys.argv[1])
tfs = [f"g{i:02d}" for i in range(8)]
for name, kind, arguments in (("gbm", "GBM", SGBM_KWARGS), ("rf", "RF", {**RF_KWARGS, "n_estimators": 20})):
    values = matrix.to_numpy(dtype=float)
    parts = [
        infer_partial_network(kind, arguments, values[:, :8], tfs, gene, values[:, column], seed=3)
        for column, gene in enumerate(matrix.columns) if gene != "g23"
    ]
    pd.concat(parts).to_parquet(f"{sys.argv[2]}/{name}.parquet", index=False)
sets = [GeneSignature(f"set{i}", [f"g{j:02d}" for j in range(i, 24, 3)]) for i in range(3)]
scores = aucell(matrix, sets, auc_threshold=0.25, noweights=True, seed=3, num_workers=1)
scores.rename_axis("cell").reset_index().to_parquet(f"{sys.argv[2]}/auc.parquet", index=False)
"""


def call(
    program: str, log: Path, *arguments: object
) -> subprocess.CompletedProcess[str]:
    command = [
        str(PYTHON),
        str(ROOT / "workflow" / "originals" / f"{program}.py"),
        "--log",
        str(log),
    ]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small multiome.h5mu, TFs and eRegulons, and what the tools themselves make of them."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(5)
    counts = rng.poisson(0.8, (150, 24)).astype(np.float32)
    counts[:, 10] += counts[:, 0] + counts[:, 1]
    counts[10:, 23] = 0  # detected in too few cells
    matrix = np.log1p(counts)
    cells = [f"c{i:03d}" for i in rng.permutation(150)]
    rna = anndata.AnnData(
        sp.csr_matrix(matrix),
        obs=pd.DataFrame(index=cells),
        var=pd.DataFrame(index=GENES),
    )
    mudata.set_options(pull_on_update=False)
    mudata.MuData({"rna": rna}).write_h5mu(folder / "multiome.h5mu")
    (folder / "tfs.txt").write_text("\n".join([*TFS, "absent"]))
    pairs = [(f"set{i}", gene) for i in range(3) for gene in GENES[i::3]]
    pd.DataFrame(pairs, columns=["eregulon", "gene"]).to_parquet(
        folder / "eregulons.parquet"
    )
    rna.to_df().to_parquet(folder / "matrix.parquet")
    (folder / "direct.py").write_text(DIRECT)
    command = [
        str(PYTHON),
        "-W",
        "ignore",
        str(folder / "direct.py"),
        str(folder / "matrix.parquet"),
        str(folder),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(
    ("method", "own", "direct", "threads"),
    [("arboreto_grnboost2", BOOSTING, "gbm", 1), ("arboreto_genie3", GENIE3, "rf", 2)],
)
def test_the_network_is_arboretos(
    inputs: Path, tmp_path: Path, method, own, direct, threads
) -> None:
    settings = json.dumps({"method": method, "min_cells": 20, method: own})
    files = ["--multiome", inputs / "multiome.h5mu", "--tfs", inputs / "tfs.txt"]
    options = [
        "--settings",
        settings,
        "--seed",
        3,
        "--threads",
        threads,
        "--output",
        tmp_path / "found.parquet",
    ]
    done = call("run_arboreto", tmp_path / "log", *files, *options)
    assert done.returncode == 0, (tmp_path / "log").read_text()
    key = ["tf", "gene"]
    found = pd.read_parquet(tmp_path / "found.parquet").sort_values(
        key, ignore_index=True
    )
    expected = pd.read_parquet(inputs / f"{direct}.parquet").set_axis(
        [*key, "importance"], axis=1
    )
    pd.testing.assert_frame_equal(found, expected.sort_values(key, ignore_index=True))
    assert found["importance"].gt(0).all()
    best = found[found["gene"] == "g10"].nlargest(2, "importance")["tf"]
    assert set(best) == {"g00", "g01"}


def test_the_activity_is_pyscenics(inputs: Path, tmp_path: Path) -> None:
    files = [
        "--multiome",
        inputs / "multiome.h5mu",
        "--eregulons",
        inputs / "eregulons.parquet",
    ]
    settings = ["--settings", '{"auc_threshold": 0.25}', "--seed", 3, "--threads", 2]
    done = call(
        "run_pyscenic_aucell",
        tmp_path / "log",
        *files,
        *settings,
        "--output",
        tmp_path / "found.parquet",
    )
    assert done.returncode == 0, (tmp_path / "log").read_text()
    found = pd.read_parquet(tmp_path / "found.parquet").set_index("cell")
    expected = (
        pd.read_parquet(inputs / "auc.parquet")
        .set_index("cell")
        .loc[found.index, found.columns]
    )
    assert expected.to_numpy().std() > 0.05
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_wrong_input_ends_with_one_message_on_the_terminal_and_in_the_log(
    inputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "tfs.txt").write_text("Gata1\nSpi1\n")
    settings = json.dumps(
        {"method": "arboreto_genie3", "min_cells": 20, "arboreto_genie3": GENIE3}
    )
    files = [
        "--multiome",
        inputs / "multiome.h5mu",
        "--tfs",
        tmp_path / "tfs.txt",
        "--output",
        tmp_path / "no.parquet",
    ]
    done = call(
        "run_arboreto",
        tmp_path / "log",
        *files,
        "--settings",
        settings,
        "--seed",
        1,
        "--threads",
        1,
    )
    assert done.returncode == 1
    for text in (done.stderr, (tmp_path / "log").read_text()):
        assert "Found: none of 2 TFs is detected in 20 cells" in text
        assert "To mend it:" in text
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "no.parquet").exists()


TREES = """
import json, sys
import numpy as np
from arboreto.core import SGBM_KWARGS, fit_model

cells = np.load(sys.argv[1])
fits = [fit_model("GBM", SGBM_KWARGS, cells[:, 1:], cells[:, 0], 25, seed) for seed in range(6)]
sys.stdout.write(json.dumps([len(fit.estimators_) for fit in fits]))
"""


def test_the_restored_stop_rule_takes_as_many_trees_as_the_original(
    tmp_path: Path,
) -> None:
    """Measured, six seeds: 230 305 251 249 191 340 by scikit-learn 1.2.2, 230 305 251 249 192 333 by 1.9.1."""
    spec = importlib.util.spec_from_file_location(
        "stop_rule", ROOT / "workflow" / "originals" / "stop_rule.py"
    )
    stop_rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stop_rule)
    rng = np.random.default_rng(0)
    tfs = np.log1p(rng.poisson(2, (300, 30)))
    gene = tfs[:, :3].sum(axis=1) + rng.normal(0, 1, 300)
    np.save(tmp_path / "cells.npy", np.column_stack([gene, tfs]))
    command = [str(PYTHON), "-W", "ignore", "-c", TREES, str(tmp_path / "cells.npy")]
    original = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    arguments = {
        "learning_rate": 0.01,
        "n_estimators": 5000,
        "max_features": 0.1,
        "subsample": 0.9,
    }
    restored = []
    for seed in range(6):
        model = GradientBoostingRegressor(random_state=seed, **arguments)
        restored.append(
            len(model.fit(tfs, gene, monitor=stop_rule.StopMonitor()).estimators_)
        )
    np.testing.assert_allclose(restored, original, rtol=0.05)
