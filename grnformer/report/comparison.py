"""Section of two networks of the same cells beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.report.page import Note, Section, Table
from grnformer.report.provenance import flatten

if TYPE_CHECKING:
    import pandas as pd


def comparison_section(table: pd.DataFrame, configs: dict[str, dict[str, Any]]) -> Section:
    """Section of one pair of datasets.

    Parameters
    ----------
    table
        Contract network_comparison.
    configs
        Dataset -> the configuration with its own settings.
    """
    left, right = table["left_dataset"].iloc[0], table["right_dataset"].iloc[0]
    return Section(
        f"comparison-{left}-{right}",
        f"Networks of {left} and {right}",
        [
            Note(
                f"Both are of the same cells. Settings that differ ({left} / {right}):",
                items=differing_settings(configs[left], configs[right]),
            ),
            Table(
                "network_comparison",
                table,
                "Agreement: the Jaccard index (shared over all) of what is counted, or the measure named. Importances "
                "are compared over all TF-gene pairs, 0 where a network lacks the pair. Activity is compared over "
                "eRegulons that have the same genes in both. Accuracy: median AUPRC over random against ENCODE "
                "ChIP-seq, over TF x line pairs, beside the wrong-TF control. Times are summed over the rules of a "
                "step, each with the cores it was given; memory is the largest of them.",
                {"left": left, "right": right, "left_dataset": "left", "right_dataset": "right "},
            ),
        ],
    )


def differing_settings(left: dict[str, Any], right: dict[str, Any]) -> tuple[str, ...]:
    """Settings of prep, topics and grn that differ, as text: ``grn.tf_gene.method: a / b``."""
    both = [flatten({stage: config[stage] for stage in ("prep", "topics", "grn")}) for config in (left, right)]
    found = [f"{key}: {both[0].get(key)} / {both[1].get(key)}" for key in both[0] if both[0][key] != both[1].get(key)]
    return tuple(found) or ("none",)
