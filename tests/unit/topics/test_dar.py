import logging

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu

from grnformer.topics.dar import compare_types, find_dars
from grnformer.topics.model import TopicModel, iterate_imputed

OPTIONS = {
    "adjusted_p": 0.05,
    "log2_fold_change": 0.585,
    "min_cells": 10,
    "block_size": 77,
}


@pytest.fixture
def noisy(planted):
    """Planted topics with cells that differ within a type."""
    rng = np.random.default_rng(2)
    cell_topic = planted.cell_topic * rng.uniform(0.5, 1.5, planted.cell_topic.shape)
    return TopicModel(
        cell_topic / cell_topic.sum(axis=1, keepdims=True), planted.region_topic
    )


def test_against_scipy_with_ties(noisy, planted):
    model = TopicModel(np.round(noisy.cell_topic, 2), noisy.region_topic)
    member = (np.array([["a"], ["b"], ["c"]]) == planted.types).astype(float)
    fold_change, p_value = compare_types(model, member, 50)
    imputed = model.cell_topic @ model.region_topic.T
    for number, name in enumerate("abc"):
        inside, outside = imputed[planted.types == name], imputed[planted.types != name]
        expected = mannwhitneyu(
            inside, outside, axis=0, method="asymptotic", use_continuity=False
        )
        np.testing.assert_allclose(p_value[number], expected.pvalue, rtol=1e-6)
        np.testing.assert_allclose(
            fold_change[number], np.log2(inside.mean(0) / outside.mean(0)), atol=1e-6
        )


def test_blocks_shrink_as_cells_grow(noisy, planted, monkeypatch):
    """2,000 regions of 10^5 cells at a time would take 8 GB."""
    member = (planted.types == "a").astype(float)[None]
    whole = compare_types(noisy, member, 2000)
    asked = []

    def watched(cell_topic, region_topic, size):
        asked.append(size)
        return iterate_imputed(cell_topic, region_topic, size)

    monkeypatch.setattr("grnformer.topics.dar.iterate_imputed", watched)
    monkeypatch.setattr("grnformer.topics.dar._BLOCK", 100 * len(planted.types) + 1)
    parts = compare_types(noisy, member, 2000)
    assert asked == [100]
    np.testing.assert_allclose(parts, whole)


def test_planted_regions_are_found(noisy, planted):
    found = find_dars(noisy, planted.regions, planted.types, **OPTIONS)
    for number, name in enumerate("abc"):
        rows = found[found["set"] == name]
        assert set(rows["region"]) == set(
            planted.regions[number * 100 : (number + 1) * 100]
        )
        assert (rows["score"] >= 0.585).all()
        assert (rows["adjusted_p"] <= 0.05).all()


def test_adjustment_spans_all_blocks(noisy, planted):
    options = OPTIONS | {"adjusted_p": 1.0, "log2_fold_change": 0.0}
    rows = (
        find_dars(noisy, planted.regions, planted.types, **options)
        .query("set == 'a'")
        .set_index("region")
    )
    _, p_value = compare_types(noisy, (planted.types == "a").astype(float)[None], 360)
    expected = dict(
        zip(planted.regions, false_discovery_control(p_value[0]), strict=True)
    )
    np.testing.assert_allclose(
        rows["adjusted_p"], [expected[region] for region in rows.index]
    )


def test_shuffled_types_have_no_dars(noisy, planted):
    shuffled = np.random.default_rng(0).permutation(planted.types)
    assert len(find_dars(noisy, planted.regions, shuffled, **OPTIONS)) == 0


def test_small_types_and_single_types_get_no_set(noisy, planted, caplog):
    types = planted.types.astype(object)
    types[:5] = "rare"
    with caplog.at_level(logging.WARNING, logger="grnformer.topics"):
        found = find_dars(noisy, planted.regions, types, **OPTIONS)
    assert "rare" not in set(found["set"])
    assert "rare" in caplog.text
    assert len(find_dars(noisy, planted.regions, np.full(150, "one"), **OPTIONS)) == 0
