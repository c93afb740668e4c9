"""Links of regions to genes."""

from __future__ import annotations

from grnformer.core.methods import names
from grnformer.settings.key import Settings, key


class RegionGene(Settings):
    """Links of regions to genes."""

    accessibility: str = key(
        "topics",
        "of a region in a cell: imputed by topics, as measured (open or not), or pooled over metacells",
        options=names("grnformer.grn.region_gene"),
    )
    metacell_size: int = key(
        20, "mean number of cells in a metacell", unit="cells", ge=2
    )
    max_cells: int | None = key(
        10000,
        "cells that `topics` takes one by one; more are pooled by like topics into equal groups, no more than that; "
        "null: never",
        unit="cells",
        ge=2,
    )
    window: int = key(
        150000, "to both sides of each TSS of the gene", unit="bp", ge=0, le=10000000
    )
    min_window: int = key(
        1000, "around a TSS, which a neighbouring gene never cuts off", unit="bp", ge=0
    )
    stop_at_neighbours: bool = key(
        False, "end the window at the nearest promoter of another gene"
    )
    promoter: int = key(
        1000, "from a TSS, up to which a region is the gene's promoter", unit="bp", ge=0
    )
    min_cells: int = key(
        10, "cells a linked gene must be detected in", unit="cells", ge=1
    )
    n_trees: int = key(100, "boosting trees a gene", unit="trees", ge=1, le=100000)
    learning_rate: float = key(
        0.05,
        "fraction of each tree's step that is taken (SCENIC+: 500 trees at 0.01)",
        gt=0,
        le=1,
    )
    feature_fraction: float = key(
        0.1, "of the gene's regions, sampled at each split", gt=0, le=1
    )
    max_bins: int = key(
        512,
        "equally filled levels of a region's accessibility in boosting; exact where there are no more cells than that",
        unit="bins",
        ge=2,
        le=65536,
    )
    least_distance: int = key(
        500,
        "added to a link's distance in its weight, importance x |rho| x sqrt(accessibility) / distance",
        unit="bp",
        ge=1,
    )
