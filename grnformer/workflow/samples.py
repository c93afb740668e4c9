"""The sample sheet, asked by dataset and sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grnformer.core.errors import InputError
from grnformer.core.places import join_place, split_place

if TYPE_CHECKING:
    import pandas as pd

OBS_PREFIX = "obs:"  # an annotation that stands in the RNA file itself
REFERENCES = ("rna", "atac", "fragments", "annotation")  # columns that name files


def genome_of(sheet: pd.DataFrame, dataset: str) -> str:
    """Name of the genome of a dataset."""
    return sheet.loc[sheet["dataset"] == dataset, "genome"].iloc[0]


def rna_alone(sheet: pd.DataFrame) -> list[str]:
    """Sorted datasets that have a sample with neither peak counts nor fragments."""
    without = (sheet["atac"] == "") & (sheet["fragments"] == "")
    return sorted(sheet.loc[without, "dataset"].unique())


def check_unpaired(configs: Mapping[str, Any], sheet: pd.DataFrame) -> None:
    """Raise InputError where RNA and ATAC of different cells are to be joined, and sheet or config do not allow it.

    `configs`: dataset -> its configuration.
    """
    for row in sheet.to_dict("records"):
        prep = configs[row["dataset"]]["prep"]
        if prep["pairing"] != "pseudocells":
            continue
        what = f"sample {row['sample']!r} of {row['dataset']!r}, whose prep.pairing is pseudocells,"
        if not row["atac"]:
            raise InputError(
                f"{what} has {'fragments' if row['fragments'] else 'RNA alone'}",
                "a matrix of counts in peaks in the column atac",
                "count the fragments in peaks first" if row["fragments"] else "set prep.pairing to barcodes",
            )  # fmt: skip
        if not row["annotation"]:
            raise InputError(
                f"{what} has no annotation",
                "cell types of the RNA cells and of the ATAC cells, by which they are joined",
                "fill annotation: a table with the barcodes of both, or obs:<column> of both .h5ad files",
            )
        if prep["doublets"]["enabled"]:
            raise InputError(
                f"{what} has prep.doublets.enabled",
                "no search for doublets: metacells are sums of cells",
                "take the doublets out of the files, and set prep.doublets.enabled to false",
            )


def grouping(prep: Mapping[str, Any]) -> dict[str, Any]:
    """How cells become metacells, by section `prep` of a dataset's config; empty where RNA and ATAC are paired."""
    if prep["pairing"] == "barcodes":
        return {}
    return {**prep["unpaired"], "seed": prep["seed"], "cells": prep["cells"]}


def columns_of_files(row: Mapping[Any, str]) -> list[str]:
    """Columns of a row that name a file or a folder."""
    return [
        column
        for column in REFERENCES
        if row.get(column) and not row[column].startswith(OBS_PREFIX)
    ]


def files_in(folder: str | list[str]) -> list[str]:
    """Sorted paths of the files in a folder (10x matrices, motifs); a .zarr, or no folder ([] for null), has none."""
    if isinstance(folder, list):
        return []
    path = Path(folder)
    # a .zarr is one input, though it is a folder
    if not path.is_dir() or path.suffix == ".zarr":
        return []
    return sorted(str(file) for file in path.iterdir() if file.is_file())


def resolve(reference: str, path_of: Callable[[str], Any]) -> str:
    """The path (of `path_of`) behind a reference; a place in the file stays behind it."""
    file, place = split_place(reference)
    return join_place(str(path_of(file)), place)


def rows_by_sample(
    sheet: pd.DataFrame, path_of: Callable[[str], Any]
) -> dict[str, dict[str, dict[str, str]]]:
    """Return dataset -> sample -> its row without empty cells, paths (of `path_of`) in place of references."""
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for record in sheet.to_dict("records"):
        # a condition is no part of how a sample is read: a new one must not read it again
        row = {
            str(column): value
            for column, value in record.items()
            if value and column != "condition"
        }
        row |= {c: resolve(row[c], path_of) for c in columns_of_files(row)}
        rows.setdefault(row["dataset"], {})[row["sample"]] = row
    return rows


def files_by_sample(
    sheet: pd.DataFrame, files_of: Callable[[str], Any], counted: Mapping[str, str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return dataset -> sample -> column -> the files (of `files_of`) behind the reference in the sample sheet.

    A sample given as fragments has those of `counted` besides, which the workflow makes of them.
    """
    files: dict[str, dict[str, dict[str, Any]]] = {}
    for row in sheet.to_dict("records"):
        of_sample = {
            column: files_of(split_place(row[column])[0])
            for column in columns_of_files(row)
        }
        if "fragments" in of_sample:
            of_sample |= counted
        files.setdefault(row["dataset"], {})[row["sample"]] = of_sample
    return files


def gather_files(files: Mapping[str, Mapping[str, Any]], *columns: str) -> list[Any]:
    """All files in the columns, of all samples of a dataset."""
    gathered: list[Any] = []
    for of_sample in files.values():
        for column in columns:
            there = of_sample.get(column, [])
            # a text would be added letter by letter
            gathered += [there] if isinstance(there, str) else there
    return gathered
