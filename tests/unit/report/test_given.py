"""What the report says of a network that was given."""

import pandas as pd

from grnformer.report.sections.grn import count_evidence, describe_given

GIVEN = {
    "form": "decoupler", "signs": "weights", "weighted": True, "by_cell_type": False,
    "genes": {"in_the_network": 90, "in_the_data": 60, "tfs_in_the_network": 9, "tfs_in_the_data": 7},
    "counts": {"rows": 500, "not_in_the_data": 80, "loops": 3, "weights_of_0": 1, "edges": 400, "without_sign": 0},
    "files": {"mine.csv": "ab" * 32},
}  # fmt: skip


def test_the_file_and_what_was_taken_of_it_are_named() -> None:
    note = describe_given(GIVEN)
    assert note.text.startswith(
        "This network was given, not inferred here (form: decoupler; one for all"
    )
    assert "60 of its 90 genes and 7 of its 9 TFs" in note.text
    assert "500 pairs in the file 400 edges" in note.text
    assert note.items == (f"mine.csv: SHA-256 {'ab' * 32}",)
    unsigned = GIVEN | {"signs": "none", "weighted": False}
    text = describe_given(unsigned).text
    assert "all edges count as activating" in text
    assert "Edges weigh 1" in text


def test_a_given_network_is_no_motif() -> None:
    eregulons = pd.DataFrame(
        {"eregulon": ["a", "a"], "tf": "A", "evidence": "given:SCENIC+"}
    )
    row = count_evidence(eregulons).iloc[0]
    assert (row["kind"], row["source"], row["triplets"], row["motifs"]) == ("given", "SCENIC+", 2, 0)  # fmt: skip
