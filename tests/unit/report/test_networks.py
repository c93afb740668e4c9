"""Which thresholds are drawn and why they are doubtful; evidence counted by source; how eRegulons follow their TF."""

import anndata
import numpy as np
import pandas as pd
import pytest

from grnformer.report.figures.networks import plot_quality, plot_thresholds
from grnformer.report.sections.grn import _quality_blocks, count_evidence
from grnformer.report.sections.thresholds import choose_examples, explain_doubt


@pytest.fixture
def thresholds() -> pd.DataFrame:
    rows = [
        ("sound_1", "bimodal", False, 5.0, 40), ("sound_2", "skewed", False, 5.0, 10),
        ("flat", "constant", True, 0.0, 0), ("nobody", "skewed", True, 0.0, 0), ("thin", "skewed", True, 1.0, 9),
        ("blurred", "bimodal", True, 5.0, 30), ("thin_2", "bimodal", True, 1.5, 9),
        ("sound_3", "skewed", False, 5.0, 8),
    ]  # fmt: skip
    table = pd.DataFrame(
        rows, columns=["eregulon", "method", "doubtful", "genes_seen", "n_active"]
    )
    return table.assign(threshold=0.1)


def specificity(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"eregulon": names, "cell_type": "a", "rss": np.linspace(0.9, 0.2, len(names))}
    )


def test_every_doubt_has_its_reason(thresholds: pd.DataFrame) -> None:
    doubt = explain_doubt(thresholds).set_axis(thresholds["eregulon"])
    assert (doubt[["sound_1", "sound_2", "sound_3"]] == "").all()
    assert "same AUC" in doubt["flat"]
    assert "no cell" in doubt["nobody"]
    assert doubt["thin"] == doubt["thin_2"] != ""
    assert "overlap" in doubt["blurred"]


def test_doubtful_thresholds_are_drawn_first_one_of_each_reason(
    thresholds: pd.DataFrame,
) -> None:
    names = thresholds["eregulon"].tolist()
    chosen = choose_examples(thresholds, specificity(names), 6)
    assert set(chosen[:4]) == {"flat", "nobody", "thin", "blurred"}
    assert chosen[4:] == ["sound_1", "sound_2"]
    sound = thresholds[~thresholds["doubtful"]]
    assert choose_examples(sound, specificity(names), 6) == [
        "sound_1",
        "sound_2",
        "sound_3",
    ]
    assert (
        len(choose_examples(thresholds[thresholds["doubtful"]], specificity(names), 6))
        == 5
    )


def test_the_figure_says_why_a_threshold_is_doubtful(thresholds: pd.DataFrame) -> None:
    names = thresholds["eregulon"].tolist()
    auc = np.random.default_rng(0).random((20, len(names))).astype(np.float32)
    var = thresholds.set_index("eregulon").rename(
        columns={"method": "threshold_method"}
    )
    activity = anndata.AnnData(auc, var=var)
    doubts = dict(zip(names, explain_doubt(thresholds), strict=True))
    titles = [
        a.text
        for a in plot_thresholds(
            activity, ["flat", "sound_1"], doubts
        ).layout.annotations
    ]
    assert any(
        t.startswith("flat") and "doubtful: all cells have the same AUC" in t
        for t in titles
    )
    assert not any(t.startswith("sound_1") and "doubtful" in t for t in titles)

    # as wide as a panel of three: a longer line would run into the next panel's title
    every = plot_thresholds(activity, names, doubts).layout.annotations
    lines = [line for a in every for line in a.text.split("<br>")]
    assert (
        max(len(line.replace("<sub>", "").replace("</sub>", "")) for line in lines)
        <= 42
    )


def test_motifs_of_a_tf_are_one_source_of_evidence() -> None:
    rows = [
        ("A_direct_+/+", "A", "cistarget:m1"), ("A_direct_+/+", "A", "cistarget:m2"),
        ("B_direct_+/+", "B", "cistarget:m1"),
        ("B_direct_+/+", "B", "prior:X;Y|chip:Z"), ("A_direct_+/+", "A", "prior:X"),
    ]  # fmt: skip
    counts = count_evidence(
        pd.DataFrame(rows, columns=["eregulon", "tf", "evidence"])
    ).set_index(["kind", "source"])
    assert counts["triplets"].to_dict() == {
        ("cistarget", "motifs of A"): 2, ("cistarget", "motifs of B"): 1, ("prior", "X"): 2, ("prior", "Y"): 1,
        ("chip", "Z"): 1,
    }  # fmt: skip
    assert counts.loc[("cistarget", "motifs of A"), "motifs"] == 2
    assert counts.loc[("prior", "X"), ["tfs", "motifs"]].tolist() == [2, 0]


def test_quality_is_drawn_where_both_correlations_are_there() -> None:
    quality = pd.DataFrame(
        {"eregulon": ["a", "b", "c"], "rho_genes": [0.5, -0.1, 0.4], "rho_regions": [0.4, 0.2, np.nan],
         "passed": [True, False, True], "falls_short_in": ["nothing", "target genes", "nothing"]}
    )  # fmt: skip
    figure = plot_quality(quality)
    assert [len(trace.x) for trace in figure.data] == [1, 1]
    assert "target genes" in figure.data[1].hovertext[0]


def test_eregulons_of_genes_alone_have_no_plot_against_regions() -> None:
    quality = pd.DataFrame(
        {
            "eregulon": ["A_direct_+/0"], "tf": ["A"], "genes": [9], "regions": [0],
            "rho_genes": [0.5], "rho_regions": [np.nan], "units": [20],
            "passed": [True], "falls_short_in": ["nothing"], "kept": [True],
        }
    )  # fmt: skip
    (only,) = _quality_blocks(quality)
    assert "1 of 1 eRegulons do" in only.caption
    placed = quality.assign(regions=3, rho_regions=0.2)
    assert len(_quality_blocks(placed)) == 2
