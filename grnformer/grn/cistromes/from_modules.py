"""Cistromes of genes: a TF regulates the genes of its co-expression modules in the leading edges of its motifs.

The evidence is near the gene, not in one of the dataset's regions, so the column `region` is empty and `gene` is set.
"""

from __future__ import annotations

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.grn.cistromes.evidence import COLUMNS, Evidence, describe_motifs


def take_modules(evidence: Evidence, name: str) -> pd.DataFrame:
    """Unite the leading edges of each TF's modules of one sign, as pySCENIC makes regulons.

    What is read keeps contract module_enrichment. Extended cistromes, of motifs annotated by orthology or similarity,
    hold the genes of directly annotated ones too; a TF without such motifs has none. The TF itself is left out: it was
    put into its modules without evidence.

    Parameters
    ----------
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
    found = evidence.read()
    is_of_run = found["tf"].isin(evidence.tfs)
    rows = found.loc[is_of_run, ["tf", "sign", "motif", "nes", "genes", "annotation"]]

    is_direct = rows["annotation"] == "direct"
    direct = rows[is_direct]
    other = rows[~is_direct]
    # by TF and sign: where no motif is extended, it would repeat the direct cistrome
    with_other = other[["tf", "sign"]].drop_duplicates()
    repeated = direct.merge(with_other, on=["tf", "sign"])
    rows = pd.concat([direct, other, repeated.assign(annotation="extended")])

    rows = rows.explode("genes").rename(columns={"genes": "gene"})
    # a leading edge may be empty
    is_gene = rows["gene"].notna()
    is_other = rows["gene"] != rows["tf"]
    rows = rows[is_gene & is_other]
    if rows.empty:
        raise InputError(
            f"enriched modules of {found['tf'].nunique()} TFs, none of the {len(evidence.tfs)} TFs of the run",
            "TFs by the same names",
            "use a motif-to-TF table of this species' symbols (grn.cistromes.motifs_to_tfs)",
        )

    # a gene in modules of both signs is taken as repressed: -1 sorts before 1
    key = ["tf", "annotation", "gene"]
    rows = rows.sort_values(
        [*key, "sign", "nes", "motif"],
        ascending=[True, True, True, True, False, True],
    )
    rows = rows.drop_duplicates(key, ignore_index=True)

    table = rows.assign(
        region="",
        evidence=describe_motifs(name, rows["motif"]),
        score=rows["nes"].astype(float),
    )
    return table[COLUMNS]
