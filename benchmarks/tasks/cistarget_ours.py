"""Our recovery AUC, NES and leading edge of region sets."""

import numpy as np

from grnformer.grn.enrichment.recovery import (
    leading_edge_ranks,
    make_sets,
    normalise,
    recovery_auc,
)


def prepare(arrays, options):
    members = [np.flatnonzero(column) for column in arrays["members"].T]
    # compiles
    run((arrays["ranks"][:2000], [np.arange(100)]), {**options, "total": 2000})
    return arrays["ranks"], members


def run(prepared, options):
    ranks, members = prepared
    total = options["total"]
    sets = make_sets(members)
    auc = recovery_auc(ranks, sets, total=total, auc_threshold=options["auc_threshold"])
    nes = normalise(auc)
    length = int(options["rank_threshold"] * total)
    peaks = np.full(nes.shape, -1)
    for i in range(len(members)):
        motifs = np.flatnonzero(nes[i] >= options["nes_threshold"])
        peaks[i, motifs] = leading_edge_ranks(
            ranks, *sets.members(i), motifs, rank_threshold=length
        )
    return {"auc": auc, "nes": nes, "peaks": peaks}
