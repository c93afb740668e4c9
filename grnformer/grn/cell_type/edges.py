"""The edges of one cell type."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_NEUTRAL = 0.5  # rank of what an edge has no value for
_COLUMNS = ["tf", "gene", "weight", "sign", "regions", "eregulons", "evidence"]


def build_cell_type_grn(
    eregulons: pd.DataFrame,
    rss: pd.Series,
    detected: pd.Series,
    openness: pd.Series,
    open_cells: pd.Series,
    *,
    min_rss_quantile: float,
    min_tf_cells: float,
    min_openness: float,
    min_open_cells: int,
    weights: Mapping[str, float],
) -> pd.DataFrame:
    """Build the GRN of one type.

    Kept are triplets of eRegulons whose regulon specificity score in the type (Suo et al. 2018, doi
    10.1016/j.celrep.2018.10.045) is at or above a quantile of all eRegulons' scores there, whose TF is detected in
    the type, and whose region is open in it. An edge's weight is the weighted mean of percentile ranks (0 to 1, mean
    rank for ties) over the type's edges: the TF's importance for the gene, the weight of the gene's best link among
    those that carry the edge, the openness of the most open region, the rank of the best triplet, the score of the
    cistrome, and how often the gene is detected. Triplets without a region pass the openness filter, and the parts of
    their weight that rest on regions are neutral, 0.5.

    Parameters
    ----------
    eregulons
        Contract eregulons.
    rss
        Regulon specificity score in the type, by eRegulon.
    detected
        Fraction of the type's cells that detect a gene, by symbol.
    openness, open_cells
        Relative openness, and cells with a count, by region.
    weights
        Weight of the parts tf_gene, region_gene, openness, triplet, binding, expression.

    Returns
    -------
    Table by contract cell_type_grn, sorted by TF and gene; may have no row.
    """
    import pandas as pd

    total = sum(weights.values())
    if total <= 0:
        raise InputError(
            "grn.cell_type.weights are all 0",
            "at least one above 0",
            "correct the config",
        )

    # A quantile, not a fixed score: the level of scores differs between types.
    specific = rss.index[rss >= rss.quantile(min_rss_quantile)]
    rows = eregulons[eregulons["eregulon"].isin(specific)]
    rows = rows[rows["tf"].map(detected).fillna(0) >= min_tf_cells]
    # without a region (regulons of TF and genes only) nothing is known of openness: neither kept out nor weighed
    has_region = rows["region"] != ""
    rows = rows.assign(
        openness=rows["region"].map(openness).fillna(0).where(has_region),
        region_gene_weight=rows["region_gene_weight"].where(has_region),
        # rank 1 is the best: negated, the greatest is
        triplet=-rows["triplet_rank"].where(has_region)
        if "triplet_rank" in rows
        else np.nan,
        binding=rows.get("tf_region_weight", np.nan),
        expression=rows["gene"].map(detected),
    )

    is_open = (rows["openness"] >= min_openness) & (
        rows["region"].map(open_cells).fillna(0) >= min_open_cells
    )
    rows = rows[is_open | ~has_region]
    if rows.empty:
        return pd.DataFrame(columns=_COLUMNS)

    edges = _merge_triplets(rows)
    # Ranks, as the parts have different scales.
    ranks = {part: edges[part].rank(pct=True).fillna(_NEUTRAL) for part in weights}
    edges["weight"] = (
        sum(ranks[part] * weight for part, weight in weights.items()) / total
    )

    # a pair has one sign in all its eRegulons
    edges["sign"] = edge_signs(edges["eregulon"])
    return edges[_COLUMNS]


def _merge_triplets(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a TF-gene pair: the best of each part, and which regions, eRegulons and evidence carry it."""
    edges = rows.groupby(["tf", "gene"], sort=True).agg(
        tf_gene=("tf_gene_weight", "max"),
        region_gene=("region_gene_weight", "max"),
        openness=("openness", "max"),
        triplet=("triplet", "max"),
        binding=("binding", "max"),
        expression=("expression", "first"),
        eregulon=("eregulon", "first"),
    )
    return _with_carriers(edges, rows)


