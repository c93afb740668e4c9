"""Preparation: pairing, QC, peaks from fragments, joint embedding."""

from __future__ import annotations

from typing import Literal

from grnformer.settings.key import File, Seed, Settings, key


class Build(Settings):
    """Are regions enriched at the TSSs of the stated genome build?"""

    min_tss_enrichment: float = key(
        3,
        "regions with a TSS over the same regions moved by 50-100 kb, from which on the build is taken to be right; "
        "below, other genomes are compared, and half of it is the least; measured: 5.2 to 12.7 with the right build, "
        "0.9 to 1.0 with a wrong one",
        unit="fold",
        ge=0,
    )
    min_regions: int = key(
        2000, "with fewer regions the genome build is not checked", unit="regions", ge=1
    )


class Cells(Settings):
    """Which cells are kept.

    The hard limits suit SNARE-seq's depth (median 508 UMIs, 805 ATAC counts); for 10x Multiome see prep.preset.
    """

    min_umis: int = key(200, "UMIs a cell must have", unit="UMIs", ge=0)
    max_umis: int | None = key(
        None, "UMIs a cell may have; null: no limit", unit="UMIs", ge=1
    )
    min_genes: int = key(
        100, "genes with a count that a cell must have", unit="genes", ge=0
    )
    min_atac_counts: int = key(
        200, "counts in regions that a cell must have", unit="counts", ge=0
    )
    max_atac_counts: int | None = key(
        None,
        "counts in regions that a cell may have; null: no limit",
        unit="counts",
        ge=1,
    )
    min_regions: int = key(
        100, "regions with a count that a cell must have", unit="regions", ge=0
    )
    max_percent_mito: float = key(
        20,
        "UMIs in mitochondrial genes (MT-*, or on chrM in the TSS table) that a cell may have",
        unit="%",
        ge=0,
        le=100,
    )
    n_mads: float = key(
        5, "a cell is an outlier if a log1p metric lies further than this from its sample's median",
        unit="scaled MADs", gt=0,
    )  # fmt: skip
    min_per_type: int = key(
        10, "annotated types with fewer cells are dropped", unit="cells", ge=1
    )


class Fragments(Settings):
    """Samples given as fragments. They need SnapATAC2 and MACS3 (make env-fragments)."""

    min_fragments: int = key(
        500, "distinct fragments a barcode must have", unit="fragments", ge=1
    )
    max_fragments: int | None = key(
        None,
        "distinct fragments a barcode may have; null: no limit",
        unit="fragments",
        ge=1,
    )
    max_duplicate_rate: float = key(
        1, "fraction of reads beyond a fragment's first", ge=0, le=1
    )
    max_nucleosome_signal: float = key(
        4, "fragments of 147 to 293 bp over shorter ones", unit="ratio", gt=0
    )
    min_tss_enrichment: float = key(
        4,
        "cuts at transcription start sites over those 2 kb away, in a barcode",
        unit="fold",
        ge=0,
    )
    min_library_tss_enrichment: float = key(
        2,
        "the same over all fragments; below, the genome build is taken to be wrong",
        unit="fold",
        ge=0,
    )
    min_frip: float = key(
        0.1, "fraction of a barcode's fragments in the consensus peaks", ge=0, le=1
    )
    without_annotation: Literal["rna_clusters", "whole"] = key(
        "rna_clusters",
        "peaks are called on each cell type; where none are given, on clusters of the RNA or on the whole sample",
    )
    min_cells_per_group: int = key(
        50, "on smaller pseudobulks no peaks are called", unit="cells", ge=1
    )
    q_value: float = key(0.05, "largest false discovery rate of MACS3", gt=0, le=1)
    tag_shift: int = key(
        -75,
        "from a cut to the begin of its tag; minus half the length centres it",
        unit="bp",
        ge=-1000,
        le=1000,
    )
    tag_length: int = key(150, "length of a tag", unit="bp", ge=1, le=2000)
    half_width: int = key(
        250,
        "to both sides of a summit: 250 makes regions of 501 bp",
        unit="bp",
        ge=50,
        le=5000,
    )
    counting: Literal["paired-insertion", "insertion", "fragment"] = key(
        "paired-insertion",
        "what a count in a region is: once for a fragment with an end in it; each end in it; each fragment over it",
    )
    blacklists: dict[str, File | None] = key(
        {
            "hg38": "resource:hg38-blacklist.v2.bed",
            "hg19": "resource:hg19-blacklist.v2.bed",
            "mm10": "resource:mm10-blacklist.v2.bed",
        },
        "genome -> BED of regions to leave out, a path or resource:<name>; null: none",
    )
    chromosome_sizes: dict[str, File | None] = key(
        {},
        "genome -> table of chromosome and length in bp, a path or resource:<name>; null or without: as far as the "
        "fragments reach",
    )


