"""Backbones, the registry: one file each, behind the interface of `base.Backbone`."""

from grnformer.model.backbones.base import Backbone
from grnformer.model.backbones.geneformer import Geneformer
from grnformer.model.backbones.scfoundation import ScFoundation
from grnformer.model.backbones.scgpt import ScGPT

BACKBONES: dict[str, type[Backbone]] = {"scgpt": ScGPT, "geneformer": Geneformer, "scfoundation": ScFoundation}
