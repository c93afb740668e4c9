"""eRegulons: a TF, the regions of its cistrome, and the genes these are linked to."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.eregulons.attach import attach_links
from grnformer.grn.eregulons.binarise import binarise_links
from grnformer.grn.eregulons.funnel import Funnel
from grnformer.grn.eregulons.gene_based import (
    build_gene_based,
    link_genes,
    without_links,
    without_regions,
)
from grnformer.grn.eregulons.leading_edge import leading_edge
from grnformer.grn.eregulons.ranking import (
    Ranking,
    add_weights,
    no_targets,
    rank_targets,
    signs_of,
)
from grnformer.grn.eregulons.triplets import rank_triplets

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

SIGN_PAIRS = ("+/+", "+/-", "-/+", "-/-")
COLUMNS = ["eregulon", "tf", "region", "gene", "tf_gene_weight", "tf_gene_rho", "region_gene_weight", "region_gene_rho",
           "tf_region_weight", "triplet_rank", "annotation", "evidence"]  # fmt: skip
EXTENDED = ("all", "without_direct", "none")


def build_eregulons(
    tf_gene: pd.DataFrame,
    region_gene: pd.DataFrame | None,
    cistromes: pd.DataFrame,
    tfs: list[str],
    *,
    pruned: bool = True,
    sign_pairs: Sequence[str],
    min_abs_rho_tf_gene: float,
    min_abs_rho_region_gene: float,
    sign_from_evidence: bool,
    keep_known_targets: bool,
    weak_signs: str,
    targets: str,
    order_links_by: str,
    quantiles: Sequence[float],
    top_regions: Sequence[int],
    basc: bool,
    binarise_each_sign: bool,
    min_targets: int,
    min_targets_each: bool,
    extended: str,
    tf_region: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build eRegulons as SCENIC+ does (Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4).

    For each TF and sign of the TF-gene correlation, genes are ranked by importance. For each sign of the
    region-gene correlation and each binarisation of the links, the genes linked to a region of the TF's cistrome are a
    set; its leading edge in the ranking, with those regions, is kept. The triplets are united over binarisations;
    eRegulons with fewer than `min_targets` genes are dropped. As by SCENIC+'s defaults (NES above 0, p below 1) a
    positive enrichment score is enough, so no permutations are needed. Direct and extended cistromes make eRegulons
    apart. Triplets are ranked: see `rank_triplets`.

    Parameters
    ----------
    tf_gene, region_gene, cistromes
        Tables by their contracts; `region_gene` is None without ATAC.
    tfs
        TFs of the run, for the funnel.
    pruned
        Cistromes without regions are modules that motifs have pruned, and eRegulons as they are (`build_gene_based`);
        otherwise they are evidence alone, of which a leading edge is taken as of those with regions.
    sign_pairs
        Kept classes, of ``+/+``, ``+/-``, ``-/+``, ``-/-``: sign of TF-gene / sign of region-gene correlation.
    min_abs_rho_tf_gene, min_abs_rho_region_gene
        Weaker correlations have no sign and are left out.
    sign_from_evidence
        Take the sign of a TF-gene pair whose correlation is too weak from the cistrome's evidence (its column
        `sign`); genes without a sign then stand in the rankings as background.
    keep_known_targets
        Targets whose sign the evidence states need no leading edge, unless the correlation clearly has the other sign.
        A pair that `tf_gene` does not have then gets weight and correlation 0. Where counts are too thin for
        expression to show a TF's targets, this keeps eRegulons from being cut by chance.
    weak_signs
        TF-gene pairs and links whose correlation is too weak for a sign, and of which the evidence states none:
        ``left_out``, or ``activating``.
    targets
        Genes of a cistrome that are kept: its ``leading_edge`` in the ranking, or ``all`` that have the sign, where
        the cistrome is better evidence of the TF's targets than expression is. A pair that `tf_gene` does not have then
        has weight and correlation 0.
    order_links_by
        What binarisations order a gene's links by, and what the link of a triplet weighs: ``weight``, ``importance``
        (SCENIC+'s default), ``rho`` (its size) or ``importance_x_rho``.
    quantiles, top_regions, basc
        Binarisations: see `binarise_links`.
    binarise_each_sign
        Binarise a gene's links of either sign by themselves, as SCENIC+ does, and not all of them together.
    min_targets
        Genes an eRegulon must have.
    min_targets_each
        The genes of one binarisation must be as many, or they are left out, as in SCENIC+.
    extended
        eRegulons of extended cistromes: ``all``; ``without_direct``, where the TF has no direct eRegulon of that sign
        pair (SCENIC+'s standard filter); ``none``.
    tf_region
        How well each row of `cistromes` is founded, higher is better, for the ranking of triplets; None: its `score`.

    Returns
    -------
    eRegulons (contract eregulons; may have no row) and the funnel (contract funnel), without the quality filter.
    """
    import pandas as pd

    _check_choices(sign_pairs, extended)
    cistromes = cistromes.assign(
        tf_region=cistromes["score"] if tf_region is None else tf_region
    )
    if extended == "none":
        cistromes = cistromes[cistromes["annotation"] != "extended"]
    of_genes = without_regions(cistromes)
    if of_genes and pruned:
        if extended == "without_direct":
            cistromes = _drop_extended(cistromes, ["tf", "sign"], min_targets)
        return build_gene_based(
            cistromes, tf_gene, tfs, sign_pairs=sign_pairs, min_targets=min_targets
        )

    if of_genes:
        region_gene = link_genes([*tf_gene["gene"], *cistromes["gene"]])
        # there is no second sign
        sign_pairs = sorted({f"{pair[0]}/+" for pair in sign_pairs})
    elif region_gene is None:
        raise InputError(
            "cistromes with regions, and no region-gene links",
            "links, which need ATAC",
            "build the cistromes again",
        )

    genes = pd.Index(region_gene["gene"].unique())
    # of all three tables, sorted: from here on a TF is its number
    tf_names = pd.Index(sorted({*tfs, *cistromes["tf"], *tf_gene["tf"]}))
    link_gene = genes.get_indexer(region_gene["gene"])
    link_sign = signs_of(region_gene["rho"].to_numpy(), min_abs_rho_region_gene)
    if weak_signs == "activating":
        link_sign = np.where(link_sign == 0, 1, link_sign)
        unstated = cistromes["sign"].where(cistromes["sign"] != 0, 1)
        cistromes = cistromes.assign(sign=unstated)

    # gene and sign as one number: -1, 0, 1 become 0, 1, 2 within the gene
    group = link_gene * 3 + link_sign + 1 if binarise_each_sign else link_gene
    score = _link_scores(region_gene, order_links_by)
    masks = [
        *binarise_links(
            group, score, quantiles=quantiles, top_regions=top_regions, basc=basc
        ).values()
    ]

    # the zeros stand for no binarisation at all
    in_any = np.logical_or.reduce([np.zeros(len(link_gene), bool), *masks])

    rankings = rank_targets(
        tf_gene, tf_names, genes, min_abs_rho_tf_gene, with_weak=sign_from_evidence
    )

    nothing = no_targets(len(genes))
    funnel = Funnel(tfs)
    triplets = []
    rows = attach_links(cistromes, region_gene, tf_names)
    for (tf, _), part in rows.groupby(["tf", "annotation"]):
        links = part["link"].to_numpy()
        gene = link_gene[links]
        funnel.add("with a cistrome", itertools.repeat(tf), gene)
        for pair in sorted(set(sign_pairs)):
            first, second = (1 if sign == "+" else -1 for sign in pair.split("/"))
            linked = in_any[links] & (link_sign[links] == second)
            funnel.add(
                "with linked regions of a kept sign", itertools.repeat(tf), gene[linked]
            )

            # candidates have a place in the ranking of this sign, and the sign by correlation or by evidence
            stated = (part["sign"] == first).to_numpy()
            ranking = rankings.get((tf, first), nothing)
            placed = linked & (ranking.position[gene] >= 0)
            placed &= (
                (ranking.signed[gene] | stated)
                if sign_from_evidence
                else ranking.signed[gene]
            )
            each = [placed & mask[links] for mask in masks]
            chosen = _in_leading_edge(
                gene, each, ranking, min_targets if min_targets_each else 1
            )

            if keep_known_targets or targets == "all":
                other_sign = rankings.get((tf, -first), nothing).signed[gene]
                known = linked & stated & ~other_sign
                placed |= known
                chosen |= known
            if targets == "all":
                chosen = placed

            funnel.add(
                "with a TF-gene sign to keep", itertools.repeat(tf), gene[placed]
            )
            funnel.add("in a leading edge or known", itertools.repeat(tf), gene[chosen])
            if len(np.unique(gene[chosen])) >= min_targets:
                triplets.append(part[chosen].assign(pair=pair, gene=gene[chosen]))

    if not triplets:
        return pd.DataFrame(columns=COLUMNS), funnel.table()
    kept = pd.concat(triplets, ignore_index=True)
    if extended == "without_direct":
        kept = _drop_extended(kept, ["tf", "pair"], min_targets)
    funnel.add("with enough targets", kept["tf"], kept["gene"])
    links = region_gene.assign(weight=score)
    found = _assemble(kept, tf_names, tf_gene, links, cistromes)
    return without_links(found) if of_genes else found, funnel.table()


