"""Vocabularies of backbones as they are published: JSON (scGPT), TSV (scFoundation), pickled dicts (Geneformer)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.text import as_whole, read_frame, refuse
from grnformer.core.unpickle import read_plain_dict, read_text_dict
from grnformer.graph.align import find_token

_SETTINGS = "fuse.vocabulary, fuse.aliases and pretrain.medians"
# of the numbers of tokens that torch takes
_LARGEST = 2**31 - 1


def read_vocabulary(path: str | Path) -> dict[str, int]:
    """Gene or special token -> entry.

    Raises
    ------
    InputError
        If the file has another format, or two genes have one entry.
    """
    path = Path(path)
    if path.suffix == ".json":
        entries = io.read_json(path, "vocabulary")
    elif path.suffix == ".tsv":
        table = read_frame(path, _SETTINGS, comments=())
        if not {"gene_name", "index"} <= set(table.columns):
            raise _unlike(
                path, f"columns {list(table.columns)}", "the columns gene_name, index"
            )
        _check_once(table["gene_name"], path)
        index = as_whole(table["index"], path, _SETTINGS)
        entries = dict(zip(table["gene_name"], index, strict=True))
    else:
        entries = read_plain_dict(path)

    vocabulary = {name: _whole(path, entry) for name, entry in entries.items()}
    if len(set(vocabulary.values())) < len(vocabulary):
        raise _unlike(path, "two genes with one entry", "one entry a gene")
    return vocabulary


def read_aliases(path: str | Path) -> dict[str, str]:
    """Other name -> name in the vocabulary, from a table (contract gene_aliases) or a pickled dict; no path, none."""
    if not path:
        return {}
    if Path(path).suffix == ".pkl":
        return read_text_dict(path)

    table = read_frame(path, _SETTINGS, comments=())
    if not {"alias", "symbol"} <= set(table.columns):
        raise _unlike(
            path, f"columns {list(table.columns)}", "the columns alias, symbol"
        )
    nameless = (table["alias"] == "") | (table["symbol"] == "")
    if nameless.any():
        raise _unlike(
            path,
            f"{int(nameless.sum())} rows without an alias or symbol",
            "both in every row",
        )
    _check_once(table["alias"], path)
    return dict(zip(table["alias"], table["symbol"], strict=True))


def by_ortholog(
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
    orthologs: Mapping[str, str],
) -> dict[str, int]:
    """Vocabulary of the genes of another species: each has the entry of its ortholog, found by name or alias.

    A gene is not looked up by its name: equal names in two species need not be orthologs.
    """
    entries = {
        gene: find_token(other, vocabulary, aliases)
        for gene, other in orthologs.items()
    }
    return {gene: entry for gene, entry in entries.items() if entry is not None}


def read_medians(
    path: str | Path, vocabulary: str | Path, genes: pd.DataFrame
) -> np.ndarray | None:
    """Median of each gene's scaled counts above 0, by node number; no path, None.

    Parameters
    ----------
    path, vocabulary
        Pickled dict, gene of the vocabulary -> median; the vocabulary.
    genes
        gene, token, by node number.
    """
    if not path:
        return None
    entries = read_vocabulary(vocabulary)
    published = read_plain_dict(path)
    of_entry = {
        entries[gene]: float(value)
        for gene, value in published.items()
        # text has no median
        if gene in entries and not isinstance(value, str)
    }

    medians = genes["token"].map(of_entry).to_numpy(float)
    # asked as "not above 0", so that a missing median (NaN) is found too
    wrong = genes.loc[~((medians > 0) & np.isfinite(medians)), "gene"]
    if len(wrong):
        found = f"no median above 0 of {len(wrong)} genes, first {wrong.iloc[0]!r}"
        raise _unlike(path, found, "one a gene of the graph")
    return medians


def _check_once(names: pd.Series, path: str | Path) -> None:
    refuse(names, names.duplicated(), "each name once", path, _SETTINGS)


def _whole(path: Path, entry: Any) -> int:
    # asked as "not in range", so that NaN is found too; text first, which does not compare
    if isinstance(entry, str) or not 0 <= entry <= _LARGEST or entry % 1:
        raise _unlike(path, f"the entry {entry!r}", "whole numbers from 0")
    return int(entry)


def _unlike(path: str | Path, found: str, expected: str) -> InputError:
    return InputError(
        f"{path}: {found}",
        expected,
        f"check {_SETTINGS}",
    )
