"""The planted network: signed TF → region → gene edges, some of them working in only some cell types, and its prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def draw_active_types(n_tfs: int, n_types: int, shared_fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Draw in which cell types each TF is active: boolean TFs x types.

    A fraction of the TFs is active everywhere; the others in one type each, all types in turn.
    """
    active = np.zeros((n_tfs, n_types), dtype=bool)
    active[np.arange(n_tfs), np.arange(n_tfs) % n_types] = True
    active[rng.permutation(n_tfs)[: round(shared_fraction * n_tfs)]] = True
    return active


def draw_edges(
    tfs: list[str],
    targets: list[str],
    regions: pd.DataFrame,
    active: np.ndarray,
    types: list[str],
    *,
    max_regulators: int,
    repression_fraction: float,
    closed_fraction: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw the edges: each target gene gets 1 to `max_regulators` TFs, each through one region of that gene.

    A TF opens (sign +1) or closes (-1) the region that it binds, and the gene follows the region.

    Parameters
    ----------
    regions
        One row a region: region, gene.
    active
        TFs x types: where each TF is active.
    closed_fraction
        Fraction of edges whose region does not respond in one of the types of its TF, if that leaves another.

    Returns
    -------
    pandas.DataFrame
        One row an edge: tf, region, gene, sign (+1, -1), strength (log scale), cell_types (list: the types
        in which it works). A pair of TF and gene stands once.
    """
    import pandas as pd

    signs: dict[str, int] = {}
    by_gene = regions.groupby("gene")["region"].agg(list)
    rows = []
    for gene in targets:
        regulators = rng.choice(len(tfs), size=rng.integers(1, max_regulators + 1), replace=False)
        for tf in sorted(regulators):
            region = str(rng.choice(by_gene[gene]))
            sign = signs.setdefault(region, -1 if rng.random() < repression_fraction else 1)
            alive = np.flatnonzero(active[tf])
            if len(alive) > 1 and rng.random() < closed_fraction:
                alive = np.delete(alive, rng.integers(len(alive)))
            strength = float(rng.uniform(0.8, 1.2))
            rows.append((tfs[tf], region, gene, sign, strength, [types[t] for t in alive]))
    return pd.DataFrame(rows, columns=["tf", "region", "gene", "sign", "strength", "cell_types"])


def draw_prior(
    edges: pd.DataFrame, tfs: list[str], genes: list[str], recall: float, precision: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw a prior table: a fraction `recall` of the true edges, with decoys so that a fraction `precision` is true.

    Returns
    -------
    pandas.DataFrame
        Contract ``prior``: tf, gene, sign, sources. Decoys carry random signs and the same sources.
    """
    import pandas as pd

    true = edges[["tf", "gene", "sign"]].iloc[np.sort(rng.permutation(len(edges))[: round(recall * len(edges))])]
    taken = set(zip(edges["tf"], edges["gene"], strict=True))
    possible = [(tf, gene) for tf in tfs for gene in genes if gene != tf and (tf, gene) not in taken]
    n_decoys = min(round(len(true) * (1 / precision - 1)), len(possible))
    chosen = [possible[i] for i in np.sort(rng.permutation(len(possible))[:n_decoys])]
    decoys = pd.DataFrame(chosen, columns=["tf", "gene"]).assign(sign=rng.choice([-1, 1], size=n_decoys))
    prior = pd.concat([true, decoys]).sort_values(["tf", "gene"], ignore_index=True)
    prior["sources"] = np.where(rng.random(len(prior)) < 0.5, "CollecTRI", "CollecTRI;DoRothEA")
    return prior
