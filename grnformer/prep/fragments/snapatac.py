"""All uses of SnapATAC2 (Zhang et al. 2024, doi 10.1038/s41592-023-02139-9) and of MACS3, which it drives."""

from __future__ import annotations

import importlib.util
import logging
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import scipy.sparse as sp

log = logging.getLogger(__name__)

_BODY = 1000  # bp of a mock transcript: only its start matters


def require_snapatac() -> None:
    """Raise InputError unless SnapATAC2 and MACS3 are installed."""
    missing = [
        name
        for name in ("snapatac2", "MACS3")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise InputError(
            f"samples given as fragments, and no {' and no '.join(missing)} for {sys.executable}",
            "SnapATAC2 and MACS3 (envs/fragments.txt), an extra that other samples do not need",
            "make env-fragments (needs a C compiler, a few minutes), or run snakemake with --sdm conda; or count the "
            "fragments in peaks elsewhere and give the matrix in column atac",
        )


def import_fragments(
    path: str,
    target: str | Path,
    barcodes: dict[str, str],
    lengths: dict[str, int],
) -> None:
    """Store the fragments of chosen barcodes by cell, as SnapATAC2's .h5ad; memory does not grow with the fragments.

    Parameters
    ----------
    path
        10x fragments.
    target
        The .h5ad, which only SnapATAC2 reads.
    barcodes
        Barcode in the file -> the name that the cell is stored by.
    lengths
        Chromosome lengths, bp; fragments on others are dropped.
    """
    import snapatac2 as snap

    # Sorting by cell needs as much disk as the file: beside the target there must be room for it anyway.
    with tempfile.TemporaryDirectory(
        dir=Path(target).parent, prefix=".sorting_"
    ) as folder:
        data = snap.pp.import_fragments(
            path,
            lengths,
            file=str(target),
            min_num_fragments=0,
            sorted_by_barcode=False,
            whitelist=list(barcodes),
            tempdir=folder,
            n_jobs=1,
        )
        names = list(data.obs_names)
        spelt = [barcodes[name] for name in names]
        if spelt != names:
            data.obs_names = spelt
        data.close()


def measure_tss_enrichment(
    path: str | Path, tss: pd.DataFrame
) -> tuple[pd.Series, float]:
    """TSS enrichment of each barcode, and of all fragments together.

    Cuts at transcription start sites over those 1.9 to 2 kb away, as SnapATAC2 and ENCODE count them.

    Parameters
    ----------
    tss
        Contract `tss`.

    Raises
    ------
    InputError
        If no site lies on the fragments' chromosomes.
    """
    import snapatac2 as snap

    with (
        closing(snap.read(str(path), backed="r")) as data,
        tempfile.TemporaryDirectory() as folder,
    ):
        chromosomes = set(data.uns["reference_sequences"]["reference_seq_name"])
        # Mitochondrial DNA has no nucleosomes: it is open everywhere.
        sites = tss[tss["chrom"].isin(chromosomes - {"chrM"})]
        if sites.empty:
            raise InputError(
                f"no transcription start site on the fragments' chromosomes {sorted(chromosomes)[:5]}",
                f"fragments on chromosomes such as {sorted(set(tss['chrom']))[:5]}",
                "correct the genome in the sample sheet",
            )

        annotation = Path(folder) / "tss.gtf"
        annotation.write_text(_as_gtf(sites), encoding="utf-8")
        found = snap.metrics.tsse(data, annotation, inplace=False)
        return pd.Series(np.asarray(found["tsse"]), index=list(data.obs_names)), float(
            found["library_tsse"]
        )


def _as_gtf(sites: pd.DataFrame) -> str:
    """Transcripts of 1 kb that start at the sites: SnapATAC2 reads sites from them."""
    lines = []
    for i, (chrom, tss, strand) in enumerate(
        zip(sites["chrom"], sites["tss"], sites["strand"], strict=True)
    ):
        # GTF counts from 1 and includes the last base; a transcript on the minus strand starts at its end.
        start, end = (
            (tss + 1, tss + _BODY)
            if strand == "+"
            else (max(tss + 2 - _BODY, 1), tss + 1)
        )
        names = f'gene_id "g{i}"; gene_name "g{i}"; transcript_id "t{i}";'
        lines.append(
            f"{chrom}\tgrnformer\ttranscript\t{start}\t{end}\t.\t{strand}\t.\t{names}\n"
        )
    return "".join(lines)


def call_peaks(
    files: dict[str, str],
    groups: pd.DataFrame,
    *,
    q_value: float,
    tag_shift: int,
    tag_length: int,
) -> dict[str, pd.DataFrame]:
    """Call peaks with MACS3 on the cells of each group, over all samples.

    Zhang et al. 2008, doi 10.1186/gb-2008-9-9-r137; summits are called.

    Parameters
    ----------
    files
        Sample -> its fragments, from `import_fragments`.
    groups
        Contract `pseudobulks`; cells without a group are not used.
    q_value
        Largest false discovery rate.
    tag_shift, tag_length
        bp: start of a tag relative to its cut, and its length; centred if the shift is minus half the length.

    Returns
    -------
    dict
        Group -> ``chrom, summit`` (0-based, bp), ``score`` (-log10 p), ``fold`` (over background).
    """
    import snapatac2 as snap

    with tempfile.TemporaryDirectory() as folder:
        data, labels = _open_grouped(files, groups, Path(folder))
        try:
            found = snap.tl.macs3(
                data,
                groupby=labels,
                qvalue=q_value,
                shift=tag_shift,
                extsize=tag_length,
                tempdir=Path(folder),
                inplace=False,
                # more processes would each import, and so run, the workflow's script
                n_jobs=1,
            )
        finally:
            data.close()
            tempfile.tempdir = None  # SnapATAC2 leaves it at a folder that is deleted

    # Cells without a group are one more to SnapATAC2, of the name ''.
    return {
        name: _as_called(name, peaks.to_pandas())
        for name, peaks in found.items()
        if name
    }


def _as_called(name: str, peaks: pd.DataFrame) -> pd.DataFrame:
    """MACS3's narrowPeak columns as those of `call_peaks`."""
    log.info("group %s: %d peaks", name, len(peaks))
    # The summit is given relative to the peak's start.
    summit = peaks["start"].astype(np.int64) + peaks["peak"].astype(np.int64)
    called = peaks[["chrom", "p_value", "signal_value"]].set_axis(
        ["chrom", "score", "fold"], axis=1
    )
    called.insert(1, "summit", summit)
    return called


def count_fragments(
    path: str, regions: list[str], strategy: str
) -> tuple[sp.csr_matrix, pd.Series]:
    """Count each barcode's fragments in regions.

    Parameters
    ----------
    regions
        Names such as chr1:100-601.
    strategy
        ``paired-insertion`` (a fragment counts once in a region that holds an end of it; Miao & Kim 2024,
        doi 10.1038/s41592-023-02112-6), ``insertion`` (each end counts) or ``fragment`` (overlap counts).

    Returns
    -------
    counts, frip
        Barcodes x regions (CSR, int32); the fraction of each barcode's fragments that overlap a region, by barcode.
    """
    import snapatac2 as snap

    with (
        closing(snap.read(path, backed="r")) as data,
        tempfile.TemporaryDirectory(
            dir=Path(path).parent, prefix=".counting_"
        ) as folder,
    ):
        target = str(Path(folder) / "counts.h5ad")
        made: Any = snap.pp.make_peak_matrix(
            data,
            use_rep=regions,
            file=target,
            counting_strategy=strategy,
        )
        counts, names = made.X[:].astype(np.int32), list(made.var_names)
        made.close()
        if names != regions:
            raise RuntimeError("SnapATAC2 counted other regions than it was given")

        found = snap.metrics.frip(data, {"frip": regions}, inplace=False)["frip"]
        barcodes = [str(name) for name in data.obs_names]
        return counts, pd.Series(np.asarray(found, dtype=float), index=barcodes)


def export_coverage(
    files: dict[str, str], groups: pd.DataFrame, folder: Path, bin_size: int
) -> None:
    """Write a bigWig of each group's fragments, ``<folder>/<group>.bw``.

    A value is the number of the group's fragments that overlap the bin, over the bases that all its fragments cover
    together, in millions (what SnapATAC2 calls CPM): groups of other depth can be compared.

    Parameters
    ----------
    files
        Sample -> its fragments, from `import_fragments`.
    groups
        Columns sample, barcode, group; the group is a file's name. Cells without a group are not used.
    bin_size
        bp.
    """
    import snapatac2 as snap

    with tempfile.TemporaryDirectory() as place:
        data, labels = _open_grouped(files, groups, Path(place))
        try:
            snap.ex.export_coverage(
                data,
                groupby=labels,
                selections=sorted(set(labels) - {""}),
                bin_size=bin_size,
                normalization="CPM",
                counting_strategy="fragment",
                out_dir=folder,
                suffix=".bw",
                output_format="bigwig",
                tempdir=Path(place),
                # more processes would each import, and so run, what called this
                n_jobs=1,
            )
        finally:
            data.close()
            tempfile.tempdir = None  # SnapATAC2 leaves it at a folder that is deleted


def _open_grouped(
    files: dict[str, str], groups: pd.DataFrame, folder: Path
) -> tuple[Any, list[str]]:
    """All samples as one, and the group of each of its cells, '' for none."""
    import snapatac2 as snap

    opened = [(name, snap.read(path, backed="r")) for name, path in files.items()]
    data = snap.AnnDataSet(adatas=opened, filename=str(folder / "all.h5ads"))
    of_cell = groups.set_index(["sample", "barcode"])["group"]
    cells = pd.MultiIndex.from_arrays([list(data.obs["sample"]), list(data.obs_names)])
    return data, of_cell.reindex(cells).fillna("").tolist()
