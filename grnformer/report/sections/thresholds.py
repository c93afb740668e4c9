"""Thresholds above which eRegulons are active: the doubtful ones first, each with its reason."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from grnformer.report.figures.networks import plot_thresholds
from grnformer.report.page import Block, Figure, table


def threshold_blocks(
    activity: anndata.AnnData,
    thresholds: pd.DataFrame,
    specificity: pd.DataFrame,
    most: int,
) -> list[Block]:
    """Figure of `most` thresholds, and the table of all.

    Parameters
    ----------
    activity
        AnnData by contract ``cell_activity``.
    thresholds, specificity
        Tables by the contracts of these names.
    """
    doubts = explain_doubt(thresholds)
    examples = choose_examples(thresholds, specificity, most)
    silent = int((activity.layers["active"].sum(axis=1) == 0).sum())
    ordered = thresholds.assign(doubt=doubts.replace("", "none"))

    return [
        Figure(
            "thresholds",
            plot_thresholds(
                activity,
                examples,
                dict(zip(thresholds["eregulon"], doubts, strict=True)),
            ),
            f"AUCell activity over all cells, with the threshold (line). First: eRegulons with a doubtful threshold "
            f"({thresholds['doubtful'].sum():,} of {len(thresholds):,}), the most specific for each reason. Then: "
            "others for each method. Bimodal: where two Gaussians meet; skewed: mean + 2 SD. AUC within the top "
            f"{activity.uns['rank_cutoff']} ranks of a cell. {silent:,} of {activity.n_obs:,} cells have no active "
            "eRegulon.",
            76 + 240 * -(-len(examples) // 3),
        ),
        table(
            "eregulon_thresholds",
            ordered.sort_values("doubtful", ascending=False, kind="stable"),
            f"Thresholds of all {len(thresholds):,} eRegulons, the doubtful ones first, with the reason.",
            folded=True,
        ),
    ]


def explain_doubt(thresholds: pd.DataFrame) -> pd.Series:
    """Why each threshold (contract thresholds) is doubtful; empty for those that are not."""
    reasons = {  # the first that holds
        "": ~thresholds["doubtful"],
        "all cells have the same AUC": thresholds["method"] == "constant",
        "no cell is above the threshold": thresholds["n_active"] == 0,
        "the median active cell detects fewer than 2 of its genes": thresholds[
            "genes_seen"
        ]
        < 2,
        "the two modes overlap, or the fit did not converge": thresholds["method"]
        == "bimodal",
    }

    chosen = np.select(
        list(reasons.values()), list(reasons), "the fit did not converge"
    )
    return pd.Series(chosen, index=thresholds.index, dtype=object)


def choose_examples(
    thresholds: pd.DataFrame, specificity: pd.DataFrame, most: int
) -> list[str]:
    """Examples for the threshold figure: doubtful ones first, up to two of three, then others to compare.

    Of the doubtful ones, the most specific eRegulons of each reason in turn; of the others, of each threshold method.
    """
    best = specificity.groupby("eregulon")["rss"].max()
    doubtful = thresholds["doubtful"]
    ranked = thresholds.assign(
        # eRegulons without a specificity come last
        rss=thresholds["eregulon"].map(best).fillna(0.0),
        by=explain_doubt(thresholds).where(doubtful, thresholds["method"]),
    ).sort_values(["rss", "eregulon"], ascending=[False, True])

    # In turn over reasons (or methods), so that each has an example.
    ranked["turn"] = ranked.groupby(["doubtful", "by"]).cumcount()
    ranked = ranked.sort_values(["turn", "by"], kind="stable")
    unsure = ranked.loc[ranked["doubtful"], "eregulon"].tolist()
    sound = ranked.loc[~ranked["doubtful"], "eregulon"].tolist()
    # Two of three places for doubtful ones, and those that the others leave.
    n_unsure = min(len(unsure), max(most - most // 3, most - len(sound)))

    return [*unsure[:n_unsure], *sound[: most - n_unsure]]
