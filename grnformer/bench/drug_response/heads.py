"""Ridge heads of line embeddings: what an embedding holds, without a network that may lose it.

Shapes: L lines, D drugs, E entries of an embedding.
"""

from __future__ import annotations

import numpy as np

from grnformer.bench.drug_response.informed import (
    drug_ridge,
    fit_ridge,
    line_ridge,
    structure_kernel,
)
from grnformer.bench.drug_response.lines import standardise_lines
from grnformer.bench.drug_response.matrix import (
    Parts,
    blank_tested,
    fit_additive,
)
from grnformer.bench.drug_response.soft_impute import Completion
from grnformer.bench.drug_response.split import KNOWN_UNITS
from grnformer.bench.drug_response.two_way import Kernel, mean_kernel

#: relative to the mean diagonal of a kernel, the same in every arm
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def predict_by_heads(
    values: np.ndarray,
    parts: Parts,
    split: str,
    embedding: np.ndarray,
    expression: np.ndarray | None,
    similarity: np.ndarray,
) -> dict[str, np.ndarray]:
    """Predict one fold from an embedding by ridge regression, alone and beside the expression of all genes.

    One model a drug on the lines' features; where pairs are left out, of what line and drug means leave. Where drugs
    are left out, the features of lines meet the drugs' squared Tanimoto similarity. Validation
    chooses the penalty.

    Parameters
    ----------
    values
        LN_IC50, L x D; tested values are blanked first.
    parts
        Masks train, validation, test, L x D.
    split
        What is left out (`SPLITS`).
    embedding
        L x E; entries are scaled to unit variance on the training lines.
    expression
        L x genes; None where `embedding` is the expression.
    similarity
        D x D, Tanimoto.

    Returns
    -------
    Suffix of the arm's name -> predictions, L x D: ``_ridge`` and ``_and_genes_ridge``.
    """
    values = blank_tested(values, parts)
    lines = np.asarray(parts["train"].any(axis=1))
    # As many components as there are: nothing but the scale of entries is changed.
    scaled = standardise_lines(embedding, lines, embedding.shape[1]).astype(float)

    inputs = {"_ridge": [scaled]}
    if expression is not None:
        inputs["_and_genes_ridge"] = [scaled, np.asarray(expression, dtype=float)]

    # Line and drug means are known where pairs are left out; ridge fits what they leave.
    means = np.zeros(values.shape)
    if split in KNOWN_UNITS:
        means = fit_additive(values, parts["train"]).predictions()

    # Both heads fill the same gaps, and see the same structures.
    filled, structures = Completion(values - means), structure_kernel(similarity)
    predictions = {}
    for suffix, features in inputs.items():
        if split == "drug":
            kernel = Kernel(mean_kernel(features, lines))
            ridge = drug_ridge(filled, structures, lambda _, kernel=kernel: kernel)
        else:
            ridge = line_ridge(filled, features, covariance=False)
        fit = fit_ridge(values - means, parts, PENALTIES, ridge)
        predictions[suffix] = means + fit.final
    return predictions
