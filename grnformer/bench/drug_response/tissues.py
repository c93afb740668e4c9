"""Tissues of cell lines, from CCLE's names."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import pandas as pd

from grnformer.bench.drug_response.screen import normalise_line
from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)
COLUMN = "CCLE_ID"


def match_tissues(annotations: pd.DataFrame, lines: Iterable[str]) -> pd.DataFrame:
    """Tissue of each line of a screen that has one.

    CCLE's name of a line ends with its tissue (``NCIH1975_LUNG``); lines match by their normalised name, and by the
    column Name where there is one. A line whose names lead to several tissues has none.

    Parameters
    ----------
    annotations
        Column CCLE_ID, and optionally Name.
    lines
        As the screen spells them.

    Returns
    -------
    line, tissue; sorted by line.

    Raises
    ------
    InputError
        If the column is missing or its names have no tissue.
    """
    if COLUMN not in annotations:
        raise InputError(
            f"annotations of lines with the columns {list(annotations.columns)[:8]}",
            f"a column {COLUMN}, such as NCIH1975_LUNG",
            "give CCLE's annotations as bench.drug_response.annotations",
        )
    parts = annotations[COLUMN].astype(str).str.split("_", n=1, expand=True)
    if parts.shape[1] < 2:
        raise InputError(
            f"names such as {annotations[COLUMN].iloc[0]!r} in {COLUMN}",
            "names that end with the tissue, such as NCIH1975_LUNG",
            "give CCLE's annotations as bench.drug_response.annotations",
        )

    named = pd.DataFrame({"name": parts[0], "tissue": parts[1].str.lower()})
    if "Name" in annotations:
        also = named.assign(name=annotations["Name"])
        named = pd.concat([named, also])
    named = named.dropna()
    named["name"] = named["name"].map(normalise_line)

    # One name, one tissue; of two, none is known to be the line's.
    named = named.drop_duplicates()
    tissue_of = named[~named["name"].duplicated(keep=False)].set_index("name")["tissue"]
    table = pd.DataFrame({"line": sorted(lines)})
    table["tissue"] = table["line"].map(normalise_line).map(tissue_of)

    lost = table.loc[table["tissue"].isna(), "line"].tolist()
    logger.info("%d of %d lines without a tissue: %s", len(lost), len(table), lost)
    return table.dropna(ignore_index=True)
