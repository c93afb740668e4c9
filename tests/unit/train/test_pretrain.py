"""Training end to end on a planted network: resume, the value of the true graph, embeddings of new data."""

import logging
import shutil
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch

from grnformer.core import fingerprint, io
from grnformer.core.errors import InputError
from grnformer.core.source import read_source
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.graph.bundle import write_bundle
from grnformer.infer.embed import embed
from grnformer.model.backbones.scgpt import ScGPT
from grnformer.model.published import Published, take_published
from grnformer.model.saved import load_model, save_model
from grnformer.train.loop import _Run
from grnformer.train.pretrain import pretrain

MAPPING = {"exact_up_to": 1000, "usual_quantile": 0.95, "warn_above": 1.0}


def run(
    cells,
    bundle,
    settings,
    folder,
    mode,
    adapter=True,
    perturbation="coexpression",
    seed=1,
    **options,
):
    path, data, *_ = cells
    split = split_cells(data.obs, heldout_fraction=0.25, seed=1)
    arm = {"graph": mode, "adapter": adapter, "perturbation": perturbation}
    with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as store:
        options = {"checkpoint": None, "medians": None} | options
        return pretrain(
            store,
            split,
            bundle,
            arm,
            settings,
            model_seed=seed,
            checkpoints=folder,
            threads=1,
            **options,
        )


def test_resumed_run_equals_the_unbroken_one_bit_by_bit(
    cells, bundle_of, settings, tmp_path
):
    bundle = bundle_of("hybrid")
    whole = run(cells, bundle, settings, tmp_path / "a", "hybrid")
    run(cells, bundle, settings, tmp_path / "b", "hybrid", stop_after=5)
    assert [path.name[-14:] for path in (tmp_path / "b").glob("*.ckpt")] == [
        "000000005.ckpt"
    ]
    resumed = run(cells, bundle, settings, tmp_path / "b", "hybrid")
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    timeless = [c for c in whole.curve if c not in ("tokens_per_second", "memory_mb")]
    pd.testing.assert_frame_equal(
        whole.curve[timeless], resumed.curve[timeless], check_exact=True
    )
    assert whole.heldout == resumed.heldout


