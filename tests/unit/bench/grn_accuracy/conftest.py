"""A small benchmark with planted networks: four TFs in each of two lines."""

from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

TFS = ["TF1", "TF2", "TF3", "TF4"]


@pytest.fixture(scope="session")
def planted():
    rng = np.random.default_rng(0)
    genes = TFS + [f"G{i}" for i in range(396)]
    targets = {
        line: {tf: rng.choice(genes[4:], 40, replace=False).tolist() for tf in TFS}
        for line in ("A", "B")
    }
    content = {
        f"{tf} {line}": [*found, tf, "UNSEEN"]
        for line in targets
        for tf, found in targets[line].items()
    }
    networks = {
        f"type {line.lower()}": pd.DataFrame(
            [
                (tf, gene, 1.0 + i)
                for tf, found in targets[line].items()
                for i, gene in enumerate(found[:30])
            ],
            columns=["tf", "gene", "weight"],
        ).assign(evidence="motif")
        for line in targets
    }
    cells = pd.DataFrame(
        {"cell_type": np.repeat(["type a", "type b", "other"], 20)},
        index=[f"c{i}" for i in range(60)],
    )
    rna = anndata.AnnData(
        sp.csr_matrix(rng.poisson(1.0, (60, 400)).astype(np.float32)), obs=cells
    )
    rna.var_names = genes
    starts = np.arange(400) * 10_000
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": starts, "end": starts + 500},
        index=[f"r{i}" for i in range(400)],
    )
    atac = anndata.AnnData(
        sp.csr_matrix((rng.random((60, 400)) < 0.3).astype(np.float32)),
        obs=cells,
        var=regions,
    )
    tss = pd.DataFrame({"gene": genes, "chrom": "chr1", "tss": starts + 250})
    settings = {
        "aliases": {},
        "min_positives": 10,
        "promoter_margin": 1000,
        "binding_weight": 2,
        "prior_log_odds": 1,
        "link_decay": 5000,
    }
    return SimpleNamespace(
        genes=genes,
        content=content,
        networks=networks,
        rna=rna,
        atac=atac,
        tss=tss,
        settings=settings,
        targets=targets,
    )
