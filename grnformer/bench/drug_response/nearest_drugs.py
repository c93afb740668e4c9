"""The response profile of an unseen drug from those of the drugs with the most similar fingerprints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from grnformer.bench.drug_response.matrix import fit_additive


def predict_from_similar_drugs(
    values: np.ndarray,
    mask: np.ndarray,
    similarity: np.ndarray,
    neighbours: list[int],
) -> Iterator[np.ndarray]:
    """Yield predictions (L x D) for each number of neighbours.

    A drug's profile over lines is the mean, weighted by similarity, of its neighbours' profiles. No drug is a
    neighbour of itself: for known drugs this is leave-one-out. What a neighbour lacks is filled by the additive fit.

    Parameters
    ----------
    values, mask
        LN_IC50 and which of it is known, L x D.
    similarity
        D x D in [0, 1].
    neighbours
        Numbers of neighbours, at least 1.
    """
    profiles = np.where(mask, values, fit_additive(values, mask).predictions())

    # A drug without a known value has no profile of its own to lend.
    candidates = np.flatnonzero(mask.any(axis=0))
    close = similarity[:, candidates].astype(float)
    # itself, behind every other drug
    close[candidates, np.arange(len(candidates))] = -1.0
    order = np.argsort(-close, axis=1, kind="stable")

    for number in neighbours:
        nearest = order[:, :number]
        # Drugs that share no bit with any other take the mean of their neighbours: weights may not all be 0.
        similar = np.maximum(np.take_along_axis(close, nearest, axis=1), 1e-6)

        # (D, candidates), rows sum to 1.
        weight = np.zeros_like(close)
        np.put_along_axis(weight, nearest, similar, axis=1)
        weight /= weight.sum(axis=1, keepdims=True)
        yield profiles[:, candidates] @ weight.T
