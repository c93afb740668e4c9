"""Accessibility and expression summed over groups of cells with like topics: less noise, fewer units."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from grnformer.grn.region_gene.signal import Data, Signal


def pool(data: Data, *, metacell_size: int, seed: int) -> Signal:
    """k-means groups of about `metacell_size` cells in topic space as units.

    Expression: counts summed, scaled to 10,000, log1p. Accessibility: cells with the region open, per 10,000 of the
    metacell's open regions.
    """
    from sklearn.cluster import KMeans

    n_cells = data.accessible.shape[0]
    n_groups = max(2, n_cells // metacell_size)
    labels = KMeans(n_groups, n_init=1, random_state=seed).fit_predict(np.sqrt(data.cell_topic))
    names, labels = np.unique(labels, return_inverse=True)
    groups = sp.csr_matrix((np.ones(n_cells, np.float32), (labels, np.arange(n_cells))), (len(names), n_cells))
    expression = _per_10k(groups @ data.rna_counts)
    expression.data = np.log1p(expression.data)
    accessible = _per_10k(groups @ data.accessible).tocsc()
    return Signal(expression.tocsc(), lambda regions: accessible[:, regions].toarray().T)


def _per_10k(counts: sp.csr_matrix) -> sp.csr_matrix:
    total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)
    return sp.csr_matrix(sp.diags((1e4 / total).astype(np.float32)) @ counts, dtype=np.float32)
