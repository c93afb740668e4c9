"""Our AUCell; the matrix is cells x genes, members genes x sets."""

import scipy.sparse as sp

from grnformer.grn.activity.recovery import score_cells


def prepare(arrays, options):
    cells, members = sp.csr_matrix(arrays["matrix"]), sp.csc_matrix(arrays["members"])
    score_cells(cells[:2], members, 2)
    return cells, members


def run(prepared, options):
    return {"auc": score_cells(*prepared, options["rank_cutoff"])}
