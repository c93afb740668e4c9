"""A finished run with all that exports read."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnformer.api.run import Run, read_run
from grnformer.core import io


@pytest.fixture(scope="session")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The dataset `lines` of the made-up run, with TSSs, cistromes and the activity of regions."""
    folder = tmp_path_factory.mktemp("exported") / "results" / "lines"
    for stage in ("prep", "grn", "pretrain"):
        shutil.copytree(finished_run / "results" / "lines" / stage, folder / stage)
    return complete(folder)


def complete(folder: Path) -> Run:
    """Add to a made-up run what only exports read."""
    found = read_run(folder)
    triplets = found.eregulons
    genes = sorted(set(triplets["gene"]))
    tss = pd.DataFrame(
        {
            "gene": np.repeat(genes, 2),
            "gene_id": None,
            "chrom": "chr1",
            # two a gene: the second is far from all regions
            "tss": [place for i in range(len(genes)) for place in (900 * i, 10**6 + i)],
            "strand": "+",
            "biotype": None,
        }
    )
    io.write_table(tss, folder / "prep/tss.parquet", "tss")

    sites = triplets[["tf", "region"]].drop_duplicates().assign(gene=None)
    sites = sites.assign(annotation="direct", evidence="prior:CollecTRI", sign=0)
    sites["score"] = np.arange(len(sites), dtype=float)
    io.write_table(sites, folder / "grn/cistromes.parquet", "cistromes")

    activity = found.activity
    rng = np.random.default_rng(1)
    names = [*activity.var_names, "DROPPED_direct_+/+"]
    auc = rng.uniform(size=(activity.n_obs, len(names)))
    # in another order than that of the cells
    table = pd.DataFrame(auc, columns=names, index=activity.obs_names)[::-1]
    table = table.rename_axis("cell").reset_index()
    io.write_table(table, folder / "grn/region_activity.parquet", "region_activity")
    return read_run(folder)
