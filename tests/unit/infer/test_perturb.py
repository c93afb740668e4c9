"""Genes set in silico: what reaches whom, what is never a zero, what bounds hold; controls beside."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.bench.perturbation.in_silico import reached_by_model, score_pairs
from grnformer.bench.perturbation.labels import Labels
from grnformer.bench.perturbation.set_genes import shifts_of_genes
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.graph.bundle import write_bundle
from grnformer.graph.modes import degree_preserving
from grnformer.infer.perturb.edit import KNOCK_DOWN, OVER_EXPRESSION, Edit, edit_values
from grnformer.infer.perturb.join import join_cells, join_shifts
from grnformer.infer.perturb.network import Levels, perturb_network
from grnformer.infer.perturb.propagate import (
    propagate_changes,
    share_matrix,
    spectral_radius,
)
from grnformer.infer.perturb.table import choose_types, percentile
from grnformer.infer.perturb.trained import open_trained, perturb_model
from grnformer.infer.reading import Reading
from grnformer.model.saved import save_model
from grnformer.train.pretrain import pretrain

DOWN, UP = Edit(KNOCK_DOWN, 0.0), Edit(OVER_EXPRESSION, 1.0)
SETTINGS = {"steps": 3, "n_rewired": 4, "seed": 1}


def random_network(rng, n_genes=60, n_tfs=15, n_edges=300):
    number = rng.choice(n_tfs * n_genes, n_edges, replace=False)
    source, target = np.divmod(number, n_genes)
    pairs = pd.DataFrame({"source": source, "target": target})
    pairs = pairs[pairs["source"] != pairs["target"]].reset_index(drop=True)
    return pairs.assign(
        weight=rng.random(len(pairs)), sign=rng.choice([-1, 1], len(pairs))
    )


def chain():
    """A activates B, B represses C; D regulates nothing that is expressed."""
    return pd.DataFrame(
        {
            "tf": ["A", "B", "D"],
            "gene": ["B", "C", "E"],
            "weight": 0.5,
            "sign": [1, -1, 1],
        }
    )


def levels(values, highest=None):
    cells = sp.csr_matrix(np.array(values, float))
    top = cells.max(axis=0).toarray().ravel() if highest is None else highest
    return Levels(cells, pd.Index(list("ABCDE")), np.array(top))


@pytest.mark.parametrize("per", ["source", "target"])
def test_a_change_is_that_of_the_power_series_and_never_exceeds_the_first(per):
    rng = np.random.default_rng(0)
    pairs = random_network(rng)
    shares = share_matrix(pairs, pd.RangeIndex(60), per)
    start = sp.csr_matrix((np.ones(3), ([0, 1, 2], [0, 5, 9])), (3, 60))

    found = propagate_changes(shares, start, 4, damping=0.5)
    dense, powers = shares.toarray(), np.eye(60)
    expected = start.toarray()
    for step in range(1, 5):
        powers = powers @ dense
        expected = expected + 0.5**step * start @ powers
    np.testing.assert_allclose(found, expected, atol=1e-12)

    # of a thousand steps too
    many = propagate_changes(shares, start, 1000, bounds=(-np.ones(60), np.ones(60)))
    assert np.abs(many).max() == 1
    assert spectral_radius(shares) <= 1 + 1e-9
    assert spectral_radius(shares) == pytest.approx(
        np.abs(np.linalg.eigvals(dense)).max()
    )


def test_a_knock_down_goes_along_signs_and_no_gene_falls_below_zero():
    cells = levels([[2, 1, 0.5, 0, 1], [2, 3, 0.5, 0, 1]], [2, 4, 0.75, 1, 1])
    table = perturb_network(chain(), cells, "T", ["A"], [DOWN, UP], SETTINGS)
    shift = table.set_index(["kind", "target"])["shift"]

    # A falls by 2, B by its mean of 2, C may rise by .25 and no more
    assert shift[KNOCK_DOWN, "B"] == -2
    assert shift[KNOCK_DOWN, "C"] == 0.25
    # A rises to the highest of each cell, by 0 and 1; B with it, C falls to 0
    assert shift[OVER_EXPRESSION, "B"] == 0.5
    assert shift[OVER_EXPRESSION, "C"] == -0.5
    assert "A" not in set(table["target"])
    assert (table["n_controls"] == 4).all()


def test_what_cannot_be_set_is_missing_with_a_reason_and_never_zero():
    cells = levels([[2, 1, 0.5, 0, 1], [2, 3, 0.5, 0, 1]], [2, 4, 0.75, 1, 2])
    genes = ["D", "C", "unheard"]
    table = perturb_network(chain(), cells, "T", genes, [DOWN, UP], SETTINGS)
    found = table.set_index(["gene", "kind"])

    assert found["shift"].isna().sum() == 5
    assert "not expressed in the 2 cells" in found.loc[("D", KNOCK_DOWN), "reason"]
    assert "no edge" in found.loc[("C", UP.kind), "reason"]
    assert "no edge" in found.loc[("unheard", KNOCK_DOWN), "reason"]
    # a gene that is detected nowhere can be over-expressed
    assert found.loc[("D", OVER_EXPRESSION), "target"] == "E"
    assert found.loc[("D", OVER_EXPRESSION), "shift"] == 1


def test_a_network_of_other_cells_is_refused():
    strange = chain().assign(gene="Z")
    with pytest.raises(InputError, match="not in the matrix, first 'Z'"):
        perturb_network(strange, levels(np.ones((2, 5))), "T", ["A"], [UP], SETTINGS)


def test_edits_leave_a_fold_of_counts_or_reach_a_quantile_of_the_cell():
    x = np.log1p(np.array([[4.0, 0, 2, 8], [0, 0, 6, 0], [0, 0, 0, 0]]))
    cells = sp.csr_matrix(x)
    half = edit_values(cells, 0, Edit(KNOCK_DOWN, 0.5))
    np.testing.assert_allclose(np.expm1(half), [2, 0, 0], atol=1e-12)
    median = edit_values(cells, 1, Edit(OVER_EXPRESSION, 0.5))
    np.testing.assert_allclose(np.expm1(median), [4, 6, 0])
    # never lower than it was
    np.testing.assert_allclose(
        edit_values(cells, 3, Edit(OVER_EXPRESSION, 0.1))[0], x[0, 3]
    )


def test_the_percentile_counts_ties_half_and_says_nothing_without_controls():
    controls = np.array([[1.0, -2, np.nan], [3, 2, np.nan]])
    found = percentile(np.array([-2.0, 2, 5]), controls)
    np.testing.assert_array_equal(found, [0.5, 0.5, np.nan])


def test_dense_and_sparse_networks_are_rewired_alike(monkeypatch):
    rng = np.random.default_rng(0)
    pairs = random_network(rng)
    counted = degree_preserving.rewire_pairs(pairs, np.random.default_rng(2))
    monkeypatch.setattr(degree_preserving, "_DENSE", 0)
    searched = degree_preserving.rewire_pairs(pairs, np.random.default_rng(2))
    pd.testing.assert_frame_equal(counted, searched)
    assert (counted["target"] != pairs["target"]).mean() > 0.5
    for column in ("source", "target"):
        assert (
            counted[column].value_counts().to_dict()
            == pairs[column].value_counts().to_dict()
        )
    assert not counted.duplicated(["source", "target"]).any()


ARMS = {
    "hybrid": {"graph": "hybrid", "adapter": True},
    "rewired": {"graph": "degree_preserving", "adapter": True},
    "no_edges": {"graph": "none", "adapter": True},
}


def of_arm(values):
    """Two seeds of shifts of gene A's targets, and a gene that is not there."""
    rows = [
        ("T", "A", KNOCK_DOWN, target, shift, seed)
        for seed, shifts in values.items()
        for target, shift in zip("BC", shifts, strict=True)
    ]
    columns = ["cell_type", "gene", "kind", "target", "shift", "seed"]
    table = pd.DataFrame(rows, columns=columns).assign(n_cells=9, n_set=3)
    gone = {"cell_type": "T", "gene": "X", "kind": KNOCK_DOWN, "target": None}
    gone |= {"shift": np.nan, "n_cells": 9, "reason": "no gene of the model"}
    return pd.concat(
        [table, *(pd.DataFrame([gone | {"seed": seed}]) for seed in values)]
    )


