"""pycisTopic's binarised topics and differentially accessible regions of given topics, as its tutorials draw them."""

import logging
import sys
import types
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")


def prepare(arrays, options):
    # Its module of thresholds imports pySCENIC, for a threshold that is not asked for here.
    pyscenic = types.ModuleType("pyscenic")
    pyscenic.binarization = types.ModuleType("binarization")
    sys.modules["pyscenic"], sys.modules["pyscenic.binarization"] = (
        pyscenic,
        pyscenic.binarization,
    )
    from pycisTopic import diff_features, topic_binarization

    logging.disable(logging.INFO)
    return arrays, diff_features, topic_binarization


def run(prepared, options):
    arrays, diff_features, topic_binarization = prepared
    cell_topic, region_topic, types_of_cells = (
        arrays["cell_topic"],
        arrays["region_topic"],
        arrays["types"],
    )
    topics = [f"Topic{topic + 1}" for topic in range(region_topic.shape[1])]
    cells = [f"c{cell}" for cell in range(len(cell_topic))]
    regions = [f"r{region}" for region in range(len(region_topic))]
    model = types.SimpleNamespace(
        cell_topic=pd.DataFrame(cell_topic.T, topics, cells),
        topic_region=pd.DataFrame(region_topic, regions, topics),
        topic_ass=pd.DataFrame(index=topics),
    )
    data = types.SimpleNamespace(
        selected_model=model,
        cell_names=cells,
        region_names=regions,
        cell_data=pd.DataFrame({"cell_type": types_of_cells}, index=cells),
    )
    found = {}
    for method in ("otsu", "li", "ntop"):
        sets = topic_binarization.binarize_topics(
            data, method=method, ntop=options["n_top"]
        )
        found[method] = np.array(
            [
                [region in set(table.index) for region in regions]
                for table in sets.values()
            ]
        )
    imputed = diff_features.impute_accessibility(
        data, scale_factor=options["scale_factor"]
    )
    options = {
        "adjpval_thr": options["adjusted_p"],
        "log2fc_thr": options["log2_fold_change"],
    }
    markers = diff_features.find_diff_features(data, imputed, "cell_type", **options)
    for name, table in markers.items():
        found[f"dar_{name}"] = table.index.to_numpy(dtype=str)
        found[f"fold_{name}"] = table["Log2FC"].to_numpy()
        found[f"p_{name}"] = table["Adjusted_pval"].to_numpy()
    return found
