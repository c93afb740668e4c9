"""Our region-gene links of all genes; the table comes back as arrays."""

from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.grn.region_gene.link import link_regions
from grnformer.grn.region_gene.signal import Data


def prepare(arrays, options):
    expression = sp.csr_matrix(arrays["expression"])
    n_regions, n_genes = len(arrays["region_start"]), expression.shape[1]
    unused = sp.csr_matrix((expression.shape[0], n_regions), dtype=np.float32)
    data = Data(
        expression, expression, unused, arrays["cell_topic"], arrays["region_topic"]
    )
    genes = [f"gene{number:05d}" for number in range(n_genes)]
    start = arrays["region_start"]
    regions = pd.DataFrame(
        {
            "region": np.arange(n_regions),
            "chrom": "chr1",
            "start": start,
            "end": start + 500,
        }
    )
    tss = pd.DataFrame(
        {"gene": genes, "chrom": "chr1", "tss": arrays["tss"], "strand": "+"}
    )
    few = replace(data, expression=expression[:, :2])
    link_regions(
        few, genes[:2], regions, tss[:2], **options | {"n_trees": 1, "min_cells": 1}
    )
    return data, genes, regions, tss


def run(prepared, options):
    links = link_regions(*prepared, **options)
    gene = links["gene"].str[4:].astype(int)
    return {
        "gene": gene,
        "region": links["region"],
        "importance": links["importance"],
        "rho": links["rho"],
    }
