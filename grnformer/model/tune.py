"""Which weights of a backbone are trained: all, its heads, its heads and last layers, or low-rank changes of layers.

The heads (what reads predictions from states), the graph encoders and the adapter are trained in any case, so that
every arm has something to learn.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from torch import nn

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    from grnformer.model.grnformer import GRNFormer

logger = logging.getLogger(__name__)


def tune_backbone(model: GRNFormer, settings: dict[str, Any]) -> None:
    """Choose the weights of the backbone that are trained; before training, with the weights that it starts from.

    Parameters
    ----------
    settings
        how: `full`; `frozen` (heads only); `partly` (the last `layers` layers too); `lora` (the body
        stays, each linear map of its layers gets a change of rank `rank`, scaled by `alpha` / rank, which is 0 at
        first; Hu et al. 2021, arXiv 2106.09685).

    Raises
    ------
    InputError
        If more layers are to be trained than there are.
    """
    backbone, how = model.backbone, settings["how"]
    if how == "full":
        return

    layers = list(backbone.get_submodule(backbone.stack).children())
    # a layer that the adapter replaces is not run: it does not count
    layers = layers[: len(layers) - model.replaces_last]
    if how == "partly" and settings["layers"] > len(layers):
        raise InputError(
            f"pretrain.tune.layers is {settings['layers']}",
            f"at most the {len(layers)} layers of the backbone that are used",
            "lower pretrain.tune.layers, or set pretrain.tune.how to full",
        )

    # all of the body first: the layers to be trained are part of it
    modules = dict(backbone.named_modules())
    for part in backbone.body:
        if part in modules:  # some architectures lack a part
            modules[part].requires_grad_(False)
    if how == "partly":
        for layer in layers[len(layers) - settings["layers"] :]:
            layer.requires_grad_(True)
    elif how == "lora":
        _add_low_rank(backbone, layers, settings)

    trained = sum(p.numel() for p in backbone.parameters() if p.requires_grad)
    logger.info("tuning %s: %d weights of the backbone are trained", how, trained)


def _add_low_rank(
    backbone: nn.Module, layers: list[nn.Module], settings: dict[str, Any]
) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    trained = [p for p in backbone.parameters() if p.requires_grad]
    # linear maps of the layers only: heads are trained whole
    inside = {id(module) for layer in layers for module in layer.modules()}
    names = [
        n
        for n, m in backbone.named_modules()
        if id(m) in inside and isinstance(m, nn.Linear)
    ]

    config = LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        target_modules=names,
        lora_dropout=0.0,
    )
    inject_adapter_in_model(config, backbone)
    for parameter in trained:  # the injection has frozen the heads too
        parameter.requires_grad_(True)


def merge_tuned(model: GRNFormer, settings: dict[str, Any]) -> None:
    """Add low-rank changes to the weights that they change: afterwards the model is one like any other."""
    if settings["how"] != "lora":
        return
    from peft.tuners.lora import LoraLayer

    # a list: modules are replaced on the way
    for name, module in list(model.backbone.named_modules()):
        if isinstance(module, LoraLayer):
            # safe: a sum that is not finite is an error
            module.merge(safe_merge=True)
            model.backbone.set_submodule(name, module.get_base_layer())
