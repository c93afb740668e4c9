"""Cell lines: expression from the source and as models of counts expect it, and embeddings as features.

Shapes: L lines, E entries of a line's embedding.
"""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.text import read_text
from grnformer.core.unpickle import read_tensor_dict


def read_expression(profiles: str | Path, genes: str | Path) -> pd.DataFrame:
    """Read a pickled dict of line to tensor and the list of its genes: lines x genes, float32.

    Raises
    ------
    InputError
        If the profiles differ in length from the list of genes, a gene stands twice, or a value is not finite.
    """
    names = read_text(genes, "the genes of bench.drug_response").split()
    content = read_tensor_dict(profiles)

    wrong = {
        line: value.shape
        for line, value in content.items()
        if value.shape != (len(names),)
    }
    if wrong or len(set(names)) != len(names):
        raise InputError(
            f"{profiles}: {len(wrong)} profiles do not fit the {len(set(names))} different genes of {genes}",
            "one value a gene for every line, each gene once",
            "give the gene list that belongs to the profiles",
        )
    undefined = [
        line for line, value in content.items() if not np.isfinite(value).all()
    ]
    if undefined:
        raise InputError(
            f"{profiles}: {len(undefined)} profiles with missing or infinite values, first of {undefined[0]!r}",
            "a finite value of every gene",
            "leave these lines out, or mend them",
        )
    return pd.DataFrame.from_dict(content, orient="index", columns=names)


def lift_to_zero(expression: anndata.AnnData) -> anndata.AnnData:
    """Subtract each line's lowest value: non-negative, the order of genes within a line kept.

    The source standardises each line (mean 0, SD 1) and lost the counts. Its lowest value is that of genes without
    expression, so that these become 0, as a model of counts expects.
    """
    values = np.asarray(expression.X)
    return anndata.AnnData(
        values - values.min(axis=1, keepdims=True),
        obs=expression.obs,
        var=expression.var,
    )


def compare_with_lines(
    expression: anndata.AnnData, reference: anndata.AnnData
) -> anndata.AnnData:
    """How far each value exceeds its gene's median over the reference lines, in SD of the gene; 0 where it does not.

    In bulk profiles nearly all genes are above 0, as in no pretraining cell, and much the same ones are high. Both are
    lifted first. No label is looked at. A line's values do not depend on which others are given beside it.
    """
    lifted = np.asarray(lift_to_zero(expression).X, dtype=np.float64)
    known = np.asarray(lift_to_zero(reference).X, dtype=np.float64)

    # A constant gene never exceeds its median: any divisor will do.
    sd = known.std(axis=0)
    above = (lifted - np.median(known, axis=0)) / np.where(sd > 0, sd, 1.0)
    return anndata.AnnData(
        sp.csr_matrix(np.maximum(above, 0.0)),
        obs=expression.obs,
        var=expression.var,
    )


def standardise_lines(
    features: np.ndarray, fitted_on: np.ndarray, n_components: int
) -> np.ndarray:
    """Principal components of the lines' features, each entry scaled to unit variance first.

    Mean, scale and components come only from the lines `fitted_on` (boolean, L). The components keep their relative
    variances; the whole is scaled so that an entry's mean square is 1.

    Returns
    -------
    L x min(n_components, E, lines fitted on), float32.
    """
    fit = features[fitted_on].astype(float)
    sd = fit.std(axis=0)

    # Relative to the largest entry: a constant one may have an SD by rounding.
    varies = sd > 1e-8 * max(float(np.abs(fit).max()), 1e-12)
    scaled = (features[:, varies] - fit[:, varies].mean(axis=0)) / sd[varies]

    base = scaled[fitted_on]
    # Of the two Gram matrices, the smaller one: embeddings have more entries than a fold has lines, or fewer.
    if base.shape[0] < base.shape[1]:
        squared, left = np.linalg.eigh(base @ base.T)
        # Left to right vectors of length 1; those of a value near 0 go below.
        axes = base.T @ left / np.sqrt(np.maximum(squared, 1e-12))
    else:
        squared, axes = np.linalg.eigh(base.T @ base)

    # Ascending eigenvalues: the last are the largest. What is nearly 0 is rounding.
    kept = np.flatnonzero(squared > 1e-8 * squared.max())[::-1][:n_components]
    axes = axes[:, kept]

    # The sign of an axis is arbitrary, and libraries differ: its largest entry is made positive.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(len(kept))]
    axes *= np.where(largest < 0, -1.0, 1.0)

    components = scaled @ axes
    return (components / np.sqrt(np.mean(components[fitted_on] ** 2))).astype(
        np.float32
    )
