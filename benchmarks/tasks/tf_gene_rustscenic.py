"""rustscenic's GRN, with its defaults, on the TFs and the sampled targets.

It fits every gene that it is given, so that it is given the TFs and the targets only, and tells how many genes it
fitted: the benchmark counts its time in proportion.
"""

import numpy as np
from rustscenic.grn import infer


def prepare(arrays, options):
    return arrays["matrix"], arrays["tfs"], arrays["targets"]


def run(prepared, options):
    matrix, tfs, targets = prepared
    columns = np.union1d(tfs, targets)
    names = [f"gene{column}" for column in columns]
    network = infer(
        (matrix[:, columns], names),
        [f"gene{tf}" for tf in tfs],
        seed=options["seed"],
        verbose=False,
    )
    tf_of = {f"gene{tf}": number for number, tf in enumerate(tfs)}
    target_of = {f"gene{target}": number for number, target in enumerate(targets)}
    kept = network[network["target"].isin(target_of.keys())]
    importance = np.zeros((len(targets), len(tfs)))
    importance[kept["target"].map(target_of), kept["TF"].map(tf_of)] = kept[
        "importance"
    ]
    return {"importance": importance, "fitted": np.array(len(columns))}
