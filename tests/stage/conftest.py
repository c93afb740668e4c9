"""Running one stage's rules on made-up inputs, in a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.core import io
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def run_rules(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run targets of dataset `tiny` with the named rules alone: what other stages make must lie in tmp_path already."""

    def run(
        targets: list[str], rules: list[str], config: dict[str, Any], *options: str
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "empty").touch()
        sheet = "dataset\tsample\trna\tatac\tgenome\ntiny\ts1\tempty\tempty\thg38\n"
        (tmp_path / "samples.tsv").write_text(sheet)
        # reruns are other jobs
        overlaid: dict[str, Any] = {
            "samples": "samples.tsv",
            "grn": {"stability": {"seeds": []}},
        }
        update_config(overlaid, config)
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(overlaid))
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(CHECKOUT / "Snakefile"),
            "--cores",
            "1",
        ]
        command += [
            "--directory",
            str(tmp_path),
            "--configfile",
            str(tmp_path / "config.yaml"),
            "--quiet",
            "progress",
        ]
        command += [*options, "--allowed-rules", *rules, "--", *targets]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def simulated(tmp_path: Path) -> Simulation:
    """What stages prep and topics leave of a simulation: its multiome; each type's regions and as many others."""
    made = simulate_multiome(seed=1, n_cells=150, n_tfs=9)
    write_simulation(made, tmp_path / "data")
    folder = tmp_path / "results" / "tiny"
    parts = {}
    for name, data, key in (("rna", made.rna, "X_pca"), ("atac", made.atac, "X_lsi")):
        var = (
            data.var.assign(n_cells=10)
            if name == "atac"
            else data.var.assign(n_cells=10, highly_variable=True)
        )
        x = data.X.astype(np.float32)
        parts[name] = anndata.AnnData(
            x.sign() if name == "atac" else x,
            obs=pd.DataFrame(index=data.obs_names),
            var=var,
        )
        parts[name].layers["counts"] = data.X
        parts[name].obsm[key] = np.zeros((data.n_obs, 2))
    mudata.set_options(pull_on_update=False)
    multiome = mudata.MuData(parts)
    types = made.annotation["cell_type"].to_numpy()
    multiome.obs = pd.DataFrame(
        {"cell_type": types, "sample": "s1", "donor": "d"}, index=made.rna.obs_names
    )
    multiome.obs["barcode"] = multiome.obs_names
    for name, contract in (("multiome", "multiome"), ("filtered", "filtered_cells")):
        io.write_mudata(multiome, folder / "prep" / f"{name}.h5mu", contract)
    rng = np.random.default_rng(0)
    sets = []
    for name, part in made.edges.explode("cell_types").groupby("cell_types"):
        bound = part["region"].unique()
        chosen = {
            *bound,
            *rng.choice(made.regions["region"], len(bound), replace=False),
        }
        sets.append(
            pd.DataFrame(
                {"set": name, "kind": "dar", "region": sorted(chosen), "score": 1.0}
            )
        )
    io.write_table(
        pd.concat(sets), folder / "topics" / "region_sets.parquet", "region_sets"
    )
    links = made.regions[["region", "gene"]].assign(
        distance=0, promoter=True, importance=0.1, rho=0.3, weight=1e-5
    )
    io.write_table(links, folder / "grn" / "region_gene.parquet", "region_gene")
    return made


@pytest.fixture
def write_knowledge(tmp_path: Path) -> Callable[..., None]:
    """Write sets.gmt and pairs.tsv, half of them a prior: pathways of the genes, and one partner of each."""

    def write(names: list[str], pathway: np.ndarray, rng: np.random.Generator) -> None:
        genes = np.array(names)
        sets = [
            "\t".join([f"P{number}", "made up", *genes[pathway == number]])
            for number in range(pathway.max() + 1)
        ]
        (tmp_path / "sets.gmt").write_text("\n".join(sets))
        kinds = ["transcriptional", "post_translational"] * (len(names) // 2)
        pairs = pd.DataFrame(
            {
                "source": names,
                "target": rng.permutation(names),
                "type": kinds,
                "is_stimulation": "True",
                "is_inhibition": "False",
                "sources": "made up",
            }
        )
        pairs.to_csv(tmp_path / "pairs.tsv", sep="\t", index=False)

    return write
