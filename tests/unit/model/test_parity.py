"""The backbones against their originals on random weights (fixtures/README.md), and their published formats."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from grnformer.errors import InputError
from grnformer.model.backbones import BACKBONES, scgpt
from grnformer.model.backbones.layer import Layer
from grnformer.model.batch import Batch
from grnformer.model.published import put_published, take_published

FIXTURES = Path(__file__).parent / "fixtures"
GEP = {"masked_attention": False}
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def fixture(name):
    with safe_open(FIXTURES / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        described = {key: json.loads(value) for key, value in file.metadata().items()}
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    return tensors, state, described


def scgpt_folder(folder, flash=False, change=None):
    _, state, described = fixture("scgpt")
    if flash:
        state = {k.replace("self_attn.in_proj_", "self_attn.Wqkv."): v for k, v in state.items()}
    folder.mkdir(exist_ok=True)
    torch.save(change(state) if change else state, folder / "best_model.pt")
    (folder / "args.json").write_text(json.dumps(described["args"]))
    (folder / "vocab.json").write_text(json.dumps(described["vocab"]))
    return folder


def geneformer_folder(folder, version, safe=True, tied=True):
    _, state, described = fixture(f"geneformer_{version}")
    if not tied:
        state = {key: value for key, value in state.items() if not key.startswith("cls.predictions.decoder")}
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(described["config"]))
    if safe:
        save_file(state, folder / "model.safetensors")
    else:
        state["bert.embeddings.position_ids"] = torch.arange(32)[None]
        torch.save(state, folder / "pytorch_model.bin")
    return folder


def scfoundation_file(path):
    _, state, described = fixture("scfoundation")
    config = described["config"]
    data = {key: config.pop(key) for key in ("seq_len", "pad_token_id", "mask_token_id", "n_class")}
    settings = {"model": "mae_autobin", "model_config": {"mae_autobin": config}, "dataset_config": {"rnaseq": data}}
    model = {"config": settings, "state_dict": {f"model.{key}": value for key, value in state.items()}}
    other = {"config": settings, "state_dict": {f"model.{key}": value * 0 for key, value in state.items()}}
    torch.save({"cell": model, "gene": other}, path)
    return path


def started(name, path, genes, tokens, **settings):
    """The backbone with the weights of the checkpoint, and the checkpoint."""
    published = BACKBONES[name].read_published(path, settings)
    backbone = BACKBONES[name](n_genes=len(genes), **published.architecture)
    put_published(backbone, published, pd.DataFrame({"gene": genes, "token": tokens}))
    return backbone.eval(), published


def batch_of(gene, value, masked, **more):
    n = len(gene)
    return Batch(gene, value, masked, np.zeros(n, int), torch.zeros(n, 0), **more)


@pytest.mark.parametrize("flash", [False, True])
def test_scgpt_gives_what_the_original_gives(tmp_path, flash):
    given, _, described = fixture("scgpt")
    order = np.random.default_rng(0).permutation(20)  # the graph's genes need not be in the vocabulary's order
    genes = [f"G{i}" for i in order]
    folder = scgpt_folder(tmp_path / "scgpt", flash)
    backbone, published = started("scgpt", folder, genes, [described["vocab"][g] for g in genes], **GEP)
    node = torch.from_numpy(np.argsort(order))[given["gene"]]
    batch = batch_of(node, given["bin"].float() / 50, given["masked"])
    with torch.no_grad():
        h_BTD = backbone.encode(batch, drop_last=False)
        cell = backbone.cell_embedding(h_BTD, batch)
        torch.testing.assert_close(backbone.reconstruct(h_BTD, batch) * 50, given["gep"], **CLOSE)
        torch.testing.assert_close(backbone.reconstruct_from_cell(cell, batch) * 50, given["mvc"], **CLOSE)
        torch.testing.assert_close(cell, given["cell"], **CLOSE)
    BACKBONES["scgpt"].write_published(take_published(backbone, published), tmp_path / "back")
    same_files(folder, tmp_path / "back")


@pytest.mark.parametrize("change", [None, "bare", "value of the cell token"])
def test_scgpt_gives_what_the_original_gives_in_its_pretraining(tmp_path, monkeypatch, change):
    given, state, described = fixture("scgpt_generative")
    folder = tmp_path / "scgpt"
    folder.mkdir()
    torch.save(state, folder / "best_model.pt")
    (folder / "args.json").write_text(json.dumps(described["args"]))
    (folder / "vocab.json").write_text(json.dumps(described["vocab"]))
    genes = [f"G{i}" for i in range(20)]
    backbone, published = started("scgpt", folder, genes, range(20), masked_attention=True)
    if change == "bare":  # each of them matters to the numbers
        of_layer = Layer.forward
        monkeypatch.setattr(Layer, "forward", lambda layer, x, allowed, bare: of_layer(layer, x, allowed))
    elif change:
        monkeypatch.setattr(scgpt, "PAD_VALUE", 0.0)
    batch, masked = batch_of(given["gene"], given["bin"].float() / 50, given["masked"]), given["masked"]
    with torch.no_grad():
        h_BTD = backbone.encode(batch, drop_last=False)
        cell = backbone.cell_embedding(h_BTD, batch)
        gep, mvc = (x * 50 for x in (backbone.reconstruct(h_BTD, batch), backbone.reconstruct_from_cell(cell, batch)))
    if change:
        assert (gep - given["gep"])[masked].abs().max() > 1e-3
        return
    torch.testing.assert_close(gep, given["gep"], **CLOSE)
    torch.testing.assert_close(mvc, given["mvc"], **CLOSE)
    torch.testing.assert_close(cell, given["cell"], **CLOSE)
    for told, loss in ((gep, "loss_gep"), (mvc, "loss_mvc")):
        torch.testing.assert_close(((told - given["bin"]) ** 2)[masked].mean(), given[loss], **CLOSE)
    BACKBONES["scgpt"].write_published(take_published(backbone, published), tmp_path / "back")
    same_files(folder, tmp_path / "back")


def test_scgpt_hides_masked_tokens_from_each_other_as_in_its_pretraining(make_model, batch):
    backbone = make_model(kind="scgpt_original", adapter=False).backbone
    with torch.no_grad():
        backbone.gene.weight.normal_()
        before = backbone.encode(batch, drop_last=False)
        moved = batch.gene_BL.clone()
        moved[:, 0] = (moved[:, 0] + 7) % 20  # of a masked token
        after = backbone.encode(dataclasses.replace(batch, gene_BL=moved), drop_last=False)
    torch.testing.assert_close(after[:, 2:], before[:, 2:])
    torch.testing.assert_close(after[:, 0], before[:, 0])
    assert (after[:, 1] - before[:, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("part", ["cell", "gene"])
def test_scfoundation_gives_what_the_original_gives(tmp_path, part):
    given, _, _ = fixture("scfoundation")
    path = scfoundation_file(tmp_path / "models.ckpt")
    order = np.random.default_rng(0).permutation(24)
    settings = {"part": part, "dropout": 0.1}
    backbone, published = started("scfoundation", path, [f"G{i}" for i in order], order, **settings)
    node = torch.from_numpy(np.argsort(order)).expand(5, 24)
    masked = batch_of(node, given["value"], given["masked"], depth_B=given["depth"])
    whole = dataclasses.replace(masked, masked_BL=torch.zeros_like(given["masked"]))
    with torch.no_grad():
        predicted = backbone.reconstruct(backbone.encode(masked, drop_last=False), masked)
        cell = backbone.cell_embedding(backbone.encode(whole, drop_last=False), whole)
    if part == "gene":
        assert not predicted.any()
    else:
        torch.testing.assert_close(predicted, given["predicted"], **CLOSE)
        torch.testing.assert_close(cell, given["cell"], **CLOSE)
    BACKBONES["scfoundation"].write_published(take_published(backbone, published), tmp_path / "back.ckpt")
    read = [torch.load(p, weights_only=True) for p in (path, tmp_path / "back.ckpt")]
    for model in ("cell", "gene"):
        same_tensors(read[0][model]["state_dict"], read[1][model]["state_dict"])
        assert read[0][model]["config"] == read[1][model]["config"]


@pytest.mark.parametrize(("version", "safe", "tied"), [("v1", False, True), ("v1", True, True), ("v2", True, False)])
def test_geneformer_gives_what_the_original_gives(tmp_path, version, safe, tied):
    given, _, _ = fixture(f"geneformer_{version}")
    folder, first = geneformer_folder(tmp_path / "bert", version, safe, tied), 2 if version == "v1" else 4
    order = np.random.default_rng(0).permutation(20)
    names, more = [f"G{i}" for i in order], {"cell_tokens": version == "v2"}
    backbone, published = started("geneformer", folder, names, order + first, **more)
    tokeniser = BACKBONES["geneformer"].tokeniser(medians=given["medians"].numpy()[order].tolist())
    values = tokeniser.values(sp.csr_matrix(given["expression"].numpy()[:, order]))
    tokens = tokeniser.tokenise(values, 30, np.random.default_rng(0))
    offset = int(version == "v2")
    n_tokens = tokens.gene_BL.shape[1]
    listed = given["input"][:, offset : offset + n_tokens].numpy()
    assert (order[tokens.gene_BL] + first == listed)[tokens.present_BL].all()
    masked = given["masked"][:, offset : offset + n_tokens]
    tensors = map(torch.from_numpy, (tokens.gene_BL, tokens.value_BL, tokens.present_BL))
    gene, value, present = tensors
    batch = batch_of(gene, value, masked, present_BL=present)
    whole = dataclasses.replace(batch, masked_BL=torch.zeros_like(masked))
    with torch.no_grad():
        h_BTD = backbone.encode(batch, drop_last=False)
        logits = backbone.gene_logits(h_BTD[:, 2 * offset :])
        cell = backbone.cell_embedding(backbone.encode(whole, drop_last=False), whole)
    expected = given["logits"][:, offset : offset + n_tokens, first:][:, :, order]
    torch.testing.assert_close(logits[present], expected[present], **CLOSE)
    torch.testing.assert_close(cell, given["cell"], **CLOSE)
    BACKBONES["geneformer"].write_published(take_published(backbone, published), tmp_path / "back")
    same_files(folder, tmp_path / "back")


def same_files(folder, other):
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in other.iterdir())
    for path in folder.iterdir():
        if path.suffix == ".json":
            assert json.loads(path.read_text()) == json.loads((other / path.name).read_text())
        elif path.suffix == ".safetensors":
            read = [safe_open(p, "pt") for p in (path, other / path.name)]
            same_tensors(*({key: r.get_tensor(key) for key in r.keys()} for r in read))  # noqa: SIM118
        else:
            same_tensors(*(torch.load(p, weights_only=True) for p in (path, other / path.name)))


def same_tensors(one, other):
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype for name in one)


def without(name):
    return lambda state: {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without("mvc_decoder.W.weight"), "missing weights: mvc_decoder.W.weight"),
        (lambda state: state | {"bn.weight": torch.ones(16)}, "unexpected weights: bn.weight"),
        (lambda state: state | {"decoder.fc.4.bias": torch.ones(2)}, r"decoder.fc.4.bias \(2,\) instead of \(1,\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, named):
    folder = scgpt_folder(tmp_path / "scgpt", change=change)
    with pytest.raises(InputError, match=named):
        started("scgpt", folder, ["G0", "G1"], [0, 1], **GEP)


def test_genes_of_another_vocabulary_and_pickles_that_want_more_are_refused(tmp_path):
    folder = scgpt_folder(tmp_path / "scgpt")
    with pytest.raises(InputError, match="1 of 2 genes were aligned to another vocabulary, first 'G1' as entry 0"):
        started("scgpt", folder, ["A0", "G1"], [5, 0], **GEP)
    with pytest.raises(InputError, match=r"missing weights: flag_encoder\.weight"):
        started("scgpt", folder, ["G0"], [0], masked_attention=True)
    torch.save({"cell": Path("x")}, tmp_path / "models.ckpt")
    with pytest.raises(InputError, match=r"models\.ckpt"):
        started("scfoundation", tmp_path / "models.ckpt", ["G0"], [0], part="cell", dropout=0.1)
    torch.save({"other": {}}, tmp_path / "models.ckpt")
    with pytest.raises(InputError, match=r"the file has \['other'\]"):
        started("scfoundation", tmp_path / "models.ckpt", ["G0"], [0], part="cell", dropout=0.1)
