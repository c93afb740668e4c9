import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.topics.select import mean_score, select_topic_count

FOUR = ["arun_2010", "cao_juan_2009", "coherence", "joint_log_likelihood"]
HELDOUT = {
    "selected": None,
    "rule": "heldout",
    "scores_averaged": FOUR,
    "distinct_only": True,
}


def scores(**columns):
    """Made so that held-out likelihood is for 20 topics, and pycisTopic's four together for 10."""
    table = {
        "n_topics": [20, 10, 5],
        "distinct_topics": [20, 10, 5],
        "log_likelihood": [-8.0, -8.1, -8.2],
        "heldout_log_likelihood": [-8.0, -8.5, -9.0],
        "heldout_standard_error": [0.1] * 3,
        "joint_log_likelihood": [-9.0, -9.1, -9.9],
        "arun_2010": [0.4, 0.1, 0.3],
        "cao_juan_2009": [0.3, 0.1, 0.2],
        "coherence": [-3.0, -2.0, -1.0],
    }
    return pd.DataFrame(table | columns)


def chosen(table, **options):
    return (
        select_topic_count(table, **HELDOUT | options)
        .query("selected")["n_topics"]
        .tolist()
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, 20),  # the best held-out likelihood by far
        # equal within an error: the more coherent
        ({"heldout_log_likelihood": [-8.0, -8.05, -9.0]}, 10),
        ({"distinct_topics": [15, 10, 5]}, 10),  # topics that are copies do not compete
    ],
)
def test_selection_by_held_out_likelihood(columns, expected):
    table = select_topic_count(scores(**columns), **HELDOUT)
    assert table.query("selected")["n_topics"].tolist() == [expected]
    assert table["n_topics"].tolist() == [5, 10, 20]


def test_mean_of_rescaled_scores_as_pycistopic_takes_it():
    """By hand: each score to 0..1 over the topic counts, those of Arun and of Cao and Juan turned."""
    table = scores()
    expected = np.mean(
        [
            [0, 1, 1 / 3],  # arun: (.4 - x) / .3
            [0, 1, 1 / 2],  # cao and juan: (.3 - x) / .2
            [0, 1 / 2, 1],
            [1, 8 / 9, 0],
        ],
        axis=0,
    )
    np.testing.assert_allclose(mean_score(table, FOUR), expected)
    assert chosen(table, rule="mean") == [10]
    np.testing.assert_allclose(
        select_topic_count(table, **HELDOUT)["mean_score"], expected[::-1]
    )


def test_the_mean_goes_by_the_scores_named():
    assert chosen(
        scores(), rule="mean", scores_averaged=["heldout_log_likelihood"]
    ) == [20]
    assert chosen(scores(), rule="mean", scores_averaged=["coherence"]) == [5]


def test_copies_compete_only_if_allowed():
    table = scores(distinct_topics=[20, 9, 5])
    assert chosen(table, rule="mean") != [10]
    assert chosen(table, rule="mean", distinct_only=False) == [10]


def test_scores_equal_everywhere_have_no_say_and_one_count_is_taken():
    table = scores(arun_2010=[0.1] * 3)
    assert np.isfinite(mean_score(table, FOUR)).all()
    assert chosen(scores().iloc[:1], rule="mean") == [20]


def test_a_forced_count_is_taken_whatever_the_scores_say():
    assert chosen(scores(), selected=5) == [5]
    with pytest.raises(InputError, match=r"topics\.n_topics"):
        chosen(scores(), selected=7)


def test_unknown_scores_and_rules_are_refused():
    with pytest.raises(InputError, match="perplexity"):
        chosen(scores(), scores_averaged=["perplexity"])
    with pytest.raises(InputError, match="mean or heldout"):
        chosen(scores(), rule="best")
