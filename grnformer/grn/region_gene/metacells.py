"""Accessibility and expression summed over groups of cells with like topics: less noise, fewer units."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from grnformer.core.methods import method
from grnformer.grn.region_gene.signal import Data, Signal


@method("metacells")
def pool(data: Data, *, metacell_size: int, max_cells: int | None, seed: int) -> Signal:
    """k-means groups of about `metacell_size` cells in topic space as units.

    Expression: counts summed, scaled to 10,000, log1p. Accessibility: cells with the region open, per 10,000 of the
    metacell's open regions. `max_cells` is not used.
    """
    from sklearn.cluster import KMeans

    n_cells = len(data.cell_topic)
    n_groups = max(2, n_cells // metacell_size)
    # Square roots of proportions: their Euclidean distance is Hellinger's distance of distributions.
    labels = KMeans(n_groups, n_init=1, random_state=seed).fit_predict(
        np.sqrt(data.cell_topic)
    )
    names, labels = np.unique(labels, return_inverse=True)  # groups may be empty

    member = np.ones(n_cells, np.float32), (labels, np.arange(n_cells))
    groups = sp.csr_matrix(member, (len(names), n_cells))
    expression = _per_10k(groups @ data.rna_counts).log1p().tocsc()
    accessible = _per_10k(groups @ data.accessible).tocsc()
    return Signal(expression, lambda regions: accessible[:, regions].toarray().T)


def _per_10k(counts: sp.csr_matrix) -> sp.csr_matrix:
    total = np.maximum(counts.sum(axis=1).A1, 1)
    return sp.csr_matrix(
        sp.diags((1e4 / total).astype(np.float32)) @ counts, dtype=np.float32
    )
