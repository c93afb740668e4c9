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

from grnformer.core.errors import InputError
from grnformer.data.batch import Batch
from grnformer.model.backbones import BACKBONES, scgpt
from grnformer.model.backbones.layer import Layer
from grnformer.model.published import put_published, take_published

FIXTURES = Path(__file__).parent / "fixtures"
GEP = {"masked_attention": False}
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def fixture(name):
    with safe_open(FIXTURES / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        described = {key: json.loads(value) for key, value in file.metadata().items()}
    state = {
        key.removeprefix("state."): value
        for key, value in tensors.items()
        if key.startswith("state.")
    }
    return tensors, state, described


def scgpt_folder(folder, flash=False, change=None):
    _, state, described = fixture("scgpt")
    if flash:
        state = {
            k.replace("self_attn.in_proj_", "self_attn.Wqkv."): v
            for k, v in state.items()
        }
    folder.mkdir(exist_ok=True)
    torch.save(change(state) if change else state, folder / "best_model.pt")
    (folder / "args.json").write_text(json.dumps(described["args"]))
    (folder / "vocab.json").write_text(json.dumps(described["vocab"]))
    return folder


def geneformer_folder(folder, version, safe=True, tied=True):
    _, state, described = fixture(f"geneformer_{version}")
    if not tied:
        state = {
            key: value
            for key, value in state.items()
            if not key.startswith("cls.predictions.decoder")
        }
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
    data = {
        key: config.pop(key)
        for key in ("seq_len", "pad_token_id", "mask_token_id", "n_class")
    }
    settings = {
        "model": "mae_autobin",
        "model_config": {"mae_autobin": config},
        "dataset_config": {"rnaseq": data},
    }
    model = {
        "config": settings,
        "state_dict": {f"model.{key}": value for key, value in state.items()},
    }
    other = {
        "config": settings,
        "state_dict": {f"model.{key}": value * 0 for key, value in state.items()},
    }
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
    # the graph's genes need not be in the vocabulary's order
    order = np.random.default_rng(0).permutation(20)
    genes = [f"G{i}" for i in order]
    folder = scgpt_folder(tmp_path / "scgpt", flash)
    backbone, published = started(
        "scgpt", folder, genes, [described["vocab"][g] for g in genes], **GEP
    )
    node = torch.from_numpy(np.argsort(order))[given["gene"]]
    batch = batch_of(node, given["bin"].float() / 50, given["masked"])
    with torch.no_grad():
        h_BTD = backbone.encode(batch, drop_last=False)
        cell = backbone.cell_embedding(h_BTD, batch)
        torch.testing.assert_close(
            backbone.reconstruct(h_BTD, batch) * 50, given["gep"], **CLOSE
        )
        torch.testing.assert_close(
            backbone.reconstruct_from_cell(cell, batch) * 50, given["mvc"], **CLOSE
        )
        torch.testing.assert_close(cell, given["cell"], **CLOSE)
    BACKBONES["scgpt"].write_published(
        take_published(backbone, published), tmp_path / "back"
    )
    same_files(folder, tmp_path / "back")


@pytest.mark.parametrize("change", [None, "bare", "value of the cell token"])
def test_scgpt_gives_what_the_original_gives_in_its_pretraining(
    tmp_path, monkeypatch, change
):
    given, state, described = fixture("scgpt_generative")
    folder = tmp_path / "scgpt"
    folder.mkdir()
    torch.save(state, folder / "best_model.pt")
    (folder / "args.json").write_text(json.dumps(described["args"]))
    (folder / "vocab.json").write_text(json.dumps(described["vocab"]))
    genes = [f"G{i}" for i in range(20)]
    backbone, published = started(
        "scgpt", folder, genes, range(20), masked_attention=True
    )
    if change == "bare":  # each of them matters to the numbers
        of_layer = Layer.forward
        monkeypatch.setattr(
            Layer,
            "forward",
            lambda layer, x, allowed, bare, *place: of_layer(
                layer, x, allowed, None, *place
            ),
        )
    elif change:
        monkeypatch.setattr(scgpt, "PAD_VALUE", 0.0)
    batch, masked = (
        batch_of(given["gene"], given["bin"].float() / 50, given["masked"]),
        given["masked"],
    )
    with torch.no_grad():
        h_BTD = backbone.encode(batch, drop_last=False)
        cell = backbone.cell_embedding(h_BTD, batch)
        gep, mvc = (
            x * 50
            for x in (
                backbone.reconstruct(h_BTD, batch),
                backbone.reconstruct_from_cell(cell, batch),
            )
        )
    if change:
        assert (gep - given["gep"])[masked].abs().max() > 1e-3
        return
    torch.testing.assert_close(gep, given["gep"], **CLOSE)
    torch.testing.assert_close(mvc, given["mvc"], **CLOSE)
    torch.testing.assert_close(cell, given["cell"], **CLOSE)
    for told, loss in ((gep, "loss_gep"), (mvc, "loss_mvc")):
        torch.testing.assert_close(
            ((told - given["bin"]) ** 2)[masked].mean(), given[loss], **CLOSE
        )
    BACKBONES["scgpt"].write_published(
        take_published(backbone, published), tmp_path / "back"
    )
    same_files(folder, tmp_path / "back")


def test_scgpt_hides_masked_tokens_from_each_other_as_in_its_pretraining(
    make_model, batch
):
    backbone = make_model(kind="scgpt_original", adapter=False).backbone
    with torch.no_grad():
        backbone.gene.weight.normal_()
        before = backbone.encode(batch, drop_last=False)
        moved = batch.gene_BL.clone()
        moved[:, 0] = (moved[:, 0] + 7) % 20  # of a masked token
        after = backbone.encode(
            dataclasses.replace(batch, gene_BL=moved), drop_last=False
        )
    torch.testing.assert_close(after[:, 2:], before[:, 2:])
    torch.testing.assert_close(after[:, 0], before[:, 0])
    assert (after[:, 1] - before[:, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("part", ["cell", "gene"])
def test_scfoundation_gives_what_the_original_gives(tmp_path, part):
    given, _, _ = fixture("scfoundation")
    path = scfoundation_file(tmp_path / "models.ckpt")
    order = np.random.default_rng(0).permutation(24)
    settings = {"part": part, "dropout": 0.1}
    backbone, published = started(
        "scfoundation", path, [f"G{i}" for i in order], order, **settings
    )
    node = torch.from_numpy(np.argsort(order)).expand(5, 24)
    masked = batch_of(node, given["value"], given["masked"], depth_B=given["depth"])
    whole = dataclasses.replace(masked, masked_BL=torch.zeros_like(given["masked"]))
    with torch.no_grad():
        predicted = backbone.reconstruct(
            backbone.encode(masked, drop_last=False), masked
        )
        cell = backbone.cell_embedding(backbone.encode(whole, drop_last=False), whole)
    if part == "gene":
        assert not predicted.any()
    else:
        torch.testing.assert_close(predicted, given["predicted"], **CLOSE)
        torch.testing.assert_close(cell, given["cell"], **CLOSE)
    BACKBONES["scfoundation"].write_published(
        take_published(backbone, published), tmp_path / "back.ckpt"
    )
    read = [torch.load(p, weights_only=True) for p in (path, tmp_path / "back.ckpt")]
    for model in ("cell", "gene"):
        same_tensors(read[0][model]["state_dict"], read[1][model]["state_dict"])
        assert read[0][model]["config"] == read[1][model]["config"]


@pytest.mark.parametrize(
    ("version", "safe", "tied"),
    [("v1", False, True), ("v1", True, True), ("v2", True, False)],
)
def test_geneformer_gives_what_the_original_gives(tmp_path, version, safe, tied):
    given, _, _ = fixture(f"geneformer_{version}")
    folder, first = (
        geneformer_folder(tmp_path / "bert", version, safe, tied),
        2 if version == "v1" else 4,
    )
    order = np.random.default_rng(0).permutation(20)
    names, more = (
        [f"G{i}" for i in order],
        {"cell_tokens": version == "v2", "bert_masks": False},
    )
    backbone, published = started("geneformer", folder, names, order + first, **more)
    tokeniser = BACKBONES["geneformer"].tokeniser(
        medians=given["medians"].numpy()[order].tolist()
    )
    values = tokeniser.values(sp.csr_matrix(given["expression"].numpy()[:, order]))
    tokens = tokeniser.tokenise(values, 30, np.random.default_rng(0))
    offset = int(version == "v2")
    n_tokens = tokens.gene_BL.shape[1]
    listed = given["input"][:, offset : offset + n_tokens].numpy()
    assert (order[tokens.gene_BL] + first == listed)[tokens.present_BL].all()
    masked = given["masked"][:, offset : offset + n_tokens]
    tensors = map(
        torch.from_numpy, (tokens.gene_BL, tokens.value_BL, tokens.present_BL)
    )
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
    BACKBONES["geneformer"].write_published(
        take_published(backbone, published), tmp_path / "back"
    )
    same_files(folder, tmp_path / "back")


# config.json of the models of ctheodoris/Geneformer; sources in docs/add-a-backbone.md
PUBLISHED = {
    "V1-10M": {
        "hidden_size": 256,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "intermediate_size": 512,
    }
    | {"max_position_embeddings": 2048, "vocab_size": 25426},
    "gf-12L-30M-i2048": {
        "hidden_size": 512,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
    }
    | {"intermediate_size": 1024, "max_position_embeddings": 2048, "vocab_size": 25426},
    "gf-12L-95M-i4096": {
        "hidden_size": 512,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
    }
    | {"intermediate_size": 1024, "max_position_embeddings": 4096, "vocab_size": 20275},
    "gf-20L-95M-i4096": {
        "hidden_size": 896,
        "num_hidden_layers": 20,
        "num_attention_heads": 14,
    }
    | {"intermediate_size": 1792, "max_position_embeddings": 4096, "vocab_size": 20275},
    "V2-316M": {"hidden_size": 1152, "num_hidden_layers": 18, "num_attention_heads": 18}
    | {"intermediate_size": 4608, "max_position_embeddings": 4096, "vocab_size": 20275},
}
OURS = {
    "hidden_size": "width",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
} | {
    "intermediate_size": "hidden",
    "max_position_embeddings": "positions",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_geneformer_of_published_settings_loads_as_transformers_writes_it(
    tmp_path, name
):
    from transformers import BertConfig, BertForMaskedLM

    sizes = PUBLISHED[name]
    heads = sizes["num_attention_heads"]
    small = {
        "hidden_size": 4 * heads,
        "intermediate_size": 8,
        "num_hidden_layers": 2,
        "max_position_embeddings": 12,
    }
    same = {
        "hidden_act": "relu",
        "hidden_dropout_prob": 0.02,
        "attention_probs_dropout_prob": 0.02,
    }
    same |= {
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
        "pad_token_id": 0,
        "type_vocab_size": 2,
    }
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(**(sizes | small | same))).eval()
    model.save_pretrained(tmp_path / "bert")
    v2 = sizes["vocab_size"] == 20275
    first, last = 4 if v2 else 2, sizes["vocab_size"] - 1
    tokens, genes = [first, first + 5, last], ["A", "B", "C"]
    own = {"cell_tokens": v2, "bert_masks": True}
    backbone, published = started("geneformer", tmp_path / "bert", genes, tokens, **own)
    gene, masked = torch.tensor([[2, 0, 1]]), torch.tensor([[False, True, False]])
    batch = batch_of(gene, torch.tensor([[1.0, 0.6, 0.3]]), masked)
    listed = [last, 1, first + 5]
    with torch.no_grad():
        logits = backbone.gene_logits(
            backbone.encode(batch, drop_last=False)[:, 2 * v2 :]
        )
        theirs = model(torch.tensor([[2, *listed, 3] if v2 else listed])).logits[
            :, v2 : v2 + 3, tokens
        ]
    torch.testing.assert_close(logits, theirs, **CLOSE)
    BACKBONES["geneformer"].write_published(
        take_published(backbone, published), tmp_path / "back"
    )
    BertForMaskedLM.from_pretrained(tmp_path / "back")
    with pytest.raises(
        InputError, match="1 of 3 genes were aligned to another vocabulary"
    ):
        started("geneformer", tmp_path / "bert", genes, [*tokens[:2], last + 1], **own)


def test_the_paper_size_has_published_settings():
    from grnformer.settings.read import read_defaults

    sizes = read_defaults("pretrain")["sizes"]
    for size, name in (("base", "V1-10M"), ("paper", "gf-12L-95M-i4096")):
        backbone, tokens = (
            sizes[size]["backbones"]["geneformer"],
            sizes[size]["by_backbone"]["geneformer"],
        )
        assert {theirs: backbone[ours] for theirs, ours in OURS.items()} == {
            key: PUBLISHED[name][key] for key in OURS
        }
        assert backbone["cell_tokens"] == (PUBLISHED[name]["vocab_size"] == 20275)
        assert tokens["n_tokens"] == backbone["positions"] - 2 * backbone["cell_tokens"]
        assert (
            tokens["mask_fraction"],
            backbone["bert_masks"],
            backbone["dropout"],
        ) == (0.15, True, 0.02)


def test_masked_tokens_show_what_berts_do(make_model, make_batch):
    backbone = make_model(kind="geneformer_v2", adapter=False).backbone
    entry, masked = torch.full((200, 100), 9), torch.zeros(200, 100, dtype=torch.bool)
    masked[:, ::2] = True
    assert (backbone.eval()._shown(entry, masked)[masked] == 1).all()
    torch.manual_seed(0)
    shown = backbone.train()._shown(entry, masked)
    assert (shown[~masked] == 9).all()
    of_masked = shown[masked]
    assert (of_masked == 1).float().mean().item() == pytest.approx(0.8, abs=0.02)
    # a twentieth of the others too
    assert (of_masked == 9).float().mean().item() == pytest.approx(0.105, abs=0.02)
    others = of_masked[(of_masked != 1) & (of_masked != 9)]
    assert (others.min().item(), others.max().item()) == (4, 23)


def same_files(folder, other):
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        p.name for p in other.iterdir()
    )
    for path in folder.iterdir():
        if path.suffix == ".json":
            assert json.loads(path.read_text()) == json.loads(
                (other / path.name).read_text()
            )
        elif path.suffix == ".safetensors":
            read = [safe_open(p, "pt") for p in (path, other / path.name)]
            same_tensors(*({key: r.get_tensor(key) for key in r.keys()} for r in read))  # noqa: SIM118
        else:
            same_tensors(
                *(torch.load(p, weights_only=True) for p in (path, other / path.name))
            )


def same_tensors(one, other):
    assert list(one) == list(other)
    assert all(
        torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype
        for name in one
    )


def without(name):
    return lambda state: {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without("mvc_decoder.W.weight"), "missing weights: mvc_decoder.W.weight"),
        (
            lambda state: state | {"bn.weight": torch.ones(16)},
            "unexpected weights: bn.weight",
        ),
        (
            lambda state: state | {"decoder.fc.4.bias": torch.ones(2)},
            r"decoder.fc.4.bias \(2,\) instead of \(1,\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, named):
    folder = scgpt_folder(tmp_path / "scgpt", change=change)
    with pytest.raises(InputError, match=named):
        started("scgpt", folder, ["G0", "G1"], [0, 1], **GEP)


def test_genes_of_another_vocabulary_and_pickles_that_want_more_are_refused(tmp_path):
    folder = scgpt_folder(tmp_path / "scgpt")
    with pytest.raises(
        InputError,
        match="1 of 2 genes were aligned to another vocabulary, first 'G1' as entry 0",
    ):
        started("scgpt", folder, ["A0", "G1"], [5, 0], **GEP)
    with pytest.raises(InputError, match=r"missing weights: flag_encoder\.weight"):
        started("scgpt", folder, ["G0"], [0], masked_attention=True)
    torch.save({"cell": Path("x")}, tmp_path / "models.ckpt")
    with pytest.raises(InputError, match=r"models\.ckpt"):
        started(
            "scfoundation",
            tmp_path / "models.ckpt",
            ["G0"],
            [0],
            part="cell",
            dropout=0.1,
        )
    torch.save({"other": {}}, tmp_path / "models.ckpt")
    with pytest.raises(InputError, match=r"the file has \['other'\]"):
        started(
            "scfoundation",
            tmp_path / "models.ckpt",
            ["G0"],
            [0],
            part="cell",
            dropout=0.1,
        )
