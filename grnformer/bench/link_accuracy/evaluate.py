"""Scores of element-gene pairs, and their average precision with replicates over genes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.bench.intervals import ALL, resample
from grnformer.bench.link_accuracy.truth import Candidates
from grnformer.bench.ranking import average_precision

BENCHMARK = "link_accuracy"
METRIC = "link_auprc"
JOINED = "joined"
PERMUTED = "joined (permuted links)"


def score_pairs(
    candidates: Candidates,
    accessibility: pd.Series,
    triplets: pd.DataFrame,
    least_distance: int,
    seed: int,
) -> dict[tuple[str, str], np.ndarray]:
    """Score every pair by every arm; of several links of a pair, the highest score counts.

    Parameters
    ----------
    candidates
        Pairs and their links.
    accessibility
        Fragments or counts of each region in the cell type.
    triplets
        Contract ``eregulons``.
    least_distance
        bp, added to distances that are divided by.
    seed
        Of the permuted correlations.

    Returns
    -------
    (arm, kind) -> scores (pairs,), higher means more likely regulated. Models are the links: their ``weight``, of it
    importance and absolute correlation, the weight of links in eRegulons, and ``joined``: importance x correlation x
    square root of accessibility in the cell type / distance as the pairs give it. Its control has importance and
    correlation permuted among links. The other baselines know nothing of expression.
    """
    pairs, links = candidates.pairs, candidates.links
    distance = pairs["distance"].to_numpy()[links["pair"]]
    open_ = accessibility.loc[links["region"]].to_numpy(dtype=float)
    near = 1 / (distance + least_distance)
    rho = links["rho"].abs().to_numpy()
    importance = links["importance"].to_numpy()

    in_eregulon = pd.MultiIndex.from_frame(links[["region", "gene"]]).isin(
        pd.MultiIndex.from_frame(triplets[["region", "gene"]].astype(str))
    )
    expressed = importance * rho
    shuffled = np.random.default_rng(seed).permutation(expressed)
    reached = np.sqrt(open_) * near
    of_links = {
        ("weight", "model"): links["weight"].to_numpy(),
        ("importance", "model"): importance,
        ("absolute rho", "model"): rho,
        ("eRegulon links", "model"): np.where(
            in_eregulon, links["weight"].to_numpy(), 0.0
        ),
        (JOINED, "model"): expressed * reached,
        (PERMUTED, "control"): shuffled * reached,
        ("distance", "baseline"): near,
        ("accessibility", "baseline"): open_,
        ("sqrt(accessibility) / distance", "baseline"): reached,
        ("accessibility / distance (ABC-like)", "baseline"): open_ * near,
        # all alike: the share of positives
        ("chance", "baseline"): np.zeros(len(links)),
    }
    scored = {}
    for arm, values in of_links.items():
        best = np.full(len(pairs), -np.inf)
        np.maximum.at(best, links["pair"].to_numpy(), values)
        scored[arm] = best
    return scored


def evaluate_pairs(
    scored: dict[tuple[str, str], np.ndarray],
    pairs: pd.DataFrame,
    task: str,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Average precision of each arm over all pairs, and on samples of genes with all their pairs.

    Pairs of a gene share its expression and its screen: genes are what is independent.

    Returns
    -------
    Table by contract ``scores``; member ``all`` is the value, the others are its replicates.
    """
    _, gene = np.unique(pairs["gene"], return_inverse=True)
    weights = resample(int(gene.max()) + 1, n_resamples, seed)[:, gene]
    members = [ALL, *map(str, range(n_resamples))]
    regulated = pairs["regulated"].to_numpy(dtype=bool)
    tables = [
        pd.DataFrame(
            {
                "benchmark": BENCHMARK,
                "task": task,
                "arm": arm,
                "kind": kind,
                "metric": METRIC,
                "unit": "resample",
                "member": members,
                "value": average_precision(regulated, values, weights),
                "n": len(pairs),
            }
        )
        for (arm, kind), values in scored.items()
    ]
    return pd.concat(tables, ignore_index=True)
