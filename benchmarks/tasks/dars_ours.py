"""Comparison of cell types on imputed accessibility."""

import numpy as np

from grnformer.topics.dar import compare_types
from grnformer.topics.model import TopicModel


def prepare(arrays, options):
    types = arrays["cell_topic"].argmax(axis=1)
    member = np.equal.outer(np.unique(types), types).astype(float)
    return TopicModel(arrays["cell_topic"], arrays["region_topic"]), member


def run(prepared, options):
    fold_change, p_value = compare_types(*prepared, **options)
    return {"fold_change": fold_change, "p_value": p_value}
