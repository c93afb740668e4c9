"""Motifs enriched near the genes of co-expression modules, and the genes that carry the enrichment."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.rankings import RankingDatabase
from grnformer.grn.enrichment.modules import Module
from grnformer.grn.enrichment.recovery import (
    check_nes_in_reach,
    leading_edge_ranks,
    make_sets,
    normalise,
    recovery_auc,
)
from grnformer.grn.enrichment.sets import annotations_of

logger = logging.getLogger(__name__)

COLUMNS = [
    "tf",
    "sign",
    "module",
    "database",
    "motif",
    "auc",
    "nes",
    "rank_at_max",
    "genes",
    "annotation",
]
_AUCS_AT_ONCE = 20_000_000


def split_settings(settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments of `make_modules` and of `enrich_modules`, out of the config's section cistarget_genes."""
    thresholds = ("auc_threshold", "rank_threshold", "nes_threshold", "min_mapped")
    of_enrichment = {key: settings[key] for key in thresholds}
    cuts = {
        key: value
        for key, value in settings.items()
        if key not in of_enrichment and key != "rankings"
    }
    return cuts, of_enrichment


def enrich_modules(
    databases: Sequence[RankingDatabase],
    modules: Sequence[Module],
    annotations: pd.DataFrame,
    *,
    auc_threshold: float,
    rank_threshold: int,
    nes_threshold: float,
    min_mapped: float,
) -> pd.DataFrame:
    """Return the motifs of each module's TF that are enriched near its genes (contract module_enrichment).

    As pySCENIC's step ctx (Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2): each motif of a database gets an
    AUC and an NES among all motifs in each module; those that stand for the TF of the module and are enriched give the
    module's genes in their leading edge. pySCENIC 0.12.1 sorts the motifs of a module by their annotation, but not
    the curves that belong to them; here each motif keeps its curve.

    Parameters
    ----------
    databases
        Rankings of genes.
    modules
        Of `make_modules`.
    annotations
        Of `read_annotations`.
    auc_threshold
        Fraction of the database's genes over which the AUC is taken.
    rank_threshold
        Ranks among which the leading edge is looked for.
    nes_threshold
        Least NES of an enriched motif.
    min_mapped
        A module is left out of a database that has no more than this fraction of its genes.

    Raises
    ------
    InputError
        If a database ranks regions, is shorter than `rank_threshold`, has none of the annotated motifs or no module's
        genes, or no motif is enriched.
    """
    rows: list[tuple[object, ...]] = []
    n_mapped = 0
    for database in databases:
        by_tf = _columns_by_tf(annotations, database)
        _check(database, rank_threshold, nes_threshold)

        # few genes in the database would stand for a module that is another
        known = set(database.features)
        chosen = [
            module
            for module in modules
            if _missing_fraction(module, known) < 1 - min_mapped
        ]
        n_mapped += len(chosen)
        rows += _enriched(
            database, chosen, by_tf, auc_threshold, rank_threshold, nes_threshold
        )

    if not rows:
        raise InputError(
            f"no motif of a module's TF reaches NES {nes_threshold}: {len(modules)} modules, of which {n_mapped} "
            f"have more than {min_mapped:.0%} of their genes in a database",
            "enriched motifs",
            "check that database and motif-to-TF table are of this species and of one motif collection, or lower "
            "grn.cistromes.cistarget_genes.nes_threshold or .min_mapped",
        )

    table = pd.DataFrame(rows, columns=COLUMNS)
    enriched = table[["tf", "sign", "module"]].drop_duplicates()
    logger.info(
        "%d enriched motifs of %d TFs in %d modules",
        len(table),
        table["tf"].nunique(),
        len(enriched),
    )
    return table.sort_values(
        ["tf", "sign", "module", "database", "nes", "motif"],
        ascending=[True, False, True, True, False, True],
        ignore_index=True,
    )


def _missing_fraction(module: Module, known: set[str]) -> float:
    n_known = sum(gene in known for gene in module.genes)
    return 1 - n_known / len(module.genes)


