"""torch.compile of a backbone's layers: cells of every length, and mostly all layers, share what is compiled."""

from __future__ import annotations

import os
import shutil

import torch
from torch import nn

from grnformer.core.errors import InputError


def compile_layers(layers: list[nn.Module], device: torch.device) -> None:
    """Compute the layers compiled from now on, with sizes left open (cells are of unequal length).

    Raises
    ------
    InputError
        On a CPU without a C++ compiler.
    """
    compiler = os.environ.get("CXX", "g++")
    if device.type == "cpu" and shutil.which(compiler) is None:
        raise InputError(
            f"compile is true in pretrain.sizes, and there is no C++ compiler {compiler}",
            "one for torch.compile on a CPU",
            "install g++, name another one by the variable CXX, or set compile: false",
        )
    # The method only, in the instance: a compiled module would rename the weights.
    for layer in layers:
        layer.forward = torch.compile(layer.forward, dynamic=True)


def restore_layers(layers: list[nn.Module]) -> None:
    """Compute the layers as they were."""
    for layer in layers:
        layer.__dict__.pop("forward", None)
