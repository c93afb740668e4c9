"""Co-expression modules: a TF and the genes that its importance singles out, by several cuts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Module:
    """Genes of a TF, the TF itself last; `sign` is 1 for activated genes, -1 for repressed ones."""

    tf: str
    sign: int
    cut: str
    """Which cut: weight>75.0%, top50 (of the TF's targets) or top5perTarget (of the target's TFs)."""
    genes: tuple[str, ...]


def make_modules(
    tf_gene: pd.DataFrame,
    *,
    percentiles: Sequence[float],
    top_targets: Sequence[int],
    top_regulators: Sequence[int],
    min_genes: int,
    min_abs_rho: float,
    repressing: bool,
) -> list[Module]:
    """Cut a TF-gene network into modules, as pySCENIC (Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2).

    Genes of a module correlate with the TF by one sign. Each TF is a member of its modules: whether it regulates
    itself cannot be seen from its expression.

    Parameters
    ----------
    tf_gene
        Contract tf_gene; of equal importances the earlier row goes first.
    percentiles
        Cuts by importance: above these quantiles (0 to 1) of all importances above 0.
    top_targets
        Cuts by TF: this many genes of the greatest importance.
    top_regulators
        Cuts by gene: this many TFs of the greatest importance.
    min_genes
        Smaller modules, counted with the TF, are left out.
    min_abs_rho
        A pair has a sign if its correlation is beyond this.
    repressing
        Also modules of repressed genes.

    Returns
    -------
    Activating modules, then repressing ones; by cut, then by TF.

    Raises
    ------
    InputError
        If no module has enough genes.
    """
    pairs = tf_gene[tf_gene["importance"] > 0]

    # quantiles of all pairs, not of those of one sign: a cut is as strict for repressed genes as for activated ones
    by_importance: dict[float, float] = {}
    if len(pairs):
        least = np.quantile(pairs["importance"], percentiles)
        by_importance = dict(zip(percentiles, least, strict=True))

    found = []
    signs = (1, -1) if repressing else (1,)
    for sign in signs:
        signed = pairs[pairs["rho"] * sign > min_abs_rho]
        for cut, chosen in _cuts(signed, by_importance, top_targets, top_regulators):
            for tf, genes in chosen.groupby("tf", sort=True)["gene"]:
                distinct = dict.fromkeys(genes)
                found.append(Module(tf, sign, cut, (*distinct, tf)))

    modules = [module for module in found if len(module.genes) >= min_genes]
    if not modules:
        largest = max((len(module.genes) for module in found), default=0)
        raise InputError(
            f"no module of {min_genes} genes in {len(pairs)} TF-gene pairs (the largest has {largest})",
            "modules of co-expressed genes",
            "lower grn.cistromes.cistarget_genes.min_genes or .min_abs_rho, or look at grn/tf_gene.parquet",
        )

    tfs = {module.tf for module in modules}
    n_small = len(found) - len(modules)
    logger.info("%d modules of %d TFs; %d too small", len(modules), len(tfs), n_small)
    return modules


def _cuts(
    pairs: pd.DataFrame,
    by_importance: dict[float, float],
    top_targets: Sequence[int],
    top_regulators: Sequence[int],
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and pairs of each cut; names as pySCENIC's."""
    for percentile, least in by_importance.items():
        yield f"weight>{percentile * 100}%", pairs[pairs["importance"] > least]

    # stable: of equal importances the earlier row goes first
    ordered = pairs.sort_values("importance", ascending=False, kind="stable")
    for number in top_targets:
        yield f"top{number}", ordered.groupby("tf", sort=False).head(number)
    for number in top_regulators:
        yield f"top{number}perTarget", ordered.groupby("gene", sort=False).head(number)
