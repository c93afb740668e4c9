"""Graph modes: what each control keeps and what it does not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.graph.bundle import Bundle, read_bundle, write_bundle
from grnformer.graph.modes import MODES, scales_of


def made(graph, mode, seed=1):
    return MODES[mode](graph, np.random.default_rng(seed))


def pairs(table):
    return set(table.iloc[:, :3].itertuples(index=False, name=None))


@pytest.mark.parametrize("mode", ["random", "degree_preserving"])
def test_controls_keep_counts_signs_weights_and_have_no_loop_or_repeated_edge(
    graph, mode
):
    control = made(graph, mode)
    for before, after in (
        (graph.edges, control.edges),
        (graph.eregulons, control.eregulons),
    ):
        key = before.columns[0]
        assert (
            before[key].value_counts().to_dict() == after[key].value_counts().to_dict()
        )
        assert np.isclose(
            (before["weight"] * before["sign"]).sum(),
            (after["weight"] * after["sign"]).sum(),
        )
        assert not (after["tf"] == after["gene"]).any()
        assert not after.duplicated([key, "tf", "gene"]).any()
        assert len(pairs(before) & pairs(after)) < 0.9 * len(before)
    # the cells open true eRegulons, whatever they point at
    for name in ("activity", "members", "thresholds"):
        pd.testing.assert_frame_equal(getattr(control, name), getattr(graph, name))


def test_degree_preserving_keeps_every_degree(graph):
    control = made(graph, "degree_preserving")
    for end in ("tf", "gene"):
        before = graph.edges.groupby(["cell_type", end]).size()
        pd.testing.assert_series_equal(
            control.edges.groupby(["cell_type", end]).size(), before
        )
    for ends in (["eregulon", "tf"], ["gene"]):
        before = graph.eregulons.groupby(ends).size()
        pd.testing.assert_series_equal(control.eregulons.groupby(ends).size(), before)


@pytest.mark.parametrize("n_genes", [2, 3])
def test_random_ends_for_tiny_graphs(graph, n_genes):
    """As many edges as pairs are made; one more is refused, where no sample would do."""
    full = graph.edges.iloc[: n_genes * (n_genes - 1)].assign(cell_type="t")
    tiny = replace(graph, genes=graph.genes[:n_genes], edges=full)
    tiny = replace(tiny, eregulons=graph.eregulons[: n_genes - 1].assign(eregulon=0))
    made_of = made(tiny, "random")
    assert len(pairs(made_of.edges)) == len(full)
    assert len(pairs(made_of.eregulons)) == n_genes - 1
    more = replace(tiny, eregulons=graph.eregulons[:n_genes].assign(eregulon=0))
    with pytest.raises(InputError, match=f"{n_genes} edges of one eregulon"):
        made(more, "random")


def test_random_gives_an_eregulon_one_regulator(graph):
    assert (
        made(graph, "random").eregulons.groupby("eregulon")["tf"].nunique().max() == 1
    )


def test_controls_follow_their_seed(graph):
    for mode in ("random", "degree_preserving"):
        assert pairs(made(graph, mode).edges) == pairs(made(graph, mode).edges)
        assert pairs(made(graph, mode).edges) != pairs(made(graph, mode, seed=2).edges)


def test_scales_hold_the_edges_they_say(graph):
    for mode in MODES:
        chosen, scales = made(graph, mode), scales_of(mode)
        if mode != "none":
            assert (len(chosen.edges) > 0) == ("cell_type" in scales)
            assert (len(chosen.eregulons) > 0) == ("cell" in scales)
    assert len(made(graph, "none").edges) + len(made(graph, "none").eregulons) == 0


def test_bundle_survives_the_disk(graph, tmp_path):
    meta = {
        "mode": "none",
        "scales": ["cell"],
        "cell_types": ["A", "B"],
        "eregulons": graph.eregulon_names,
        "genes": 60,
    }
    meta |= {
        "edges": {},
        "eregulon_edges": 0,
        "active_pairs": 0,
        "edges_lost": 0,
        "genes_lost": 0,
        "seed": 0,
    }
    lost = pd.DataFrame({"gene": ["X"], "reason": ["no"], "edges_lost": [2]})
    bundle = Bundle(
        made(graph, "none"), lost, meta | {"genes_without_edge": 60, "rank_cutoff": 20}
    )
    write_bundle(bundle, tmp_path / "none")
    back = read_bundle(tmp_path / "none")
    pd.testing.assert_frame_equal(back.graph.genes, bundle.graph.genes)
    assert len(back.graph.edges) == 0
    assert back.meta == bundle.meta
