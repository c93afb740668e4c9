"""Active eRegulons of a batch: those stored if nothing is masked, and nothing of a masked value otherwise."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from grnformer.core.errors import InputError
from grnformer.data.activity import StoredActivity, VisibleActivity
from grnformer.data.batcher import Batcher
from grnformer.data.cells import CellStore
from grnformer.data.corpus import Corpus
from grnformer.graph.structure import read_structure
from grnformer.grn.activity.recovery import score_cells
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer

SHARES = {"n_tokens": 24, "mask_fraction": 0.3}
GENES = [f"G{i}" for i in range(40)]


def with_stored_activity_of(graph, data):
    """The graph that build_graph would make of the same eRegulons and thresholds on other expression."""
    sets = pd.crosstab(graph.members["gene"], graph.members["eregulon"]).reindex(
        data.var_names, fill_value=0
    )
    auc = score_cells(data.X, sp.csc_matrix(sets.to_numpy(float)), graph.rank_cutoff)
    cell, eregulon = np.nonzero(auc > graph.thresholds["threshold"].to_numpy())
    return replace(
        graph,
        activity=pd.DataFrame(
            {"cell": data.obs_names.to_numpy(object)[cell], "eregulon": eregulon}
        ),
    )


@pytest.mark.parametrize(
    "genes",
    [GENES, GENES[::-1], GENES[3:]],
    ids=["all", "in another order", "some lost"],
)
def test_with_nothing_masked_the_calls_are_the_stored_ones(cells, bundle_of, genes):
    """Also of members that are not genes of the graph."""
    graph, rows = bundle_of("hybrid").graph, np.arange(0, 160, 3)
    with CellStore(cells[0], genes) as store:
        nothing = np.zeros((len(rows), 5), bool)
        told = VisibleActivity(graph, store).score(
            store.read_all(rows), np.zeros(nothing.shape, int), nothing
        )
        np.testing.assert_array_equal(
            told, StoredActivity(graph).rows(store.cells[rows])
        )
        assert 0.1 < told.mean() < 0.9


def test_no_value_of_a_masked_gene_changes_a_call(cells, bundle_of):
    """Nor through the ranks of the other genes: a masked gene that falls would let them all rise."""
    graph, rows, rng = (
        bundle_of("hybrid").graph,
        np.arange(160),
        np.random.default_rng(0),
    )
    gene = np.stack([rng.permutation(40)[:24] for _ in rows])
    masked = np.zeros(gene.shape, bool)
    masked[:, :8] = True
    with CellStore(cells[0], GENES) as store:
        visible = VisibleActivity(graph, store)
        before = store.read_all(rows)
        changed = before.toarray()
        np.put_along_axis(
            changed,
            gene[:, :8],
            rng.exponential(size=(160, 8)).astype(np.float32),
            axis=1,
        )
        told = [
            visible.score(x, gene, masked) for x in (before, sp.csr_matrix(changed))
        ]
        np.testing.assert_array_equal(*told)
        unmasked = [
            visible.score(x, gene, np.zeros_like(masked))
            for x in (before, sp.csr_matrix(changed))
        ]
        assert (unmasked[0] != unmasked[1]).mean() > 0.1  # the change would matter
        assert (told[0] != unmasked[0]).any()


@pytest.mark.parametrize("mode", ["cell", "hybrid", "random", "degree_preserving"])
def test_changing_masked_values_changes_no_prediction(cells, bundle_of, tmp_path, mode):
    """From the files on: the values of masked genes are exchanged, so that the visible ones keep their bins."""
    graph, rows = bundle_of(mode).graph, np.arange(48)
    structure = read_structure(graph, ["cell_type", "cell"], ["A", "B"], "tf_to_gene")
    torch.manual_seed(0)
    tokeniser = BACKBONES["scgpt"].tokeniser(n_bins=20, expressed_fraction=0.5)
    arguments = {
        "name": "scgpt",
        "n_bins": 20,
        "width": 16,
        "n_layers": 1,
        "n_heads": 2,
        "hidden": 32,
    }
    arguments |= {
        "dropout": 0.0,
        "norm_first": True,
        "bilinear": True,
        "original": False,
        "masked_attention": False,
    }
    gnn = {
        "name": "sage",
        "width": 16,
        "n_layers": 2,
        "n_heads": 2,
        "fanout": 10,
        "fusion": "sum",
    }
    adapter = {"n_heads": 2, "position": "after"}
    moments = np.full(40, 0.3), np.full(40, 0.3)
    model = GRNFormer(
        40, arguments, adapter, gnn, ["cell_type", "cell"], 24, *moments
    ).eval()
    torch.nn.init.constant_(model.adapter.beta, 1.0)

    def predict(path, graph):
        with Corpus.of_dataset(path, GENES) as store:
            source = Batcher(store, graph, ["A", "B"], tokeniser, **SHARES)
            batch = source.masked_batch(
                rows, source.read(rows), np.random.default_rng(1)
            )
        with torch.no_grad():
            states = model(batch, structure, np.random.default_rng(2))
            return batch, model.predict(states, batch)

    batch, before = predict(cells[0], graph)
    data = cells[1].copy()
    dense = data.X.toarray()
    for row in rows:
        genes = batch.gene_BL[row][batch.masked_BL[row]].numpy()
        genes = genes[dense[row, genes] > 0]
        dense[row, genes] = np.roll(dense[row, genes], 1)
    data.X = sp.csr_matrix(dense)
    data.write_h5ad(tmp_path / "changed.h5ad")
    after_graph = with_stored_activity_of(graph, data)
    assert not after_graph.activity.equals(graph.activity)
    other, after = predict(tmp_path / "changed.h5ad", after_graph)
    assert torch.equal(batch.gene_BL, other.gene_BL)
    assert not torch.equal(
        batch.value_BL[batch.masked_BL], other.value_BL[other.masked_BL]
    )
    assert torch.equal(before, after)


def test_graphs_without_the_cell_scale_score_nothing(cells, bundle_of):
    with CellStore(cells[0], GENES) as store:
        visible = VisibleActivity(bundle_of("cell_type").graph, store)
        assert visible.needed(store.read_all(np.arange(4))).shape == (4, 0)
        told = visible.score(
            sp.csr_matrix((4, 0)), np.zeros((4, 3), int), np.ones((4, 3), bool)
        )
        assert not told.any()


def test_a_bundle_of_other_genes_is_refused(cells, bundle_of):
    graph = bundle_of("hybrid").graph
    with CellStore(cells[0], GENES) as store, pytest.raises(InputError, match="NOPE"):
        VisibleActivity(
            replace(graph, members=graph.members.replace("G3", "NOPE")), store
        )
