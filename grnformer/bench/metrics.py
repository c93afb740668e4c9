"""The metrics of all benchmarks: which direction is better, and how values are summed up over members.

This is the one place that says so: the summary, the report and the tests read it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    better
        Whether higher or lower values are better.
    statistic
        How values are summed up over members (seeds, TFs): mean or median.
    about
        What it measures, with its unit and the value that chance gives.
    """

    better: Literal["higher", "lower"]
    statistic: Literal["mean", "median"]
    about: str


METRICS: dict[str, Metric] = {
    # grn_accuracy
    "auprc_ratio": Metric("higher", "median", "AUPRC over the positive rate; random 1"),
    "early_precision_ratio": Metric(
        "higher",
        "median",
        "precision among the first k genes (k: number of positives) over the positive rate; random 1",
    ),
    "auprc_ratio_over_wrong_tf": Metric(
        "higher", "median", "AUPRC ratio less the mean of the same score taken from other TFs of the line; chance 0"
    ),
    "early_precision_ratio_over_wrong_tf": Metric(
        "higher", "median", "early precision ratio less that of the line's other TFs' scores; chance 0"
    ),
    "pooled_auprc_ratio": Metric(
        "higher", "mean", "AUPRC over the positive rate of all TF-gene pairs of a line; random 1"
    ),
    # drug_response
    "double_centred_pearson": Metric(
        "higher",
        "mean",
        "Pearson r less drug and line means, of truth and prediction within the test set",
    ),
    "per_drug_pearson": Metric("higher", "mean", "Pearson r over lines within a drug, averaged over drugs"),
    "pooled_pearson": Metric("higher", "mean", "Pearson r over all test pairs"),
    "rmse": Metric("lower", "mean", "root mean squared error of LN_IC50 (ln micromolar)"),
}
