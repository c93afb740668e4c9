"""Two networks of the same cells beside each other: overlap, agreement, accuracy, time and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.cistromes import motif_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    import anndata
    import pandas as pd

TOP_SHARE = 0.05  # of all TF-gene pairs: the best above 0, whose overlap is told
STEPS = {
    "TF-gene importance": "infer_tf_gene",
    "cistromes": "build_cistromes",
    "cell activity": "score_cell_activity",
}  #: step -> its rule of stage grn, by any method
BEFORE = {
    "arboreto_grnboost2": "run_arboreto",
    "arboreto_genie3": "run_arboreto",
    "pyscenic_aucell": "run_pyscenic_aucell",
}  #: original of TF-gene importance or activity -> rule that runs it
STEP_OF = {
    "infer_tf_gene": "TF-gene importance",
    "run_arboreto": "TF-gene importance",
    "score_cell_activity": "cell activity",
    "run_pyscenic_aucell": "cell activity",
}  #: rule -> step; what other rules do is for the cistromes, whose methods name them
ACCURACY = (
    "tf_gene",
    "tf_gene_and_baseline",
    "eregulon",
    "eregulon_without_chip",
    "eregulon_and_baseline",
)


@dataclass(frozen=True)
class Networks:
    """What the stage grn left of one dataset; tables by the contracts of their names."""

    tf_gene: pd.DataFrame
    eregulons: pd.DataFrame
    cell_types: Mapping[str, pd.DataFrame]
    """Cell type -> contract cell_type_grn."""
    activity: anndata.AnnData
    accuracy: pd.DataFrame | None
    """Contract summary, of the benchmark grn_accuracy; None where it was not run."""
    costs: Mapping[str, pd.DataFrame]
    """Rule -> Snakemake's benchmark table."""


def costly_rules(settings: dict[str, Any]) -> list[str]:
    """Return the rules of `STEPS`, and those that run before them for the methods of the config's section grn."""
    originals = [
        BEFORE[method]
        for part in ("tf_gene", "cell")
        if (method := settings[part]["method"]) in BEFORE
    ]
    return [*originals, *motif_rules(settings["cistromes"]), *STEPS.values()]


def compare_networks(
    left: Networks, right: Networks, names: tuple[str, str]
) -> pd.DataFrame:
    """Return the table of contract network_comparison.

    Raises
    ------
    InputError
        If the two are not of the same cells.
    """
    import pandas as pd

    # Activity is compared cell by cell: rows must be the same cells in one order.
    cells = left.activity.obs_names, right.activity.obs_names
    if not cells[0].equals(cells[1]):
        raise InputError(
            f"{names[0]} has {len(cells[0]):,} cells, {names[1]} {len(cells[1]):,}, "
            f"{len(cells[0].intersection(cells[1])):,} of them the same",
            "the same cells in the same order",
            "pair datasets of the same samples and settings of prep in bench.compare",
        )
    rows = [
        *_compare_importances(left.tf_gene, right.tf_gene),
        *_compare_eregulons(left.eregulons, right.eregulons),
        *_compare_cell_types(left.cell_types, right.cell_types),
        *_compare_activity(left, right),
        *_compare_accuracy(left.accuracy, right.accuracy),
        *_compare_costs(left.costs, right.costs),
    ]
    table = pd.DataFrame(
        rows, columns=["part", "what", "unit", "left", "right", "agreement"]
    )
    table.insert(0, "left_dataset", names[0])
    table.insert(1, "right_dataset", names[1])
    return table.astype({"left": float, "right": float, "agreement": float})


def compare_importances(left: pd.DataFrame, right: pd.DataFrame) -> tuple[float, float]:
    """Return Spearman's rho of two tables of importances and the share of the top pairs that both have.

    Over all pairs of a TF and a gene of either table, importance 0 where a table lacks the pair. The top are
    `TOP_SHARE` of these pairs, as far as their importance is above 0; of equal importances those earlier in the order
    of names go first. The share is of the larger top, nan where neither table has an importance above 0.
    """
    import pandas as pd
    from scipy.stats import spearmanr

    # Sorted: ties below go by name, whichever table a name came from.
    tfs = pd.Index(sorted({*left["tf"], *right["tf"]}))
    genes = pd.Index(sorted({*left["gene"], *right["gene"]}))
    dense = []
    for table in (left, right):
        # Dense, (genes, TFs): pairs that a table lacks count as 0. float32 saves half.
        matrix = np.zeros((len(genes), len(tfs)), dtype=np.float32)
        matrix[genes.get_indexer(table["gene"]), tfs.get_indexer(table["tf"])] = table[
            "importance"
        ]
        dense.append(matrix.ravel())

    # Of all pairs, not of those found: the tops of both have one size, if as many are above 0.
    size = max(1, round(TOP_SHARE * dense[0].size))
    best = [
        {n for n in np.argsort(-values, kind="stable")[:size].tolist() if values[n] > 0}
        for values in dense
    ]
    larger = max(map(len, best))
    shared = len(best[0] & best[1]) / larger if larger else float("nan")
    return float(spearmanr(*dense).statistic), shared


def jaccard(left: set[Any], right: set[Any]) -> float:
    """Return the size of the intersection over that of the union; nan where both are empty."""
    return len(left & right) / len(left | right) if left | right else float("nan")


def _counted(part: str, what: str, left: set[Any], right: set[Any]) -> tuple[Any, ...]:
    return part, what, "n", len(left), len(right), jaccard(left, right)


def _tuples(table: pd.DataFrame, *columns: str) -> set[tuple[str, ...]]:
    return set(table[list(columns)].itertuples(index=False, name=None))


