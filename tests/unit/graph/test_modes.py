"""Graph modes: what each control keeps and what it does not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.graph.bundle import Bundle, read_bundle, write_bundle
from grnformer.graph.modes import MODES, reads_of, scales_of
from grnformer.workflow.arms import has_edges


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
    for mode in (mode for mode in MODES if not reads_of(mode)):
        chosen, scales = made(graph, mode), scales_of(mode)
        if has_edges(mode):
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


def test_shuffled_labels_keep_the_wiring_and_who_is_a_tf(graph):
    control = made(graph, "label_shuffled")
    both = (
        (graph.edges, control.edges),
        (graph.eregulons, control.eregulons),
    )
    new = {}
    for before, after in both:
        for end in ("tf", "gene"):
            new |= dict(zip(before[end], after[end], strict=True))
    assert len(set(new.values())) == len(new), "a permutation"
    assert any(new[node] != node for node in new)
    # the same one everywhere
    for before, after in both:
        assert before["tf"].map(new).equals(after["tf"])
        assert before["gene"].map(new).equals(after["gene"])
        assert before[["weight", "sign"]].equals(after[["weight", "sign"]])
    is_tf = graph.genes["is_tf"].to_numpy()
    assert all(is_tf[old] == is_tf[node] for old, node in new.items())


def test_coexpression_takes_the_most_correlated_genes(graph):
    """Planted: genes 20 and 21 follow TF 0, one up and one down; all others are noise."""
    rng = np.random.default_rng(0)
    expression = rng.random((80, len(graph.genes)))
    expression[:, 20] = expression[:, 0] * 2
    expression[:, 21] = 1 - expression[:, 0]
    edges = pd.DataFrame(
        {"cell_type": "A", "tf": 0, "gene": [30, 31, 32], "weight": [0.1, 0.9, 0.5]}
    )
    one = replace(graph, edges=edges.assign(sign=1), eregulons=graph.eregulons[:0])
    control = MODES["coexpression"](one, rng, sp.csc_matrix(expression)).edges
    assert set(control["gene"][:2]) == {20, 21}
    assert control["weight"].tolist() == [0.9, 0.5, 0.1]
    assert control.set_index("gene")["sign"][[20, 21]].tolist() == [1, -1]
    assert not (control["tf"] == control["gene"]).any()


def test_the_prior_gives_each_tf_its_known_targets(graph):
    pairs = pd.DataFrame({"tf": [0, 0, 0, 1], "gene": [0, 41, 40, 50]})
    control = MODES["prior"](
        graph, np.random.default_rng(0), pairs.assign(sign=[0, -1, 0, 1])
    )
    for table, of_graph in (
        (control.edges, graph.edges),
        (control.eregulons, graph.eregulons),
    ):
        group = table.columns[0]
        assert list(table) == list(of_graph)
        regulators = set(of_graph[[group, "tf"]].itertuples(index=False, name=None))
        expected = {
            (name, 0, gene, 1 - 2 * (gene == 41))
            for name, tf in regulators
            if tf == 0
            for gene in (40, 41)
        }
        expected |= {(name, 1, 50, 1) for name, tf in regulators if tf == 1}
        assert (
            set(table[[group, "tf", "gene", "sign"]].itertuples(index=False, name=None))
            == expected
        )
        assert (table["weight"] == 1).all()
