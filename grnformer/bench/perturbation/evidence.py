"""What the arms know of perturbed genes, as similarities, features and networks, right and rewired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.bench.perturbation import knowledge, similarity
from grnformer.core.errors import InputError
from grnformer.graph.knowledge import read_interactions, read_sets
from grnformer.graph.modes.degree_preserving import rewire_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_COMPONENTS = 20
_SETTING = "bench.perturbation"
#: columns that hold genes
_GENES = ("gene", "source", "target")
_OWN_FILE = ("pathways", "complexes")


@dataclass(frozen=True)
class Knowledge:
    """Files as read, by `grnformer.graph.knowledge`."""

    pathways: pd.DataFrame
    complexes: pd.DataFrame
    interactions: pd.DataFrame
    prior: pd.DataFrame

    def check(self, genes: Sequence[str]) -> None:
        """Raise InputError if a table knows fewer than two of the perturbed genes: none would be like another."""
        for name, table in vars(self).items():
            columns = [column for column in _GENES if column in table]
            there = np.unique(table[columns].to_numpy().ravel().astype(str))
            known = np.intersect1d(there, list(genes))
            if len(known) < 2:
                setting = name if name in _OWN_FILE else "interactions"
                raise InputError(
                    f"{len(known)} of {len(genes):,} perturbed genes, such as {genes[0]}, are in the {name}; genes "
                    f"there: {', '.join(there[:3]) or 'none'}",
                    "gene symbols, as the screen has them",
                    f"name another file in {_SETTING}.{setting}, with the symbols of the screen's species",
                )

    def rewired(self, seed: int) -> Knowledge:
        """The same sizes and degrees, other genes."""
        rng = np.random.default_rng(seed)
        return Knowledge(
            knowledge.rewire_links(self.pathways, rng),
            knowledge.rewire_links(self.complexes, rng),
            rewire_pairs(self.interactions, rng),
            rewire_pairs(self.prior, rng),
        )

    def similarities(self, genes: Sequence[str]) -> dict[str, np.ndarray]:
        """Name of the graph -> (genes, genes)."""
        links = {
            "pathways": self.pathways,
            "complexes": self.complexes,
            "interactions": knowledge.neighbours(self.interactions),
            "prior": knowledge.neighbours(self.prior),
        }
        return {
            name: similarity.share_links(part, genes) for name, part in links.items()
        }

    def blocks(self, genes: Sequence[str]) -> list[Any]:
        """Sets, partners, regulators and targets of each gene, (genes, groups) each."""
        regulators = self.prior.rename(columns={"target": "gene", "source": "group"})
        targets = self.prior.rename(columns={"source": "gene", "target": "group"})
        links = [
            self.pathways,
            self.complexes,
            knowledge.neighbours(self.interactions),
            regulators,
            targets,
        ]
        return [similarity.incidence(part, genes) for part in links]


def read_knowledge(
    pathways: str | Path, complexes: str | Path, interactions: str | Path
) -> Knowledge:
    """Read the files of the settings of these names."""
    prior, others = read_interactions(interactions, f"{_SETTING}.interactions")
    return Knowledge(
        pathways=read_sets(pathways, f"{_SETTING}.pathways"),
        complexes=read_sets(complexes, f"{_SETTING}.complexes"),
        interactions=others,
        prior=prior,
    )


def describe_genes(
    known: Knowledge | None, expression: pd.DataFrame, genes: Sequence[str]
) -> np.ndarray:
    """Features of perturbed genes: main components of what they share, and how much they are expressed.

    Of pathways, complexes, partners, regulators, targets and co-expression; each block has a mean squared norm of 1.
    Of co-expression alone where nothing is `known`.

    Returns
    -------
    (genes, features).
    """
    from sklearn.decomposition import TruncatedSVD

    blocks = [] if known is None else known.blocks(genes)
    blocks.append(similarity.co_expression(expression, genes))
    features = [mean_expression(expression, genes)[:, None]]
    for block in blocks:
        # tiny inputs have fewer genes or groups than components
        n = min(_COMPONENTS, min(block.shape) - 1)
        if n < 1:
            continue
        found = TruncatedSVD(n, random_state=0).fit_transform(block)
        norm = np.sqrt((found**2).sum(1).mean())
        features.append(found / norm if norm > 0 else found)
    return np.hstack(features).astype(np.float32)


def mean_expression(expression: pd.DataFrame, genes: Sequence[str]) -> np.ndarray:
    """Mean of log1p over cells, (genes,), 0 where a gene is not measured."""
    return expression.mean().reindex(list(genes), fill_value=0).to_numpy(np.float32)
