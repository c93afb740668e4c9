"""Cistromes joined to region-gene links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def attach_links(
    cistromes: pd.DataFrame, region_gene: pd.DataFrame, tf_names: pd.Index
) -> pd.DataFrame:
    """Join cistrome rows to links: a row without `gene` holds for every gene linked to its region.

    Returns
    -------
    Table tf (number), annotation, sign, row (of `cistromes`), link (row of `region_gene`), sorted by TF, annotation
    and link, each combination once.
    """
    import pandas as pd

    # numbers of rows stand for the other columns: the join stays narrow
    links = region_gene[["region", "gene"]].assign(link=np.arange(len(region_gene)))
    rows = cistromes[["tf", "region", "gene", "annotation", "sign"]].assign(
        row=np.arange(len(cistromes))
    )

    for_gene = rows["gene"].notna()
    by_gene = rows[for_gene].merge(links, on=["region", "gene"])
    by_region = rows[~for_gene].drop(columns="gene").merge(links, on="region")

    joined = pd.concat([by_gene, by_region], ignore_index=True)
    joined["tf"] = tf_names.get_indexer(joined["tf"])
    joined = joined.sort_values(["tf", "annotation", "link", "row"], kind="stable")
    # `row` orders what is left of several: the first evidence of a link is kept
    joined = joined.drop_duplicates(["tf", "annotation", "link"])
    return joined[["tf", "annotation", "sign", "row", "link"]]
