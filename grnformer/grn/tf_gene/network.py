"""The TF-gene table of a dataset: genes and TFs chosen, a method run, signs added."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.tf_gene import METHODS
from grnformer.grn.tf_gene.spearman import correlate

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import scipy.sparse as sp

_BLOCK = 2_000  # targets correlated at a time
_FEWEST_CELLS = 20
logger = logging.getLogger(__name__)


def infer_network(
    rna: anndata.AnnData,
    tfs: list[str],
    *,
    method: str,
    min_cells: int,
    options: dict[str, Any],
    part: str,
    seed: int,
    threads: int,
) -> pd.DataFrame:
    """Return the importance of TFs for genes, one row a pair with importance above 0.

    Parameters
    ----------
    rna
        Cells x genes, X log1p-normalised.
    tfs
        Candidate TFs, by gene symbol.
    method
        A name in `METHODS`; `options` are its settings.
    min_cells
        Genes and TFs detected in fewer cells are left out.
    part
        Which targets: "2-of-50" are the second of 50 equal parts; "1-of-1" are all. Parts that are gathered are the
        whole network bit for bit, for methods in which a target does not depend on the others.

    Returns
    -------
    pandas.DataFrame
        tf, gene, importance, rho (Spearman over cells); TFs in the order of their names, best targets first.

    Raises
    ------
    InputError
        If there are too few cells, no TF is detected in `min_cells` cells, or there are more parts than targets.
    """
    if rna.n_obs < _FEWEST_CELLS:
        raise InputError(
            f"{rna.n_obs} cells",
            f"at least {_FEWEST_CELLS} for a TF-gene network",
            "relax the filters of `prep`",
        )

    # A copy: stored zeros go, and the multiome's own matrix is not to change.
    expression = rna.X.tocsc(copy=True)
    expression.eliminate_zeros()

    genes = rna.var_names.tolist()
    detected = np.flatnonzero(expression.getnnz(axis=0) >= min_cells)
    tf_columns = detected[rna.var_names[detected].isin(tfs)]
    if not tf_columns.size:
        present = rna.var_names.isin(tfs).sum()
        raise InputError(
            f"of {len(set(tfs))} TFs (such as {sorted(set(tfs))[:3]}) {present} are genes of the data (such as "
            f"{genes[:3]}), and none is detected in {min_cells} cells",
            f"TFs detected in at least {min_cells} cells",
            "check that both use gene symbols of one species, or lower grn.tf_gene.min_cells",
        )
    logger.info(
        "%d of %d genes are detected in at least %d cells",
        detected.size,
        len(genes),
        min_cells,
    )
    logger.info("%d of %d TFs are among them", tf_columns.size, len(set(tfs)))

    targets = _targets_of_part(detected, part)
    importance = METHODS[method](
        expression, genes, tf_columns, targets, **options, seed=seed, threads=threads
    )
    return _in_order(
        _table(importance, expression, rna.var_names.to_numpy(), tf_columns, targets)
    )


def gather_parts(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The network of all targets from those of its parts."""
    import pandas as pd

    return _in_order(pd.concat(parts, ignore_index=True))


def _targets_of_part(targets: np.ndarray, part: str) -> np.ndarray:
    number, n_parts = (int(word) for word in part.split("-of-"))
    if n_parts > len(targets):
        raise InputError(
            f"part {part} of {len(targets)} target genes",
            "at least one target a part",
            f"run with --set-scatter targets={len(targets)} or fewer",
        )
    return np.array_split(targets, n_parts)[number - 1]


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    # equal importances by gene name: the order does not depend on how targets were divided
    return table.sort_values(
        ["tf", "importance", "gene"], ascending=[True, False, True], ignore_index=True
    )


def _table(
    importance: np.ndarray,
    expression: sp.csc_matrix,
    genes: np.ndarray,
    tf_columns: np.ndarray,
    target_columns: np.ndarray,
) -> pd.DataFrame:
    """Return the pairs with importance, and their rho; in blocks, as correlations of all pairs are dense."""
    import pandas as pd

    tfs = expression[:, tf_columns]
    parts = []
    for start in range(0, len(target_columns), _BLOCK):
        block = importance[start : start + _BLOCK]
        columns = target_columns[start : start + _BLOCK]
        rho = correlate(expression[:, columns], tfs)
        target, tf = np.nonzero(block)
        pairs = {
            "tf": genes[tf_columns[tf]],
            "gene": genes[columns[target]],
            "importance": block[target, tf],
            "rho": rho[target, tf],
        }
        parts.append(pd.DataFrame(pairs))
    return pd.concat(parts, ignore_index=True)
