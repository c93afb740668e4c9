"""The planted network: signed TF → region → gene edges, some of them working in only some cell types, and its prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def draw_active_types(
    n_tfs: int, n_types: int, shared_fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw in which cell types each TF is active: boolean TFs x types.

    A fraction of the TFs is active everywhere; the others in one type each, all types in turn.
    """
    active = np.zeros((n_tfs, n_types), dtype=bool)
    tf = np.arange(n_tfs)
    active[tf, tf % n_types] = True

    n_shared = round(shared_fraction * n_tfs)
    shared = rng.permutation(n_tfs)[:n_shared]
    active[shared] = True
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
        n_regulators = rng.integers(1, max_regulators + 1)
        regulators = rng.choice(len(tfs), size=n_regulators, replace=False)
        for tf in sorted(regulators):
            region = str(rng.choice(by_gene[gene]))

            # a region opens or closes, whichever TF binds it: the first edge decides for all
            sign = -1 if rng.random() < repression_fraction else 1
            sign = signs.setdefault(region, sign)

            # an edge of a TF that is active in one type works there: else no cell would show it
            alive = np.flatnonzero(active[tf])
            if len(alive) > 1 and rng.random() < closed_fraction:
                closed = rng.integers(len(alive))
                alive = np.delete(alive, closed)

            strength = float(rng.uniform(0.8, 1.2))
            cell_types = [types[t] for t in alive]
            rows.append((tfs[tf], region, gene, sign, strength, cell_types))
    return pd.DataFrame(
        rows, columns=["tf", "region", "gene", "sign", "strength", "cell_types"]
    )


def draw_prior(
    edges: pd.DataFrame,
    tfs: list[str],
    genes: list[str],
    recall: float,
    precision: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw a prior table: a fraction `recall` of the true edges, with decoys so that a fraction `precision` is true.

    Returns
    -------
    pandas.DataFrame
        Contract ``prior``: tf, gene, sign, sources. Decoys carry random signs and the same sources.
    """
    import pandas as pd

    n_true = round(recall * len(edges))
    known = rng.permutation(len(edges))[:n_true]
    true = edges[["tf", "gene", "sign"]].iloc[np.sort(known)]

    # decoys: pairs of a TF and another gene without an edge
    taken = set(zip(edges["tf"], edges["gene"], strict=True))
    possible: list[tuple[str, str]] = []
    for tf in tfs:
        possible += [
            (tf, gene) for gene in genes if gene != tf and (tf, gene) not in taken
        ]

    n_decoys = round(len(true) * (1 / precision - 1))
    n_decoys = min(n_decoys, len(possible))
    chosen = rng.permutation(len(possible))[:n_decoys]
    decoys = pd.DataFrame(
        [possible[i] for i in np.sort(chosen)], columns=["tf", "gene"]
    )
    decoys["sign"] = rng.choice([-1, 1], size=n_decoys)

    prior = pd.concat([true, decoys]).sort_values(["tf", "gene"], ignore_index=True)
    is_single = rng.random(len(prior)) < 0.5
    prior["sources"] = np.where(is_single, "CollecTRI", "CollecTRI;DoRothEA")
    return prior
