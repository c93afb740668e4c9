"""The metrics of all benchmarks: which direction is better, and how values are summed up over members.

This is the one place that says so: the summary, the report and the tests read it here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from grnformer.bench.intervals import Statistic
from grnformer.core.errors import InputError

#: columns of the contract ``scores``, but for the optional cluster
SCORE_COLUMNS = [
    "benchmark",
    "task",
    "arm",
    "kind",
    "metric",
    "unit",
    "member",
    "value",
    "n",
]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    title
        Its name as people write it.
    better
        Whether higher or lower values are better.
    statistic
        How values are summed up over members (seeds, TFs): mean or median; resampled: the benchmark has resampled the
        data itself, members are the value of all data (``all``) and those of its resamples, the same for all arms.
    about
        What it measures, with its unit.
    chance
        The value that chance gives, if there is one.
    fraction
        Whether values lie between 0 and 1. Student's t interval of a few of them may reach beyond; it is cut there.
    """

    title: str
    better: Literal["higher", "lower"]
    statistic: Statistic
    about: str
    chance: float | None = None
    fraction: bool = False

    @property
    def sign(self) -> int:
        """1 where higher values are better, -1 where lower ones are."""
        return 1 if self.better == "higher" else -1


#: of predicted profiles, the first one being that by which arms are judged
PROFILE_METRICS = (
    "pearson_systema",
    "pearson_systema_top20",
    "pearson_control",
    "pearson_control_top20",
    "weighted_r2",
    "centroid_accuracy",
    "discrimination",
    "l2",
)
METRICS: dict[str, Metric] = {
    # grn_accuracy
    # medians over TFs: ratios are skewed, and a few high ones would rule a mean
    "auprc_ratio": Metric(
        "AUPRC ratio", "higher", "median", "AUPRC over the positive rate; random 1", 1.0
    ),
    "early_precision_ratio": Metric(
        "early precision ratio",
        "higher",
        "median",
        "precision among the first k genes (k: number of positives) over the positive rate; random 1",
        1.0,
    ),
    "auprc_ratio_over_wrong_tf": Metric(
        "AUPRC ratio over wrong TF",
        "higher",
        "median",
        "AUPRC ratio less the mean of the same score taken from other TFs of the line; chance 0",
        0.0,
    ),
    "early_precision_ratio_over_wrong_tf": Metric(
        "early precision ratio over wrong TF",
        "higher",
        "median",
        "early precision ratio less that of the line's other TFs' scores; chance 0",
        0.0,
    ),
    "auprc_ratio_over_random": Metric(
        "AUPRC over random rankings",
        "higher",
        "median",
        "AUPRC over that of random rankings on average, which is above the positive rate where positives are few; "
        "random 1",
        1.0,
    ),
    "pooled_auprc_ratio": Metric(
        "pooled AUPRC ratio",
        "higher",
        "mean",
        "AUPRC over the positive rate of all TF-gene pairs of a line; random 1",
        1.0,
    ),
    "pooled_early_precision_ratio": Metric(
        "pooled early precision ratio",
        "higher",
        "mean",
        "precision among the first k TF-gene pairs of a line (k: number of positives) over the positive rate; random 1",
        1.0,
    ),
    # link_accuracy
    "link_auprc": Metric(
        "link AUPRC",
        "higher",
        "resampled",
        "average precision of element-gene pairs; chance: the share of pairs with an effect; interval over genes",
        fraction=True,
    ),
    # drug_response
    # means over folds: they are too few for the interval of a median
    "double_centred_pearson": Metric(
        "double-centred Pearson r",
        "higher",
        "mean",
        "Pearson r less drug and line means, of truth and prediction within the test set",
        0.0,
    ),
    "normalised_pearson": Metric(
        "normalised Pearson r",
        "higher",
        "mean",
        "DrEval's: Pearson r less the line and drug effects of training; where lines are unseen their general "
        "sensitivity counts",
        0.0,
    ),
    "per_drug_pearson": Metric(
        "per drug Pearson r",
        "higher",
        "mean",
        "Pearson r over lines within a drug, averaged over drugs",
        0.0,
    ),
    "pooled_pearson": Metric(
        "pooled Pearson r", "higher", "mean", "Pearson r over all test pairs", 0.0
    ),
    # no chance level: it depends on the spread of the values
    "rmse": Metric(
        "RMSE", "lower", "mean", "root mean squared error of LN_IC50 (ln micromolar)"
    ),
    # pretraining
    "masked_value_loss": Metric(
        "held-out loss",
        "lower",
        "mean",
        "mean squared error of masked values, in units of each gene's SD",
    ),
    "masked_gene_loss": Metric("held-out loss", "lower", "mean", "nats a masked gene"),
    # perturbation
    # not a mean over perturbations: each gene compares those that are labelled for it
    "within_gene_auroc": Metric(
        "AUROC within genes",
        "higher",
        "resampled",
        "AUROC over the perturbations of a gene, averaged over genes with both labels",
        0.5,
        fraction=True,
    ),
    # a mean of one member, and so without an interval: it is shown, not judged
    "pooled_auroc": Metric(
        "pooled AUROC",
        "higher",
        "mean",
        "AUROC over all pairs, which the gene's training rate nearly fills without knowing the perturbation",
        0.5,
        fraction=True,
    ),
    "within_gene_auroc_by_seed": Metric(
        "AUROC within genes, by pretraining seed",
        "higher",
        "mean",
        "AUROC within genes of each model of an arm, on the same perturbations: intervals are over pretraining seeds",
        0.5,
        fraction=True,
    ),
    # perturbation_profiles
    # means over perturbations; perturbed genes themselves are left out of all
    "pearson_systema": Metric(
        "Systema r",
        "higher",
        "mean",
        "Pearson r of the difference from the mean of the training perturbations (Systema), over genes",
        0.0,
    ),
    "pearson_systema_top20": Metric(
        "Systema r, top 20",
        "higher",
        "mean",
        "the same over the 20 genes that respond most, chosen on cells that are not scored",
        0.0,
    ),
    "pearson_control": Metric(
        "r from control",
        "higher",
        "mean",
        "Pearson r of the difference from control, over genes; truth and prediction have controls of their own",
        0.0,
    ),
    "pearson_control_top20": Metric(
        "r from control, top 20",
        "higher",
        "mean",
        "the same over the 20 genes that respond most, chosen on cells that are not scored",
        0.0,
    ),
    "weighted_r2": Metric(
        "weighted R2",
        "higher",
        "mean",
        "R2 of the difference from the mean of the training perturbations, genes weighted by how specific they are to "
        "the perturbation",
        0.0,
    ),
    "centroid_accuracy": Metric(
        "centroid accuracy",
        "higher",
        "mean",
        "fraction of the other perturbations that are farther from the predicted profile than its own is (Euclidean)",
        0.5,
        fraction=True,
    ),
    "discrimination": Metric(
        "perturbation discrimination",
        "higher",
        "mean",
        "the same for differences from control (Manhattan)",
        0.5,
        fraction=True,
    ),
    "l2": Metric(
        "L2",
        "lower",
        "mean",
        "Euclidean distance of profiles, in log1p of counts per 10,000",
    ),
    # sc_drug
    # no means over members: one value for all lines or cells, with replicates of it
    "lines_double_centred_pearson": Metric(
        "double-centred Pearson r",
        "higher",
        "resampled",
        "Pearson r of LN_IC50 less drug and line means, of truth and prediction within the tested lines, each of the "
        "same weight",
        0.0,
    ),
    # pretrain: masked tokens of held-out cells
    "heldout_squared_error": Metric(
        "held-out loss",
        "lower",
        "mean",
        "mean squared error of masked values of held-out cells, in units of each gene's SD",
    ),
    "heldout_nats": Metric(
        "held-out loss",
        "lower",
        "mean",
        "cross-entropy of masked genes of held-out cells, in nats a gene",
    ),
    "cells_auroc": Metric(
        "AUROC",
        "higher",
        "resampled",
        "probability that a sensitive cell is predicted more sensitive than a resistant one, over all cells; chance .5",
        0.5,
        fraction=True,
    ),
    "cells_auprc": Metric(
        "AUPRC",
        "higher",
        "resampled",
        "area under the precision-recall curve of sensitive cells, over all cells; chance is their share",
        fraction=True,
    ),
}


#: metric -> where it stands between the best baseline (0) and the other half of the cells (1); in summaries alone
SCALED = {f"scaled_{name}": name for name in PROFILE_METRICS}
METRICS |= {
    scaled: Metric(
        f"{METRICS[name].title}, scaled",
        "higher",
        "resampled",
        f"{METRICS[name].title} on a scale from the best baseline (0) to the other half of the same cells (1)",
        0.0,
    )
    for scaled, name in SCALED.items()
}


def primary_metric(names: Iterable[str]) -> str:
    """Of a benchmark's metrics the first of `METRICS`: that by which arms are judged."""
    given = set(names)
    return next(name for name in METRICS if name in given)


def check_declared(names: Iterable[str], where: str, remedy: str) -> None:
    """Raise InputError if `where` has a metric that `METRICS` lacks: neither its direction nor its mean is known."""
    unknown = sorted(set(names) - set(METRICS))
    if unknown:
        raise InputError(
            f"{where}: the metric {', '.join(map(repr, unknown))}",
            f"one of {', '.join(METRICS)}",
            remedy,
        )
