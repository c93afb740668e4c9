"""Region sets from topics: the regions that carry a topic, by Otsu's or Li's threshold, and by rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def score_regions(region_topic: np.ndarray) -> np.ndarray:
    """Score how particular each region is to each topic, as cisTopic does (doi 10.1038/s41592-019-0367-1).

    p (log p - mean over topics of log p): regions that are frequent in every topic score low.

    Parameters
    ----------
    region_topic
        (regions, topics) probabilities, all above 0 (a Dirichlet prior sees to that).

    Returns
    -------
    (regions, topics).
    """
    # A single 0 would make the mean over topics -inf.
    logs = np.log(np.maximum(region_topic, np.finfo(float).tiny))
    return region_topic * (logs - logs.mean(axis=1, keepdims=True))


def otsu_threshold(values: np.ndarray, n_bins: int) -> float:
    """Otsu's threshold (1979, doi 10.1109/TSMC.1979.4310076) of values scaled to [0, 1]; values above it are in.

    Equal values have no threshold: the value itself is returned, and nothing lies above. The threshold is the upper
    edge of the lower class's last bin, not its centre as in scikit-image and pycisTopic: probabilities come in steps,
    and a step in the upper half of that bin would change sides.
    """
    from skimage.filters import threshold_otsu

    low, high = values.min(), values.max()
    if low == high:
        return float(low)
    # threshold_otsu gives the centre of a bin: half a bin further is its upper edge.
    edge = threshold_otsu((values - low) / (high - low), nbins=n_bins) + 0.5 / n_bins
    return float(edge * (high - low) + low)


def li_threshold(values: np.ndarray) -> float:
    """Li's threshold of minimum cross entropy (Li & Lee 1993, doi 10.1016/0031-3203(93)90115-D); above it is in.

    By the iteration of Li & Tam (1998, doi 10.1016/S0167-8655(98)00057-9) from the mean, on values moved to start at
    0, as scikit-image does: it ends in the minimum next to the mean, where pycisTopic takes the lowest of a grid of
    hundredths. Lower than Otsu's threshold where few regions score high, so its sets are larger. Equal values have no
    threshold: the value itself is returned, and nothing lies above.
    """
    from skimage.filters import threshold_li

    low, high = values.min(), values.max()
    if low == high:
        return float(low)
    return float(threshold_li((values - low) / (high - low)) * (high - low) + low)


def binarize_topics(
    region_topic: np.ndarray,
    regions: list[str],
    *,
    kinds: Sequence[str],
    smooth: bool,
    n_bins: int,
    n_top: int,
) -> pd.DataFrame:
    """Take region sets from each topic.

    Parameters
    ----------
    region_topic
        (regions, topics) probability of each region within a topic.
    regions
        Names of the regions.
    kinds
        ``topic_otsu``, ``topic_li`` (regions above the threshold of that name), ``topic_top`` (the top regions).
    smooth
        Rank and threshold the scores of `score_regions` instead of the probabilities.
    n_bins
        Bins of the histogram that Otsu's threshold is found on.
    n_top
        Size of the top set; of equal scores, the earlier region goes first.

    Returns
    -------
    Table by contract ``region_sets``; ``score`` is the probability of the region in the topic.

    Raises
    ------
    InputError
        If a kind is unknown.
    """
    import pandas as pd

    names = np.asarray(regions, dtype=object)
    scores = score_regions(region_topic) if smooth else region_topic
    parts = [pd.DataFrame(columns=["set", "kind", "region", "score"])]
    for topic, values in enumerate(scores.T):
        # Every set is a head of this order: above a threshold, or the first few.
        order = np.argsort(-values, kind="stable")
        for kind in kinds:
            chosen = order[: _size_of_set(values, kind, n_bins, n_top)]
            found = {
                "set": f"topic_{topic + 1}",
                "kind": kind,
                "region": names[chosen],
                "score": region_topic[chosen, topic],
            }
            parts.append(pd.DataFrame(found))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _size_of_set(values: np.ndarray, kind: str, n_bins: int, n_top: int) -> int:
    """How many of the best regions a set of this kind holds."""
    if kind == "topic_otsu":
        return int(np.sum(values > otsu_threshold(values, n_bins)))
    if kind == "topic_li":
        return int(np.sum(values > li_threshold(values)))
    if kind == "topic_top":
        return n_top
    raise InputError(
        f"topics.region_sets.kinds {kind!r}",
        "topic_otsu, topic_li, topic_top",
        "correct it in the config",
    )
