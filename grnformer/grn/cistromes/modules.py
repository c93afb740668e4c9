"""Cistromes of genes: a TF regulates the genes of its co-expression modules in the leading edges of its motifs.

The evidence is near the gene, not in one of the dataset's regions, so the column `region` is empty and `gene` is set.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from grnformer.grn.cistromes.evidence import Evidence

logger = logging.getLogger(__name__)


def take_modules(evidence: Evidence, *, name: str) -> pd.DataFrame:
    """Unite the leading edges of each TF's modules of one sign, as pySCENIC makes regulons.

    Extended cistromes, of motifs annotated by orthology or similarity, hold the genes of directly annotated ones too; a
    TF without such motifs has none. The TF itself is left out: it was put into its modules without evidence.

    Parameters
    ----------
    evidence
        Its `motif_enrichment` keeps contract module_enrichment.
    name
        The method, for the column `evidence`.

    Returns
    -------
    Table tf, region (empty), gene, annotation (``direct``, ``extended``), evidence (``<name>:<motif>``, the motif of
    highest NES), sign (of the module), score (that NES).

    Raises
    ------
    InputError
        If there is no module enrichment, or no enriched module is of a TF of the run.
    """
    import pandas as pd

    from grnformer.grn.cistromes.evidence import describe_motifs

    found = evidence.motif_enrichment
    if found is None:
        raise InputError("no motif enrichment of modules", "a table of them", "run rule enrich_modules before")
    rows = found.loc[found["tf"].isin(set(evidence.tfs)), ["tf", "sign", "motif", "nes", "genes", "annotation"]]
    direct = rows[rows["annotation"] == "direct"]
    other = rows[rows["annotation"] != "direct"]
    with_other = set(other[["tf", "sign"]].itertuples(index=False, name=None))
    repeated = [pair in with_other for pair in direct[["tf", "sign"]].itertuples(index=False, name=None)]
    rows = pd.concat([direct, other, direct[repeated].assign(annotation="extended")])
    rows = rows.explode("genes").rename(columns={"genes": "gene"})
    rows = rows[rows["gene"].notna() & (rows["gene"] != rows["tf"])]  # a leading edge may be empty
    if rows.empty:
        raise InputError(
            f"enriched modules of {found['tf'].nunique()} TFs, none of the {len(evidence.tfs)} TFs of the run",
            "TFs by the same names",
            "use a motif-to-TF table of this species' symbols (grn.cistromes.motifs_to_tfs)",
        )
    key = ["tf", "annotation", "gene", "sign"]
    rows = rows.sort_values([*key, "nes", "motif"], ascending=[True] * 4 + [False, True])
    rows = rows.drop_duplicates(key[:3], ignore_index=True)
    table = rows.assign(region="", evidence=describe_motifs(name, rows["motif"]), score=rows["nes"].astype(float))
    return table[["tf", "region", "gene", "annotation", "evidence", "sign", "score"]]
