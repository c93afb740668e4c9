"""Counts from a known network, for speed and accuracy of TF-gene inference."""

import numpy as np


def simulate_network(
    n_cells: int, n_genes: int, n_tfs: int, seed: int, n_types: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a log1p matrix and the network behind it.

    The log rate of a TF is its activity: a mean for each of `n_types` cell types and a deviation for each cell. Every
    other gene follows 1 to 5 TFs, by strengths of .4 to 1 and either sign. Counts are negative binomial (dispersion
    .3) at log-normal depths (sd .3), scaled to the median depth.

    Returns
    -------
    tuple of numpy.ndarray
        Cells x genes, float32, TFs first; genes x TFs, True for an edge.
    """
    rng = np.random.default_rng(seed)
    activity = rng.normal(0, 1, (n_types, n_tfs))[rng.integers(n_types, size=n_cells)]
    activity = activity + rng.normal(0, 0.7, (n_cells, n_tfs))
    truth = np.zeros((n_genes, n_tfs), dtype=bool)
    effect = np.zeros((n_genes, n_tfs))
    for gene in range(n_tfs, n_genes):
        tfs = rng.choice(n_tfs, rng.integers(1, 6), replace=False)
        truth[gene, tfs] = True
        effect[gene, tfs] = rng.uniform(0.4, 1, tfs.size) * rng.choice(
            [-1, 1], tfs.size
        )
    effect[:n_tfs] = np.eye(n_tfs)
    log_rate = rng.normal(-0.5, 1, n_genes) + activity @ effect.T
    depth = np.exp(0.3 * rng.standard_normal((n_cells, 1)))
    counts = rng.poisson(
        np.exp(np.minimum(log_rate, 5))
        * depth
        * rng.gamma(1 / 0.3, 0.3, log_rate.shape)
    )
    total = counts.sum(axis=1, keepdims=True)
    return np.log1p(counts / total * np.median(total)).astype(np.float32), truth
