"""Attention of a model: uniform attention is 1 everywhere, planted keys are found, masses agree with loops."""

import numpy as np
import pytest
import torch

from grnformer.bench.attention.analyse import model_before
from grnformer.bench.attention.enrichment import MatchedNull
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.graph.structure import read_structure
from grnformer.infer.attended import relative_attention
from grnformer.infer.attention import attention_batches, collect_attention
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer
from grnformer.settings.read import read_defaults
from grnformer.train.pretrain import pretrain

GENES, TFS = 40, 10
IS_TF = np.arange(GENES) < TFS
OWN = {
    "scgpt": {"n_bins": 5},
    "geneformer": {"cell_tokens": True},
    "scfoundation": {"decoder_width": 16, "n_bins": 5},
}
TINY = read_defaults("pretrain")["sizes"]["tiny"]
SIZES = {
    name: TINY["backbones"][name] | {"width": 16, "n_layers": 1, "n_heads": 2} | own
    for name, own in OWN.items()
}


@pytest.fixture
def made(cells, bundle_of):
    """A model of a backbone with its graph, and batches of 24 cells."""
    stores = []

    def make(name="scgpt", gnn="sage"):
        bundle, path = bundle_of("hybrid"), cells[0]
        torch.manual_seed(0)
        structure_width = {
            "name": gnn,
            "width": 16,
            "n_layers": 1,
            "n_heads": 2,
            "fanout": 5,
            "fusion": "sum",
        }
        model = GRNFormer(
            GENES, {"name": name, **SIZES[name]}, {"n_heads": 2, "position": "after"}, structure_width,
            ["cell_type", "cell"], 16, np.zeros(GENES), np.ones(GENES),
        ).eval()  # fmt: skip
        store = Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist())
        stores.append(store)
        settings = {
            "scgpt": {"n_bins": 5, "expressed_fraction": 0.5},
            "geneformer": {"medians": [1.0] * GENES},
            "scfoundation": {"expressed_fraction": 0.5},
        }[name]
        tokeniser = model.backbone.tokeniser(**settings)
        held = Batcher(
            store,
            bundle.graph,
            bundle.meta["cell_types"],
            tokeniser,
            n_tokens=16,
            mask_fraction=0.3,
        )
        structure = read_structure(
            bundle.graph, bundle.meta["scales"], held.cell_types, "tf_to_gene"
        )
        batches = list(
            attention_batches(held, np.arange(24), samples=2, n_heads=2, seed=1)
        )
        return model, structure, batches

    yield make
    for store in stores:
        store.__exit__(None, None, None)


def collected(made, change=None, **options):
    model, structure, batches = made
    if change is not None:
        model.adapter.attention = change(model.adapter)
    return collect_attention(
        model, structure, batches, IS_TF, 1, **{"measure": True} | options
    )


def fixed_keys(strength_N, batches):
    """Attention of every query proportional to a strength of the key's gene."""
    order = iter(batches)

    def change(adapter):
        def attention(h_BTD, structure_BLS, known_BL):
            gene_BL = next(order).gene_BL
            logit_BL = torch.log(torch.as_tensor(strength_N, dtype=torch.float32))[
                gene_BL
            ]
            if known_BL is not None:
                logit_BL = logit_BL.masked_fill(~known_BL, -torch.inf)
            weight_BL = logit_BL.softmax(-1)
            return weight_BL[:, None, None].expand(
                -1, adapter.n_heads, h_BTD.shape[1], -1
            )

        return attention

    return change


@pytest.mark.parametrize("backbone", ["scgpt", "geneformer", "scfoundation"])
def test_uniform_attention_gives_every_gene_one_and_changes_nothing(made, backbone):
    model, structure, batches = made(backbone)
    with torch.no_grad():  # what starts at 0 would hide the adapter
        for weight in model.parameters():
            weight += 0.1 * torch.randn(weight.shape)
    torch.nn.init.zeros_(model.adapter.query.weight)
    torch.nn.init.zeros_(model.adapter.query.bias)
    model.adapter.beta.data.fill_(0.5)
    found = collect_attention(model, structure, batches, IS_TF, 1, measure=True)
    assert found.kinds == ["masked", "seen", "cell"]
    for mass_NC, keys_N in zip(found.mass_QNC, found.keys_QN, strict=True):
        np.testing.assert_allclose(
            mass_NC, np.repeat(keys_N[:, None], 3, axis=1), rtol=1e-5
        )
    np.testing.assert_allclose(found.pair_NF, found.pairs_NF, rtol=1e-5)
    assert found.totals["uniform"] == pytest.approx(found.totals["trained"], rel=1e-6)
    assert found.totals["pattern"] == pytest.approx(0, abs=1e-3)
    assert found.totals["norm"] > 0
    assert found.totals["adapter_off"] != pytest.approx(
        found.totals["trained"], rel=1e-6
    )


@pytest.mark.parametrize("backbone", ["scgpt", "geneformer"])
def test_tfs_given_twice_the_attention_are_found_to_have_it(made, backbone):
    model, structure, batches = made(backbone)
    found = collected(
        (model, structure, batches), fixed_keys(1.0 + IS_TF, batches), measure=False
    )
    mass_NC = found.mass_QNC[0] / np.maximum(found.keys_QN[0], 1)[:, None]
    null = MatchedNull(
        IS_TF, np.zeros(GENES, int), found.keys_QN[0], 200, np.random.default_rng(0)
    )
    tested = null.test(mass_NC)
    # in short cells (geneformer) a TF competes with few others, of which more are TFs
    np.testing.assert_allclose(
        tested.enrichment, 2, rtol=0.05 if backbone == "scgpt" else 0.1
    )
    assert (tested.null_low < 1).all()
    assert (tested.null_high < 1.2).all()
    assert (tested.p_value < 0.02).all()


