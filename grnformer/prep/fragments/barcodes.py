"""Which barcodes are cells, by their fragments, and the reason why others are dropped."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import as_positions, read_rows, refuse
from grnformer.genome.build_check import check_chromosomes
from grnformer.prep.pairing import pair_barcodes

log = logging.getLogger(__name__)


def check_chromosomes_of_fragments(
    chromosomes: pd.DataFrame,
    tss: pd.DataFrame,
    sizes: dict[str, int] | None,
    where: str,
) -> None:
    """Raise InputError if fragments lie on other chromosomes than genes, or beyond a chromosome's end.

    Parameters
    ----------
    chromosomes
        Contract `fragment_chromosomes`.
    tss
        Contract `tss`.
    sizes
        Lengths of the genome's chromosomes, bp, if known.
    """
    largest = chromosomes.set_index("chrom")["length"]
    check_chromosomes(
        chromosomes.set_index("chrom")["fragments"], tss, where, what="fragments"
    )

    for chrom, size in (sizes or {}).items():
        end = largest.get(chrom, 0)
        if end > size:
            raise InputError(
                f"{where}: fragments up to {chrom}:{end}",
                f"fragments of the genome in the sample sheet, whose {chrom} has {size} bp",
                "correct the genome in the sample sheet, or prep.fragments.chromosome_sizes in the config",
            )


def read_sizes(path: str) -> dict[str, int]:
    """Chromosome lengths from a table without header: chromosome, length (bp), tab-separated."""
    setting = "prep.fragments.chromosome_sizes in the config"
    rows = read_rows(path, setting)
    if rows.shape[1] < 2:
        raise InputError(
            f"{path}: one column",
            "chromosome and length a line, separated by a tab",
            f"correct {setting}",
        )
    refuse(rows[0], rows[0].duplicated(), "each chromosome once", path, setting)
    lengths = as_positions(rows[1], path, setting)
    return dict(zip(rows[0], lengths.tolist(), strict=True))


def chromosome_lengths(
    chromosomes: list[pd.DataFrame], tss: pd.DataFrame, sizes: dict[str, int] | None
) -> dict[str, int]:
    """Lengths (bp) of the chromosomes that have fragments and genes, the same for all samples of a dataset.

    Where no length is known, it is the largest end of any sample's fragments.
    """
    largest = pd.concat(chromosomes).groupby("chrom")["length"].max()
    known = largest[largest.index.isin(tss["chrom"])].to_dict()
    return {chrom: (sizes or {}).get(chrom, length) for chrom, length in known.items()}


def judge_barcodes(
    barcodes: pd.DataFrame,
    rna_barcodes: pd.Index,
    sample: str,
    *,
    min_barcode_overlap: float,
    min_fragments: int,
    max_fragments: int | None,
    max_nucleosome_signal: float,
    max_duplicate_rate: float,
) -> pd.DataFrame:
    """Measure each barcode and filter by what does not need its fragments' positions.

    The nucleosome signal is the number of fragments of 147 to 293 bp over those shorter (Stuart et al. 2021,
    doi 10.1038/s41592-021-01282-5); the duplicate rate is the fraction of reads beyond a fragment's first.

    Parameters
    ----------
    barcodes
        Contract `fragment_barcodes`.
    rna_barcodes
        Barcodes of the sample's RNA.
    min_barcode_overlap
        Least fraction (0 to 1) of the smaller modality's barcodes found in the other.

    Returns
    -------
    pandas.DataFrame
        Contract `fragment_qc`, one row a barcode of the file; the columns of later steps are missing values.

    Raises
    ------
    InputError
        If no barcode passes, or those that pass are not those of the RNA.
    """
    qc = barcodes[["barcode", "n_fragments"]].copy()
    qc.insert(0, "sample", sample)
    # Files that do not count reads have 0 there: their rate would be negative.
    qc["duplicate_rate"] = (
        1 - barcodes["n_fragments"] / barcodes["n_reads"].clip(lower=1)
    ).clip(lower=0)
    qc["nucleosome_signal"] = barcodes["n_spanning"] / barcodes["n_short"].clip(lower=1)
    qc["tss_enrichment"] = np.nan
    qc["frip"] = np.nan
    qc["paired"] = barcodes["barcode"].isin(rna_barcodes)
    qc["reason"] = None

    mark(qc, qc["n_fragments"] < min_fragments, f"fewer than {min_fragments} fragments")
    if max_fragments is not None:
        mark(
            qc,
            qc["n_fragments"] > max_fragments,
            f"more than {max_fragments} fragments",
        )
    mark(
        qc,
        qc["duplicate_rate"] > max_duplicate_rate,
        f"duplicate rate above {max_duplicate_rate:g}",
    )
    mark(
        qc,
        qc["nucleosome_signal"] > max_nucleosome_signal,
        f"nucleosome signal above {max_nucleosome_signal:g}",
    )
    stop_if_none(qc, sample)

    # Against the barcodes that look like cells: among the empty droplets any RNA barcode has a partner.
    passing = pd.Index(qc.loc[qc["reason"].isna(), "barcode"])
    pair_barcodes(
        rna_barcodes,
        passing,
        f"sample {sample}, fragments",
        min_barcode_overlap=min_barcode_overlap,
    )
    mark(qc, ~qc["paired"], "no RNA barcode")
    return qc


def judge_enrichment(
    qc: pd.DataFrame,
    enrichment: pd.Series,
    library: float,
    sample: str,
    genome: str,
    *,
    min_tss_enrichment: float,
    min_library_tss_enrichment: float,
) -> pd.DataFrame:
    """Add the TSS enrichment of the barcodes kept so far, and drop those below the bound.

    Parameters
    ----------
    enrichment
        Fold over the flanks, by barcode.
    library
        The same of all fragments together.

    Raises
    ------
    InputError
        If the whole library is not enriched, as in another genome build, or no barcode is kept.
    """
    log.info(
        "sample %s: TSS enrichment %.2f of all fragments, genome %s",
        sample,
        library,
        genome,
    )
    # Written so that NaN fails, here and below: an enrichment over empty flanks is undefined.
    if not library >= min_library_tss_enrichment:
        raise InputError(
            f"sample {sample}: cuts are {library:.2f} times as frequent at the transcription start sites of "
            f"{genome} as 2 kb beside them",
            f"at least {min_library_tss_enrichment:g} times (prep.fragments.min_library_tss_enrichment)",
            "correct the genome in the sample sheet: the fragments seem to be of another build; or the library failed",
        )
    qc = qc.assign(tss_enrichment=qc["barcode"].map(enrichment))
    mark(
        qc,
        ~(qc["tss_enrichment"] >= min_tss_enrichment),
        f"TSS enrichment below {min_tss_enrichment:g}",
    )
    stop_if_none(qc, sample)
    return qc


def judge_frip(
    qc: pd.DataFrame,
    frip: pd.Series,
    sample: str,
    *,
    min_frip: float,
) -> pd.DataFrame:
    """Add the fraction of fragments in peaks (FRiP, 0 to 1, by barcode), and drop barcodes below the bound."""
    qc = qc.assign(frip=qc["barcode"].map(frip))
    mark(
        qc,
        ~(qc["frip"] >= min_frip),
        f"fraction of fragments in peaks below {min_frip:g}",
    )
    stop_if_none(qc, sample)
    return qc


def mark(qc: pd.DataFrame, wrong: pd.Series, reason: str) -> None:
    """Give a reason to the rows that are wrong and have none yet, in place."""
    qc.loc[wrong & qc["reason"].isna(), "reason"] = reason


def stop_if_none(qc: pd.DataFrame, sample: str) -> None:
    """Raise InputError if every barcode has a reason to be dropped."""
    counts = qc["reason"].value_counts()
    n_kept = len(qc) - counts.sum()
    log.info(
        "sample %s: %d of %d barcodes kept; %s",
        sample,
        n_kept,
        len(qc),
        counts.to_dict(),
    )
    if n_kept == 0:
        raise InputError(
            f"sample {sample}: no barcode passes; {counts.iloc[0]} of {len(qc)} are dropped for: {counts.index[0]} "
            f"(median {qc['n_fragments'].median():g} fragments a barcode)",
            "bounds that keep some barcodes",
            "set the bounds under prep.fragments in the config to the data's depth",
        )