def _check_choices(sign_pairs: Sequence[str], extended: str) -> None:
    unknown = set(sign_pairs) - set(SIGN_PAIRS)
    if unknown or not sign_pairs:
        raise InputError(
            f"grn.eregulons.sign_pairs {list(sign_pairs)}",
            f"of {SIGN_PAIRS}",
            "correct the config",
        )
    if extended not in EXTENDED:
        raise InputError(
            f"grn.eregulons.extended is {extended!r}",
            f"one of {EXTENDED}",
            "correct the config",
        )


def _drop_extended(
    rows: pd.DataFrame, key: list[str], min_targets: int
) -> pd.DataFrame:
    """Drop extended rows whose `key` has direct rows of enough genes."""
    import pandas as pd

    is_direct = rows["annotation"] == "direct"
    n_genes = rows[is_direct].groupby(key)["gene"].nunique()
    stands = pd.MultiIndex.from_frame(rows[key]).isin(
        n_genes.index[n_genes >= min_targets]
    )
    return rows[is_direct | ~stands]


def _link_scores(region_gene: pd.DataFrame, order_by: str) -> np.ndarray:
    importance = region_gene["importance"].to_numpy(float)
    size = region_gene["rho"].abs().to_numpy(float)
    scores = {
        "weight": region_gene["weight"].to_numpy(float),
        "importance": importance,
        "rho": size,
        "importance_x_rho": importance * size,
    }
    if order_by not in scores:
        raise InputError(
            f"grn.eregulons.order_links_by is {order_by!r}",
            f"one of {list(scores)}",
            "correct the config",
        )
    return scores[order_by]


