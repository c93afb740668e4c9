"""Our TF-gene engine; importances are targets x TFs. The matrix is cells x genes."""

import numpy as np
import scipy.sparse as sp

from grnformer.grn.tf_gene.hist_boosting import infer


def prepare(arrays, options):
    expression = sp.csc_matrix(arrays["matrix"])
    genes = [f"gene{number}" for number in range(expression.shape[1])]
    infer(
        expression,
        genes,
        arrays["tfs"][:5],
        arrays["targets"][:1],
        **options,
        threads=1,
    )
    return expression, genes, arrays["tfs"], arrays["targets"]


def run(prepared, options):
    expression, genes, tfs, targets = prepared
    return {
        "importance": np.asarray(
            infer(expression, genes, tfs, targets, **options, threads=1)
        )
    }