def test_each_batch_is_encoded_once(made, monkeypatch):
    """The tokens of a cell itself are counted without a forward pass."""
    model, structure, batches = made("geneformer")
    encode, encoded = model.backbone.encode, []

    def counted(batch, drop_last):
        encoded.append(batch)
        return encode(batch, drop_last)

    monkeypatch.setattr(model.backbone, "encode", counted)
    found = collect_attention(model, structure, batches, IS_TF, 1, measure=False)
    assert len(encoded) == len(batches)
    assert found.kinds == ["masked", "seen", "cell"]


def test_masses_and_pairs_agree_with_loops_over_cells(made):
    model, structure, batches = made("scgpt")
    found = collected((model, structure, batches))
    attended = []
    original = type(model.adapter).attention

    def keep(*arguments):
        attended.append(original(model.adapter, *arguments))
        return attended[-1]

    model.adapter.attention = keep
    collect_attention(model, structure, batches, IS_TF, 1, measure=True)
    mass_N, pair_NF = np.zeros(GENES), np.zeros((GENES, TFS))
    for batch, attention_BHTL in zip(batches, attended, strict=True):
        for b, genes in enumerate(batch.gene_BL.numpy()):
            masked = np.flatnonzero(batch.masked_BL[b].numpy())
            weight_LL = attention_BHTL[b, :, 1:].mean(0).numpy()
            heads_HLL = attention_BHTL[b, :, 1:].numpy()
            off_HLL = heads_HLL * ~np.eye(len(genes), dtype=bool)
            relative_LL = (off_HLL / off_HLL.sum(-1, keepdims=True)).mean(0) * (
                len(genes) - 1
            )
            assert weight_LL.sum(-1) == pytest.approx(1, abs=1e-5)
            for key, gene in enumerate(genes):
                others = [i for i in masked if i != key]
                mass_N[gene] += np.mean([relative_LL[i, key] for i in others])
                if gene < TFS:
                    for i, asking in enumerate(genes):
                        pair_NF[asking, gene] += relative_LL[i, key]
    np.testing.assert_allclose(found.mass_QNC[0, :, -1], mass_N, rtol=1e-4)
    np.testing.assert_allclose(found.pair_NF, pair_NF, rtol=1e-4, atol=1e-5)


def test_hidden_genes_are_neither_keys_nor_askers_of_pairs(made):
    model, structure, batches = made("geneformer")
    found = collected((model, structure, batches))
    hidden = sum(int((b.masked_BL & b.present_BL).sum()) for b in batches)
    present = sum(int(b.present_BL.sum()) for b in batches)
    assert hidden > 0
    assert found.keys_QN[1].sum() <= present - hidden
    relative, counts = relative_attention(
        torch.full((1, 1, 3, 2), 0.5), torch.tensor([[True, False]])
    )
    assert relative[0, 0].tolist() == [[1, 0], [0, 0], [1, 0]]
    assert counts[0].tolist() == [[True, False], [False, False], [True, False]]


def test_leaving_out_keys_that_matter_costs_more_than_others(made):
    """A head whose fusion is read off TFs only: the loss moves when TFs are left out, not when others are."""
    model, structure, batches = made("scgpt")
    strength = np.where(IS_TF, 1.0, 1e-6)
    model.adapter.beta.data.fill_(1.0)
    found = collected((model, structure, batches), fixed_keys(strength, batches))
    moved = {
        name: abs(found.totals[name] - found.totals["trained"])
        for name in ("without_tfs", "without_others")
    }
    assert moved["without_tfs"] > 100 * moved["without_others"]


def test_the_model_before_training_is_rebuilt_from_its_seed(
    cells, bundle_of, settings, tmp_path
):
    """A training that moves nothing ends where it began."""
    path, data, *_ = cells
    bundle, split = (
        bundle_of("hybrid"),
        split_cells(data.obs, heldout_fraction=0.25, seed=1),
    )
    settings["size"] |= {"steps": 1, "warmup_steps": 0, "learning_rate": 1e-30}
    settings["optimiser"] |= {
        "adapter_scalar_rate": 1e-30,
        "log_every": 1,
        "evaluate_every": 1,
    }
    arm = {"graph": "hybrid", "adapter": True, "perturbation": "none"}
    with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as store:
        run = {
            "model_seed": 3,
            "checkpoints": tmp_path,
            "threads": 1,
            "checkpoint": None,
            "medians": None,
        }
        done = pretrain(store, split, bundle, arm, settings, **run)
        kind = BACKBONES["scgpt"].tokeniser(**done.card["tokeniser"])
        held = Batcher(
            store,
            bundle.graph,
            done.card["cell_types"],
            kind,
            n_tokens=24,
            mask_fraction=0.3,
        )
        train = np.flatnonzero(
            split.set_index("cell")["split"].reindex(store.cells) == "train"
        )
        before = model_before(
            done.model,
            done.card,
            3,
            bundle.graph.genes,
            held,
            train,
            settings["size"],
            checkpoint=None,
        )
        other = model_before(
            done.model,
            done.card,
            4,
            bundle.graph.genes,
            held,
            train,
            settings["size"],
            checkpoint=None,
        )
    for name, weight in done.model.state_dict().items():
        torch.testing.assert_close(
            before.state_dict()[name], weight, rtol=0, atol=1e-12, msg=name
        )
    assert not torch.equal(other.adapter.query.weight, before.adapter.query.weight)