def _compare_importances(
    left: pd.DataFrame, right: pd.DataFrame
) -> list[tuple[Any, ...]]:
    part = "TF-gene importance"
    rho, shared = compare_importances(left, right)
    return [
        _counted(
            part,
            "pairs above 0",
            _tuples(left, "tf", "gene"),
            _tuples(right, "tf", "gene"),
        ),
        (part, "Spearman's rho over all pairs", "rho", None, None, rho),
        (
            part,
            f"share of the top {TOP_SHARE:.0%} of pairs in both",
            "share",
            None,
            None,
            shared,
        ),
    ]


def _compare_eregulons(
    left: pd.DataFrame, right: pd.DataFrame
) -> list[tuple[Any, ...]]:
    counted = {
        "eRegulons": ("eregulon",),
        "TFs": ("tf",),
        "TF-gene edges": ("tf", "gene"),
        "TF-region-gene triplets": ("tf", "region", "gene"),
    }
    return [
        _counted("eRegulons", what, _tuples(left, *columns), _tuples(right, *columns))
        for what, columns in counted.items()
    ]


def _compare_cell_types(
    left: Mapping[str, pd.DataFrame], right: Mapping[str, pd.DataFrame]
) -> list[tuple[Any, ...]]:
    edges = [
        {name: _tuples(grn, "tf", "gene") for name, grn in side.items()}
        for side in (left, right)
    ]
    # only types that both have: a network that was not made is no disagreement
    return [
        _counted("cell-type GRN", f"edges in {name}", edges[0][name], edges[1][name])
        for name in sorted(edges[0].keys() & edges[1].keys())
    ]


def _compare_activity(left: Networks, right: Networks) -> list[tuple[Any, ...]]:
    """AUCs and calls of the eRegulons that have the same genes in both."""
    part = "cell activity"

    # AUCs depend on the genes of a set: only equal sets have comparable ones.
    sets = [
        table.groupby("eregulon")["gene"].agg(frozenset)
        for table in (left.eregulons, right.eregulons)
    ]
    both = sorted(
        name
        for name in sets[0].index.intersection(sets[1].index)
        if sets[0][name] == sets[1][name]
    )
    rows: list[tuple[Any, ...]] = [
        (part, "eRegulons of the same genes", "n", len(both), len(both), None)
    ]
    if both:
        auc = [
            np.asarray(one.activity[:, both].X, dtype=float) for one in (left, right)
        ]
        active = [
            one.activity[:, both].layers["active"].toarray().astype(bool)
            for one in (left, right)
        ]
        rows += [
            (part, "median Pearson's r of an eRegulon's AUCs", "r", None, None, _median_correlation(*auc)),
            (part, "mean AUC", "AUC", auc[0].mean(), auc[1].mean(), None),
            (part, "active eRegulons a cell", "n", active[0].sum(1).mean(), active[1].sum(1).mean(), None),
            (part, "calls (cell, active eRegulon)", "n", active[0].sum(), active[1].sum(),
             (active[0] & active[1]).sum() / max(1, (active[0] | active[1]).sum())),
        ]  # fmt: skip
    return rows


def _median_correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Return the median over columns of Pearson's r; columns without variance do not count."""
    left, right = (values - values.mean(axis=0) for values in (left, right))
    # Not divided by the number of cells, which cancels in r.
    scale = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
    varies = scale > 0
    if not varies.any():
        return float("nan")
    return float(np.median((left * right).sum(axis=0)[varies] / scale[varies]))


def _compare_accuracy(
    left: pd.DataFrame | None, right: pd.DataFrame | None
) -> list[tuple[Any, ...]]:
    """Median AUPRC over random, over the TF x line pairs that a benchmark calls `all`."""
    if left is None or right is None:
        return []
    estimates = [
        table[(table["task"] == "all") & (table["metric"] == "auprc_ratio")].set_index(
            "arm"
        )["estimate"]
        for table in (left, right)
    ]

    # Beside its control: a score may come of genes that are targets of any TF.
    wanted = [arm for name in ACCURACY for arm in (name, f"{name} (wrong TF)")]
    return [
        (
            "accuracy",
            f"AUPRC of {arm}",
            "ratio over random",
            estimates[0][arm],
            estimates[1][arm],
            None,
        )
        for arm in wanted
        if arm in estimates[0] and arm in estimates[1]
    ]


def _compare_costs(
    left: Mapping[str, pd.DataFrame], right: Mapping[str, pd.DataFrame]
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for step in STEPS:
        jobs = [
            # parts of a scattered job are named <rule>.1-of-3
            [
                _numbers(job)
                for name, job in costs.items()
                if STEP_OF.get(name.split(".")[0], "cistromes") == step
            ]
            for costs in (left, right)
        ]
        # A step that one side has not measured cannot be compared.
        if not all(jobs):
            continue
        rows += [
            (
                "cost",
                f"{step}: {what}",
                unit,
                *(total(job[column] for job in one) for one in jobs),
                None,
            )
            for what, unit, column, total in (
                ("wall time", "s", "s", sum),
                ("CPU time", "s", "cpu_time", sum),
                # not summed: the jobs of a step need not run at the same time
                ("peak memory", "MB", "max_rss", max),
            )
        ]
    return rows


def _numbers(benchmark: pd.DataFrame) -> dict[str, float]:
    import pandas as pd

    # A dash (too short to be measured) becomes NaN; of repeats, the mean.
    numbers = benchmark.apply(pd.to_numeric, errors="coerce").mean()
    return {
        column: float(numbers.get(column, float("nan")))
        for column in ("s", "cpu_time", "max_rss")
    }