def test_models_stand_beside_their_controls_means_over_seeds():
    by_arm = {
        "hybrid": of_arm({1: [1, -4], 2: [3, -4]}),
        "rewired": of_arm({1: [1, 5], 2: [0, 5]}),
        "no_edges": of_arm({1: [1, 0], 2: [3, 0]}),
    }
    joined = join_shifts(None, by_arm, ARMS, "d")
    hybrid = joined[joined["arm"] == "hybrid"].set_index("target")
    assert hybrid.loc["B", "shift"] == 2
    assert hybrid.loc["B", "rewired_shift"] == 0.5
    assert hybrid.loc["B", "no_edges_shift"] == 2
    assert hybrid.loc["B", "percentile"] == 0.75
    assert hybrid.loc["C", "percentile"] == 0.5
    assert hybrid.loc["C", "n_controls"] == 4
    assert hybrid.loc["B", "sd"] == pytest.approx(2**0.5)
    assert joined.loc[joined["arm"] == "rewired", "percentile"].isna().all()
    # said once an arm
    assert (joined["gene"] == "X").sum() == 3

    cells = join_cells({}, ARMS, "d")
    assert len(cells) == 0


def test_a_type_that_no_dataset_has_is_refused():
    assert choose_types(["B", "other"], ["A", "B"]) == ["B"]
    with pytest.raises(InputError, match=r"\['other'\]"):
        choose_types(["other"], ["A", "B"])


