"""A small genome with genes at known sites, and paired counts of two cell types on it."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

N_GENES, N_CELLS = 60, 80


@pytest.fixture
def tss():
    """60 genes on chr1 and chr2, 200 kb apart."""
    chrom = np.where(np.arange(N_GENES) < N_GENES // 2, "chr1", "chr2")
    return pd.DataFrame(
        {
            "gene": [f"GENE{i}" for i in range(N_GENES)],
            "gene_id": [f"ENSG{i:011d}" for i in range(N_GENES)],
            "chrom": chrom,
            "tss": 1_000_000 + 200_000 * (np.arange(N_GENES) % (N_GENES // 2)),
            "strand": "+",
            "biotype": "protein_coding",
        }
    )


@pytest.fixture
def region_names(tss):
    """A promoter a gene and two regions away from any site, chr1:1-2 style."""
    places = [(0, 400), (37_000, 37_400), (71_000, 71_500)]
    return [
        f"{chrom}:{site - 200 + start}-{site - 200 + end}"
        for start, end in places
        for chrom, site in zip(tss["chrom"], tss["tss"], strict=True)
    ]


@pytest.fixture
def barcodes():
    rng = np.random.default_rng(5)
    return ["".join(rng.choice(list("ACGT"), 12)) for _ in range(N_CELLS)]


def _two_types(n_features, seed):
    """Poisson counts, cells x features; the first half of the cells has more of the first half of the features."""
    rng = np.random.default_rng(seed)
    rate = np.full((N_CELLS, n_features), 0.6)
    rate[: N_CELLS // 2, : n_features // 2] = 3
    rate[N_CELLS // 2 :, n_features // 2 :] = 3
    return sp.csr_matrix(rng.poisson(rate).astype(np.float32))


@pytest.fixture
def rna(tss, barcodes):
    return anndata.AnnData(
        _two_types(N_GENES, 1),
        pd.DataFrame(index=barcodes),
        pd.DataFrame(index=list(tss["gene"])),
    )


@pytest.fixture
def atac(region_names, barcodes):
    data = _two_types(len(region_names), 2)
    return anndata.AnnData(
        data, pd.DataFrame(index=barcodes), pd.DataFrame(index=region_names)
    )


@pytest.fixture
def cell_types(barcodes):
    return pd.Series(
        np.where(np.arange(N_CELLS) < N_CELLS // 2, "alpha", "beta"), index=barcodes
    )


@pytest.fixture
def ingest_settings():
    return {
        "min_known_genes": 0.3,
        "counts": "whole",
        "min_barcode_overlap": 0.5,
        "min_annotated": 0.9,
        "build": {"min_tss_enrichment": 3, "min_regions": 20},
    }


@pytest.fixture
def write_pair(tmp_path, rna, atac, cell_types):
    """Write the pair as .h5ad (or what is given in its place); returns the sample sheet's row."""

    def write(rna=rna, atac=atac, annotation=cell_types):
        rna.write_h5ad(tmp_path / "rna.h5ad")
        atac.write_h5ad(tmp_path / "atac.h5ad")
        row = {"sample": "s1", "donor": "d1", "genome": "toy"}
        row |= {"rna": str(tmp_path / "rna.h5ad"), "atac": str(tmp_path / "atac.h5ad")}
        if isinstance(annotation, str):
            row["annotation"] = annotation
        elif annotation is not None:
            annotation.to_csv(tmp_path / "types.csv", header=False)
            row["annotation"] = str(tmp_path / "types.csv")
        return row

    return write
