"""The report's section on cells: what is said of barcodes."""

from typing import Any

import pandas as pd
import pytest

from grnformer.report.page import Table
from grnformer.report.sections.prep import _size_blocks


@pytest.mark.parametrize(
    ("checks", "caption"),
    [
        ({"rna_barcodes": 4}, "the run has RNA alone"),
        ({"rna_barcodes": 4, "atac_barcodes": 4, "paired": 4}, "Pairing of RNA and ATAC"),
    ],
)  # fmt: skip
def test_rna_alone_is_said_to_have_no_pairs(
    checks: dict[str, int], caption: str
) -> None:
    summary: dict[str, Any] = {
        "checks": {"a": checks},
        "counts": {"cell": {"before": 4, "after": 3}},
        "cell_types_from": "annotation",
        "cluster_type_ari": None,
        "clusters": 1,
    }
    kept = pd.DataFrame({"n_umis": [5.0, 6.0, 7.0]})
    dropped = pd.DataFrame({"kind": ["cell"], "reason": ["few"]})
    blocks = _size_blocks(dropped, summary, kept, pd.Series(["A"] * 3), 1)
    (pairing,) = (b for b in blocks if isinstance(b, Table) and b.name == "pairing")
    assert caption in pairing.caption
