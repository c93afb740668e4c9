"""The report's appendix of how the software, not the run, was measured."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from grnformer.report.sections.measured import COLUMNS, measured_section

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"


def test_tables_of_the_checkout_stand_below_each_other() -> None:
    paths = sorted(map(str, RESULTS.glob("*.tsv")))
    section = measured_section(paths)
    assert section is not None
    note, table = section.blocks
    frame = table.frame
    assert tuple(frame) == ("benchmark", *COLUMNS)
    assert frame["benchmark"].nunique() > 10
    aucell = pd.read_csv(RESULTS / "aucell.tsv", sep="\t")
    pd.testing.assert_series_equal(
        frame.loc[frame["benchmark"] == "aucell", "ours"].reset_index(drop=True),
        aucell["ours"],
        check_dtype=False,
    )
    assert "Measures the software, not this run" in note.text
    assert (
        f"Of {frame['met'].notna().sum()} targets {(frame['met'] == 'yes').sum()} were met"
        in note.text
    )


def test_other_columns_are_left_out_and_nothing_is_no_section(tmp_path: Path) -> None:
    (tmp_path / "search.tsv").write_text("evidence\thow\na\tb\n")
    assert measured_section([str(tmp_path / "search.tsv")]) is None
    assert measured_section([]) is None
