"""Reference mapping: building the index, its usual distance, and the search."""

import numpy as np
import pandas as pd

from grnformer.infer.mapping import ReferenceIndex


def prepare(arrays, options):
    points = arrays["reference"]
    table = pd.DataFrame(points, columns=[f"dim_{d}" for d in range(points.shape[1])])
    table.insert(0, "cell", np.arange(len(points)).astype(str))
    table.insert(1, "cell_type", "t")
    once(table.iloc[:100], points[:2], options)
    return table, arrays["query"]


def once(table, query, options):
    index = ReferenceIndex(
        table,
        exact_up_to=len(table) if options["exact"] else 0,
        usual_quantile=0.95,
        seed=1,
    )
    found, distance = index.nearest(query)
    return {"found": found, "distance": distance}


def run(prepared, options):
    return once(*prepared, options)
