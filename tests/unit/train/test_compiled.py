"""Layers compiled, and computed in bfloat16, against the same training as it is."""

import functools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.settings.read import read_defaults
from grnformer.train.compiled import compile_layers, restore_layers
from grnformer.train.run import run

SMALL = {
    "width": 16,
    "n_layers": 2,
    "n_heads": 2,
    "hidden": 32,
    "positions": 64,
    "n_bins": 5,
    "dropout": 0.0,
}
SMALL |= {"decoder_width": 8, "decoder_layers": 1, "decoder_heads": 1}
COMPILER = shutil.which(os.environ.get("CXX", "g++"))


def losses(job):
    curve = io.read_table(job["outputs"]["training"], "training")
    return curve.loc[curve["split"] == "train", "loss"].to_numpy()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "backbone",
    [
        "geneformer",
        pytest.param("scgpt", marks=pytest.mark.slow),
        pytest.param("scfoundation", marks=pytest.mark.slow),
    ],
)
def test_compiled_layers_train_alike_and_are_compiled_few_times(
    job_of, settings, backbone, monkeypatch
):
    """geneformer's cells are ragged: the number of cells and tokens of a call changes with every batch.

    What is traced is run as it is: the C++ compiler takes a minute (`make bench-precision` goes through it).
    """
    traced = functools.partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr(torch, "compile", traced)
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    defaults = read_defaults("pretrain")["sizes"]["tiny"]["backbones"][backbone]
    own = defaults | {key: value for key, value in SMALL.items() if key in defaults}
    size = settings["size"] | {"backbone": own, "steps": 12}
    eager = job_of("eager", settings | {"backbone": backbone, "size": size})
    compiled = job_of(
        "compiled", settings | {"backbone": backbone, "size": size | {"compile": True}}
    )
    run(eager)
    run(compiled)
    np.testing.assert_allclose(losses(compiled), losses(eager), rtol=1e-4)
    graphs = counters["stats"]["unique_graphs"]
    assert 0 < graphs <= 12, graphs  # of some hundred calls


@pytest.mark.slow
@pytest.mark.skipif(
    COMPILER is None, reason="torch.compile needs a C++ compiler on a CPU (g++)"
)
@pytest.mark.filterwarnings("ignore")
def test_a_layer_goes_through_the_compiler_for_cells_of_every_length():
    torch._dynamo.reset()
    layer = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.GELU())
    cells = [torch.randn(length, 8) for length in (3, 5, 17)]
    expected = [layer(cell) for cell in cells]
    compile_layers([layer], torch.device("cpu"))
    for cell, value in zip(cells, expected, strict=True):
        torch.testing.assert_close(layer(cell), value)
    restore_layers([layer])
    assert "forward" not in layer.__dict__


def test_without_a_compiler_it_is_said(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match="no C\\+\\+ compiler no-such-compiler"):
        compile_layers([], torch.device("cpu"))


def test_layers_are_restored():
    layer = torch.nn.Linear(2, 2)
    layer.forward = lambda x: x
    restore_layers([layer])
    assert layer.forward.__func__ is torch.nn.Linear.forward


def test_bfloat16_trains_alike_and_resumes_to_the_same_bits(job_of, settings):
    size = settings["size"] | {
        "backbone": settings["size"]["backbone"] | {"dropout": 0.0}
    }
    exact = job_of("exact", settings | {"size": size})
    half = job_of("half", settings | {"size": size | {"precision": "bf16-mixed"}})
    for job in (exact, half):
        run(job)
    np.testing.assert_allclose(losses(half), losses(exact), rtol=0.02)
    assert not np.array_equal(losses(half), losses(exact))
    whole = Path(half["outputs"]["weights"]).read_bytes()
    for path in Path(half["checkpoints"]).glob("*00012.*"):
        path.unlink()
    run(half)
    assert Path(half["outputs"]["weights"]).read_bytes() == whole
