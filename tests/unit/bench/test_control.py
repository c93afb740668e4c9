"""The positive control in small: the true network of simulated cells helps, and what it is told is what was planted."""

import copy
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.data.activity import VisibleActivity
from grnformer.data.batcher import Batcher, Rows
from grnformer.data.corpus import Corpus
from grnformer.infer.perturb.edit import (
    KNOCK_DOWN,
    OVER_EXPRESSION,
    Edit,
    edit_expression,
)
from grnformer.infer.perturb.model import paired_batches, predict_shift, with_gene
from grnformer.model.backbones import BACKBONES
from grnformer.settings.read import read_defaults
from grnformer.simulate.screen import simulate_screen

CHECKOUT = Path(__file__).parents[3]
SCREEN = {
    "n_tfs": 20, "n_targets": 100, "n_types": 3, "n_train": 200, "n_heldout": 60, "n_perturbed": 20,
    "perturbed_fraction": 0.3, "max_regulators": 3, "closed_fraction": 0.3, "counts_per_cell": 2000.0,
}  # fmt: skip


@pytest.fixture
def control(monkeypatch):
    monkeypatch.syspath_prepend(str(CHECKOUT / "benchmarks"))
    import control

    return control


@pytest.fixture(scope="module")
def screen():
    return simulate_screen(seed=1, **SCREEN)


def settings_of(steps):
    settings = read_defaults("pretrain")
    size = copy.deepcopy(settings.pop("sizes")["tiny"])
    size |= {
        "backbone": size.pop("backbones")["scgpt"],
        "steps": steps,
        "batch_size": 16,
        # beside a linear start the true network adds nothing to masked values: the two say the same
        "linear_start": False,
    }
    settings["optimiser"] |= {"evaluate_every": steps, "log_every": steps}
    return settings | {
        "size": size,
        "size_name": "tiny",
        "heldout_cells": 16,
        "heldout_repeats": 1,
    }


@pytest.mark.slow
def test_the_true_network_predicts_more_than_a_rewired_one(
    control, screen, tmp_path, monkeypatch
):
    monkeypatch.setattr(control, "SHOWN", 16)
    screen.data.copy().write_h5ad(tmp_path / "cells.h5ad")
    bundle, settings = control.true_bundle(screen), settings_of(70)
    scores = {}
    for network in (control.TRUE, control.REWIRED):
        arm = control.arm_bundle(bundle, "hybrid", network, 1)
        scores[network] = control.run_arm(
            tmp_path / "cells.h5ad",
            screen,
            arm,
            network,
            settings,
            model_seed=1,
            folder=tmp_path / network,
        )
    true, rewired = scores[control.TRUE], scores[control.REWIRED]
    assert true["loss_heldout"] < rewired["loss_heldout"] - 0.03, scores
    assert true["loss_perturbed"] < rewired["loss_perturbed"] - 0.03, scores
    assert true["shift"] > rewired["shift"] + 0.2, scores


def test_a_perturbed_tf_moves_its_targets_and_no_others(control, screen):
    shifts = control.true_shifts(screen, screen.data.X.toarray())
    assert len(shifts) == 20
    assert not {name[:-1] for name in shifts} & {
        name[:-1] for name in screen.data.obs["perturbation"].iloc[screen.rows("train")]
    }
    genes, everywhere = (
        screen.data.var_names,
        screen.edges["cell_types"].str.len() == len(screen.cell_types),
    )
    of_targets, of_others = [], []
    for name, shift in shifts.items():
        edges = screen.edges[screen.edges["tf"] == name[:-1]]
        direction = 1 if name.endswith("+") else -1
        chosen = edges[everywhere[edges.index]]
        of_targets.extend(
            direction * chosen["sign"] * shift[genes.get_indexer(chosen["gene"])]
        )
        of_others.extend(shift[~genes.isin([*edges["gene"], name[:-1]])])
    assert (np.array(of_targets) > 0).mean() > 0.95
    assert np.mean(of_targets) > 5 * np.mean(np.abs(of_others))


