"""What is read of a cell: every gene that it expresses once, whatever is embedded beside it."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from grnformer.core import io
from grnformer.data.batch import make_batch
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.data.tokens import expressed_blocks
from grnformer.graph.bundle import write_bundle
from grnformer.infer.embed import embed
from grnformer.infer.reading import GeneAxes, effective_dimensions
from grnformer.model.backbones import BACKBONES
from grnformer.model.saved import load_model, save_model
from grnformer.train.loss import spread_loss
from grnformer.train.pretrain import pretrain
from tests.unit.conftest import SIZE

EMBED = {
    "batch_size": 16,
    "seed": 1,
    "mapping": {"exact_up_to": 500, "usual_quantile": 0.95, "warn_above": 1.0},
}
PARTS = ["cell", "genes", "projected"]
ARCHITECTURES = {
    "scgpt": {},
    "scfoundation": {
        "n_bins": 20, "bin_alpha": 1.0, "width": 16, "n_layers": 1, "n_heads": 2, "dropout": 0.1,
        "decoder_width": 8, "decoder_layers": 1, "decoder_heads": 2, "original": False, "part": "cell",
    },
    "geneformer": {
        "width": 16, "n_layers": 1, "n_heads": 2, "hidden": 32, "dropout": 0.1, "positions": 64,
        "cell_tokens": False, "bert_masks": False,
    },
}  # fmt: skip


def train(backbone, cells, bundle_of, settings, tmp_path, checkpoint=None, first=0):
    """Folder of a model with the graph of the data that reads all expressed genes, six at a time.

    `checkpoint`: published weights to start from, in whose vocabulary gene 0 is the entry `first`.
    """
    path, data, *_ = cells
    settings["backbone"] = backbone
    if ARCHITECTURES[backbone]:
        settings["size"]["backbone"] = ARCHITECTURES[backbone]
    # An edge fewer into each gene than there are: which are kept must not go by the batch.
    settings["size"]["gnn"]["fanout"] = 1
    settings["size"]["steps"] = 2
    settings["embed"] = {
        "genes": "expressed",
        "parts": PARTS,
        "n_tokens": 6,
        "draws": 1,
    }
    bundle = bundle_of("hybrid")
    bundle.graph.genes["token"] += first
    arm = {"graph": "hybrid", "adapter": True, "perturbation": "none"}
    options = {
        "model_seed": 1,
        "checkpoints": tmp_path / "c",
        "threads": 1,
        "checkpoint": checkpoint,
        "medians": None,
    }
    with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as store:
        split = split_cells(data.obs, heldout_fraction=0.25, seed=1)
        done = pretrain(store, split, bundle, arm, settings, **options)
    # The adapter starts without effect: it must have one here.
    done.model.adapter.beta.data.fill_(0.5)
    folder = tmp_path / "results" / "x" / "pretrain" / "hybrid" / "seed1"
    save_model(
        done.model, done.card, folder / "model.safetensors", folder / "model.json"
    )
    io.write_table(done.reference, folder / "reference.parquet", "reference_embedding")
    write_bundle(bundle, tmp_path / "results" / "x" / "fuse" / "hybrid")
    return folder, done


@pytest.mark.parametrize("backbone", ARCHITECTURES)
def test_a_cell_is_embedded_alike_alone_and_among_others_in_any_order(
    backbone, cells, bundle_of, settings, tmp_path
):
    folder, done = train(backbone, cells, bundle_of, settings, tmp_path)
    counts = np.random.default_rng(3).poisson(0.7, (40, 40)).astype(float)
    counts[:, 0] += 1
    data = ad.AnnData(sp.csr_matrix(counts), var=cells[1].var)
    found = embed(data, folder, settings=EMBED)
    width = {"scfoundation": 4 * 16}.get(backbone, 16) + 2 * 16
    assert found.embedding.shape == (40, width)
    assert found.made_by["parts"] == PARTS
    assert done.heldout["embedding_width"] == width

    order = np.random.default_rng(0).permutation(40)
    turned = embed(data[order].copy(), folder, settings=EMBED | {"batch_size": 7})
    np.testing.assert_allclose(turned.embedding, found.embedding[order], atol=2e-5)
    for row in (0, 17):
        alone = embed(data[[row]].copy(), folder, settings=EMBED)
        np.testing.assert_allclose(alone.embedding[0], found.embedding[row], atol=2e-5)
    assert np.ptp(found.embedding, axis=0).max() > 0.1


def publish(backbone, folder):
    """Random weights of the backbone in its published format, and the entry of gene 0 in its vocabulary."""
    sizes = ARCHITECTURES[backbone] or SIZE["backbone"]
    first = {"geneformer": 2}.get(backbone, 0)
    entries = {f"x{n}": n for n in range(40 + first)} | {"<cls>": 40}
    torch.manual_seed(5)
    own = {"vocabulary_size": {"scgpt": 41, "geneformer": 42}.get(backbone, 40)}
    if backbone == "scgpt":
        own |= {"cls": 40, "original": True, "bilinear": False, "norm_first": False}
    if backbone == "scfoundation":
        own |= {"original": True}
    donor = BACKBONES[backbone](n_genes=40, **sizes | own)
    names = donor.published_names()
    weights = {theirs: donor.state_dict()[ours] for ours, theirs in names.items()}

    folder.mkdir()
    if backbone == "scgpt":
        arguments = {"embsize": 16, "nlayers": 1, "nheads": 2, "d_hid": 32}
        arguments |= {"dropout": 0.0, "n_bins": 21}
        io.write_json(arguments, folder / "args.json")
        io.write_json(entries, folder / "vocab.json", "vocabulary")
        torch.save(weights, folder / "best_model.pt")
    elif backbone == "geneformer":
        config = {**donor.model.config.to_dict(), "model_type": "bert"}
        io.write_json(config, folder / "config.json")
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        encoder = {"hidden_dim": 16, "depth": 1, "heads": 2}
        decoder = {"hidden_dim": 8, "depth": 1, "heads": 2}
        of_model = {"bin_num": 20, "bin_alpha": 1.0}
        of_model |= {"encoder": encoder, "decoder": decoder}
        config = {"model_config": {"mae_autobin": of_model}}
        config["dataset_config"] = {"rnaseq": {"seq_len": 42}}
        content = {"cell": {"config": config, "state_dict": weights}}
        torch.save(content, folder / "models.ckpt")
        return folder / "models.ckpt", weights, first
    return folder, weights, first


@pytest.mark.parametrize("backbone", ARCHITECTURES)
def test_a_published_checkpoint_goes_on_with_ones_own_graph_to_embeddings(
    backbone, cells, bundle_of, settings, tmp_path
):
    """From the published format, by training with the data's graph, to embeddings of new cells, in each format."""
    checkpoint, weights, first = publish(backbone, tmp_path / "published")
    if backbone == "scgpt":
        # Its genes go by name: the checkpoint's are those of the graph.
        names = bundle_of("hybrid").graph.genes["gene"]
        entries = {gene: n for n, gene in enumerate(names)} | {"<cls>": 40}
        io.write_json(entries, checkpoint / "vocab.json", "vocabulary")
    settings["size"] |= {"learning_rate": 1e-12, "warmup_steps": 0}
    folder, done = train(
        backbone, cells, bundle_of, settings, tmp_path, checkpoint, first
    )
    names = done.model.backbone.published_names()
    for ours, theirs in names.items():
        found = done.model.backbone.state_dict()[ours]
        torch.testing.assert_close(found, weights[theirs], rtol=0, atol=1e-6)

    counts = np.random.default_rng(3).poisson(0.7, (12, 40)).astype(float)
    counts[:, 0] += 1
    data = ad.AnnData(sp.csr_matrix(counts), var=cells[1].var)
    found = embed(data, folder, settings=EMBED)
    assert np.isfinite(found.embedding).all()
    assert found.embedding.std(axis=0).max() > 1e-3
    assert done.card["checkpoint"] is not None


