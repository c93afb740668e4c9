"""The package lda: collapsed Gibbs sampling, the same priors and sweeps."""

import logging

import lda
import numpy as np
import scipy.sparse as sp


def prepare(arrays, options):
    logging.disable(logging.WARNING)
    shape = tuple(arrays["shape"])
    return sp.csr_matrix(
        (arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape
    ).astype(np.int64)


def run(prepared, options):
    n_topics = options["n_topics"]
    model = lda.LDA(
        n_topics=n_topics,
        n_iter=options["n_iterations"],
        alpha=options["alpha"] / n_topics,
        eta=options["eta"],
        random_state=options["seed"],
    ).fit(prepared)
    return {"region_topic": model.topic_word_.T}
