"""Activities of TFs in cell lines, from their regulons: what a network is worth as features.

Shapes: L lines, G genes, T TFs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.graph.modes.degree_preserving import swap_targets


def regulon_weights(
    edges: pd.DataFrame, genes: pd.Index, min_targets: int
) -> pd.DataFrame:
    """Weight of each gene in each TF's regulon: 1, -1 where the TF represses it, 0 where it is no target.

    Parameters
    ----------
    edges
        tf, gene, sign; a pair stands once; sign 0 (not known) counts as 1.
    genes
        Genes that are measured; others are left out.
    min_targets
        TFs with fewer measured targets are left out.

    Returns
    -------
    (T, G), TFs sorted.
    """
    known = edges[edges["gene"].isin(genes)]
    n_targets = known.groupby("tf")["gene"].transform("size")
    kept = known[n_targets >= min_targets]

    tfs = pd.Index(sorted(kept["tf"].unique()))
    weights = np.zeros((len(tfs), len(genes)))
    place = tfs.get_indexer(kept["tf"]), genes.get_indexer(kept["gene"])
    weights[place] = np.where(kept["sign"] < 0, -1.0, 1.0)
    return pd.DataFrame(weights, index=tfs, columns=genes)


def rewire_regulons(edges: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Swap targets between TFs: each TF keeps its number of targets and signs, each gene its number of TFs."""
    names = pd.Index(sorted({*edges["tf"], *edges["gene"]}))
    tf, gene = names.get_indexer(edges["tf"]), names.get_indexer(edges["gene"])
    return edges.assign(gene=names[swap_targets(tf, tf, gene, rng)])


def score_activity(expression: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Activity of each TF in each line: t value of the slope of expression on the weights of its regulon.

    The univariate linear model of decoupleR (Badia-i-Mompel et al. 2022, doi 10.1093/bioadv/vbac016).

    Parameters
    ----------
    expression
        (L, G); genes should be comparable with one another, e.g. standardised over lines.
    weights
        (T, G); each row varies.

    Returns
    -------
    (L, T).
    """
    x = weights - weights.mean(axis=1, keepdims=True)
    y = expression - expression.mean(axis=1, keepdims=True)
    size = np.outer(np.linalg.norm(y, axis=1), np.linalg.norm(x, axis=1))

    # A line whose values are all equal has no slope: activity 0.
    tiny = np.finfo(float).tiny
    r = np.clip((y @ x.T) / np.maximum(size, tiny), -1 + 1e-12, 1 - 1e-12)
    return np.asarray(r * np.sqrt((expression.shape[1] - 2) / (1 - r**2)))
