"""The knowledge graph: forms of its sources, how sets become pairs, bounds, controls, messages both ways."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.graph.bundle import SCALES, Bundle, describe_graph
from grnformer.graph.join import join_bundles
from grnformer.graph.knowledge import (
    keep_strongest,
    link_genes,
    link_sets,
    read_interactions,
    read_source,
)
from grnformer.graph.measured import Measured
from grnformer.graph.modes import MODES, scales_of
from grnformer.graph.structure import read_structure
from grnformer.workflow.arms import has_edges, has_knowledge, is_control_of
from grnformer.workflow.config import DATA_GRAPHS

SETTINGS = {"max_set_size": 30, "max_neighbours": 4, "seed": 1}
ENDS = ["gene_a", "gene_b"]


def pairs_of(table):
    return set(table[ENDS].itertuples(index=False, name=None))


@pytest.fixture
def gmt(tmp_path):
    """Ten pathways of eight genes each, of 60; every third gene is in none."""
    rng = np.random.default_rng(0)
    genes = [f"G{i}" for i in range(60) if i % 3]
    lines = [
        "\t".join([f"P{n}", "about", *rng.choice(genes, 8, replace=False)])
        for n in range(10)
    ]
    path = tmp_path / "sets.gmt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def vocabulary(graph):
    return dict(zip(graph.genes["gene"], graph.genes["token"], strict=True))


@pytest.fixture
def known(graph, gmt, vocabulary):
    """The graph with a knowledge graph."""
    pairs = link_genes(graph.genes, vocabulary, {}, sources={"p": gmt}, **SETTINGS)
    return replace(graph, knowledge=pairs)


def test_sets_become_pairs_by_newmans_weights():
    """Of its sets of n genes, a gene gets n - 1 times 1 / (n - 1): 1 for each set."""
    links = pd.DataFrame(
        [("a", "x", 3), ("b", "x", 3), ("c", "x", 3), ("a", "y", 2), ("b", "y", 2)],
        columns=["gene", "group", "size"],
    )
    found = link_sets(links, 3).set_index(ENDS)["weight"]
    assert found.to_dict() == {("a", "b"): 1.5, ("a", "c"): 0.5, ("b", "c"): 0.5}
    assert pairs_of(link_sets(links, 2)) == {("a", "b")}, "the larger set is left out"


def test_the_heaviest_pairs_stay_and_no_gene_has_more_than_its_bound():
    rng = np.random.default_rng(0)
    a, b = np.triu_indices(30, 1)
    every = pd.DataFrame({"gene_a": a, "gene_b": b, "weight": rng.random(len(a))})
    kept = keep_strongest(every, 3, np.random.default_rng(1))
    degrees = np.bincount(kept[ENDS].to_numpy().ravel(), minlength=30)
    assert degrees.max() == 3
    # a pair was left out only where one of its genes was full of heavier pairs
    heavier = {gene: [] for gene in range(30)}
    for row in kept.itertuples():
        heavier[row.gene_a].append(row.weight)
        heavier[row.gene_b].append(row.weight)
    left_out = every[~every.set_index(ENDS).index.isin(pairs_of(kept))]
    assert all(
        any(
            len(heavier[gene]) == 3 and min(heavier[gene]) > row.weight
            for gene in (row.gene_a, row.gene_b)
        )
        for row in left_out.itertuples()
    )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "e.tsv",
            "gene_a\tgene_b\tweight\nG2\tG1\t2\nG1\tG2\t1\nG1\tG1\t9\n",
            {(1, 2)},
        ),
        ("e.csv", "gene_b,gene_a\nG2,G1\nG1,none\n", {(1, 2)}),
        ("s.gmt", "P\tabout\tG1\tG2\tG3\n", {(1, 2), (1, 3), (2, 3)}),
        (
            "corum.txt",
            "ComplexName\tOrganism\tsubunits(Gene name)\nC\tHuman\tG1;G2\nC\tMouse\tG1;G4\n",
            {(1, 2)},
        ),
        (
            "omnipath.tsv",
            "source\ttarget\ttype\tis_stimulation\tis_inhibition\n"
            "G1\tG2\tpost_translational\tTrue\tFalse\nG1\tG3\ttranscriptional\tTrue\tFalse\n",
            {(1, 2)},
        ),
    ],
)
def test_each_form_of_a_source_is_told_by_name_or_columns(
    tmp_path, graph, vocabulary, name, text, expected
):
    (tmp_path / name).write_text(text)
    sources = {"it": tmp_path / name}
    found = link_genes(graph.genes, vocabulary, {}, sources=sources, **SETTINGS)
    assert pairs_of(found) == expected
    assert (found["weight"] > 0).all()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.tsv", "protein1\tprotein2\tscore\nG1\tG2\t3\n", "has the columns"),
        ("x.tsv", "gene_a\tgene_b\tweight\nG1\tG2\t0\n", "above 0"),
        ("x.tsv", "gene_a\tgene_b\tweight\nG1\tG2\tNA\n", "above 0"),
        ("x.tsv", "gene_a\tgene_b\nG1\t\nG1\tG2\n", "name of a gene"),
        ("x.gmt", "P\tabout\tG1\n", "no set of two genes"),
        ("x.gmt", "P\tabout\tTrp53\tMyc\n", "links no two of the graph's 60 genes"),
    ],
)
def test_other_files_are_refused(tmp_path, graph, vocabulary, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        link_genes(
            graph.genes, vocabulary, {}, sources={"it": tmp_path / name}, **SETTINGS
        )


def test_a_transcriptional_pair_is_no_knowledge(tmp_path):
    path = tmp_path / "omnipath.tsv"
    path.write_text(
        "source\ttarget\ttype\tis_stimulation\tis_inhibition\n"
        "A\tB\ttranscriptional\tTrue\tFalse\nA\tC\tpost_translational\tTrue\tFalse\n"
    )
    edges = read_source(path, "x")["edges"]
    assert edges[ENDS].to_numpy().tolist() == [["A", "C"]]


def test_rewired_knowledge_keeps_degrees_and_random_only_the_number(known):
    def degrees(table):
        return np.bincount(table[ENDS].to_numpy().ravel(), minlength=60)

    true = known.knowledge
    for family in ("knowledge", "hybrid_knowledge"):
        made = {
            name: MODES[f"{family}_{name}"](known, np.random.default_rng(1)).knowledge
            for name in ("degree_preserving", "random")
        }
        for table in made.values():
            assert len(table) == len(true)
            assert (table["gene_a"] < table["gene_b"]).all()
            assert not table.duplicated(ENDS).any()
            assert sorted(table["weight"]) == sorted(true["weight"])
            assert len(pairs_of(table) & pairs_of(true)) < 0.5 * len(true)
        assert (degrees(made["degree_preserving"]) == degrees(true)).all()
        assert (degrees(made["random"]) != degrees(true)).any()


def test_random_pairs_are_uniform():
    """All pairs of few genes are sampled when as many are asked for; of half of them each about as often."""
    from grnformer.graph.modes.knowledge_random import sample_partners

    rng = np.random.default_rng(0)
    five = pd.DataFrame({"gene_a": 0, "gene_b": range(1, 6), "weight": 1.0})
    counts = pd.concat(sample_partners(five, 5, rng) for _ in range(400)).value_counts(
        ENDS
    )
    assert len(counts) == 10
    assert counts.between(150, 250).all()


def test_modes_have_the_scales_they_say_and_controls_those_of_their_graph(known):
    for graph in DATA_GRAPHS:
        controls = [
            mode
            for mode in MODES
            if mode not in DATA_GRAPHS and is_control_of(mode, graph)
        ]
        assert {"none", "random", "degree_preserving"} <= {
            mode.removeprefix(f"{graph}_") for mode in controls
        }
        if has_knowledge(graph):
            assert all(scales_of(mode) == scales_of(graph) for mode in controls)

    for mode in (mode for mode in MODES if has_knowledge(mode)):
        made = MODES[mode](known, np.random.default_rng(1))
        sizes = {
            "cell_type": len(made.edges),
            "cell": len(made.eregulons),
            "knowledge": len(made.knowledge),
        }
        for scale in SCALES:
            filled = scale in scales_of(mode) and has_edges(mode)
            assert (sizes[scale] > 0) == filled, (mode, scale)


@pytest.mark.parametrize("direction", ["tf_to_gene", "both"])
def test_messages_of_knowledge_go_both_ways_once(known, direction):
    edges = read_structure(known, ["knowledge"], ["A", "B"], direction)["knowledge"][0]
    sent = set(zip(edges["source"].tolist(), edges["target"].tolist(), strict=True))
    forth = pairs_of(known.knowledge)
    assert sent == forth | {(b, a) for a, b in forth}
    assert len(edges) == 2 * len(forth)
    assert (edges["weight"] > 0).all()
    assert (edges["gate"] == -1).all(), "open in every cell"


@pytest.mark.parametrize("mode", ["knowledge", "knowledge_degree_preserving"])
def test_a_corpus_has_one_knowledge_graph_over_all_its_genes(
    known, vocabulary, gmt, mode
):
    """Of two datasets: a union of two rewired graphs would have more pairs than the true one."""
    settings = {"sources": {"p": gmt}, "max_set_size": 30, "max_neighbours": 4}
    bundles = {}
    for name, kept in (("one", known.genes[:45]), ("two", known.genes)):
        of_dataset = MODES[mode](known, np.random.default_rng(1))
        inside = (of_dataset.knowledge[ENDS] < len(kept)).all(axis=1)
        of_dataset = replace(
            of_dataset, genes=kept, knowledge=of_dataset.knowledge[inside]
        )
        lost = pd.DataFrame({"gene": [], "reason": [], "edges_lost": []})
        meta = {"mode": mode, "scales": scales_of(mode), "cell_types": ["A", "B"]}
        meta |= {**describe_graph(of_dataset, lost, ["A", "B"]), "seed": 1}
        bundles[name] = Bundle(of_dataset, lost, meta)
    measured = {
        name: Measured(
            list(bundle.graph.genes["gene"]), pd.Series({"A": 5}), "logarithms"
        )
        for name, bundle in bundles.items()
    }
    joint = join_bundles(bundles, measured, vocabulary, {}, settings).graph
    assert len(joint.knowledge) == len(known.knowledge)
    same = pairs_of(joint.knowledge) == pairs_of(known.knowledge)
    assert same == (mode == "knowledge")


def test_weights_are_told_to_follow_from_the_knowledge_graph(graph, known):
    """Else a run would be resumed on another one."""
    from types import SimpleNamespace

    from grnformer.train.build import _hash_data

    corpus, split = SimpleNamespace(digest=lambda: "x"), pd.DataFrame({"cell": ["a"]})
    less = replace(known, knowledge=known.knowledge.iloc[1:])
    hashes = {
        _hash_data(corpus, split, SimpleNamespace(graph=one))
        for one in (graph, known, less)
    }
    assert len(hashes) == 3


def test_signs_of_interactions_are_any_truth_values_and_no_other_words(tmp_path):
    path = tmp_path / "omnipath.tsv"
    header = "source\ttarget\ttype\tis_stimulation\tis_inhibition\n"
    path.write_text(header + "A\tB\tother\tT\tF\nA\tC\tother\tno\tyes\n")
    _, others = read_interactions(path, "the setting")
    assert others["sign"].tolist() == [1, -1]

    path.write_text(header + "A\tB\tother\tup\tF\n")
    with pytest.raises(InputError, match="TRUE or FALSE"):
        read_interactions(path, "the setting")