def merge_eregulons(eregulons: pd.DataFrame) -> pd.DataFrame:
    """Merge the triplets of all eRegulons (contract eregulons) into TF-gene edges over all cell types.

    An edge's weight is the mean of two percentile ranks (0 to 1, mean rank for ties) over all edges: of the TF's
    importance for the gene, which is 0 for most pairs where expression says little, and of the weight of the gene's
    best link among those that carry the edge (neutral, 0.5, without a region).

    Returns
    -------
    Columns of contract cell_type_grn; one row a pair, sorted by TF and gene.
    """
    links = eregulons["region_gene_weight"].where(eregulons["region"] != "")
    edges = (
        eregulons.assign(region_gene_weight=links)
        .groupby(["tf", "gene"])
        .agg(
            tf_gene=("tf_gene_weight", "max"),
            region_gene=("region_gene_weight", "max"),
            eregulon=("eregulon", "first"),
        )
    )
    ranks = [edges[part].rank(pct=True) for part in ("tf_gene", "region_gene")]
    found = _with_carriers(edges, eregulons).assign(
        weight=sum(rank.fillna(_NEUTRAL).to_numpy() for rank in ranks) / len(ranks)
    )
    return found.assign(sign=edge_signs(found["eregulon"]))[_COLUMNS]


def _with_carriers(edges: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Edges (indexed by TF and gene) with the regions, eRegulons and evidence that carry them, as columns."""
    pair = _number_pairs(rows, edges.index)
    has_region = (rows["region"] != "").to_numpy()
    return edges.reset_index().assign(
        regions=_list_by_pair(rows["region"][has_region], pair[has_region], len(edges)),
        eregulons=_list_by_pair(rows["eregulon"], pair, len(edges)),
        evidence=[
            "|".join(words)
            for words in _list_by_pair(rows["evidence"], pair, len(edges))
        ],
    )


def edge_signs(eregulon: pd.Series) -> np.ndarray:
    """Sign of the TF-gene edges of eRegulons, 1 or -1, from their names (<TF>_<annotation>_<TF-gene>/<region-gene>).

    Not from the correlation: where it is too weak to have a sign, the eRegulon's is that of the evidence.
    """
    import pandas as pd

    # there are thousands of edges a name
    code, names = pd.factorize(eregulon)
    return np.where(names.str[-3] == "+", 1, -1)[code]


def list_distinct(
    rows: pd.DataFrame, column: str, pairs: pd.MultiIndex
) -> list[list[str]]:
    """Sorted distinct values of `column` in the rows of each pair of TF and gene; an empty list for none.

    Rows of other pairs do not count.
    """
    return _list_by_pair(rows[column], _number_pairs(rows, pairs), len(pairs))


def _number_pairs(rows: pd.DataFrame, pairs: pd.MultiIndex) -> np.ndarray:
    """Which of the pairs of TF and gene a row is of, (rows,); -1: none."""
    import pandas as pd

    return pairs.get_indexer(pd.MultiIndex.from_frame(rows[["tf", "gene"]]))


def _list_by_pair(values: pd.Series, pair: np.ndarray, n_pairs: int) -> list[list[str]]:
    """Sorted distinct values of each pair; `pair` is each value's, or -1."""
    import pandas as pd

    # by whole columns and numbers of texts: a function a pair takes minutes on networks of a million edges
    texts, names = pd.factorize(values.astype(str).to_numpy(), sort=True)
    numbers = np.sort((pair * len(names) + texts)[pair >= 0])
    numbers = numbers[np.diff(numbers, prepend=-1) > 0]
    held_by, text = np.divmod(numbers, len(names))

    first = np.searchsorted(held_by, np.arange(n_pairs + 1)).tolist()
    words = names[text].tolist()
    with _without_collection():
        return [words[i:j] for i, j in itertools.pairwise(first)]


@contextmanager
def _without_collection() -> Iterator[None]:
    """Do not look for cycles meanwhile: among hundreds of thousands of new lists that takes most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
