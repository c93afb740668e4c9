"""Genes of a dataset matched to the vocabulary of a backbone, with a reason for each gene that is not in it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pandas as pd

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)
LEAST_SHARED = 0.05  # of a model's genes that data must measure
_FEW_SHARED = 0.5  # of them, below which a warning is given


def align_genes(
    genes: Sequence[str], vocabulary: Mapping[str, int], aliases: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find the vocabulary id of each gene: by its name, its Ensembl id without version, or its alias.

    Parameters
    ----------
    genes
        Unique gene names (symbols or Ensembl ids), in the order to keep.
    vocabulary
        Gene name -> id.
    aliases
        Other name (synonym or Ensembl id without version) -> name in the vocabulary; may be empty.

    Returns
    -------
    aligned
        Columns gene, token; one row a gene that was found.
    lost
        Columns gene, reason; one row a gene that was not. Two genes that meet in one id are not merged, for
        their counts were not added up: the one named exactly (else the first) stays, the other is lost.

    Raises
    ------
    InputError
        If fewer than a tenth of the genes are found: names of another kind or species.
    """
    # exact names first: an alias that comes earlier must not take their place
    # of several with one entry (orthologs), the first stays
    taken = {vocabulary[gene]: gene for gene in reversed(genes) if gene in vocabulary}
    found: list[tuple[str, int]] = []
    lost: list[tuple[str, str]] = []
    for gene in genes:
        token = find_token(gene, vocabulary, aliases)
        if token is None:
            lost.append((gene, "not in the vocabulary"))
        elif taken.setdefault(token, gene) != gene:
            lost.append((gene, f"same vocabulary entry as {taken[token]}"))
        else:
            found.append((gene, token))

    if len(found) < len(genes) / 10:
        raise InputError(
            f"{len(found)} of {len(genes)} genes are in the backbone's vocabulary; genes are named like {genes[:3]}",
            f"names like {list(vocabulary)[100:103]}",
            "name genes by symbol, or give fuse.aliases a table that translates them",
        )
    return pd.DataFrame(found, columns=["gene", "token"]), pd.DataFrame(
        lost, columns=["gene", "reason"]
    )


def find_token(
    gene: str, vocabulary: Mapping[str, int], aliases: Mapping[str, str]
) -> int | None:
    """Id of one gene, by the rules of `align_genes`; None where it has none."""
    # only an Ensembl id has a version: in symbols the dot is part of the name
    stem = gene.split(".")[0] if gene.startswith("ENS") else gene
    for name in (gene, stem, aliases.get(gene), aliases.get(stem)):
        if name is not None and name in vocabulary:
            return vocabulary[name]
    return None


def check_shared(
    n_shared: int, of: Sequence[str], names: Sequence[str], where: str, whole: str
) -> None:
    """Stop where data measure hardly any gene of a model or graph, warn where they measure few.

    Parameters
    ----------
    n_shared
        Genes of the model that are measured.
    of, names
        The model's genes; those of the data, as examples.
    where, whole
        What the data and the model are called.

    Raises
    ------
    InputError
        If fewer than a fraction `LEAST_SHARED` are measured.
    """
    found = f"{n_shared} of {whole}'s {len(of)} genes are measured"
    if n_shared < LEAST_SHARED * len(of):
        raise InputError(
            f"{where}: {found}; genes are named like {list(names[:3])}, there like {list(of[:3])}",
            f"at least {LEAST_SHARED:.0%} of them, by symbol, alias or Ensembl id",
            "name genes by symbol, or give fuse.aliases a table that translates them",
        )
    if n_shared < _FEW_SHARED * len(of):
        logger.warning("%s: only %s (%.0f%%)", where, found, 100 * n_shared / len(of))
