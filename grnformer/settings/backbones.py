"""Architectures of the backbones; the defaults are those of the size tiny."""

from __future__ import annotations

from grnformer.core.methods import names
from grnformer.settings.key import Settings
from grnformer.settings.methods import with_methods

PACKAGE = "grnformer.model.backbones"
BACKBONES = names(PACKAGE)


@with_methods(PACKAGE)
class Architectures(Settings):
    """Architecture of each backbone."""
