"""Attention over seeds: means with intervals of enrichment, of mass by degree, of what attention is for, of pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.bench.attention.enrichment import degree_strata
from grnformer.bench.summary import mean_difference
from grnformer.report.verdict import classify

ALL_TYPES = "mean of types"
MATCHES = {
    "degree_expression": "genes of the same degree and expression",
    "in_degree_expression": "genes of the same incoming links and expression",
}
CHANGES = {
    "loss_adapter_off": "adapter off",
    "loss_even": "attention to other genes even",
    "loss_without_tfs": "no attention to TFs",
    "loss_without_others": "no attention to as many others",
}


def main_rows(enrichment: pd.DataFrame) -> pd.DataFrame:
    """Rows of masked genes' queries and of the mean over heads."""
    return enrichment[(enrichment["queries"] == "masked") & (enrichment["head"] == "mean")]


def summarise_enrichment(enrichment: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds with Student's t interval, by arm, cell type (and their mean), state and matching."""
    rows = []
    for (arm, state, match), part in main_rows(enrichment).groupby(["arm", "state", "matched_on"], sort=False):
        head = {"arm": arm, "state": state, "matched_on": match}
        for name, own in part.groupby("cell_type", sort=False):
            value, low, high, seeds = mean_difference(own["enrichment"].to_numpy(float))
            counts = {column: int(own[column].iloc[0]) for column in ("tfs", "tfs_unmatched", "tfs_unseen", "others")}
            null = {column: own[column].mean() for column in ("null_low", "null_high")}
            about = {"enrichment": value, "low": low, "high": high, **null, "p_value": own["p_value"].max()}
            rows.append({**head, "cell_type": name, **about, **counts, "seeds": seeds})
        of_seed = part.groupby("seed")["enrichment"].mean().to_numpy(float)
        value, low, high, seeds = mean_difference(of_seed)
        rows.append({**head, "cell_type": ALL_TYPES, "enrichment": value, "low": low, "high": high, "seeds": seeds})
    return pd.DataFrame(rows)


def against_controls(enrichment: pd.DataFrame, arm: str, others: list[str], match: str) -> pd.DataFrame:
    """Enrichment of an arm less that of others and of itself before training; mean over types, paired by seed."""
    part = main_rows(enrichment)
    part = part[part["matched_on"] == match]
    by_seed = part.groupby(["arm", "state", "seed"])["enrichment"].mean()
    rows = []
    for name, state in [(arm, "untrained"), *((other, "trained") for other in others)]:
        both = (by_seed.loc[arm, "trained"] - by_seed.loc[name, state]).dropna().to_numpy(float)
        difference, low, high, seeds = mean_difference(both) if len(both) else (np.nan, np.nan, np.nan, 0)
        against = "itself before training" if name == arm else name
        rows.append([arm, against, difference, low, high, seeds, classify(difference, low, high)])
    return pd.DataFrame(rows, columns=["arm", "against", "difference", "low", "high", "seeds", "outcome"])


def summarise_by_degree(mass: pd.DataFrame, edges: list[int]) -> pd.DataFrame:
    """Mean attention by bin of links, TFs and others, after training; mean over cell types and seeds."""
    mass = mass[mass["state"] == "trained"]
    mass = mass.assign(
        bin=degree_strata((mass["in_degree"] + mass["out_degree"]).to_numpy(), edges),
        kind=np.where(mass["is_tf"], "TFs", "other genes"),
        total=mass["mass_masked"].fillna(0) * mass["keys"],
    )
    keys = ["arm", "kind", "bin"]
    each = mass.groupby([*keys, "cell_type", "seed"], sort=False).agg(total=("total", "sum"), keys=("keys", "sum"))
    each["mass"] = each["total"] / each["keys"]
    table = each.groupby(keys, sort=False)["mass"].mean().reset_index()
    genes = mass.groupby(keys)["gene"].nunique().rename("genes").reset_index()
    table = table.merge(genes, on=keys)
    arms = {name: number for number, name in enumerate(dict.fromkeys(mass["arm"]))}
    table = table.iloc[np.lexsort([table["bin"], table["kind"] != "TFs", table["arm"].map(arms)])]
    return table.assign(links=[_bin_name(b, edges) for b in table["bin"]]).reset_index(drop=True)


def summarise_contribution(contribution: pd.DataFrame) -> pd.DataFrame:
    """Shares of the adapter, and what each change of its attention would cost; over seeds of means over types."""
    rows = []
    for arm, part in contribution.groupby("arm", sort=False):
        by_seed = part.groupby("seed")[["own", "norm", "pattern", "loss_trained", *CHANGES]].mean()
        shares = by_seed[["own", "norm", "pattern"]].mean().to_dict()
        for column, what in CHANGES.items():
            cost = (by_seed[column] - by_seed["loss_trained"]).to_numpy(float)
            difference, low, high, seeds = mean_difference(cost)
            rows.append({"arm": arm, **shares, "what": what, "difference": difference, "low": low, "high": high,
                         "loss": by_seed["loss_trained"].mean(), "seeds": seeds,
                         "loss_unit": part["loss_unit"].iloc[0]})  # fmt: skip
    return pd.DataFrame(rows)


def summarise_pairs(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of the pairs' scores, with an interval of the precision."""
    rows = []
    for (arm, name), part in scores.groupby(["arm", "cell_type"], sort=False):
        precision, low, high, seeds = mean_difference(part["precision"].to_numpy(float))
        baselines = ["same_tf", "same_tf_low", "same_tf_high", "same_target", "base_rate"]
        means = [*baselines, "auroc", "auroc_low", "auroc_high"]
        rows.append(
            {"arm": arm, "cell_type": name, "top": int(part["top"].max()), "precision": precision, "low": low,
             "high": high, **part[means].mean().to_dict(), "candidates": int(part["candidates"].max()),
             "edges": int(part["edges"].max()), "seeds": seeds}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _bin_name(number: int, edges: list[int]) -> str:
    bounds = [0, *edges]
    if number == len(edges):
        return f"{bounds[-1]}+"
    last = bounds[number + 1] - 1
    return str(bounds[number]) if last == bounds[number] else f"{bounds[number]}-{last}"
