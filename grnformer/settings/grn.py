"""Gene regulatory networks."""

from __future__ import annotations

from grnformer.settings.activity import Cell, CellType
from grnformer.settings.cistromes import Cistromes
from grnformer.settings.eregulons import Eregulons, Quality
from grnformer.settings.key import PartFraction, Seed, Settings, key
from grnformer.settings.region_gene import RegionGene
from grnformer.settings.tf_gene import TfGene


class Stability(Settings):
    """The network again under other seeds, with which GRNs change.

    Badia-i-Mompel et al. 2024, doi 10.1101/2024.12.20.629764.
    """

    seeds: list[Seed] = key(
        [], "seeds of the reruns (such as [2, 3, 4, 5, 6]), without grn.seed; []: no reruns", unique=True
    )
    top_fraction: float = key(
        0.05,
        "of TF-gene pairs and of region-gene links, by importance, whose overlap between seeds is measured",
        gt=0,
        le=1,
    )
    min_frequency: float = key(
        0, "fraction of the reruns that must hold a TF-region-gene triplet; 0: all are kept", ge=0, le=1
    )


class Tfs(Settings):
    """The transcription factors of a run."""

    lists: list[str] = key(
        ["resource:motif_tfs.tsv.gz"],
        "one symbol a line, or a table with a column tf; a path or resource:<name> each",
    )
    from_prior: bool = key(True, "add the TFs of the prior")
    min_cells: int = key(10, "cells a TF must be detected in", unit="cells", ge=1)


class Collection(Settings):
    """Motifs, and which TFs they stand for."""

    motifs: str = key(..., "MEME, JASPAR, Cluster-Buster, HOMER or JSON form; a path or resource:<name>")
    tfs: str = key(..., "motif-to-TF table of the collection; a path or resource:<name>")


class Binding(Settings):
    """Log odds that a TF binds a gene's promoter, from motifs on promoter sequences.

    Networks of these are scored by bench.grn_accuracy (config/scenarios/binding.yaml).
    """

    promoters: str | None = key(
        None,
        "promoter sequences: FASTA, or a name <symbol>_<number> and a sequence a line, such as EPD's; a path or "
        "resource:<name>; null: off",
    )
    collections: list[Collection] = key(
        [
            {"motifs": "resource:motifs.json.gz", "tfs": "resource:motif_tfs.tsv.gz"},
            {"motifs": "resource:homer_motifs.txt", "tfs": "resource:homer_motif_tfs.mat"},
        ],
        "motif collections",
        min_length=1,
    )
    min_genes: float = key(0.3, "least fraction of the dataset's genes that must have a promoter", ge=0, le=1)
    background_fraction: PartFraction = key(0.01, "of the uniform background mixed into each position of a motif")
    n_bins: int = key(
        500,
        "groups of equal size, by occupancy, in which promoters are compared with the background",
        unit="bins",
        ge=2,
    )


class Grn(Settings):
    """Gene regulatory networks."""

    seed: Seed = key(1, "of boosting, metacells and backgrounds")
    tf_gene: TfGene = TfGene()
    cell: Cell = Cell()
    stability: Stability = Stability()
    tfs: Tfs = Tfs()
    region_gene: RegionGene = RegionGene()
    cistromes: Cistromes = Cistromes()
    eregulons: Eregulons = Eregulons()
    quality: Quality = Quality()
    cell_type: CellType = CellType()
    binding: Binding = Binding()
