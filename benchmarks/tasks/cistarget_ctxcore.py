"""ctxcore's recovery AUC, NES and leading edge of region sets, in the order in which pycistarget calls it."""

import numpy as np
import pandas as pd
from ctxcore.recovery import aucs, leading_edge, recovery


def prepare(arrays, options):
    regions = np.array([f"r{i}" for i in range(len(arrays["ranks"]))])
    ranks = pd.DataFrame(arrays["ranks"].T, columns=regions)
    members = [regions[column > 0] for column in arrays["members"].T]
    run((ranks.iloc[:5], members[:1]), options)
    return ranks, members


def run(prepared, options):
    ranks, members = prepared
    total = options["total"]
    length = int(options["rank_threshold"] * total)
    found = {"auc": [], "nes": [], "peaks": []}
    for regions in members:
        own = ranks[regions]
        weights = np.ones(len(regions))
        auc = aucs(own, total, weights, options["auc_threshold"])
        nes = (auc - auc.mean()) / auc.std()
        enriched = np.flatnonzero(nes >= options["nes_threshold"])
        peaks = np.full(len(nes), -1)
        if len(enriched):
            curves, _ = recovery(
                own, total, weights, length, options["auc_threshold"], no_auc=True
            )
            bar = curves.mean(axis=0) + 2.0 * curves.std(axis=0)
            for i in enriched:
                peaks[i] = leading_edge(
                    curves[i], bar, own.to_numpy()[i], regions, weights
                )[1]
        for name, values in (("auc", auc), ("nes", nes), ("peaks", peaks)):
            found[name].append(values)
    return {name: np.array(values) for name, values in found.items()}
