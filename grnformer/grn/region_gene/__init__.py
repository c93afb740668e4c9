"""Region-gene links. Accessibility by methods, one a file; each takes (Data, metacell_size, seed), returns a Signal."""

from collections.abc import Callable

from grnformer.core.methods import Methods
from grnformer.grn.region_gene.signal import Signal

METHODS: Methods[Callable[..., Signal]] = Methods(__name__)