def test_a_checkpoint_of_other_settings_is_not_continued(
    cells, bundle_of, settings, tmp_path
):
    bundle = bundle_of("hybrid")
    run(cells, bundle, settings, tmp_path / "a", "hybrid", stop_after=5)
    other = settings | {"perturbed_fraction": 0.5}
    fresh = run(cells, bundle, other, tmp_path / "a", "hybrid")
    assert fresh.curve["step"].min() == 2
    assert not torch.equal(
        fresh.model.adapter.beta,
        run(cells, bundle, settings, tmp_path / "b", "hybrid").model.adapter.beta,
    )


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Take the code for that of a copy of the package, which this edits."""
    copy = Path(shutil.copytree(fingerprint.PACKAGE, tmp_path / "grnformer"))
    monkeypatch.setattr(fingerprint, "PACKAGE", copy)

    def edit(file):
        path = copy / file
        # a file that was moved away is an error
        path.write_text(path.read_text() + "ADDED = 1\n")
        read_source.cache_clear()
        fingerprint._imports.cache_clear()

    return edit


@pytest.fixture
def steps_done(monkeypatch):
    """Steps of the optimiser that were done since this was last asked."""
    done, step = [], _Run._step
    monkeypatch.setattr(
        _Run, "_step", lambda self, *rest: done.append(1) or step(self, *rest)
    )

    def ask():
        n_steps = len(done)
        done.clear()
        return n_steps

    return ask


def test_a_finished_model_is_trained_anew_once_its_code_has_changed(
    cells, bundle_of, settings, tmp_path, edited, steps_done, caplog
):
    """And not otherwise: neither without an edit, nor after one that has no part in its weights."""
    bundle, n_steps = bundle_of("hybrid"), 2
    settings = settings | {
        "size": settings["size"] | {"steps": n_steps, "warmup_steps": 1}
    }

    def train():
        caplog.clear()
        with caplog.at_level(logging.INFO, "grnformer.train"):
            run(cells, bundle, settings, tmp_path / "checkpoints", "hybrid")
        return steps_done()

    assert train() == n_steps
    assert train() == 0
    for file in (
        "train/progress.py",
        "infer/reference.py",
        "train/run.py",
        "model/backbones/geneformer.py",
    ):
        edited(file)
    assert train() == 0
    assert "not continued" not in caplog.text
    for file in ("model/gnn.py", "model/backbones/scgpt.py"):
        edited(file)
        assert train() == n_steps, file
        assert "of other settings, data or code, not continued" in caplog.text
        assert train() == 0, file


def test_the_true_graph_beats_the_same_model_without_edges(
    cells, bundle_of, settings, tmp_path
):
    size = settings["size"] | {
        "steps": 150,
        "learning_rate": 0.005,
        "n_tokens": 32,
        "batch_size": 32,
    }
    size["backbone"] = size["backbone"] | {"dropout": 0.0}
    settings = settings | {
        "size": size,
        "heldout_repeats": 8,
        "checkpoints": settings["checkpoints"] | {"steps": 1000},
    }
    settings["optimiser"] = settings["optimiser"] | {
        "evaluate_every": 1000,
        "log_every": 50,
    }
    scores = {
        mode: run(
            cells, bundle_of(mode), settings, tmp_path / mode, mode, perturbation="none"
        ).heldout
        for mode in ("hybrid", "none")
    }
    loss = {
        mode: score["loss"] / score["baseline_loss"] for mode, score in scores.items()
    }
    assert scores["hybrid"]["parameters"] == scores["none"]["parameters"]
    assert abs(scores["hybrid"]["beta"]) > 0.05
    assert loss["hybrid"] < loss["none"] - 0.05, loss


@pytest.mark.parametrize(
    ("backbone", "unit"), [("scgpt", "squared SD"), ("geneformer", "nats")]
)
def test_held_out_losses_say_their_unit(
    cells, bundle_of, settings, tmp_path, backbone, unit
):
    """Of a gene's mean the squared error is about 1 squared SD; of a gene's fraction, the nats at most those of 40."""
    size = settings["size"] | {"steps": 1, "learning_rate": 1e-9}
    if backbone == "geneformer":
        size["backbone"] = {
            "width": 16,
            "n_layers": 1,
            "n_heads": 2,
            "hidden": 32,
            "dropout": 0.0,
            "positions": 64,
        }
        size["backbone"] |= {"cell_tokens": False, "bert_masks": False}
    settings = settings | {"backbone": backbone, "size": size}
    scores = run(
        cells, bundle_of("none"), settings, tmp_path / "none", "none", adapter=False
    ).heldout
    io.write_json(scores, tmp_path / "heldout.json", "heldout")
    assert scores["loss_unit"] == unit
    assert not [name for name in scores if "mse" in name or "floor" in name]
    expected = 1.0 if unit == "squared SD" else np.log(40)
    assert scores["baseline_loss"] == pytest.approx(expected, rel=0.3)
    # untrained: a model of values starts at the linear prediction
    start = "factor_loss" if unit == "squared SD" else "baseline_loss"
    assert scores["loss"] == pytest.approx(scores[start], rel=0.1)
    of_values = ("pearson", "baseline_cell_type_pearson", "factor_loss", "ridge_loss")
    assert [scores[name] is None for name in of_values] == [unit == "nats"] * 4


def test_embedding_of_new_data_maps_to_the_nearest_cells(
    cells, bundle_of, settings, tmp_path
):
    bundle = bundle_of("hybrid")
    done = run(cells, bundle, settings, tmp_path / "ckpt", "hybrid")
    folder = tmp_path / "model"
    save_model(
        done.model, done.card, folder / "model.safetensors", folder / "model.json"
    )
    io.write_table(done.reference, folder / "reference.parquet", "reference_embedding")
    write_bundle(bundle, tmp_path / "hybrid")
    data = cells[1][:40].copy()
    data.obs_names = [f"line{i}" for i in range(40)]
    data.X = data.X * 100
    options = {
        "settings": {"batch_size": 16, "seed": 1, "mapping": MAPPING},
        "scale": "any",
    }
    made = [embed(data, folder, tmp_path / "hybrid", **options) for _ in range(2)]
    embedding, obs, _ = made[0]
    np.testing.assert_array_equal(embedding, made[1].embedding)
    assert obs.index.tolist() == list(data.obs_names)
    assert embedding.shape == (40, 16)
    assert np.isfinite(embedding).all()
    assert (obs["mapping_distance"] >= 0).all()
    assert (obs["mapped_cell"] == [f"c{i}" for i in range(40)]).mean() > 0.5
    negative = ad.AnnData(-np.ones((3, data.n_vars), np.float32), var=data.var)
    with pytest.raises(InputError, match="negative"):
        embed(negative, folder, tmp_path / "hybrid", **options)
    write_bundle(bundle_of("random"), tmp_path / "random")
    with pytest.raises(InputError, match="not the one"):
        embed(data, folder, tmp_path / "random", **options)


def test_training_starts_from_a_published_checkpoint_and_gives_it_back(
    cells, bundle_of, settings, tmp_path
):
    """A checkpoint of scgpt's format, of a larger vocabulary in another order than the graph's genes."""
    entries = (
        {f"G{i}": 60 - i for i in range(40)}
        | {f"other{i}": i for i in range(21)}
        | {"<cls>": 61}
    )
    arguments = {
        "embsize": 16,
        "nlayers": 1,
        "nheads": 2,
        "d_hid": 32,
        "dropout": 0.0,
        "n_bins": 21,
    }
    architecture = settings["size"]["backbone"] | {
        "original": True,
        "bilinear": False,
        "norm_first": False,
    }
    torch.manual_seed(5)
    donor = ScGPT(
        n_genes=40, **architecture | {"vocabulary_size": 62, "cls": 61, "dropout": 0.0}
    )
    weights = {
        theirs: donor.state_dict()[ours]
        for ours, theirs in donor.published_names().items()
    }
    described = {"args.json": arguments, "flash": True, "order": list(weights)}
    given = Published(tmp_path, architecture, weights, entries, settings=described)
    ScGPT.write_published(given, tmp_path / "published")
    bundle = bundle_of("hybrid")
    bundle.graph.genes["token"] = bundle.graph.genes["gene"].map(entries)
    size = settings["size"] | {"steps": 1, "warmup_steps": 0, "learning_rate": 1e-12}
    settings = settings | {"size": size}
    done = run(
        cells,
        bundle,
        settings,
        tmp_path / "ckpt",
        "hybrid",
        checkpoint=tmp_path / "published",
    )
    read = ScGPT.read_published(tmp_path / "published", size["backbone"])
    back = take_published(done.model.backbone, read)
    for name, value in weights.items():
        torch.testing.assert_close(back.weights[name], value, rtol=0, atol=1e-6)
    assert done.card["checkpoint"] == read.digest()
    save_model(
        done.model, done.card, tmp_path / "model.safetensors", tmp_path / "model.json"
    )
    model, _ = load_model(tmp_path)
    torch.testing.assert_close(
        model.backbone.gene_embedding(), done.model.backbone.gene_embedding()
    )
    scratch = run(cells, bundle, settings, tmp_path / "scratch", "hybrid")
    assert scratch.card["checkpoint"] is None
    bundle.graph.genes["token"] = range(40)
    with pytest.raises(InputError, match="aligned to another vocabulary"):
        run(
            cells,
            bundle,
            settings,
            tmp_path / "other",
            "hybrid",
            checkpoint=tmp_path / "published",
        )


def test_the_linear_start_is_saved_with_the_model_and_is_the_same_in_all_arms(
    cells, bundle_of, settings, tmp_path
):
    linear = []
    for mode in ("hybrid", "random"):
        done = run(cells, bundle_of(mode), settings, tmp_path / mode, mode)
        files = [tmp_path / mode / name for name in ("model.safetensors", "model.json")]
        save_model(done.model, done.card, *files)
        loaded, card = load_model(tmp_path / mode)
        assert card["arguments"]["linear_axes"] == done.heldout["linear_axes"]
        linear.append(loaded.linear.state_dict())
        # the baseline is scored on what the models are, and is no part of them
        assert 0 < done.heldout["factor_loss"] < done.heldout["baseline_loss"]
        assert done.heldout["ridge_loss"] > 0
    assert linear[0]["loadings_NK"].abs().sum() > 0
    for name, value in linear[0].items():
        assert torch.equal(value, linear[1][name]), name
