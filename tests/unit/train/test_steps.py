"""Rows from disk, the split, batches by step."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.data import cells as cells_module
from grnformer.data.batch import draw_mask
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.data.steps import StepBatches, load
from grnformer.grn.activity.recovery import score_cells
from grnformer.model.backbones import BACKBONES

SHARES = {"n_tokens": 24, "mask_fraction": 0.3}


def active_in(expression, graph):
    """Active eRegulons by AUCell of whole rows."""
    sets = pd.crosstab(graph.members["gene"], graph.members["eregulon"]).reindex(
        graph.genes["gene"], fill_value=0
    )
    auc = score_cells(
        sp.csr_matrix(expression),
        sp.csc_matrix(sets.to_numpy(float)),
        graph.rank_cutoff,
    )
    return auc > graph.thresholds["threshold"].to_numpy()


@pytest.fixture
def source(cells, bundle_of):
    graph = bundle_of("hybrid").graph
    with Corpus.of_dataset(cells[0], graph.genes["gene"].tolist()) as store:
        yield Batcher(
            store,
            graph,
            ["A", "B"],
            BACKBONES["scgpt"].tokeniser(n_bins=20, expressed_fraction=0.5),
            **SHARES,
        )


def test_store_reads_the_asked_rows_and_genes(cells):
    genes = ["G7", "G2", "G31"]
    with Corpus.of_dataset(cells[0], genes) as store:
        rows = np.array([3, 4, 90])
        np.testing.assert_array_equal(
            store.read(rows).toarray(), cells[1][rows, genes].X.toarray()
        )


@pytest.mark.filterwarnings("ignore:.*[zZ]arr:UserWarning")
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_gives_the_same_rows_names_and_batches(
    cells, bundle_of, tmp_path, zarr_format
):
    with ad.settings.override(zarr_write_format=zarr_format):
        cells[1].write_zarr(tmp_path / "cells.zarr", chunks=(50,))
    graph, rows = bundle_of("hybrid").graph, np.array([3, 4, 90])
    tokeniser = BACKBONES["scgpt"].tokeniser(n_bins=20, expressed_fraction=0.5)
    sizes = {"batch_size": 16, "block_cells": 20, "held_blocks": 2}
    found = []
    for path in (cells[0], tmp_path / "cells.zarr"):
        with Corpus.of_dataset(path, graph.genes["gene"].tolist()) as store:
            source = Batcher(store, graph, ["A", "B"], tokeniser, **SHARES)
            batches = StepBatches(
                source, np.arange(0, 160, 2), **sizes, n_steps=7, seed=1
            )
            drawn = [
                parts.batches[0]
                for _, parts in load(
                    batches, 7, 2 if path.is_dir() else 0, pinned=False
                )
            ]
            found.append(
                (
                    store.read(rows).toarray(),
                    store.names(rows),
                    store.cells,
                    store.digest(),
                    drawn,
                )
            )
    for stored, zarred in zip(*[part[:3] for part in found], strict=True):
        np.testing.assert_array_equal(stored, zarred)
    assert found[0][3] == found[1][3]
    for one, other in zip(found[0][4], found[1][4], strict=True):
        for name in ("gene_BL", "value_BL", "masked_BL", "active_BK", "type_B"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_wide_span_is_read_in_parts(cells, monkeypatch):
    monkeypatch.setattr(cells_module, "_SPAN", 7)
    rows = np.array([0, 6, 7, 8, 60, 61, 159])
    with Corpus.of_dataset(cells[0], ["G7", "G2"]) as store:
        np.testing.assert_array_equal(
            store.read(rows).toarray(), cells[1][rows, ["G7", "G2"]].X.toarray()
        )


def test_store_names_a_missing_gene(cells):
    with pytest.raises(InputError, match="NOPE"):
        Corpus.of_dataset(cells[0], ["G1", "NOPE"])


def test_split_is_stratified_seeded_and_complete(cells):
    split = split_cells(cells[1].obs, heldout_fraction=0.25, seed=1)
    assert split.groupby("cell_type")["split"].apply(
        lambda s: (s == "heldout").sum()
    ).to_dict() == {"A": 20, "B": 20}
    assert split["cell"].tolist() == list(cells[1].obs_names)
    assert split.equals(split_cells(cells[1].obs, heldout_fraction=0.25, seed=1))
    assert not split.equals(split_cells(cells[1].obs, heldout_fraction=0.25, seed=2))


def test_an_epoch_shows_each_training_cell_once_with_its_own_graph(source, cells):
    rows = np.flatnonzero(np.arange(160) % 5 != 0)
    sizes = {"batch_size": 16, "block_cells": 20, "held_blocks": 2}
    batches = StepBatches(source, rows, **sizes, n_steps=8, seed=1)
    expected = source.values(rows)
    seen = []
    for _, parts in batches:
        batch = parts.batches[0]
        for b in range(16):
            dense = np.full(40, np.nan, np.float32)
            dense[batch.gene_BL[b].numpy()] = batch.value_BL[b].numpy()
            fits = [
                i
                for i in range(len(rows))
                if np.allclose(
                    expected[i].toarray()[0][~np.isnan(dense)], dense[~np.isnan(dense)]
                )
            ]
            assert len(fits) == 1
            seen.append(fits[0])
            visible = cells[1].X[rows[[fits[0]]]].toarray()
            visible[0, batch.gene_BL[b][batch.masked_BL[b]].numpy()] = 0
            np.testing.assert_array_equal(
                batch.active_BK[b].numpy() > 0, active_in(visible, source.graph)[0]
            )
            assert batch.type_B[b] == (0 if rows[fits[0]] % 2 else 1)
    assert sorted(seen) == list(range(128))


def test_batches_from_a_later_step_are_those_of_the_whole_run(source):
    rows = np.arange(120)
    sizes = {"batch_size": 16, "block_cells": 20, "held_blocks": 2}
    whole = dict(StepBatches(source, rows, **sizes, n_steps=20, seed=1))
    later = StepBatches(source, rows, **sizes, n_steps=20, seed=1)
    later.divide(9, 0, 1, 1)
    for step, parts in later:
        for name in ("gene_BL", "value_BL", "masked_BL"):
            assert (
                getattr(parts.batches[0], name) == getattr(whole[step].batches[0], name)
            ).all()


def test_mask_has_the_same_fraction_in_each_row():
    shares = {
        draw_mask((3, 20), [0.25, 0.5, 0.75], np.random.default_rng(i)).mean()
        for i in range(20)
    }
    assert shares == {0.25, 0.5, 0.75}
    mask = draw_mask((50, 20), 0.3, np.random.default_rng(0))
    assert (mask.sum(1) == 6).all()
    assert (mask.sum(0) > 0).all()