def test_same_seed_same_screen(screen):
    again, other = simulate_screen(seed=1, **SCREEN), simulate_screen(seed=2, **SCREEN)
    assert (screen.data.X != again.data.X).nnz == 0
    assert screen.data.obs.equals(again.data.obs)
    assert (screen.data.X != other.data.X).nnz > 0


def test_training_cells_know_neither_the_last_type_nor_the_held_out_tfs(screen):
    obs = screen.data.obs
    assert set(obs["cell_type"].iloc[screen.rows("train")]) == set(
        screen.cell_types[:-1]
    )
    assert set(obs["cell_type"].iloc[screen.rows("new_type")]) == {
        screen.cell_types[-1]
    }
    assert set(obs["perturbation"].iloc[screen.rows("heldout")]) == {"control"}


def test_setting_a_gene_changes_that_gene_alone():
    rows = sp.csr_matrix(np.array([[0, 2.0, 1], [3, 0, 0]]))
    np.testing.assert_array_equal(
        edit_expression(rows, 1, Edit(KNOCK_DOWN, 0.0)).toarray(),
        [[0, 0, 1], [3, 0, 0]],
    )
    np.testing.assert_array_equal(
        edit_expression(rows, 0, Edit(OVER_EXPRESSION, 1.0)).toarray(),
        [[2, 2, 1], [3, 0, 0]],
    )


def test_both_batches_fraction_tokens_and_mask_and_the_tf_is_seen(
    control, screen, tmp_path
):
    screen.data.copy().write_h5ad(tmp_path / "cells.h5ad")
    graph = control.true_bundle(screen).graph
    tokeniser = BACKBONES["scgpt"].tokeniser(n_bins=20, expressed_fraction=0.5)
    with Corpus.of_dataset(
        tmp_path / "cells.h5ad", list(screen.data.var_names)
    ) as store:
        cells = Batcher(
            store, graph, screen.cell_types, tokeniser, n_tokens=20, mask_fraction=0.3
        )
        rows = screen.rows("heldout")[:10]
        file = store.parts[0].store
        as_is = file.read_all(rows)
        made = [
            Rows(tokeniser.values(x), x)
            for x in (as_is, edit_expression(as_is, 4, Edit(KNOCK_DOWN, 0.0)))
        ]
        activity = VisibleActivity(graph, file)
        before, after = paired_batches(
            cells, activity, rows, *made, 4, np.random.default_rng(0)
        )
    assert (before.gene_BL == after.gene_BL).all()
    assert (before.masked_BL == after.masked_BL).all()
    of_tf = before.gene_BL == 4
    assert (of_tf.sum(1) == 1).all()
    assert not (before.masked_BL & of_tf).any()
    assert (after.value_BL[of_tf] == 0).all()
    assert (before.value_BL[of_tf] > 0).any()


def test_the_perturbed_gene_stands_behind_the_others_and_not_on_a_padded_place():
    """Gene 0 is what padded places bear, too: it is sampled only where it is present."""
    gene_BL = np.array([[3, 0, 0], [3, 5, 7], [5, 3, 0], [0, 0, 0]])
    present_BL = np.array([[1, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]], bool)
    gene, present = with_gene(gene_BL, present_BL, 0)
    assert gene.tolist() == [[3, 0, 0], [3, 5, 0], [5, 3, 0], [0, 0, 0]]
    assert present.sum(1).tolist() == [2, 3, 3, 1]
    gene, present = with_gene(gene_BL, present_BL, 5)
    assert gene.tolist() == [[3, 5, 0], [3, 5, 7], [5, 3, 0], [5, 0, 0]]
    assert present.sum(1).tolist() == [2, 3, 3, 1]
    assert with_gene(gene_BL, None, 5)[0][0].tolist() == [3, 0, 5]


def test_a_backbone_that_masks_genes_is_said_to_have_no_shifts():
    class Hiding:
        masks_genes = True

    with pytest.raises(InputError, match="hides the gene"):
        predict_shift(
            Hiding(),
            None,
            None,
            np.arange(2),
            0,
            Edit(OVER_EXPRESSION, 1.0),
            repeats=1,
            batch_size=2,
            seed=1,
        )  # type: ignore[arg-type]
