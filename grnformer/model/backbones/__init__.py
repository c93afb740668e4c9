"""Backbones: one file each, behind the interface of `base.Backbone`, imported when they are looked up."""

from grnformer.core.methods import Methods
from grnformer.model.backbones.base import Backbone

BACKBONES: Methods[type[Backbone]] = Methods(__name__)