class Doublets(Settings):
    """Doublets by Scrublet (Wolock et al. 2019, doi 10.1016/j.cels.2018.11.005)."""

    enabled: bool = key(
        False,
        "find and drop doublets. Off: at SNARE-seq's 500 UMIs two seeds call 18 and 48 doublets of 1,045 cells",
    )
    expected_rate: float = key(0.06, "expected fraction of doublets", gt=0, le=0.5)
    threshold: float | None = key(
        None,
        "doublet score; null: the minimum between the two modes of simulated doublets",
        ge=0,
        le=1,
    )


class Genes(Settings):
    """Which genes are kept."""

    min_cells: int = key(
        10, "cells with a count that a gene must have", unit="cells", ge=1
    )


class Regions(Settings):
    """Which regions are kept."""

    min_cells: int = key(
        5, "cells with a count that a region must have", unit="cells", ge=1
    )
    drop_chromosomes: list[str] = key(
        ["chrM"],
        "chromosomes whose regions are dropped, beside those that the TSS table lacks",
    )


class Unpaired(Settings):
    """Metacells of RNA and ATAC of different cells, where prep.pairing is pseudocells.

    prep.cells.min_per_type then counts metacells.
    """

    cells_per_group: int = key(
        10,
        "RNA cells, and ATAC cells of the same type, that are drawn without replacement and summed to a metacell",
        unit="cells",
        ge=1,
    )


class Embedding(Settings):
    """Joint embedding and clusters."""

    n_hvgs: int = key(3000, "highly variable genes", unit="genes", ge=10)
    n_pcs: int = key(30, "principal components of RNA", ge=2)
    n_lsi: int = key(
        30, "LSI components of ATAC, after the one that follows depth", ge=2
    )
    n_neighbors: int = key(20, "joint nearest neighbours of a cell", unit="cells", ge=2)
    max_exact_cells: int = key(
        200_000,
        "of more cells the nearest are found by descent on a graph (pynndescent), which misses a few; exact search "
        "compares all pairs",
        unit="cells",
        ge=2,
    )
    cluster_resolution: float = key(
        0.5, "Leiden resolution; higher makes more clusters", gt=0
    )
    umap_min_dist: float = key(
        0.3, "least distance of neighbours in the UMAP", ge=0, le=1
    )


class Markers(Settings):
    """Marker genes."""

    n_per_type: int = key(50, "genes listed for each type", unit="genes", ge=1)


class Prep(Settings):
    """Preparation: pairing, QC, peaks from fragments, joint embedding."""

    preset: str | None = key(
        None,
        "QC bounds of a technology, a file of config/presets (snareseq, 10x_multiome); keys given in the config go "
        "before it, it goes before the defaults; null: none",
        min_length=1,
    )
    seed: Seed = key(1, "of clusters, UMAP, doublets and metacells")
    min_known_genes: float = key(
        0.3,
        "least fraction of the RNA's genes that the TSS table must know",
        ge=0,
        le=1,
    )
    counts: Literal["whole", "round"] = key(
        "whole",
        "RNA that is no whole numbers is refused, or, where it is counts corrected for ambient RNA (SoupX, decontX, "
        "CellBender), rounded",
    )
    pairing: Literal["barcodes", "pseudocells"] = key(
        "barcodes",
        "RNA and ATAC are of the same cells, paired by barcode; or of different cells of the same annotated types, "
        "summed to metacells: then RNA and ATAC meet by chance within a type",
    )
    min_barcode_overlap: float = key(
        0.5,
        "least fraction of the smaller modality's barcodes found in the other; where prep.pairing is pseudocells, so "
        "many are refused",
        ge=0,
        le=1,
    )
    barcode_table: File | None = key(
        None,
        "table of the two barcodes of each cell, RNA's and ATAC's, without header, a path or resource:<name>: for 10x "
        "Multiome whose ATAC has barcodes of the ATAC's list, both lists (737K-arc-v1) side by side; null: none",
        min_length=1,
    )
    names: File | None = key(
        None,
        "table of joint cluster (cluster_0, ...) and cell type, a line a cluster, several may have one type, a path or "
        "resource:<name>; null: without an annotation, clusters are the types. Clusters are not found anew",
    )
    min_annotated: float = key(
        0.9,
        "least fraction of paired cells with a type, where an annotation is given; the others are dropped",
        ge=0,
        le=1,
    )
    min_shared_features: float = key(
        0.5,
        "least fraction of the smallest sample's genes and regions that all samples have",
        ge=0,
        le=1,
    )
    build: Build = Build()
    cells: Cells = Cells()
    unpaired: Unpaired = Unpaired()
    fragments: Fragments = Fragments()
    doublets: Doublets = Doublets()
    genes: Genes = Genes()
    regions: Regions = Regions()
    embedding: Embedding = Embedding()
    markers: Markers = Markers()
