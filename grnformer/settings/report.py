"""The report."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from grnformer.settings.key import File, Seed, Settings, Word, key

#: folders of results/report that are no names of reports: pages of stages, and what lies beside a page
TAKEN = (
    *(
        "prep",
        "topics",
        "grn",
        "fuse",
        "pretrain",
        "attention",
        "perturb",
        "embed",
        "bench",
    ),
    *("joined", "tables"),
)
Name = Annotated[
    str,
    Field(
        pattern="^([A-Za-z0-9_-][A-Za-z0-9_.-]*)?$",
        json_schema_extra={"not": {"enum": list(TAKEN)}},
    ),
]


class Report(Settings):
    """The report: one HTML page."""

    name: Name = key(
        "",
        "of the report: its pages, tables and summary go to results/report/<name>, so that those of another run "
        "stay; empty: results/report",
    )
    title: Word = key("GRNFormer report", "heading of the page")
    lead: str = key(
        "Gene regulatory networks from single cells, and what models make of them, if the run has any.",
        "sentence below the heading",
    )
    runs: dict[str, File] = key(
        {},
        "name -> results/report/summary.json of another run, to stand beside this one in report/joined",
        names={"pattern": "^[A-Za-z0-9_-][A-Za-z0-9_. -]*$"},
    )
    seed: Seed = key(1, "of cells sampled for figures, layouts and intervals")
    resamples: int = key(
        2000, "bootstrap resamples of the paired comparisons", ge=100, le=100000
    )
    max_points: int = key(
        20000, "cells drawn in an embedding at most", unit="cells", ge=100, le=200000
    )
    max_heatmap_cells: int = key(
        2000, "cells drawn in the topic heat map at most", unit="cells", ge=50, le=20000
    )
    markers_per_type: int = key(
        5, "marker genes of each cell type in the dot plot", unit="genes", ge=1, le=20
    )
    eregulons_per_type: int = key(
        6,
        "most specific eRegulons of each cell type in the dot plot, and named in the ranking",
        unit="eRegulons",
        ge=1,
        le=20,
    )
    network_tfs: int = key(
        8, "TFs in the picture of a cell type's network", unit="TFs", ge=1, le=50
    )
    network_targets: int = key(
        10, "strongest targets drawn for each of these TFs", unit="genes", ge=1, le=100
    )
    threshold_examples: int = key(
        6,
        "eRegulons whose activity is drawn with its threshold",
        unit="eRegulons",
        ge=1,
        le=24,
    )
