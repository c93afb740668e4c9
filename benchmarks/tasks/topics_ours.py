"""Our topic model."""

import scipy.sparse as sp

from grnformer.topics.lda_tomotopy import fit_lda


def prepare(arrays, options):
    shape = tuple(arrays["shape"])
    return sp.csr_matrix(
        (arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape
    )


def run(prepared, options):
    return {"region_topic": fit_lda(prepared, **options).region_topic}
