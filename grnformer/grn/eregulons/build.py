"""eRegulons: a TF, the regions of its cistrome, and the genes these are linked to."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.eregulons.binarise import binarise_links
from grnformer.grn.eregulons.funnel import Funnel
from grnformer.grn.eregulons.gene_based import build_gene_based, without_regions
from grnformer.grn.eregulons.leading_edge import leading_edge
from grnformer.grn.eregulons.ranking import Ranking, rank_targets, signs_of, weights_of
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
    region_gene: pd.DataFrame,
    cistromes: pd.DataFrame,
    tfs: list[str],
    *,
    sign_pairs: Sequence[str],
    min_abs_rho_tf_gene: float,
    min_abs_rho_region_gene: float,
    sign_from_evidence: bool,
    keep_known_targets: bool,
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
        Tables by their contracts.
    tfs
        TFs of the run, for the funnel.
    sign_pairs
        Kept classes, of ``+/+``, ``+/-``, ``-/+``, ``-/-``: sign of TF-gene / sign of region-gene correlation.
    min_abs_rho_tf_gene, min_abs_rho_region_gene
        Weaker correlations have no sign and are left out.
    sign_from_evidence
        Give a TF-gene pair whose correlation is too weak the sign that the cistrome's evidence states (its column
        `sign`); genes without a sign then stand in the rankings as background.
    keep_known_targets
        Targets whose sign the evidence states need no leading edge, unless the correlation clearly has the other sign.
        A pair that `tf_gene` does not have then gets weight and correlation 0. Where counts are too thin for
        expression to tell a TF's targets, this keeps eRegulons from being cut by chance.
    order_links_by
        What binarisations order a gene's links by: ``importance`` (SCENIC+'s default), ``rho`` (its size) or
        ``importance_x_rho``.
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

    unknown = set(sign_pairs) - set(SIGN_PAIRS)
    if unknown or not sign_pairs:
        raise InputError(f"grn.eregulons.sign_pairs {list(sign_pairs)}", f"of {SIGN_PAIRS}", "correct the config")
    if extended not in EXTENDED:
        raise InputError(f"grn.eregulons.extended is {extended!r}", f"one of {EXTENDED}", "correct the config")
    cistromes = cistromes.assign(tf_region=cistromes["score"] if tf_region is None else tf_region)
    if extended == "none":
        cistromes = cistromes[cistromes["annotation"] != "extended"]
    if without_regions(cistromes):
        if extended == "without_direct":
            direct = cistromes[cistromes["annotation"] == "direct"].groupby(["tf", "sign"])["gene"].nunique()
            stands = pd.MultiIndex.from_frame(cistromes[["tf", "sign"]]).isin(direct.index[direct >= min_targets])
            cistromes = cistromes[(cistromes["annotation"] == "direct") | ~stands]
        return build_gene_based(cistromes, tf_gene, tfs, sign_pairs=sign_pairs, min_targets=min_targets)
    funnel = Funnel()
    genes = pd.Index(region_gene["gene"].unique())
    tf_names = pd.Index(sorted(set(tfs) | set(cistromes["tf"]) | set(tf_gene["tf"])))
    funnel.tfs["TFs of the run"].update(tf_names.get_indexer(tfs).tolist())
    link_gene = genes.get_indexer(region_gene["gene"])
    link_sign = signs_of(region_gene["rho"].to_numpy(), min_abs_rho_region_gene)
    score = _link_scores(region_gene, order_links_by)
    group = link_gene * 3 + link_sign + 1 if binarise_each_sign else link_gene
    masks = binarise_links(group, score, quantiles=quantiles, top_regions=top_regions, basc=basc)
    rankings = rank_targets(tf_gene, tf_names, genes, min_abs_rho_tf_gene, with_weak=sign_from_evidence)
    rows = _attach(cistromes, region_gene, tf_names)
    bounds = np.searchsorted(rows["group"], np.arange(rows["group"].max(initial=-1) + 2))
    in_any = np.logical_or.reduce(list(masks.values()))
    blocks: list[_Block] = []
    for low, high in itertools.pairwise(bounds):
        tf, annotation = int(rows["tf"][low]), rows["annotation"][low]
        links = rows["link"][low:high]
        funnel.add("with a cistrome", tf, link_gene[links] + tf * len(genes))
        for pair in sorted(set(sign_pairs)):
            s1, s2 = (1 if sign == "+" else -1 for sign in pair.split("/"))
            stated = rows["sign"][low:high] == s1
            fits = link_sign[links] == s2
            chosen = _in_leading_edge(
                links, link_gene, fits, stated if sign_from_evidence else np.zeros(len(links), bool), masks,
                rankings.get((tf, s1)), tf, len(genes), funnel, min_targets if min_targets_each else 1,
            )  # fmt: skip
            if keep_known_targets:
                known = fits & stated & in_any[links]
                if (tf, -s1) in rankings:
                    known &= ~rankings[tf, -s1].signed[link_gene[links]]
                for step in ("with a TF-gene sign to keep", "in a leading edge or known"):
                    funnel.add(step, tf, link_gene[links[known]] + tf * len(genes))
                chosen |= known
            targets = np.unique(link_gene[links[chosen]])
            if len(targets) < min_targets:
                continue
            blocks.append(_Block(tf, annotation, pair, rows["row"][low:high][chosen], links[chosen]))
    if extended == "without_direct":
        has_direct = {(block.tf, block.pair) for block in blocks if block.annotation == "direct"}
        blocks = [b for b in blocks if b.annotation == "direct" or (b.tf, b.pair) not in has_direct]
    for block in blocks:
        funnel.add("with enough targets", block.tf, np.unique(link_gene[block.links]) + block.tf * len(genes))
    eregulons = _assemble(blocks, tf_names, genes, tf_gene, region_gene, link_gene, cistromes)
    return eregulons, funnel.table()


def _link_scores(region_gene: pd.DataFrame, order_by: str) -> np.ndarray:
    importance, size = region_gene["importance"].to_numpy(float), region_gene["rho"].abs().to_numpy(float)
    scores = {"importance": importance, "rho": size, "importance_x_rho": importance * size}
    if order_by not in scores:
        raise InputError(
            f"grn.eregulons.order_links_by is {order_by!r}", f"one of {list(scores)}", "correct the config"
        )
    return scores[order_by]


def _attach(cistromes: pd.DataFrame, region_gene: pd.DataFrame, tf_names: pd.Index) -> dict[str, np.ndarray]:
    """Cistrome rows joined to links: a row without `gene` holds for every gene linked to its region."""
    import pandas as pd

    links = pd.DataFrame(
        {"region": region_gene["region"], "gene": region_gene["gene"], "link": np.arange(len(region_gene))}
    )
    rows = cistromes[["tf", "region", "gene", "annotation", "sign"]].assign(row=np.arange(len(cistromes)))
    for_gene = rows["gene"].notna()
    joined = pd.concat(
        [
            rows[for_gene].merge(links, on=["region", "gene"]),
            rows[~for_gene].drop(columns="gene").merge(links, on="region"),
        ],
        ignore_index=True,
    )
    joined["tf"] = tf_names.get_indexer(joined["tf"])
    joined = joined.sort_values(["tf", "annotation", "link", "row"], kind="stable")
    joined = joined.drop_duplicates(["tf", "annotation", "link"])  # evidence for the gene goes before the region's
    group = joined.groupby(["tf", "annotation"], sort=True).ngroup()
    return {"group": group.to_numpy()} | {c: joined[c].to_numpy() for c in ("tf", "annotation", "link", "row", "sign")}


def _in_leading_edge(
    links: np.ndarray, link_gene: np.ndarray, fits: np.ndarray, stated: np.ndarray, masks: dict[str, np.ndarray],
    ranking: Ranking | None, tf: int, n_genes: int, funnel: Funnel, min_genes: int,
) -> np.ndarray:  # fmt: skip
    """Mask over a TF's links: those of one sign pair in the leading edge of any binarisation, of `min_genes` at least.

    fits: the link has the sign of the region-gene part. stated: the evidence states the sign of the TF-gene part.
    """
    chosen = np.zeros(len(links), bool)
    gene = link_gene[links]
    key = gene + tf * n_genes
    for mask in masks.values():
        passed = fits & mask[links]
        funnel.add("with linked regions of a kept sign", tf, key[passed])
        if ranking is None:
            continue
        place = ranking.position[gene]
        passed &= (place >= 0) & (ranking.signed[gene] | stated)
        funnel.add("with a TF-gene sign to keep", tf, key[passed])
        edge, _ = leading_edge(ranking.importance, np.unique(place[passed]))
        if len(edge) >= min_genes:
            passed &= place <= edge[-1]
            funnel.add("in a leading edge or known", tf, key[passed])
            chosen |= passed
    return chosen


@dataclass(frozen=True)
class _Block:
    """An eRegulon: number of its TF, class, and rows of cistromes and links, one a triplet."""

    tf: int
    annotation: str
    pair: str
    rows: np.ndarray
    links: np.ndarray


def _assemble(
    blocks: list[_Block], tf_names: pd.Index, genes: pd.Index, tf_gene: pd.DataFrame, region_gene: pd.DataFrame,
    link_gene: np.ndarray, cistromes: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """One row a triplet."""
    import pandas as pd

    if not blocks:
        return pd.DataFrame(columns=COLUMNS)
    sizes = [len(block.links) for block in blocks]
    link = np.concatenate([block.links for block in blocks])
    row = np.concatenate([block.rows for block in blocks])
    pair = np.repeat([block.tf for block in blocks], sizes) * len(genes) + link_gene[link]
    weight, rho = weights_of(pair, tf_gene, tf_names, genes)
    frame = pd.DataFrame(
        {
            "eregulon": np.repeat([f"{tf_names[b.tf]}_{b.annotation}_{b.pair}" for b in blocks], sizes),
            "tf": np.repeat([tf_names[block.tf] for block in blocks], sizes),
            "region": region_gene["region"].to_numpy()[link],
            "gene": region_gene["gene"].to_numpy()[link],
            "tf_gene_weight": weight,
            "tf_gene_rho": rho,
            "region_gene_weight": region_gene["importance"].to_numpy()[link],
            "region_gene_rho": region_gene["rho"].to_numpy()[link],
            "tf_region_weight": cistromes["tf_region"].to_numpy(float)[row],
            "annotation": np.repeat([block.annotation for block in blocks], sizes),
            "evidence": cistromes["evidence"].to_numpy()[row],
        }
    )
    frame["triplet_rank"] = rank_triplets(frame)
    logger.info("%d eRegulons of %d TFs, %d rows", frame["eregulon"].nunique(), frame["tf"].nunique(), len(frame))
    return frame.sort_values(["eregulon", "gene", "region"], ignore_index=True)[COLUMNS]
