"""Similarity of perturbed genes: of their sets or partners, of their co-expression, of the letters of their symbols."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy.sparse as sp

# a family of genes shares its first two to four letters: RPL, MRPL, PSMA
_PREFIXES = (2, 3, 4)


def incidence(links: pd.DataFrame, genes: Sequence[str]) -> sp.csr_matrix:
    """Groups of each gene, each weighted by 1 / sqrt(genes in it): two genes of a small group are more alike.

    Parameters
    ----------
    links
        gene, group.

    Returns
    -------
    (genes, groups); a gene without a group has a row of zeros.
    """
    group, names = pd.factorize(links["group"])
    weight = 1 / np.sqrt(np.bincount(group))
    row = pd.Index(genes).get_indexer(links["gene"])
    known = row >= 0
    return sp.csr_matrix(
        (weight[group[known]], (row[known], group[known])),
        shape=(len(genes), len(names)),
    )


def cosine(features: sp.csr_matrix | np.ndarray) -> np.ndarray:
    """Cosine of rows, negative ones 0; (n, n). A row of zeros is like none, itself included."""
    # scikit-learn takes a second to import: the report names these arms and computes none
    from sklearn.preprocessing import normalize

    rows = normalize(features)
    found = rows @ rows.T
    dense = found.toarray() if sp.issparse(found) else found
    return np.maximum(dense, 0).astype(np.float32)


def share_links(links: pd.DataFrame, genes: Sequence[str]) -> np.ndarray:
    """Cosine of genes' groups, (genes, genes)."""
    return cosine(incidence(links, genes))


def share_letters(genes: Sequence[str]) -> np.ndarray:
    """Fraction of the first two, three and four letters that two symbols share: what a name gives away."""
    found = np.zeros((len(genes), len(genes)), dtype=np.float32)
    for length in _PREFIXES:
        code = pd.factorize(np.array([gene[:length] for gene in genes]))[0]
        found += code[:, None] == code[None, :]
    return found / len(_PREFIXES)


def co_expression(expression: pd.DataFrame, genes: Sequence[str]) -> np.ndarray:
    """Pearson's r over cells, negative ones 0; (genes, genes). A gene that is not measured is like none.

    Parameters
    ----------
    expression
        (cells, genes), log1p.
    """
    values = expression.reindex(columns=list(genes), fill_value=0).to_numpy().T
    return cosine(values - values.mean(axis=1, keepdims=True))


def share_embedding(embedding: pd.DataFrame, genes: Sequence[str]) -> np.ndarray:
    """Cosine of embeddings less their mean, negative ones 0; (genes, genes). A gene without one is like none.

    Parameters
    ----------
    embedding
        (symbols, dimensions). What all genes have in common is taken out: it would make every two of them alike.
    """
    known = embedding.reindex(list(genes))
    return cosine((known - known.mean()).fillna(0.0).to_numpy(np.float64))


def nearest(similarity: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Keep 1 for the k of `rows` that each gene is most like, 0 for all else.

    Parameters
    ----------
    similarity
        (genes, genes).
    rows
        Numbers of the genes to choose from; the gene itself is not chosen.
    """
    # noise-free order of ties: by number
    candidates = similarity[:, rows].copy()
    candidates[rows, np.arange(len(rows))] = -1
    order = np.argsort(-candidates, axis=1, kind="stable")[:, :k]
    found = np.zeros_like(similarity)
    np.put_along_axis(found, rows[order], 1, axis=1)
    return np.where(similarity > 0, found, 0)
