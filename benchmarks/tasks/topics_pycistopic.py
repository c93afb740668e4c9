"""pycisTopic: the function that its run_cgs_models hands to Ray, by pycisTopic's own priors, with its metrics."""

import logging
import warnings

import numpy as np
import scipy.sparse as sp

warnings.filterwarnings("ignore")


def prepare(arrays, options):
    from pycisTopic.lda_models import run_cgs_model

    logging.disable(logging.INFO)
    shape = tuple(arrays["shape"])
    matrix = sp.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape).astype(np.int32)
    return run_cgs_model._function, matrix


def run(prepared, options):
    run_cgs_model, matrix = prepared
    model = run_cgs_model(
        matrix,
        n_topics=options["n_topics"],
        cell_names=[str(cell) for cell in range(matrix.shape[0])],
        region_names=[str(region) for region in range(matrix.shape[1])],
        n_iter=options["n_iterations"],
        random_state=options["seed"],
        alpha=options["alpha"],
        eta=options["eta"],
    )
    return {
        "cell_topic": model.cell_topic.to_numpy().T,
        "region_topic": model.topic_region.to_numpy(),
        "coherence": model.coherence["Mimno_2011"].to_numpy(),
        **{name: model.metrics[name].to_numpy() for name in model.metrics},
    }
