"""Embedding a user's AnnData: written where scanpy looks, the same from memory, from disk and in parts."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.stored import annotate_anndata, read_lazily
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.graph.bundle import read_bundle
from grnformer.graph.structure import read_structure
from grnformer.infer import embed as module
from grnformer.infer.embed import embed_anndata
from grnformer.infer.genes import embed_genes
from grnformer.model.backbones import BACKBONES
from grnformer.model.saved import load_model

SETTINGS = {
    "batch_size": 16,
    "seed": 1,
    "mapping": {"exact_up_to": 500, "usual_quantile": 0.95, "warn_above": 1.0},
}


@pytest.fixture
def model(cells, bundle_of, settings, tmp_path, trained):
    """Folder of a model, with its bundle where the workflow puts it."""
    path, data, *_ = cells
    return trained(path, data, bundle_of, settings, tmp_path)


def normalised(data):
    """Log1p of the values per 10,000 a cell: their ranks in it, all that scgpt reads, are those trained on."""
    total = np.asarray(data.X.sum(1))
    scaled = sp.csr_matrix(data.X.multiply(1e4 / total)).log1p()
    return ad.AnnData(scaled, data.obs.copy(), data.var.copy())


@pytest.mark.filterwarnings("ignore:.*[zZ]arr:UserWarning")
def test_any_anndata_gets_its_embedding(model, cells, tmp_path, monkeypatch):
    data = normalised(cells[1])
    data = data[:, np.random.default_rng(0).permutation(data.n_vars)].copy()
    data.obs["cell_type"] = "to be kept"
    data.write_h5ad(tmp_path / "new.h5ad")
    embed_anndata(data, model, settings=SETTINGS)
    assert data.obsm["X_grnformer"].shape == (160, 16)
    assert (data.obs["mapped_cell"] == data.obs_names).mean() > 0.5
    assert data.obs["out_of_domain"].mean() < 0.5
    assert set(data.obs["mapped_cell_type"]) == {"A", "B"}
    assert data.uns["grnformer"]["measured_genes"] == 40
    monkeypatch.setattr(module, "_BATCHES_READ", 2)  # in parts, from disk
    embedding, obs, made_by = module.embed(
        ad.read_h5ad(tmp_path / "new.h5ad", backed="r"), model, settings=SETTINGS
    )
    np.testing.assert_array_equal(embedding, data.obsm["X_grnformer"])
    added = {
        "obs": obs,
        "obsm": {"X_grnformer": embedding},
        "uns": {"grnformer": made_by},
    }
    ad.read_h5ad(tmp_path / "new.h5ad").write_zarr(tmp_path / "new.zarr")
    from_zarr = module.embed(
        read_lazily(tmp_path / "new.zarr"), model, settings=SETTINGS
    )
    np.testing.assert_array_equal(from_zarr.embedding, embedding)
    # and again: what is there is replaced
    for source in ("new.h5ad", "new.zarr", "once.h5ad"):
        target = tmp_path / ("twice.h5ad" if source == "once.h5ad" else "once.h5ad")
        annotate_anndata(tmp_path / source, target, "embedded_cells", **added)
        written = io.read_anndata(target, "embedded_cells")
        assert written.obs["mapped_cell_type"].dtype == "category"
        pd.testing.assert_frame_equal(
            written.obs[list(obs)],
            data.obs[list(obs)],
            check_dtype=False,
            check_categorical=False,
        )
        np.testing.assert_array_equal(written.obsm["X_grnformer"], embedding)
        assert (written.X != data.X).nnz == 0
        assert written.obs["cell_type"].unique().tolist() == ["to be kept"]


def test_the_graph_reaches_the_embedding(model, cells):
    """The same cells embed otherwise when the bundle's edges are another's (same genes, same mode)."""
    data = [normalised(cells[1]), normalised(cells[1])]
    embed_anndata(data[0], model, settings=SETTINGS)
    folder = model.parents[2] / "fuse" / "hybrid"
    edges = pd.read_parquet(folder / "edges.parquet")
    io.write_table(
        edges.assign(sign=-edges["sign"]), folder / "edges.parquet", "graph_edges"
    )
    embed_anndata(data[1], model, settings=SETTINGS)
    assert (data[0].obs["mapped_cell"] == data[1].obs["mapped_cell"]).all()
    assert not np.allclose(
        data[0].obsm["X_grnformer"], data[1].obsm["X_grnformer"], atol=1e-6
    )


def values_read(data, model, monkeypatch, **options):
    """What reaches the model of each row."""
    read, embed_block = [], module.Embedder.embed_block

    def keep(self, block, *others):
        read.append(block.toarray())
        return embed_block(self, block, *others)

    monkeypatch.setattr(module.Embedder, "embed_block", keep)
    module.embed(data, model, settings=SETTINGS, **options)
    monkeypatch.undo()
    return np.concatenate(read)


SCFOUNDATION = {
    "n_bins": 20, "bin_alpha": 1.0, "width": 16, "n_layers": 1, "n_heads": 2, "dropout": 0.1,
    "decoder_width": 8, "decoder_layers": 1, "decoder_heads": 2, "original": False, "part": "cell",
}  # fmt: skip


@pytest.mark.parametrize("backbone", ["scgpt", "scfoundation"])
def test_the_training_cells_are_nearest_to_themselves(
    backbone, cells, bundle_of, settings, tmp_path, trained
):
    """From their counts, of which most are above 0; a cell by itself is what it is among others."""
    rate = np.exp(cells[1].X.toarray() + np.random.default_rng(1).normal(0, 0.5, 40))
    counts = np.random.default_rng(2).poisson(4 * rate).astype(float)
    assert (counts > 0).mean() > 0.8
    data = ad.AnnData(sp.csr_matrix(counts), cells[1].obs, cells[1].var)
    normalised(data).write_h5ad(tmp_path / "dense.h5ad")

    if backbone == "scfoundation":
        settings["backbone"] = backbone
        settings["size"]["backbone"] = SCFOUNDATION
    # All genes are tokens: another sample of them is no other cell.
    settings["embed"] = {"n_tokens": 40, "draws": 1}
    folder = trained(tmp_path / "dense.h5ad", data, bundle_of, settings, tmp_path)

    embed_anndata(data, folder, settings=SETTINGS)
    assert (data.obs["mapped_cell"] == data.obs_names).mean() > 0.9
    assert (data.obs["mapped_cell_type"] == data.obs["cell_type"]).mean() > 0.95
    assert data.obs["out_of_domain"].mean() < 0.2
    alone = data[[7]].copy()
    embed_anndata(alone, folder, settings=SETTINGS)
    assert alone.obs["mapped_cell"].tolist() == ["c7"]


def test_dense_counts_are_cells_unless_bulk_is_declared(model, cells, monkeypatch):
    counts = np.random.default_rng(0).integers(1, 9, (20, 40))
    data = ad.AnnData(sp.csr_matrix(counts.astype(float)), var=cells[1].var)
    right = np.log1p(counts / counts.sum(1, keepdims=True) * 1e4)
    np.testing.assert_allclose(values_read(data, model, monkeypatch), right)
    exceeds = right > np.median(right, axis=1, keepdims=True)
    np.testing.assert_allclose(
        values_read(data, model, monkeypatch, bulk=True), np.where(exceeds, right, 0)
    )


def test_a_bulk_profile_is_embedded_as_if_alone(model, cells):
    counts = np.random.default_rng(0).integers(50, 900, (9, 40)).astype(float)
    # logarithms of any total are the same profiles
    logs = np.log1p(counts / counts.sum(1, keepdims=True) * 1e6)
    for values in (counts, logs):
        data = ad.AnnData(values, var=cells[1].var)
        embed_anndata(data, model, settings={**SETTINGS, "bulk": True})
        for row in (0, 4, 8):
            alone = data[[row]].copy()
            embed_anndata(alone, model, settings=SETTINGS, bulk=True)
            np.testing.assert_array_equal(
                alone.obsm["X_grnformer"][0], data.obsm["X_grnformer"][row]
            )
            assert alone.obs["mapped_cell"].iloc[0] == data.obs["mapped_cell"].iloc[row]
    assert np.ptp(data.obsm["X_grnformer"], axis=0).max() > 1e-3


def test_a_model_from_before_bulk_was_declared_still_loads(model, cells):
    card = io.read_json(model / "model.json")
    card["embed"]["dense_above"] = 0.1
    io.write_json(card, model / "model.json", "model")
    data = normalised(cells[1])
    embed_anndata(data, model, settings=SETTINGS)
    assert (data.obs["mapped_cell"] == data.obs_names).mean() > 0.5


def test_wrong_data_are_errors(model, cells):
    with pytest.raises(InputError, match="negative"):
        embed_anndata(
            ad.AnnData(-np.ones((2, 40)), var=cells[1].var), model, settings=SETTINGS
        )
    with pytest.raises(InputError, match="0 of the model's 40 genes"):
        embed_anndata(
            ad.AnnData(sp.csr_matrix(np.ones((2, 3)))), model, settings=SETTINGS
        )


def test_the_example_of_the_docs_runs(model, cells, tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "use-the-embeddings.md").read_text()
    example = text.split("```python\n")[1].split("```")[0]
    normalised(cells[1]).write_h5ad(tmp_path / "my_cells.h5ad")
    example = example.replace("my_cells.h5ad", str(tmp_path / "my_cells.h5ad"))
    example = example.replace("results/snareseq/pretrain/hybrid/seed1", str(model))
    namespace: dict[str, ad.AnnData] = {}
    exec(example, namespace)
    known = namespace["known"]
    assert 80 < len(known) <= 160
    assert known.obs["leiden"].notna().all()
    assert not known.obs["out_of_domain"].any()


GENES = {"gene_cells": 200, "batch_size": 16, "seed": 1}


@pytest.fixture
def whole(cells, bundle_of, settings, tmp_path, trained):
    """A model of which all genes are tokens of every cell, its cells and their split."""
    path, data, *_ = cells
    settings["embed"] = {"n_tokens": 40, "draws": 1}
    folder = trained(path, data, bundle_of, settings, tmp_path)
    return folder, path, split_cells(data.obs, heldout_fraction=0.25, seed=1)


def test_a_gene_is_the_mean_of_its_vectors_over_training_cells_with_their_graphs(whole):
    """Against a loop over cells and tokens, one cell at a time; all edges are kept (fanout 10)."""
    folder, path, split = whole
    found = embed_genes(folder, None, path, split, GENES).set_index("gene")
    assert found.shape == (40, 16)
    assert set(found.dtypes) == {np.dtype("float32")}

    model, card = load_model(folder)
    bundle = read_bundle(folder.parents[2] / "fuse" / "hybrid")
    structure = read_structure(
        bundle.graph, bundle.meta["scales"], card["cell_types"], "tf_to_gene"
    )
    tokeniser = BACKBONES["scgpt"].tokeniser(**card["tokeniser"])
    training = set(split.loc[split["split"] == "train", "cell"])
    sums = dict.fromkeys(card["genes"], 0.0)
    with Corpus.of_dataset(path, card["genes"]) as corpus, torch.no_grad():
        types = bundle.meta["cell_types"]
        cells = Batcher(
            corpus, bundle.graph, types, tokeniser, n_tokens=40, mask_fraction=0.3
        )
        for row in np.flatnonzero(np.isin(corpus.cells, list(training))):
            one, rng = np.array([row]), np.random.default_rng(row)
            batch = cells.whole_batch(one, cells.values(one), rng)
            states = model(batch, structure, rng)[0, 1:].numpy()
            for gene, state in zip(batch.gene_BL[0].tolist(), states, strict=True):
                sums[card["genes"][gene]] += state / len(training)
    # a gene with more regulators than the fanout keeps others each time
    expected = pd.DataFrame(sums).T
    np.testing.assert_allclose(found, expected.loc[found.index], atol=2e-3)


def test_held_out_cells_are_not_read_and_edges_reach_the_vectors(whole, tmp_path):
    folder, path, split = whole
    found = embed_genes(folder, None, path, split, GENES)

    data = ad.read_h5ad(path)
    heldout = (split["split"] == "heldout").to_numpy()
    values = data.X.toarray()
    values[heldout] = 1
    data.X = sp.csr_matrix(values)
    data.write_h5ad(tmp_path / "other.h5ad")
    other = embed_genes(folder, None, tmp_path / "other.h5ad", split, GENES)
    pd.testing.assert_frame_equal(found, other, check_exact=True)

    edges = folder.parents[2] / "fuse" / "hybrid" / "edges.parquet"
    table = pd.read_parquet(edges)
    io.write_table(table.assign(sign=-table["sign"]), edges, "graph_edges")
    turned = embed_genes(folder, None, path, split, GENES)
    assert not np.allclose(found.iloc[:, 1:], turned.iloc[:, 1:], atol=1e-4)


def test_genes_that_are_no_tokens_are_absent_and_other_cells_are_refused(model, cells):
    path, data, *_ = cells
    split = split_cells(data.obs, heldout_fraction=0.25, seed=1)
    few = embed_genes(model, None, path, split, GENES | {"gene_cells": 1})
    # two samples of 24 tokens, of 40 genes
    assert 24 <= len(few) < 40
    assert few["gene"].is_unique
    assert np.isfinite(few.iloc[:, 1:].to_numpy()).all()

    strange = split.assign(cell="of another run " + split["cell"])
    with pytest.raises(InputError, match="none of the training cells"):
        embed_genes(model, None, path, strange, GENES)
