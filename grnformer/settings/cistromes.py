"""Regions, or genes, that each TF binds."""

from __future__ import annotations

from typing import Literal

from grnformer.core.methods import names
from grnformer.settings.key import Count, Fraction, PartFraction, Settings, key


class Prior(Settings):
    """TF-target pairs of prior knowledge."""

    table: str = key(
        "resource:regulatory_prior.parquet",
        "OmniPath's interactions, or columns tf, gene and optionally sign, sources; a path or resource:<name>",
    )
    collections: list[str] = key(["CollecTRI", "DoRothEA"], "sources of which a pair must have one; []: any")
    chip: Literal["keep", "drop", "only"] = key(
        "keep",
        "pairs with ChIP-derived sources: keep all, drop those with no other source, or only those with such a source",
    )
    chip_sources: list[str] = key(
        [
            "ENCODE-proximal",
            "ENCODE-distal",
            "FANTOM4_DoRothEA",
            "HTRIdb",
            "HTRIdb_DoRothEA",
            "HTRI_CollecTRI",
            "NFIRegulomeDB_DoRothEA",
            "ORegAnno",
            "ORegAnno_DoRothEA",
            "PAZAR_DoRothEA",
            "ReMap_DoRothEA",
            "ARACNe-GTEx_DoRothEA",
            "HOCOMOCO_DoRothEA",
            "JASPAR_DoRothEA",
            "RegNetwork_DoRothEA",
            "TRED_DoRothEA",
        ],
        "sources that come from ChIP: to score them against ChIP-seq would be circular. Experiments of binding, and "
        "what DoRothEA lists of predictions and collections, which is mostly where ChIP agrees",
    )


class Cistarget(Settings):
    """Motif enrichment (Aibar et al. 2017, doi 10.1038/nmeth.4463).

    All thresholds hold for motif_scan too, from min_overlap on for dem, those of motif-to-TF rows for every method.
    """

    rankings: str | None = key(
        None,
        "<name>.regions_vs_motifs.rankings.feather, a database of regions x motifs for the method cistarget; a path or "
        "resource:<name>",
    )
    auc_threshold: float = key(
        0.005, "fraction of the ranked regions, from the top, over which the recovery AUC is taken", gt=0, le=1
    )
    rank_threshold: float = key(
        0.05, "fraction of the ranked regions in which the leading edge is looked for", gt=0, le=1
    )
    nes_threshold: float = key(
        3, "least normalised enrichment score of a motif: its AUC in SDs over all motifs", unit="SD", ge=0
    )
    min_overlap: float = key(
        0.4, "fraction of either region that two regions must have in common to be the same", ge=0, lt=1
    )
    min_regions: int = key(
        10, "regions in the database that a set must have; smaller sets are left out", unit="regions", ge=1
    )
    min_mapped: float = key(0.2, "least fraction of the sets' regions that are in the database", ge=0, le=1)
    motif_similarity_fdr: float = key(0.001, "largest q-value of a motif-to-TF row", ge=0, le=1)
    orthologous_identity: float = key(0, "least identity of the orthologous gene of a motif-to-TF row", ge=0, le=1)


class CistargetGenes(Settings):
    """pySCENIC's route: modules of co-expressed genes, pruned by motifs; eRegulons have no regions.

    Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2. Holds for pyscenic_ctx too, the original (make
    env-pyscenic), which reads only cisTarget's motif-to-TF table.
    """

    rankings: list[str] = key(
        [], "<name>.genes_vs_motifs.rankings.feather, one or more databases; a path or resource:<name> each"
    )
    percentiles: list[Fraction] = key([0.75, 0.9], "modules: pairs above these quantiles of all importances")
    top_targets: list[Count] = key(
        [50], "modules: this number of genes with the greatest importance for a TF", unit="genes"
    )
    top_regulators: list[Count] = key(
        [5, 10, 50], "modules: this number of a gene's TFs with the greatest importance", unit="TFs"
    )
    min_genes: int = key(20, "genes of a module, including the TF", unit="genes", ge=1)
    min_abs_rho: float = key(0.03, "size of the correlation beyond which a TF-gene pair has a sign", ge=0, le=1)
    repressing: bool = key(False, "also modules of repressed genes")
    auc_threshold: float = key(
        0.05, "fraction of the ranked genes, from the top, over which the recovery AUC is taken", gt=0, le=1
    )
    rank_threshold: int = key(5000, "ranks in which the leading edge is looked for", unit="genes", ge=1)
    nes_threshold: float = key(
        3, "least normalised enrichment score of a motif: its AUC in SDs over all motifs", unit="SD", ge=0
    )
    min_mapped: float = key(0.8, "fraction of a module's genes in the database that must be exceeded", ge=0, lt=1)


