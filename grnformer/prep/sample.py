"""One sample: RNA and ATAC read, checked and paired."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import anndata
import mudata
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.build_check import check_build, check_chromosomes
from grnformer.genome.regions import count_overlapping
from grnformer.prep.features import as_atac, as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.metacells import check_different, judge_unpaired, make_metacells
from grnformer.prep.pairing import (
    annotation_of,
    label_cells,
    pair_barcodes,
    read_annotation,
    spell_as_rna,
)

log = logging.getLogger(__name__)

OBS_PREFIX = "obs:"


def load_sample(
    row: dict[str, str],
    tss: pd.DataFrame,
    *,
    min_known_genes: float,
    counts: str,
    min_barcode_overlap: float,
    min_annotated: float,
    build: dict[str, Any],
    barcodes: pd.DataFrame | None = None,
    builds: Mapping[str, str] | None = None,
    two_barcodes: str | None = None,
    unpaired: Mapping[str, Any] | None = None,
) -> tuple[mudata.MuData, pd.DataFrame]:
    """Read one line of the sample sheet.

    Parameters
    ----------
    row
        ``sample, donor, genome, rna, atac, annotation``; files as paths, `annotation` may be ``obs:<column>``.
    tss
        Contract `tss` of the sample's genome.
    min_known_genes, min_barcode_overlap, min_annotated
        Fractions, 0 to 1: see `as_rna`, `pair_barcodes`, `label_cells`.
    build
        Keyword arguments of `check_build`.
    barcodes
        Contract `fragment_qc` if the counts were made from fragments (then `atac` names their counts): why other
        barcodes were not counted. None: the user gave the counts.
    builds
        TSS tables of other genomes, see `check_build`.
    two_barcodes
        Table of `prep.barcode_table`, see `translate_barcodes`; None: a cell has one barcode.
    counts
        RNA that is no whole numbers: ``whole``, refused, or ``round``, see `as_rna`.
    unpaired
        RNA and ATAC of different cells, summed to metacells: ``cells_per_group``, ``seed`` and ``cells``, the bounds
        of single cells; see `make_metacells`. None or empty: of the same cells.

    Returns
    -------
    multiome
        Contract `paired_counts`; cells named ``<sample>:<barcode>``. Without ATAC where `row` has none.
    dropped
        Contract `dropped`: cells of one modality, and cells without a type. Of fragments, barcodes that are neither
        in the RNA nor have enough fragments are empty droplets, and only `barcodes` lists them.

    Raises
    ------
    InputError
        For the first problem found in the files.
    """
    where = f"sample {row['sample']}"
    rna, atac, checks = _read_modalities(
        row,
        tss,
        where,
        min_known_genes=min_known_genes,
        counts=counts,
        build=build | {"builds": builds},
    )

    if unpaired:
        return _join_unpaired(
            rna,
            atac,
            row,
            tss,
            checks,
            most_shared=min_barcode_overlap,
            min_annotated=min_annotated,
            **unpaired,
        )

    # By barcode; they become names of cells, with the sample's, at the end.
    reasons = [pd.Series(dtype=object)]
    paired = rna.obs_names
    checks["rna_barcodes"] = rna.n_obs
    if atac is not None:
        # Counts made from fragments bear the barcodes of the RNA already.
        atac.obs_names = spell_as_rna(
            atac.obs_names,
            rna.obs_names,
            where,
            table=two_barcodes,
            min_overlap=min_barcode_overlap,
        )
        paired = pair_barcodes(
            rna.obs_names,
            atac.obs_names,
            where,
            min_barcode_overlap=min_barcode_overlap,
        )
        reasons = [
            pd.Series("no ATAC barcode", rna.obs_names.difference(paired, sort=False)),
            pd.Series("no RNA barcode", atac.obs_names.difference(paired, sort=False)),
        ]
    if barcodes is not None:
        reasons = _explain_by_fragments(pd.concat(reasons), barcodes)

    cell_type = None
    if row.get("annotation"):
        labels = label_cells(
            annotation_of_sample(row, rna), paired, where, min_annotated=min_annotated
        )
        cell_type = labels[labels != ""]
        reasons.append(
            pd.Series("no cell type in the annotation", labels.index[labels == ""])
        )
        paired = cell_type.index

    data = _join(rna[paired].copy(), None if atac is None else atac[paired].copy(), row)
    if cell_type is not None:
        data.obs["cell_type"] = cell_type.to_numpy()

    if atac is not None:
        checks |= {"atac_barcodes": atac.n_obs, "paired": len(paired)}
    # By sample, so that merged samples keep theirs; as floats, which HDF5 gives back as they were.
    figures = {key: float(value) for key, value in checks.items()}
    data.uns["checks"] = {row["sample"]: figures}

    dropped = pd.concat(reasons)
    dropped.index = _cell_names(row, dropped.index)
    return data, dropped_table("cell", dropped).assign(sample=row["sample"])


def dropped_table(kind: str, reasons: pd.Series) -> pd.DataFrame:
    """Rows of contract `dropped` for the names that have a reason (not ''), of no sample yet."""
    dropped = reasons[reasons != ""]
    frame = pd.DataFrame(
        {
            "kind": kind,
            "name": dropped.index,
            "sample": None,
            "reason": dropped.to_numpy(),
        }
    )
    return frame.astype(object)


def _join_unpaired(
    rna: anndata.AnnData,
    atac: anndata.AnnData | None,
    row: dict[str, str],
    tss: pd.DataFrame,
    checks: dict[str, float],
    *,
    most_shared: float,
    min_annotated: float,
    cells_per_group: int,
    seed: int,
    cells: dict[str, Any],
) -> tuple[mudata.MuData, pd.DataFrame]:
    """Metacells of RNA and ATAC of different cells, and what is in none; see `load_sample`."""
    where = f"sample {row['sample']}"
    if atac is None or not row.get("annotation"):
        raise InputError(
            f"{where}: {'RNA alone' if atac is None else 'no annotation'}, and prep.pairing is pseudocells",
            "RNA, peak counts of ATAC, and the cell types of both",
            "complete the sample sheet, or set prep.pairing to barcodes",
        )
    check_different(
        rna.obs_names,
        atac.obs_names,
        where,
        most=most_shared,
        from_table=not row["annotation"].startswith(OBS_PREFIX),
    )

    kept, types, reasons = {}, {}, []
    for modality, data in (("rna", rna), ("atac", atac)):
        name = modality.upper()
        labels = label_cells(
            annotation_of_sample(row, data, modality),
            data.obs_names,
            f"{where}, {name}",
            min_annotated=min_annotated,
        )
        typed = data[(labels != "").to_numpy()]
        poor = judge_unpaired(typed, modality, tss, cells)
        kept[modality] = typed[(poor == "").to_numpy()].copy()
        types[modality] = labels[kept[modality].obs_names]
        reasons += [
            pd.Series(
                f"{name} cell without a type in the annotation",
                labels.index[labels == ""],
            ),
            f"{name} cell: " + poor[poor != ""],
        ]

    summed_rna, summed_atac, obs, left = make_metacells(
        kept["rna"],
        kept["atac"],
        types["rna"],
        types["atac"],
        where,
        cells_per_group=cells_per_group,
        seed=seed,
    )
    data = _join(summed_rna, summed_atac, row)
    for column in obs:
        data.obs[column] = obs[column].to_numpy()

    used = float(len(obs) * cells_per_group)
    figures = {
        "rna_barcodes": rna.n_obs,
        "atac_barcodes": atac.n_obs,
        "metacells": len(obs),
        "cells_per_metacell": cells_per_group,
        "share_of_rna_cells": used / rna.n_obs,
        "share_of_atac_cells": used / atac.n_obs,
    }
    numbers = {key: float(value) for key, value in (checks | figures).items()}
    data.uns["checks"] = {row["sample"]: numbers}
    dropped = pd.concat([*reasons, left])
    dropped.index = _cell_names(row, dropped.index)
    return data, dropped_table("cell", dropped).assign(sample=row["sample"])


def annotation_of_sample(
    row: dict[str, str], data: anndata.AnnData, modality: str = "rna"
) -> pd.Series:
    """Cell types by barcode, from the sample's table or from a column of obs of a modality's file."""
    annotation = row["annotation"]
    if annotation.startswith(OBS_PREFIX):
        column = annotation.removeprefix(OBS_PREFIX)
        return annotation_of(data.obs, column, row[modality])
    return read_annotation(annotation, data.obs_names)


def _read_modalities(
    row: dict[str, str],
    tss: pd.DataFrame,
    where: str,
    *,
    min_known_genes: float,
    counts: str,
    build: dict[str, Any],
) -> tuple[anndata.AnnData, anndata.AnnData | None, dict[str, float]]:
    """RNA, ATAC if there is any, and figures of the regions: of `check_build`, and how many overlap."""
    if "atac" not in row:
        rna = as_rna(
            read_matrix(row["rna"]),
            tss,
            f"{where}, RNA ({row['rna']})",
            min_known_genes=min_known_genes,
            rounded=counts == "round",
        )
        return rna, None, {}

    # A Multiome file holds both modalities, and is read once; of a MuData they are read one by one.
    raw_rna = read_matrix(row["rna"])
    is_one = row["atac"] == row["rna"] and not row["rna"].lower().endswith(".h5mu")
    raw_atac = raw_rna if is_one else read_matrix(row["atac"], "atac")

    in_atac = f"{where}, ATAC ({row['atac']})"
    atac = as_atac(raw_atac, in_atac)
    check_chromosomes(atac.var["chrom"].value_counts(), tss, in_atac, what="regions")
    checks = check_build(atac.var, tss, row["genome"], in_atac, **build)
    checks |= _warn_of_overlaps(atac.var, in_atac)

    rna = as_rna(
        raw_rna,
        tss,
        f"{where}, RNA ({row['rna']})",
        min_known_genes=min_known_genes,
        rounded=counts == "round",
    )
    return rna, atac, checks


def _warn_of_overlaps(regions: pd.DataFrame, where: str) -> dict[str, float]:
    """Warn of regions that overlap others, and return their number for the summary if there are any."""
    overlapping = count_overlapping(regions)
    if not overlapping:
        return {}

    log.warning(
        "%s: %d of %d regions overlap another region: a fragment in both counts twice in all that "
        "follows; merge the regions and count again, unless this is meant",
        where,
        overlapping,
        len(regions),
    )
    return {"overlapping_regions": overlapping}


def _explain_by_fragments(
    reasons: pd.Series, barcodes: pd.DataFrame
) -> list[pd.Series]:
    """Reasons by barcode; those that the fragments gave replace a missing partner."""
    judged = barcodes[barcodes["reason"].notna()].set_index("barcode")
    explained = reasons.copy()
    # `update` changes barcodes that are there, and adds none.
    explained.update(judged.loc[judged["paired"], "reason"])

    # Barcodes that look like cells but are not in the RNA: the counts, made of pairs, do not show them.
    unpaired = judged.loc[judged["reason"] == "no RNA barcode", "reason"]
    return [explained, unpaired]


def _cell_names(row: dict[str, str], barcodes: pd.Index) -> pd.Index:
    return pd.Index(
        [f"{row['sample']}:{barcode}" for barcode in barcodes], dtype=object
    )


def _join(
    rna: anndata.AnnData, atac: anndata.AnnData | None, row: dict[str, str]
) -> mudata.MuData:
    """A MuData whose cells carry the sample's name, with only what the contract names."""
    mudata.set_options(pull_on_update=False)
    barcodes = rna.obs_names
    # Both modalities come with the same cells in one order: one index serves both.
    cells = pd.DataFrame(index=_cell_names(row, barcodes))

    genes = rna.var[rna.var.columns.intersection(["gene_id"])]
    parts = {"rna": anndata.AnnData(rna.X, cells, genes)}
    if atac is not None:
        regions = atac.var[["chrom", "start", "end"]]
        parts["atac"] = anndata.AnnData(atac.X, cells, regions)
    data = mudata.MuData(parts)
    data.obs["sample"] = row["sample"]
    # A sample without a donor counts as a donor of its own.
    data.obs["donor"] = row.get("donor") or row["sample"]
    data.obs["barcode"] = barcodes.to_numpy()
    return data
