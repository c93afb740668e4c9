"""The section of stability says what the tables hold."""

import pandas as pd

from grnformer.report.sections.stability import stability_section, summarise_overlap

OVERLAP = pd.DataFrame(
    [
        ("cell_type_edges", "T", 1, 2, 7, 9, 0.2),
        ("eregulon_pairs", "", 1, 2, 10, 20, 0.5),
        ("eregulon_pairs", "", 1, 3, 10, 5, 0.25),
        ("eregulon_pairs", "", 2, 3, 20, 5, 0.3),
    ],
    columns=[
        "what",
        "cell_type",
        "seed",
        "other_seed",
        "size",
        "other_size",
        "jaccard",
    ],
)


def test_overlaps_are_summed_up_by_kind_of_network():
    table = summarise_overlap(OVERLAP)
    assert table["what"].tolist() == [
        "TF-gene pairs of eRegulons",
        "edges of cell-type networks",
    ]
    row = table.iloc[0]
    assert (row["mean_jaccard"].round(6), row["min_jaccard"]) == (0.35, 0.25)
    assert (row["smallest"], row["largest"], row["pairs_of_seeds"]) == (5, 20, 3)


def test_the_section_says_how_many_triplets_are_in_every_rerun():
    eregulons = pd.DataFrame({"selection_frequency": [1.0, 1.0, 0.5, 0.0]})
    section = stability_section(OVERLAP, eregulons, 0)
    text = section.blocks[0].text
    assert "under 3 seeds (1, rerun under 2, 3)" in text
    assert "share 35% of the TF-gene pairs" in text
    assert "50% are in every rerun and 25% in less than half." in text
    assert "dropped" not in text
    assert (
        "less than 50% of the reruns were dropped"
        in stability_section(OVERLAP, eregulons, 0.5).blocks[0].text
    )
    assert sum(section.blocks[2].figure.data[0].y) == 4