class Dem(Settings):
    """Scores of motifs in a region set against a background, pycistarget's other test.

    Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4.
    """

    scores: str | None = key(
        None,
        "<name>.regions_vs_motifs.scores.feather, a database of regions x motifs; a path or resource:<name>; null: the "
        "dataset's regions, scanned as motif_scan says",
    )
    background: Literal["sets", "database"] = key(
        "sets", "regions of the other sets of the same kind, or all regions of the database"
    )
    max_background: int | None = key(500, "regions sampled as background; null: all", unit="regions", ge=1)
    promoter: int | None = key(
        1000,
        "from a TSS; the background gets no greater fraction of such regions than the set; null: any fraction",
        unit="bp",
        ge=0,
    )
    correct_ties: bool = key(
        True,
        "take the variance of rank sums that ties leave; pycistarget does not, and sees little where most regions have "
        "no site",
    )
    adjusted_p: float = key(0.05, "largest adjusted p of the rank-sum test", ge=0, le=1)
    log2_fold_change: float = key(1, "least log2 fold change of mean scores", ge=0)
    min_mean: float = key(0, "least mean score in the set", ge=0)
    hit_threshold: float | None = key(
        None, "score above which a region has the motif; null: what separates set and background best", ge=0
    )


class MotifScan(Settings):
    """A ranking database of the dataset's regions, made from motif sites in their sequence."""

    fasta: str | None = key(None, "genome of the regions, plain or compressed by bgzip; a path or resource:<name>")
    motifs: str | None = key(
        None,
        "a file or a folder: MEME, JASPAR, TRANSFAC, Cluster-Buster (cb), CIS-BP or four columns; a path or "
        "resource:<name>",
    )
    max_p: float = key(0.0005, "probability of a motif site in random sequence", gt=0, le=0.1)
    background_fraction: PartFraction = key(0.01, "of the uniform background in each position of a motif")


class Collection(Settings):
    """Motifs, and which TFs they stand for."""

    motifs: str = key(..., "MEME, JASPAR, Cluster-Buster, HOMER or JSON form; a path or resource:<name>")
    tfs: str = key(..., "motif-to-TF table of the collection; a path or resource:<name>")


class Promoter(Settings):
    """Log odds that a TF binds a gene's promoter, from motifs on promoter sequences.

    Where promoters are given, bench.grn_accuracy scores them whichever the method (config/scenarios/binding.yaml).
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
    min_log_odds: float = key(
        1,
        "least natural log odds of promoter against background sequence, for a gene to be a target of the TF",
        ge=0,
        le=20,
    )


class Cistromes(Settings):
    """Regions, or genes, that each TF binds."""

    method: str = key(
        "prior",
        "prior: known targets; cistarget, motif_scan: motifs enriched in region sets, by a ranking database that is "
        "given or made of the dataset's regions; dem: motifs that score higher in a region set than in a background; "
        "cistarget_genes: motifs enriched near the genes of co-expression modules; pyscenic_ctx: the same by pySCENIC "
        "in an environment apart; promoter: motifs on promoter sequences",
        options=names("grnformer.grn.cistromes"),
    )
    min_abs_rho: float = key(
        0.05, "least size of the region-gene correlation of a link that may carry a cistrome", ge=0, le=1
    )
    region_set_kinds: list[Literal["topic_otsu", "topic_li", "topic_top", "dar"]] = key(
        [], "only regions of such sets; []: all linked regions", unique=True
    )
    motifs_to_tfs: str | None = key(
        None,
        "motif-to-TF table: cisTarget's motif2TF (v9, v10), RcisTarget's, or columns motif, tf; a path or "
        "resource:<name>",
    )
    prior: Prior = Prior()
    cistarget: Cistarget = Cistarget()
    cistarget_genes: CistargetGenes = CistargetGenes()
    dem: Dem = Dem()
    motif_scan: MotifScan = MotifScan()
    promoter: Promoter = Promoter()
