"""Runs of the network: their folders and seeds."""

from grnformer.workflow.runs import runs_of

GRN = {"seed": 1, "stability": {"seeds": [3, 2]}}


def test_runs_have_a_folder_and_a_seed_each_the_main_one_first() -> None:
    assert list(runs_of(GRN).items()) == [
        ("grn", 1),
        ("grn_seed3", 3),
        ("grn_seed2", 2),
    ]
    assert runs_of({"seed": 5, "stability": {"seeds": []}}) == {"grn": 5}
