"""The cells of one sample given as fragments: import and count them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from grnformer.prep.features import as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.fragments.barcodes import (
    chromosome_lengths,
    judge_barcodes,
    judge_enrichment,
    judge_frip,
)
from grnformer.prep.fragments.snapatac import (
    count_fragments,
    import_fragments,
    measure_tss_enrichment,
    require_snapatac,
)
from grnformer.prep.pairing import spell_as_rna


def import_cells(
    row: dict[str, str],
    barcodes: pd.DataFrame,
    chromosomes: list[pd.DataFrame],
    tss: pd.DataFrame,
    sizes: dict[str, int] | None,
    target: Path,
    *,
    settings: dict[str, Any],
    two_barcodes: str | None = None,
) -> pd.DataFrame:
    """Filter the barcodes of a sample and store the fragments of those that pair with its RNA at `target`.

    Parameters
    ----------
    row
        The sample sheet's row, files as paths.
    barcodes, tss
        Contracts `fragment_barcodes`, `tss`.
    chromosomes
        Contract `fragment_chromosomes` of all samples of the dataset.
    sizes
        Chromosome lengths, bp, if known.
    settings
        Config keys ``fragments, min_known_genes, counts, min_barcode_overlap`` of section `prep`.
    two_barcodes
        Table of `prep.barcode_table`, see `spell_as_rna`; None: a cell has one barcode.

    Returns
    -------
    pandas.DataFrame
        Contract `fragment_qc`, all barcodes of the file, as the RNA spells them.
    """
    require_snapatac()
    bounds, sample = settings["fragments"], row["sample"]
    where = f"sample {sample}, RNA ({row['rna']})"
    rna = as_rna(
        read_matrix(row["rna"]),
        tss,
        where,
        min_known_genes=settings["min_known_genes"],
        rounded=settings["counts"] == "round",
    )
    in_file = barcodes["barcode"]
    spelt = spell_as_rna(
        pd.Index(in_file),
        rna.obs_names,
        f"sample {sample}, fragments",
        table=two_barcodes,
        min_overlap=settings["min_barcode_overlap"],
    )
    qc = judge_barcodes(
        barcodes.assign(barcode=spelt),
        rna.obs_names,
        sample,
        min_barcode_overlap=settings["min_barcode_overlap"],
        min_fragments=bounds["min_fragments"],
        max_fragments=bounds["max_fragments"],
        max_nucleosome_signal=bounds["max_nucleosome_signal"],
        max_duplicate_rate=bounds["max_duplicate_rate"],
    )

    # TSS enrichment needs fragments by position: it is measured only for the barcodes that pass so far.
    passing = qc["reason"].isna().to_numpy()
    named = dict(zip(in_file[passing], spelt[passing], strict=True))
    lengths = chromosome_lengths(chromosomes, tss, sizes)
    import_fragments(row["fragments"], target, named, lengths)
    enrichment, library = measure_tss_enrichment(target, tss)
    return judge_enrichment(
        qc,
        enrichment,
        library,
        sample,
        row["genome"],
        min_tss_enrichment=bounds["min_tss_enrichment"],
        min_library_tss_enrichment=bounds["min_library_tss_enrichment"],
    )


def count_cells(
    path: str,
    judged: pd.DataFrame,
    peaks: pd.DataFrame,
    *,
    counting: str,
    min_frip: float,
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Count a sample's cells in the consensus peaks.

    Parameters
    ----------
    path
        Fragments by cell, from `import_cells`.
    judged, peaks
        Contracts `fragment_qc`, `consensus_peaks`.
    counting
        See `count_fragments`.
    min_frip
        Least fraction of a barcode's fragments in peaks, 0 to 1.

    Returns
    -------
    counts, qc
        Contracts `fragment_counts` (barcodes kept) and `fragment_qc`.
    """
    counts, frip = count_fragments(path, peaks["region"].tolist(), counting)
    qc = judge_frip(judged, frip, judged["sample"].iloc[0], min_frip=min_frip)

    # SnapATAC2 counts every barcode that it stored; those with few fragments in peaks are dropped here.
    kept = frip.index.isin(qc.loc[qc["reason"].isna(), "barcode"])
    cells = pd.DataFrame(index=frip.index[kept])
    regions = peaks.set_index("region")[["chrom", "start", "end"]]
    return anndata.AnnData(counts[kept], obs=cells, var=regions), qc
