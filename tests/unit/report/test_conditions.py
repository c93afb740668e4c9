"""Section of conditions: what is said with enough donors, and with too few."""

import numpy as np
import pandas as pd

from grnformer.report.page import Figure, Note
from grnformer.report.sections.conditions import conditions_section


def tables(design: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    tested = design != "too few"
    about = {"cell_type": "B", "condition": "flu", "reference": "healthy"}
    p = np.array([1e-300, 0.0, 0.5]) if tested else np.full(3, np.nan)
    values = about | {
        "mean": 0.2, "mean_reference": 0.1, "difference": [0.1, 0.2, 0.0], "t": p, "p_value": p, "p_adjusted": p,
    }  # fmt: skip
    eregulons = pd.DataFrame({"eregulon": ["a", "b", "c"]} | values)
    edges = pd.DataFrame({"tf": "T", "gene": ["a", "b", "c"]} | values)
    counts = {
        "donors": 4, "donors_reference": 3, "donors_left_out": 0, "cells": 90, "cells_reference": 80, "features": 3,
        "tested": 3 * tested, "significant": 2 if tested else np.nan, "permutations": 34 * tested,
        "permuted_significant": 0.3 if tested else np.nan, "permutation_p": 1 / 35 if tested else np.nan,
    }  # fmt: skip
    rows = [about | {"what": what, "design": design} | counts for what in ("eRegulons", "edges")]  # fmt: skip
    return eregulons, edges, pd.DataFrame(rows)


def test_what_differs_stands_beside_its_control() -> None:
    blocks = conditions_section(*tables("groups"), min_cells=20).blocks
    (note,) = (block for block in blocks if isinstance(block, Note))
    assert "2 of 3 eRegulons differ over 4 donors, against 3" in note.items[0]
    assert "0.3 on average, and as many in 0.029 of the 35" in note.items[0]
    (figure,) = (block for block in blocks if isinstance(block, Figure))
    # a p of 0 is drawn as the smallest number, not at infinity
    heights = np.concatenate([trace.y for trace in figure.figure.data])
    assert np.isfinite(heights).all()
    assert len(heights) == 3


def test_too_few_donors_are_said_and_nothing_is_drawn() -> None:
    blocks = conditions_section(*tables("too few"), min_cells=20).blocks
    (note,) = (block for block in blocks if isinstance(block, Note))
    assert note.kind == "missing"
    assert note.items == ("B, flu against healthy: 4 and 3 donors",)
    assert not [block for block in blocks if isinstance(block, Figure)]
