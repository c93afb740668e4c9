"""pycisTopic's topic model by the workflow's program, with its metrics."""

import logging
import warnings

import numpy as np
import run_pycistopic
import scipy.sparse as sp

warnings.filterwarnings("ignore")


def prepare(arrays, options):
    import pycisTopic.lda_models  # noqa: F401  (not measured)

    logging.disable(logging.INFO)
    shape = tuple(arrays["shape"])
    return sp.csr_matrix(
        (arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape
    ).astype(np.int32)


def run(prepared, options):
    cells, regions = (
        [str(number) for number in range(size)] for size in prepared.shape
    )
    model = run_pycistopic.fit(
        prepared, cells, regions, options["n_topics"], options, options["seed"]
    )
    return {
        "cell_topic": model.cell_topic.to_numpy().T,
        "region_topic": model.topic_region.to_numpy(),
        "coherence": model.coherence["Mimno_2011"].to_numpy(),
        **{name: model.metrics[name].to_numpy() for name in model.metrics},
    }