def test_blocks_hold_every_value_once_and_depend_on_the_row_alone():
    dense = sp.random(30, 50, density=0.4, random_state=0).toarray()
    dense[3] = 0
    values = sp.csr_matrix(dense)
    blocks = expressed_blocks(values, 8)

    back = np.zeros((30, 50))
    for gene, value, present in blocks:
        assert present.sum(1).max() <= 8
        row, place = np.nonzero(present)
        assert (back[row, gene[present]] == 0).all()
        back[row, gene[row, place]] = value[row, place]
    np.testing.assert_allclose(back, values.toarray(), rtol=1e-6)

    for row in (0, 3, 29):
        alone = expressed_blocks(values[[row]], 8)
        for one, all_rows in zip(alone, blocks, strict=False):
            of_row = all_rows[2][row]
            np.testing.assert_array_equal(one[0][one[2]], all_rows[0][row][of_row])


def test_padding_is_nothing_to_scgpt(cells, bundle_of, settings, tmp_path):
    folder, _ = train("scgpt", cells, bundle_of, settings, tmp_path)
    model, card = load_model(folder)
    tokeniser = BACKBONES["scgpt"].tokeniser(**card["tokeniser"])
    rows = sp.csr_matrix(np.eye(2, 40) + np.eye(2, 40, 3) + np.tri(2, 40, -1))
    (together,) = tokeniser.blocks(tokeniser.values(rows), 40)
    (alone,) = tokeniser.blocks(tokeniser.values(rows[[0]]), 40)
    states = []
    for tokens in (together, alone):
        n_cells = len(tokens.gene_BL)
        nothing = np.zeros(tokens.gene_BL.shape, bool)
        of_types, active = np.full(n_cells, -1), np.zeros((n_cells, 10), np.float32)
        batch = make_batch(tokens, nothing, of_types, active)
        with torch.no_grad():
            states.append(model(batch, None, np.random.default_rng(0))[0])
    np.testing.assert_allclose(states[0][: len(states[1])], states[1], atol=1e-6)


