"""Region sets from topics: the regions that carry a topic, by Otsu's threshold and by rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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
    edge = threshold_otsu((values - low) / (high - low), nbins=n_bins) + 0.5 / n_bins
    return float(edge * (high - low) + low)


def binarize_topics(
    region_topic: np.ndarray, regions: list[str], *, smooth: bool, n_bins: int, n_top: int
) -> pd.DataFrame:
    """Draw two region sets from each topic: regions above Otsu's threshold, and the top regions.

    Parameters
    ----------
    region_topic
        (regions, topics) probability of each region within a topic.
    regions
        Names of the regions.
    smooth
        Rank and threshold the scores of `score_regions` instead of the probabilities.
    n_bins
        Bins of the histogram that Otsu's threshold is found on.
    n_top
        Size of the top set; of equal scores, the earlier region goes first.

    Returns
    -------
    Table by contract ``region_sets``; ``score`` is the probability of the region in the topic.
    """
    import pandas as pd

    names = np.asarray(regions, dtype=object)
    scores = score_regions(region_topic) if smooth else region_topic
    parts = []
    for topic in range(region_topic.shape[1]):
        order = np.argsort(-scores[:, topic], kind="stable")
        n_above = int(np.sum(scores[:, topic] > otsu_threshold(scores[:, topic], n_bins)))
        for kind, chosen in (("topic_otsu", order[:n_above]), ("topic_top", order[:n_top])):
            parts.append(
                pd.DataFrame(
                    {
                        "set": f"topic_{topic + 1}",
                        "kind": kind,
                        "region": names[chosen],
                        "score": region_topic[chosen, topic],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)
