"""What is known of genes beforehand: sets (pathways, complexes), interactions, a prior of TF-target pairs.

Each becomes links (gene, group): two genes are alike where they share groups. Of an interaction, the group is the
partner. Files are read by `grnformer.graph.knowledge`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.graph.modes.degree_preserving import swap_targets


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