def _in_leading_edge(
    gene: np.ndarray, each: list[np.ndarray], ranking: Ranking, min_genes: int
) -> np.ndarray:
    """Mask over a TF's links: those in the leading edge of any binarisation, of `min_genes` at least.

    `each` holds one mask over the links a binarisation; `gene` is each link's.
    """
    # a link stands where its gene stands; genes count once, whatever their regions
    place = ranking.position[gene]
    chosen = np.zeros(len(gene), bool)
    for passed in each:
        edge, _ = leading_edge(ranking.importance, np.unique(place[passed]))
        if len(edge) >= min_genes:
            chosen |= passed & (place <= edge[-1])
    return chosen


def _assemble(
    kept: pd.DataFrame,
    tf_names: pd.Index,
    tf_gene: pd.DataFrame,
    region_gene: pd.DataFrame,
    cistromes: pd.DataFrame,
) -> pd.DataFrame:
    """One row a triplet; `kept` as `attach_links` returns it, with the column pair; links weigh their score."""
    links, evidence = region_gene.iloc[kept["link"]], cistromes.iloc[kept["row"]]
    tf = tf_names.to_numpy()[kept["tf"]]
    frame = kept[["annotation"]].assign(
        eregulon=tf + "_" + kept["annotation"] + "_" + kept["pair"],
        tf=tf,
        region=links["region"].to_numpy(),
        gene=links["gene"].to_numpy(),
        region_gene_weight=links["weight"].to_numpy(float),
        region_gene_rho=links["rho"].to_numpy(),
        tf_region_weight=evidence["tf_region"].to_numpy(float),
        evidence=evidence["evidence"].to_numpy(),
    )
    frame = add_weights(frame, tf_gene).rename(
        columns={"importance": "tf_gene_weight", "rho": "tf_gene_rho"}
    )
    frame["triplet_rank"] = rank_triplets(frame)
    logger.info(
        "%d eRegulons of %d TFs, %d rows",
        frame["eregulon"].nunique(),
        frame["tf"].nunique(),
        len(frame),
    )
    return frame.sort_values(["eregulon", "gene", "region"], ignore_index=True)[COLUMNS]
