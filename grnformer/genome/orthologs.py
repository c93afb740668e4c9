"""Genes of a species and their orthologs in another, such as human: what is known of the one is read by the other."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from grnformer.core.errors import InputError
from grnformer.core.text import read_rows, refuse, separator_hint

logger = logging.getLogger(__name__)


def read_orthologs(path: str | Path, setting: str) -> dict[str, str]:
    """Read a table of two columns: the dataset's gene, its ortholog. A header line names no gene, and does no harm.

    Genes with several orthologs are left out: which of them is meant cannot be known. Several genes may have one.

    Returns
    -------
    Gene of the dataset -> gene of the other species.

    Raises
    ------
    InputError
        As `read_rows`; if the table has not two columns, or a field is empty.
    """
    table = read_rows(path, setting, comments=())
    first = table.iloc[0].to_list()
    if len(first) != 2:
        raise InputError(
            f"{path}: {len(first)} columns, first line {first}",
            "two columns, the dataset's gene and its ortholog, comma-separated as .csv, else by tabs",
            separator_hint(first)
            or f"leave the other columns out, or correct {setting}",
        )
    for column in table:
        refuse(table[column], table[column] == "", "a gene", path, setting)

    table = table.drop_duplicates()
    several = table[0].duplicated(keep=False)
    logger.info(
        "%s: orthologs of %d genes; %d genes with several are left out",
        path,
        (~several).sum(),
        table.loc[several, 0].nunique(),
    )
    unique = table[~several]
    return dict(zip(unique[0], unique[1], strict=True))


def genes_by_ortholog(orthologs: Mapping[str, str]) -> dict[str, list[str]]:
    """Gene of the other species -> sorted genes of the dataset."""
    genes: dict[str, list[str]] = {}
    for gene in sorted(orthologs):
        genes.setdefault(orthologs[gene], []).append(gene)
    return genes
