"""What the report says of fragments."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.report.figures.cells import plot_barcodes
from grnformer.report.page import Figure, Table
from grnformer.report.sections.fragments import fragment_blocks, tabulate_fragments


@pytest.fixture
def barcodes() -> pd.DataFrame:
    """Sample a: three cells, one debris, one empty droplet; sample b: one cell, one without RNA.

    Counts come from numbers, whatever the words of a reason.
    """
    rows = [
        *(("a", f"c{i}", 1000 * i, 8.0, 0.5, True, None) for i in (1, 2, 3)),
        ("a", "debris", 900, 1.5, np.nan, True, "TSS enrichment below 4"),
        ("a", "empty", 3, np.nan, np.nan, False, "too few fragments"),
        ("b", "c1", 4000, 12.0, 0.6, True, None),
        ("b", "alone", 800, np.nan, np.nan, False, "no RNA barcode"),
    ]
    columns = [
        "sample",
        "barcode",
        "n_fragments",
        "tss_enrichment",
        "frip",
        "paired",
        "reason",
    ]
    table = pd.DataFrame(rows, columns=columns).assign(
        duplicate_rate=0.2, nucleosome_signal=0.7
    )
    contracts.check(table, "fragment_qc", where="test")
    return table


def test_each_sample_has_its_row(barcodes: pd.DataFrame) -> None:
    table = tabulate_fragments(barcodes, 500).set_index("sample")
    assert table.loc["a", ["barcodes", "enough", "paired", "kept"]].tolist() == [
        5,
        4,
        4,
        3,
    ]
    assert table.loc["b", ["barcodes", "enough", "paired", "kept"]].tolist() == [
        2,
        2,
        1,
        1,
    ]
    assert table.loc["a", "n_fragments"] == 2000
    assert table.loc["b", "tss_enrichment"] == 12


def test_the_plot_has_every_barcode_that_was_looked_at(
    barcodes: pd.DataFrame, config: dict[str, Any]
) -> None:
    table, figure = fragment_blocks(
        barcodes, config["prep"]["fragments"], config["report"]
    )
    assert isinstance(table, Table)
    assert isinstance(figure, Figure)
    assert "5 barcodes" in figure.caption
    kept, dropped = plot_barcodes(
        barcodes[barcodes["tss_enrichment"].notna()], config["prep"]["fragments"]
    ).data
    assert sorted(kept.x) == [1000, 2000, 3000, 4000]
    assert list(dropped.y) == [1.5]
