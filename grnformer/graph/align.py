"""Genes of a dataset matched to the vocabulary of a backbone, with a reason for each gene that is not in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from grnformer.core.errors import InputError


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
    taken = {vocabulary[gene]: gene for gene in genes if gene in vocabulary}
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
