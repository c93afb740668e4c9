"""Gene regulatory networks."""

from __future__ import annotations

from grnformer.settings.activity import Cell, CellType
from grnformer.settings.cistromes import Cistromes
from grnformer.settings.eregulons import Eregulons, Quality
from grnformer.settings.key import File, Seed, Settings, Word, key
from grnformer.settings.region_gene import RegionGene
from grnformer.settings.tf_gene import TfGene


class Stability(Settings):
    """The network again under other seeds, with which GRNs change.

    Badia-i-Mompel et al. 2024, doi 10.1101/2024.12.20.629764.
    """

    seeds: list[Seed] = key(
        [],
        "seeds of the reruns (such as [2, 3, 4, 5, 6]), without grn.seed; []: no reruns",
        unique=True,
    )
    top_fraction: float = key(
        0.05,
        "of TF-gene pairs and of region-gene links, by importance, whose overlap between seeds is measured",
        gt=0,
        le=1,
    )
    min_frequency: float = key(
        0,
        "fraction of the reruns that must hold a TF-region-gene triplet; 0: all are kept",
        ge=0,
        le=1,
    )


class Tfs(Settings):
    """The transcription factors of a run."""

    lists: list[File] = key(
        ["resource:motif_tfs.tsv.gz"],
        "one symbol a line, or a table with a column tf; a path or resource:<name> each",
    )
    from_prior: bool = key(True, "add the TFs of the prior")
    min_cells: int = key(10, "cells a TF must be detected in", unit="cells", ge=1)


class Conditions(Settings):
    """Conditions of the sample sheet, compared within cell types; nothing is done without that column.

    Donors are the replicates. Moderated t: Smyth 2004, doi 10.2202/1544-6115.1027.
    """

    reference: Word | None = key(
        None,
        "condition that others are compared with; null: that of the dataset's first sample",
    )
    min_cells: int = key(
        20,
        "cells of a type that a donor must have in a condition to take part",
        unit="cells",
        ge=2,
    )
    permutations: int = key(
        200,
        "other assignments of the conditions to the donors, as a control; all where there are fewer",
        ge=0,
    )


class Grn(Settings):
    """Gene regulatory networks."""

    seed: Seed = key(1, "of boosting, metacells and backgrounds")
    given: File | None = key(
        None,
        "a network in the place of an inferred one: a file of SCENIC+, pySCENIC, CellOracle, decoupler, gretapy or "
        "geneRNIB, a table of TF and gene, or a folder of such tables named by cell types; null: inferred "
        "(docs/your-own-network.md)",
    )
    tf_gene: TfGene = TfGene()
    cell: Cell = Cell()
    stability: Stability = Stability()
    tfs: Tfs = Tfs()
    region_gene: RegionGene = RegionGene()
    cistromes: Cistromes = Cistromes()
    eregulons: Eregulons = Eregulons()
    quality: Quality = Quality()
    cell_type: CellType = CellType()
    conditions: Conditions = Conditions()
