"""eRegulons and edges that differ between conditions, within each cell type, with donors as replicates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.grn.conditions.moderated import (
    Tested,
    compare_groups,
    compare_pairs,
    other_flips,
    other_labels,
)

if TYPE_CHECKING:
    import anndata

logger = logging.getLogger(__name__)

#: p adjusted by Benjamini and Hochberg, below which a difference counts.
SIGNIFICANT = 0.05
#: Donors of each condition, or in both: two have a difference, and no spread.
LEAST_DONORS = 3
_AT_ONCE = 20_000  # edges whose cells are in memory
# fraction of a donor's cells that must detect both genes of an edge, for a correlation to say something
_DETECTED = 0.1


class Compared(NamedTuple):
    """Tables by the contracts condition_eregulons, condition_edges, condition_summary."""

    eregulons: pd.DataFrame
    edges: pd.DataFrame
    summary: pd.DataFrame


class Design(NamedTuple):
    """How donors are compared.

    Attributes
    ----------
    kind
        ``pairs``: donors that have both conditions, each with itself; ``groups``: donors of one against those of the
        other; ``too few``.
    case, control
        Donors that take part; of pairs the same.
    left_out
        Donors with enough cells that do not: of pairs those that have one condition.
    """

    kind: str
    case: list[str]
    control: list[str]
    left_out: int


def compare_conditions(
    activity: anndata.AnnData,
    rna: anndata.AnnData,
    networks: Mapping[str, pd.DataFrame],
    condition_of: Mapping[str, str],
    *,
    reference: str | None,
    min_cells: int,
    permutations: int,
    seed: int,
) -> Compared:
    """Compare every condition with the reference in each cell type.

    An eRegulon's activity in a donor is the mean AUC over the donor's cells of the type and condition; an edge's
    strength the correlation of TF and gene over these cells (Fisher's z), so that it is of cells of one donor. A
    moderated t-test compares donors: each with itself where donors have both conditions, else those of one condition
    with those of the other. p is adjusted (Benjamini & Hochberg) over the eRegulons, or edges, of a type and contrast.
    The same is done with the conditions of the donors permuted, as a control.

    Parameters
    ----------
    activity
        Contract cell_activity.
    rna
        Modality rna of the multiome, with obs cell_type, sample, donor; X is log-normalised expression.
    networks
        Cell type -> contract cell_type_grn.
    condition_of
        Sample -> condition.
    reference
        Condition that others are compared with; None: that of the first sample.
    min_cells
        Cells of a type that a donor must have in a condition to take part.
    permutations
        At most so many.
    seed
        Of the permutations that are drawn where there are more.

    Raises
    ------
    InputError
        If there are fewer than two conditions, or the reference is none.
    """
    conditions = list(dict.fromkeys(condition_of.values()))
    reference = reference or conditions[0]
    if len(conditions) < 2 or reference not in conditions:
        raise InputError(
            f"the conditions {conditions}, and grn.conditions.reference {reference!r}",
            "two conditions or more, one of which is the reference",
            "correct the column condition of the sample sheet, or grn.conditions.reference",
        )
    rna = rna[activity.obs_names]
    cells = pd.DataFrame(
        {
            "cell_type": rna.obs["cell_type"].astype(str),
            "donor": rna.obs["donor"].astype(str),
            "condition": rna.obs["sample"].astype(str).map(condition_of),
        }
    ).reset_index(drop=True)

    eregulons: list[pd.DataFrame] = []
    edges: list[pd.DataFrame] = []
    summary: list[dict[str, object]] = []
    for name, of_type in cells.groupby("cell_type", sort=True):
        places = {
            key: part.index.to_numpy()
            for key, part in of_type.groupby(["condition", "donor"])
            if len(part) >= min_cells
        }
        edge_table = networks[str(name)][["tf", "gene"]].reset_index(drop=True)
        auc = {
            key: np.asarray(activity.X[at]).mean(axis=0) for key, at in places.items()
        }
        strength = edge_strengths(rna, edge_table, places)
        for case in conditions:
            if case == reference:
                continue
            design = choose_design(set(places), case, reference)
            about = {"cell_type": name, "condition": case, "reference": reference}
            counts = _count(design, places, case, reference)
            rng = np.random.default_rng([seed, *f"{name}\0{case}".encode()])
            for kind, values, named, into in (
                (
                    "eRegulons",
                    auc,
                    pd.DataFrame({"eregulon": activity.var_names}),
                    eregulons,
                ),
                ("edges", strength, edge_table, edges),
            ):
                table, control = _compare(
                    values, named, design, case, reference, permutations, rng
                )
                into.append(table.assign(**about))
                summary.append(
                    about | {"what": kind, "design": design.kind} | counts | control
                )
    return Compared(_joined(eregulons), _joined(edges), pd.DataFrame(summary))


def choose_design(places: set[tuple[str, str]], case: str, reference: str) -> Design:
    """How the donors that have enough cells (condition, donor) are compared."""
    of = {
        condition: {donor for found, donor in places if found == condition}
        for condition in (case, reference)
    }
    both = sorted(of[case] & of[reference])
    every = of[case] | of[reference]
    if both:
        # a donor with both must not stand in two groups as if it were two donors
        kind = "pairs" if len(both) >= LEAST_DONORS else "too few"
        return Design(kind, both, both, len(every) - len(both))
    case_donors, controls = sorted(of[case]), sorted(of[reference])
    enough = min(len(case_donors), len(controls)) >= LEAST_DONORS
    return Design("groups" if enough else "too few", case_donors, controls, 0)


def _count(
    design: Design,
    places: Mapping[tuple[str, str], np.ndarray],
    case: str,
    reference: str,
) -> dict[str, int]:
    return {
        "donors": len(design.case),
        "donors_reference": len(design.control),
        "donors_left_out": design.left_out,
        "cells": sum(len(places[case, donor]) for donor in design.case),
        "cells_reference": sum(
            len(places[reference, donor]) for donor in design.control
        ),
    }


def edge_strengths(
    rna: anndata.AnnData,
    edges: pd.DataFrame,
    places: Mapping[tuple[str, str], np.ndarray],
) -> dict[tuple[str, str], np.ndarray]:
    """Fisher's z of the correlation of TF and gene of each edge over the cells of each condition and donor.

    NaN where fewer than a tenth of the cells detect one of the genes, or all detect it alike.
    """
    genes = pd.unique(edges[["tf", "gene"]].to_numpy().ravel())
    columns = pd.Index(genes)
    tf, gene = columns.get_indexer(edges["tf"]), columns.get_indexer(edges["gene"])
    matrix = rna[:, genes].X
    found = {}
    for key, at in places.items():
        dense = np.asarray(matrix[at].todense(), np.float64)
        detected = (dense > 0).mean(axis=0) >= _DETECTED
        sd = dense.std(axis=0)
        usable = detected & (sd > 0)
        scaled = np.where(
            usable, (dense - dense.mean(axis=0)) / np.where(sd > 0, sd, 1), np.nan
        )
        r = np.concatenate(
            [
                (
                    scaled[:, tf[i : i + _AT_ONCE]] * scaled[:, gene[i : i + _AT_ONCE]]
                ).mean(axis=0)
                for i in range(0, len(edges), _AT_ONCE)
            ]
        )
        # of a copy of the TF the correlation is 1, and its z infinite
        found[key] = np.arctanh(np.clip(r, -0.999, 0.999))
    return found


def _compare(
    values: Mapping[tuple[str, str], np.ndarray],
    named: pd.DataFrame,
    design: Design,
    case: str,
    reference: str,
    permutations: int,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, dict[str, float | int | None]]:
    """The table of one type and contrast, and what permuted labels give."""
    cases, controls = (
        _side_by_side(values, condition, donors, len(named))
        for condition, donors in ((case, design.case), (reference, design.control))
    )
    means = [_mean(part) for part in (cases, controls)]
    table = named.assign(
        mean=means[0], mean_reference=means[1], difference=means[0] - means[1]
    )
    nothing = dict.fromkeys(("t", "p_value", "p_adjusted"), np.nan)
    if design.kind == "too few":
        return table.assign(**nothing), _summary(len(table), 0, None, [])

    whole = np.isfinite(cases).all(axis=1) & np.isfinite(controls).all(axis=1)
    if not whole.any():
        return table.assign(**nothing), _summary(len(table), 0, None, [])
    if design.kind == "pairs":
        paired = (cases - controls)[whole]
        observed = compare_pairs(paired)
        others = (
            compare_pairs(paired * f)
            for f in other_flips(paired.shape[1], permutations, rng)
        )
    else:
        joint = np.hstack([cases, controls])[whole]
        is_case = np.arange(joint.shape[1]) < cases.shape[1]
        observed = compare_groups(joint, is_case)
        others = (
            compare_groups(joint, label)
            for label in other_labels(is_case, permutations, rng)
        )

    adjusted = _adjust(observed)
    for column, found in (
        ("t", observed.t),
        ("p_value", observed.p),
        ("p_adjusted", adjusted),
    ):
        table[column] = np.nan
        table.loc[whole, column] = found
    by_chance = [int((_adjust(test) <= SIGNIFICANT).sum()) for test in others]
    n_found = int((adjusted <= SIGNIFICANT).sum())
    return table, _summary(len(table), int(whole.sum()), n_found, by_chance)


def _side_by_side(
    values: Mapping[tuple[str, str], np.ndarray],
    condition: str,
    donors: list[str],
    n: int,
) -> np.ndarray:
    """features x donors."""
    columns = [values[condition, donor] for donor in donors]
    return np.stack(columns, axis=1) if columns else np.empty((n, 0))


def _mean(part: np.ndarray) -> np.ndarray:
    """Mean over donors; NaN where there is none, or one has no value."""
    return part.mean(axis=1) if part.shape[1] else np.full(len(part), np.nan)


def _adjust(test: Tested) -> np.ndarray:
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(test.p))


def _summary(
    n: int, tested: int, significant: int | None, by_chance: list[int]
) -> dict[str, float | int | None]:
    as_many = sum(number >= (significant or 0) for number in by_chance)
    return {
        "features": n,
        "tested": tested,
        "significant": significant,
        "permutations": len(by_chance),
        "permuted_significant": float(np.mean(by_chance)) if by_chance else None,
        # the labels as they are count as one
        "permutation_p": (1 + as_many) / (1 + len(by_chance)) if by_chance else None,
    }


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    first = ["cell_type", "condition", "reference"]
    return table[[*first, *(name for name in table if name not in first)]]