def test_effective_dimensions_are_those_of_the_eigenvalues():
    vectors = np.random.default_rng(0).normal(size=(200, 5)) * [5, 3, 1, 1, 0.1]
    values = np.linalg.eigvalsh(np.cov(vectors.T))
    expected = values.sum() ** 2 / (values**2).sum()
    assert effective_dimensions(vectors) == pytest.approx(expected)
    line = np.outer(np.arange(9.0), [1, -2, 3])
    assert effective_dimensions(line) == pytest.approx(1)
    assert np.isnan(effective_dimensions(np.ones((4, 3))))


def test_axes_are_orthogonal_and_neither_depth_nor_silent_genes_matter(
    cells, bundle_of, settings, tmp_path
):
    folder, _ = train("scgpt", cells, bundle_of, settings, tmp_path)
    axes = GeneAxes(load_model(folder)[0])
    product = axes.axes_ND.T @ axes.axes_ND / len(axes.axes_ND)
    np.testing.assert_allclose(product, np.eye(16), atol=1e-8)

    rows = sp.csr_matrix(np.random.default_rng(0).poisson(1, (5, 40)).astype(float))
    whole = axes.project(rows)
    np.testing.assert_allclose(axes.project(rows * 7), whole, rtol=1e-5)
    unit = rows.toarray() / np.linalg.norm(rows.toarray(), axis=1, keepdims=True)
    np.testing.assert_allclose(whole, unit @ axes.axes_ND, rtol=1e-5, atol=1e-6)
    some = np.array([2, 5, 30])
    of_some = rows.toarray()[:, some]
    of_some = of_some / np.maximum(np.linalg.norm(of_some, axis=1), 1e-12)[:, None]
    np.testing.assert_allclose(
        axes.project(rows[:, some], some), of_some @ axes.axes_ND[some], atol=1e-6
    )


def test_spread_is_least_for_entries_that_vary_each_by_itself():
    """Against the formula; the gradient pulls cells apart that are nearly alike."""
    z = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    covariance = np.cov(z.numpy().T)
    sd = np.sqrt(np.diag(covariance) + 1e-4)
    shared = (covariance**2).sum() - (np.diag(covariance) ** 2).sum()
    expected = np.maximum(0, 1 - sd).mean() + shared / 6
    assert float(spread_loss(z)) == pytest.approx(expected, rel=1e-4)

    same = z[:, :1].expand(-1, 6)
    assert float(spread_loss(same)) > float(spread_loss(z)) + 1
    near = (0.01 * z).requires_grad_()
    spread_loss(near).backward()
    moved = near.detach() - 0.5 * near.grad
    assert moved.std() > near.std()
    assert float(spread_loss(z[:1])) == 0
