"""What is known of genes beforehand: sets (pathways, complexes), interactions, a prior of TF-target pairs.

Each becomes links (gene, group): two genes are alike where they share groups. Of an interaction, the group is the
partner.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import read_frame, read_lines
from grnformer.graph.modes.degree_preserving import swap_targets

_SETTING = "bench.perturbation"
_CORUM = ("Organism", "subunits(Gene name)")
_OMNIPATH = ("source", "target", "type", "is_stimulation", "is_inhibition")


def read_sets(path: str | Path) -> pd.DataFrame:
    """Read gene sets: GMT (name, description, genes), or CORUM's table of complexes (human ones).

    Returns
    -------
    gene, group, without repeats.

    Raises
    ------
    InputError
        If the file is neither, or has no set of two genes or more.
    """
    lines = read_lines(path, f"{_SETTING}.pathways or complexes")
    header = lines[0][1].split("\t")
    if set(_CORUM) <= set(header):
        links = _from_corum(path)
    else:
        rows = [line.split("\t") for _, line in lines]
        links = pd.DataFrame(
            [(gene, row[0]) for row in rows for gene in row[2:] if gene],
            columns=["gene", "group"],
        )
    links = links.drop_duplicates(ignore_index=True)

    if not (links["group"].value_counts() > 1).any():
        raise InputError(
            f"{path} holds no set of two genes or more",
            "GMT (name, description, genes; tab-separated), or CORUM's allComplexes.txt",
            f"name another file in {_SETTING}",
        )
    return links


def _from_corum(path: str | Path) -> pd.DataFrame:
    table = read_frame(path, f"{_SETTING}.complexes")
    human = table[table["Organism"] == "Human"].reset_index(drop=True)
    genes = human["subunits(Gene name)"].str.split(";").explode().str.strip()
    # the row, not the name: complexes of one name differ in their subunits
    links = pd.DataFrame({"gene": genes, "group": genes.index.astype(str)})
    return links[links["gene"] != ""]


def read_interactions(path: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read OmniPath's interactions, as TF-target pairs and as all others.

    Returns
    -------
    Both with source, target, sign (-1, 0, 1), without loops and repeats; of the prior, source is the TF.
    """
    table = read_frame(path, f"{_SETTING}.interactions")
    if not set(_OMNIPATH) <= set(table):
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"OmniPath's {', '.join(_OMNIPATH)}",
            f"name another file in {_SETTING}.interactions",
        )
    true = ("true", "1", "1.0")
    sign = table["is_stimulation"].str.lower().isin(true).astype(int)
    sign -= table["is_inhibition"].str.lower().isin(true).astype(int)
    pairs = table[["source", "target"]].assign(sign=sign)

    kept = (pairs["source"] != pairs["target"]) & (pairs["source"] != "")
    is_prior = table["type"] == "transcriptional"
    first = pairs[kept & is_prior].drop_duplicates(["source", "target"])
    others = pairs[kept & ~is_prior].drop_duplicates(["source", "target"])
    return first.reset_index(drop=True), others.reset_index(drop=True)


def neighbours(pairs: pd.DataFrame) -> pd.DataFrame:
    """Links of each gene to its partners, either way, and to itself: a partner of a gene is like it too.

    Parameters
    ----------
    pairs
        source, target.

    Returns
    -------
    gene, group.
    """
    genes = pd.unique(pairs[["source", "target"]].to_numpy().ravel())
    loops = pd.DataFrame({"gene": genes, "group": genes})
    forth = pairs.rename(columns={"source": "gene", "target": "group"})
    back = pairs.rename(columns={"target": "gene", "source": "group"})
    links = pd.concat([forth, back, loops])[["gene", "group"]]
    return links.drop_duplicates(ignore_index=True)


def rewire_links(links: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Other genes in each set: the size of each set and the number of sets of each gene stay."""
    gene, names = pd.factorize(links["gene"])
    group = pd.factorize(links["group"])[0]
    # no gene has the number -1: a set has no TF that must not be its own target
    no_tf = np.full(len(gene), -1)
    swapped = swap_targets(group, no_tf, gene, rng)
    return links.assign(gene=np.asarray(names)[swapped])
