"""Latent semantic indexing of ATAC, as prep embeds it."""

import anndata
import numpy as np
import scipy.sparse as sp

from grnformer.prep.embed import embed_atac


def prepare(arrays, options):
    parts = arrays["data"].astype(np.float32), arrays["indices"], arrays["indptr"]
    return anndata.AnnData(sp.csr_matrix(parts, shape=tuple(arrays["shape"])))


def run(prepared, options):
    embed_atac(prepared, **options)
    return {"lsi": prepared.obsm["X_lsi"]}