def test_genes_of_which_a_model_knows_nothing_score_as_the_average():
    labels = Labels(
        perturbations=np.array(["A", "B", "C"]),
        genes=np.array(["g", "h"]),
        perturbation=np.array([0, 1, 2, 0, 1, 2]),
        gene=np.array([0, 0, 0, 1, 1, 1]),
        positive=np.ones(6, bool),
        tested=np.ones(6, bool),
    )
    shifts = pd.DataFrame({"gene": ["A", "B"], "g": [-1.0, 3], "other": [3.0, 1]})
    # C is not known: the mean of A and B; h neither: the mean over genes
    signed = score_pairs(labels, shifts, signed=True)
    np.testing.assert_array_equal(signed, [-1, 3, 1, 1, 2, 1.5])
    size = score_pairs(labels, shifts, signed=False)
    np.testing.assert_array_equal(size, [1, 3, 2, 2, 2, 2])
    reached = reached_by_model([shifts, shifts], ["C", "B"], ["other", "h"])
    np.testing.assert_array_equal(reached, [[0, 0], [1, 0]])


@pytest.fixture
def trained(cells, bundle_of, settings, tmp_path):
    """Cells on disk, and the folder of a model of them with its bundle."""
    path, data, *_ = cells
    # only the second of these parts is what a set gene shifts
    embed = settings["embed"] | {"parts": ["projected", "cell", "genes"]}
    settings = settings | {"embed": embed}
    bundle, arm = bundle_of("hybrid"), {"graph": "hybrid", "adapter": True}
    folder = tmp_path / "results/x/pretrain/hybrid/seed1"
    split = split_cells(data.obs, heldout_fraction=0.25, seed=1)
    with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as corpus:
        done = pretrain(
            corpus,
            split,
            bundle,
            arm | {"perturbation": "none"},
            settings,
            model_seed=1,
            checkpoints=tmp_path / "c",
            threads=1,
            checkpoint=None,
            medians=None,
        )
    save_model(
        done.model, done.card, folder / "model.safetensors", folder / "model.json"
    )
    io.write_table(done.reference, folder / "reference.parquet", "reference_embedding")
    write_bundle(bundle, tmp_path / "results/x/fuse/hybrid")
    return path, data, folder


def test_a_gene_set_in_a_model_shifts_others_by_the_cells_that_express_it(trained):
    path, data, folder = trained
    sizes = {"cells": 1000, "draws": 1, "batch_size": 16, "seed": 1}
    with open_trained(folder, None, path) as opened:
        gene = opened.genes[0]
        kind = sorted(set(opened.types))[0]
        found = opened.set_gene(gene, DOWN, kind, sizes)
        again = opened.set_gene(gene, DOWN, kind, sizes)
        few = opened.set_gene(gene, DOWN, kind, sizes | {"cells": 2})

    # cells that do not express it count in the mean, and are not computed
    x = data[data.obs["cell_type"] == kind, gene].X.toarray()
    assert found.n_cells == len(x)
    assert found.n_set == (x > 0).sum() < len(x)
    assert few.n_set == 2
    np.testing.assert_array_equal(found.shift.values, again.shift.values)
    assert np.isnan(found.shift.values[0])
    assert (np.abs(found.shift.values[1:]) > 0).all()
    assert np.abs(found.shift.embedding).max() > 0
    width = opened.network.backbone.width
    own_part = [f"dim_{i}" for i in range(width, 2 * width)]
    reference = io.read_table(folder / "reference.parquet", "reference_embedding")
    np.testing.assert_allclose(opened.scale, reference[own_part].std(ddof=0), rtol=1e-5)

    made = perturb_model(
        folder, None, path, [gene, "unheard"], [DOWN, UP], sizes, [kind]
    )
    io.write_table(made.shifts, folder / "genes.parquet", "set_genes")
    io.write_table(made.cells, folder / "cells.parquet", "set_cells")
    missing = made.shifts[made.shifts["gene"] == "unheard"]
    assert missing["shift"].isna().all()
    assert set(missing["reason"]) == {"no gene of the model"}
    own = made.shifts[made.shifts["gene"] == gene]
    assert gene not in set(own["target"])
    down = own[own["kind"] == KNOCK_DOWN].set_index("target")["shift"]
    np.testing.assert_allclose(down, found.shift.values[1:])

    of_kind = sizes | {"cell_type": kind}
    screen = shifts_of_genes(folder, None, path, ["unheard", gene], DOWN, of_kind)
    io.write_table(screen, folder / "screen.parquet", "set_screen")
    assert screen["gene"].tolist() == [gene]
    with pytest.raises(InputError, match="none of 1 perturbed genes"):
        shifts_of_genes(folder, None, path, ["unheard"], DOWN, of_kind)


def test_a_model_whose_embedding_lacks_the_cell_is_refused(trained, monkeypatch):
    path, _, folder = trained
    read = Reading("expressed", ("projected", "genes"), 16, 1)
    monkeypatch.setattr(Reading, "of_card", lambda card: read)
    with (
        pytest.raises(InputError, match=r"parts \['projected', 'genes'\]"),
        open_trained(folder, None, path),
    ):
        pass
