"""Settings of pretraining by arm: those of the run, but for what an arm has otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

Config = Mapping[str, Any]
#: keys of ``pretrain`` that are no settings of a model
_NOT_OF_MODELS = (
    "arms",
    "checkpoint",
    "corpora",
    "datasets",
    "grid",
    "heldout_donors",
    "heldout_fraction",
    "medians",
    "networks",
    "rna",
    "seeds",
    "size",
    "sizes",
)
#: backbones whose mask hides the gene itself
_PREDICT_GENES = ("geneformer",)


def settings_by_arm(pretrain: Config) -> dict[str, dict[str, Any]]:
    """Arm -> the settings that its models are trained by; `pretrain`: that section of a complete configuration."""
    return {name: _settings_of(pretrain, arm) for name, arm in pretrain["arms"].items()}


def backbone_by_arm(pretrain: Config) -> dict[str, str]:
    """Arm -> its backbone."""
    return {
        name: arm.get("backbone", pretrain["backbone"])
        for name, arm in pretrain["arms"].items()
    }


def arms_with_values(pretrain: Config) -> list[str]:
    """Arms whose backbone predicts values of genes, not which gene a masked token is."""
    return [
        name
        for name, backbone in backbone_by_arm(pretrain).items()
        if backbone not in _PREDICT_GENES
    ]


def other_backbones(pretrain: Config) -> list[str]:
    """Backbones that arms have in place of the run's."""
    found = dict.fromkeys(backbone_by_arm(pretrain).values())
    return [name for name in found if name != pretrain["backbone"]]


def bundle_name(arm: Config) -> str:
    """Folder of an arm's graph bundle in ``fuse``: the graph, and the backbone where that is not the run's."""
    return ".".join([arm["graph"], *([arm["backbone"]] if "backbone" in arm else [])])


def has_knowledge(graph: str) -> bool:
    """Whether a graph mode has the scale knowledge."""
    return "knowledge" in graph


def asks_knowledge(config: Config) -> bool:
    """Whether an arm, or the target `fuse`, asks for a graph with the scale knowledge; `config`: a complete one."""
    arms = [arm["graph"] for arm in config["pretrain"]["arms"].values()]
    return any(map(has_knowledge, (*arms, *config["fuse"]["graphs"])))


def has_edges(graph: str) -> bool:
    """Whether a graph mode has any edge."""
    return graph != "none" and not graph.endswith("_none")


def is_control_of(control: str, graph: str) -> bool:
    """Whether the control graph `control` has the scales of the data's graph `graph`.

    Controls of the TF network have those of `hybrid`, and serve its single scales too. Those of a graph with the scale
    knowledge bear its name.
    """
    if has_knowledge(graph):
        return control.startswith(f"{graph}_")
    return not has_knowledge(control)


def _settings_of(pretrain: Config, arm: Config) -> dict[str, Any]:
    backbone = arm.get("backbone", pretrain["backbone"])
    size = pretrain["sizes"][pretrain["size"]]
    settings = {k: v for k, v in pretrain.items() if k not in _NOT_OF_MODELS}
    settings["backbone"] = backbone
    settings["size"] = {
        key: value
        for key, value in size.items()
        if key not in ("backbones", "by_backbone")
    }
    settings["size"] |= size["by_backbone"].get(backbone, {})
    settings["size"]["backbone"] = size["backbones"][backbone]
    settings["size_name"] = pretrain["size"]

    # parts are shared with the configuration
    settings = deepcopy(settings)
    if "gnn" in arm:
        settings["size"]["gnn"]["name"] = arm["gnn"]
    if "perturbed_fraction" in arm:
        settings["perturbed_fraction"] = arm["perturbed_fraction"]
    return settings
