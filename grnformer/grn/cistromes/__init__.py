"""Cistromes: which regions a TF binds. Methods by name; each takes (Evidence, settings) and gives cistromes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from grnformer.grn.cistromes import cistarget, prior

if TYPE_CHECKING:
    import pandas as pd

# The two motif methods differ in where the ranking database comes from: given, or made of the dataset's own regions.
METHODS: "dict[str, Callable[..., pd.DataFrame]]" = {
    "prior": prior.join_prior,
    "cistarget": cistarget.take_motifs,
    "motif_scan": cistarget.take_motifs,
}
