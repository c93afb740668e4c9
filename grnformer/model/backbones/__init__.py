"""Backbones, the registry: one file each, behind the interface of `base.Backbone`."""

from grnformer.model.backbones.base import Backbone
from grnformer.model.backbones.scgpt import ScGPT

BACKBONES: dict[str, type[Backbone]] = {"scgpt": ScGPT}