def _enriched(
    database: RankingDatabase,
    modules: Sequence[Module],
    by_tf: dict[str, dict[int, str]],
    auc_threshold: float,
    rank_threshold: int,
    nes_threshold: float,
) -> Iterator[tuple[object, ...]]:
    """Rows of `COLUMNS`."""
    # without a motif of its TF, a module can give no row
    modules = [module for module in modules if module.tf in by_tf]
    wanted = {gene for module in modules for gene in module.genes}
    used = sorted(gene for gene in database.features if gene in wanted)
    if not used:
        return
    ranks = database.load(used)
    members = _rows_of_modules(modules, used)
    name = database.path.name.split(".")[0]

    # modules x motifs would not fit into memory for a whole collection: a part of the modules at a time
    step = max(1, _AUCS_AT_ONCE // len(database.motifs))
    for start in range(0, len(modules), step):
        stop = start + step
        sets = make_sets(members[start:stop])
        auc = recovery_auc(
            ranks, sets, total=len(database.features), auc_threshold=auc_threshold
        )
        nes = normalise(auc)

        for i, module in enumerate(modules[start:stop]):
            # the NES is among all motifs; only those of the module's TF are kept
            annotated = by_tf[module.tf]
            motifs = np.array(sorted(annotated))
            passed = (nes[i, motifs] >= nes_threshold) & (auc[i, motifs] > 0)
            motifs = motifs[passed]

            rows, weights = sets.members(i)
            peaks = leading_edge_ranks(
                ranks, rows, weights, motifs, rank_threshold=rank_threshold
            )
            for motif, peak in zip(motifs, peaks, strict=True):
                genes = sorted(used[row] for row in rows if ranks[row, motif] <= peak)
                head = module.tf, module.sign, module.cut, name, database.motifs[motif]
                figures = auc[i, motif], nes[i, motif], int(peak)
                yield *head, *figures, genes, annotated[motif]


def _rows_of_modules(modules: Sequence[Module], genes: list[str]) -> list[np.ndarray]:
    """Rows of each module's genes among `genes`; others are left out."""
    row_of = {gene: row for row, gene in enumerate(genes)}
    members = []
    for module in modules:
        rows = [row_of[gene] for gene in module.genes if gene in row_of]
        members.append(np.array(rows, dtype=int))
    return members


def _check(
    database: RankingDatabase, rank_threshold: int, nes_threshold: float
) -> None:
    if database.has_regions:
        raise InputError(
            f"{database.path} ranks regions such as {database.features[0]!r}",
            "genes, by their symbols",
            "name genes_vs_motifs databases in grn.cistromes.cistarget_genes.rankings, or take the method cistarget",
        )
    if rank_threshold >= len(database.features):
        raise InputError(
            f"grn.cistromes.cistarget_genes.rank_threshold is {rank_threshold}, and {database.path} ranks "
            f"{len(database.features)} genes",
            "fewer ranks than the database has genes",
            "lower it",
        )
    check_nes_in_reach(
        len(database.motifs),
        nes_threshold,
        str(database.path),
        "take a larger database",
    )


def _columns_by_tf(
    annotations: pd.DataFrame, database: RankingDatabase
) -> dict[str, dict[int, str]]:
    """TF to the columns of its motifs: direct, where it is annotated directly, else extended."""
    column_of = {motif: column for column, motif in enumerate(database.motifs)}
    known = annotations_of(database, annotations)
    by_tf: dict[str, dict[int, str]] = {}
    for motif, tf, evidence in zip(
        known["motif"], known["tf"], known["evidence"], strict=True
    ):
        of_tf = by_tf.setdefault(tf, {})
        column = column_of[motif]

        # a motif may be annotated by several kinds of evidence: the direct one counts
        if evidence == "direct":
            of_tf[column] = "direct"
        else:
            of_tf.setdefault(column, "extended")
    return by_tf
