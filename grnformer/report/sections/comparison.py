"""Section of two networks of the same cells beside each other."""

from __future__ import annotations

import pandas as pd

from grnformer.core.compare import differences
from grnformer.report.page import Config, Note, Section, table


def comparison_section(comparison: pd.DataFrame, configs: dict[str, Config]) -> Section:
    """Section of one pair of datasets.

    Parameters
    ----------
    comparison
        Contract network_comparison.
    configs
        Dataset -> the configuration with its settings.
    """
    left, right = comparison.loc[0, ["left_dataset", "right_dataset"]]
    # What differs is all that the agreement can be due to.
    differing = differing_settings(configs[left], configs[right])
    headers = {
        "left": left,
        "right": right,
        "left_dataset": "left",
        "right_dataset": "right ",
    }

    return Section(
        f"comparison-{left}-{right}",
        f"Networks of {left} and {right}",
        [
            Note(
                f"Both are of the same cells. Settings that differ ({left} / {right}):",
                items=differing,
            ),
            table(
                "network_comparison",
                comparison,
                "Agreement: the Jaccard index of what is counted, or the measure named. Importances are compared over "
                "all TF-gene pairs, 0 where a network lacks the pair. Activity is compared over eRegulons that have "
                "the same genes in both. Accuracy: median AUPRC over random against ENCODE ChIP-seq, over pairs of TF "
                "and line, beside the wrong-TF control. Times are summed over the rules of a step, each with the cores "
                "it was given; memory is the largest of any rule.",
                **headers,
            ),
        ],
    )


def differing_settings(left: Config, right: Config) -> tuple[str, ...]:
    """Settings of prep, topics and grn that differ, as text: ``grn.tf_gene.method: a / b``."""
    found = []
    # Later stages read the network, and do not change it.
    for stage in ("prep", "topics", "grn"):
        for place, ours, theirs in differences(left[stage], right[stage], stage):
            found.append(f"{place}: {ours} / {theirs}")
    return tuple(found) or ("none",)
