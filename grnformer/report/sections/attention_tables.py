"""Attention over seeds: means with intervals of enrichment, of mass by degree, of what attention is for, of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.bench.attention.strata import degree_strata
from grnformer.bench.intervals import estimate_mean
from grnformer.bench.summary import compare_seeds

ALL_TYPES = "mean of types"
BEFORE = "itself before training"
MATCHES = {
    "none": "all other genes",
    "degree_expression": "genes of the same degree and expression",
    "in_degree_expression": "genes of the same incoming links and expression",
}
MATCHED = list(MATCHES)[1:]
CHANGES = {
    "loss_adapter_off": "adapter off",
    "loss_uniform": "uniform attention to other genes",
    "loss_without_tfs": "no attention to TFs",
    "loss_without_others": "no attention to as many other genes",
}


def main_rows(enrichment: pd.DataFrame) -> pd.DataFrame:
    """Rows of masked genes' queries and of the mean over heads."""
    return enrichment[
        (enrichment["queries"] == "masked") & (enrichment["head"] == "mean")
    ]


def mean_over_seeds(
    table: pd.DataFrame, keys: Sequence[str], column: str
) -> pd.DataFrame:
    """Mean of a column over seeds with Student's t interval; keys, `column`, low, high, seeds."""
    rows = []
    for names, part in table.groupby(list(keys), sort=False):
        rows.append([*names, *estimate_mean(part[column].to_numpy(float))])
    return pd.DataFrame(rows, columns=[*keys, column, "low", "high", "seeds"])


def summarise_enrichment(enrichment: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds with Student's t interval, by arm, cell type (and their mean), state and matching."""
    table = main_rows(enrichment)
    keys = ["arm", "state", "matched_on"]
    # The mean over types is taken within a seed, so that its interval is over seeds too.
    of_seeds = (
        table.groupby([*keys, "seed"], sort=False)["enrichment"].mean().reset_index()
    )
    both = pd.concat([table, of_seeds.assign(cell_type=ALL_TYPES)])
    by = [*keys, "cell_type"]
    counts = ["tfs", "tfs_unmatched", "tfs_unseen", "others"]
    about = {
        "null_low": "mean",
        "null_high": "mean",
        # the largest: small only if it is in every seed
        "p_value": "max",
        # of genes, not of models: the same in every seed
        **dict.fromkeys(counts, "first"),
    }
    described = table.groupby(by, sort=False).agg(about).reset_index()

    found = mean_over_seeds(both, by, "enrichment").merge(described, on=by, how="left")
    # A mean of types stands below its types.
    found = _together(found, keys)
    return found[[*by, "enrichment", "low", "high", *about, "seeds"]]


def against_controls(
    enrichment: pd.DataFrame, arm: str, others: list[str], match: str
) -> pd.DataFrame:
    """Enrichment of an arm less that of others and of itself before training; mean over types, paired by seed."""
    part = main_rows(enrichment)
    part = part[part["matched_on"] == match]
    # (seeds, state and arm): types are averaged within a seed.
    values = part.pivot_table(
        index="seed", columns=["state", "arm"], values="enrichment"
    )
    # A model before training is one more control, paired by seed like the others.
    trained = values["trained"].assign(**{BEFORE: values["untrained", arm]})

    return compare_seeds(trained, [(arm, other) for other in (BEFORE, *others)])


def summarise_by_degree(mass: pd.DataFrame, edges: list[int]) -> pd.DataFrame:
    """Mean attention by bin of links, TFs and others, after training; mean over cell types and seeds."""
    mass = mass[mass["state"] == "trained"]
    # Categories keep arms and kinds in the order shown.
    mass = mass.assign(
        arm=pd.Categorical(mass["arm"], mass["arm"].unique()),
        kind=pd.Categorical(
            np.where(mass["is_tf"], "TFs", "other genes"), ["TFs", "other genes"]
        ),
        bin=degree_strata((mass["in_degree"] + mass["out_degree"]).to_numpy(), edges),
        total=mass["mass_masked"].fillna(0) * mass["keys"],
    )
    keys = ["arm", "kind", "bin"]
    # A gene counts as often as it was a key.
    each = mass.groupby([*keys, "cell_type", "seed"], observed=True)[
        ["total", "keys"]
    ].sum()
    each["mass"] = each["total"] / each["keys"]
    # Types and seeds count alike, whatever their number of keys.
    table = each.groupby(keys, observed=True)["mass"].mean().reset_index()
    genes = mass.groupby(keys, observed=True)["gene"].nunique()

    return table.assign(
        genes=genes.loc[pd.MultiIndex.from_frame(table[keys])].to_numpy(),
        links=[_bin_name(number, edges) for number in table["bin"]],
    ).astype({"arm": str, "kind": str})


def summarise_contribution(contribution: pd.DataFrame) -> pd.DataFrame:
    """Fractions due to the adapter, and the cost of each change of its attention: over seeds of means over types."""
    shown = ["own", "norm", "pattern", "loss_trained"]

    # Types count alike, whatever their number of cells.
    by_seed = contribution.groupby(["arm", "seed"], sort=False)[
        [*shown, *CHANGES]
    ].mean()
    # Each change is compared with the trained model of the same seed.
    costs = (
        by_seed[list(CHANGES)]
        .sub(by_seed["loss_trained"], axis=0)
        .rename(columns=CHANGES)
    )
    long = costs.melt(
        var_name="what", value_name="difference", ignore_index=False
    ).reset_index()
    found = mean_over_seeds(long, ["arm", "what"], "difference")
    found = found.merge(by_seed[shown].groupby("arm").mean().reset_index(), on="arm")
    found = found.merge(
        contribution.drop_duplicates("arm")[["arm", "loss_unit"]], on="arm"
    )
    found = _together(found, ["arm"]).rename(columns={"loss_trained": "loss"})

    return found[
        [
            "arm",
            *shown[:3],
            "what",
            "difference",
            "low",
            "high",
            "loss",
            "seeds",
            "loss_unit",
        ]
    ]


def summarise_pairs(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of the pairs' scores, with an interval of the precision."""
    keys = ["arm", "cell_type"]
    means = [
        "same_tf",
        "same_tf_low",
        "same_tf_high",
        "same_target",
        "base_rate",
        "auroc",
        "auroc_low",
        "auroc_high",
    ]
    counts = ["top", "candidates", "edges"]
    how = dict.fromkeys(means, "mean") | dict.fromkeys(counts, "max")
    about = scores.groupby(keys, sort=False).agg(how)
    found = mean_over_seeds(scores, keys, "precision").merge(
        about.reset_index(), on=keys
    )
    # A fraction: the interval of few seeds may reach beyond 0 and 1.
    found[["low", "high"]] = found[["low", "high"]].clip(0, 1)

    return found[
        [
            *keys,
            "top",
            "precision",
            "low",
            "high",
            *means,
            "candidates",
            "edges",
            "seeds",
        ]
    ]


def _together(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows of one group below each other, groups in the order of their first rows."""
    order = table.groupby(keys, sort=False).ngroup().argsort(kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _bin_name(number: int, edges: list[int]) -> str:
    # Bin 0 begins at 0, each further one at its edge.
    bounds = [0, *edges]
    if number == len(edges):
        return f"{bounds[-1]}+"
    last = bounds[number + 1] - 1
    first = bounds[number]
    return str(first) if first == last else f"{first}-{last}"
