"""eRegulons: a TF, the regions of its cistrome, and the genes these are linked to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grnformer.errors import InputError
from grnformer.grn.eregulons.binarise import binarise_links
from grnformer.grn.eregulons.funnel import Funnel
from grnformer.grn.eregulons.leading_edge import leading_edge

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("grnformer.grn")

SIGN_PAIRS = ("+/+", "+/-", "-/+", "-/-")


def build_eregulons(
    tf_gene: pd.DataFrame,
    region_gene: pd.DataFrame,
    cistromes: pd.DataFrame,
    tfs: list[str],
    *,
    sign_pairs: Sequence[str],
    min_abs_rho_tf_gene: float,
    min_abs_rho_region_gene: float,
    quantiles: Sequence[float],
    top_regions: Sequence[int],
    min_targets: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build eRegulons as SCENIC+ does (Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4).

    For each TF and sign of the TF-gene correlation, genes are ranked by importance. For each sign of the
    region-gene correlation and each binarisation of the links, the genes linked to a region of the TF's cistrome are a
    set; its leading edge in the ranking, with those regions, is kept. The triplets are united over binarisations;
    eRegulons with fewer than `min_targets` genes are dropped. As in SCENIC+'s defaults (NES above 0, p up to 1) the
    leading edge is not filtered further, so no permutations are needed.

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
    quantiles, top_regions
        Binarisations: see `binarise_links`.
    min_targets
        Genes an eRegulon must have.

    Returns
    -------
    eRegulons (contract eregulons; may have no row) and the funnel (contract funnel).
    """
    import pandas as pd

    unknown = set(sign_pairs) - set(SIGN_PAIRS)
    if unknown or not sign_pairs:
        raise InputError(f"grn.eregulons.sign_pairs {list(sign_pairs)}", f"of {SIGN_PAIRS}", "correct the config")
    funnel = Funnel()
    genes = pd.Index(region_gene["gene"].unique())
    tf_names = pd.Index(sorted(set(tfs) | set(cistromes["tf"]) | set(tf_gene["tf"])))
    funnel.tfs["TFs of the run"].update(tf_names.get_indexer(tfs).tolist())
    link_gene = genes.get_indexer(region_gene["gene"])
    link_sign = _signs(region_gene["rho"].to_numpy(), min_abs_rho_region_gene)
    masks = binarise_links(
        link_gene, region_gene["importance"].to_numpy(), quantiles=quantiles, top_regions=top_regions
    )
    rankings = _rank_targets(tf_gene, tf_names, genes, min_abs_rho_tf_gene)
    rows = _attach(cistromes, region_gene, tf_names)
    bounds = np.searchsorted(rows["group"], np.arange(rows["group"].max(initial=-1) + 2))
    blocks = []
    for low, high in zip(bounds[:-1], bounds[1:], strict=True):
        tf, annotation = int(rows["tf"][low]), rows["annotation"][low]
        links = rows["link"][low:high]
        funnel.add("with a cistrome", tf, link_gene[links] + tf * len(genes))
        for pair in sorted(set(sign_pairs)):
            s1, s2 = (1 if sign == "+" else -1 for sign in pair.split("/"))
            chosen = _one_eregulon(
                links, link_gene, link_sign == s2, masks, rankings.get((tf, s1)), tf, len(genes), funnel
            )
            targets = np.unique(link_gene[links[chosen]])
            if len(targets) < min_targets:
                continue
            funnel.add("with enough targets", tf, targets + tf * len(genes))
            name = f"{tf_names[tf]}_{annotation}_{pair}"
            blocks.append((name, tf, s1, rows["row"][low:high][chosen], links[chosen]))
    return _assemble(blocks, tf_names, region_gene, link_gene, cistromes, rankings), funnel.table()


def _signs(rho: np.ndarray, least: float) -> np.ndarray:
    return np.where(np.abs(rho) >= least, np.sign(rho), 0).astype(np.int8)


def _rank_targets(
    tf_gene: pd.DataFrame, tf_names: pd.Index, genes: pd.Index, min_abs_rho: float
) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Per TF and sign: genes by decreasing importance, their importance and rho, and each gene's position (-1: none)."""
    tf = tf_names.get_indexer(tf_gene["tf"])
    gene = genes.get_indexer(tf_gene["gene"])
    importance, rho = tf_gene["importance"].to_numpy(), tf_gene["rho"].to_numpy()
    sign = _signs(rho, min_abs_rho)
    keep = (sign != 0) & (gene >= 0) & (importance > 0)
    tf, gene, importance, rho, sign = (a[keep] for a in (tf, gene, importance, rho, sign))
    # equal importances: by gene name, so that the rows' order does not matter
    name_order = np.argsort(np.argsort(genes.to_numpy().astype(str), kind="stable"))
    order = np.lexsort((name_order[gene], -importance, sign, tf))
    tf, gene, importance, rho, sign = (a[order] for a in (tf, gene, importance, rho, sign))
    rankings = {}
    bounds = np.flatnonzero(np.r_[True, (np.diff(tf) != 0) | (np.diff(sign) != 0), True]) if len(tf) else [0]
    for low, high in zip(bounds[:-1], bounds[1:], strict=True):
        position = np.full(len(genes), -1, np.int32)
        position[gene[low:high]] = np.arange(high - low)
        # float64: sums of a leading edge must not depend on the storage type
        rankings[int(tf[low]), int(sign[low])] = (
            gene[low:high], importance[low:high].astype(np.float64), rho[low:high], position,
        )  # fmt: skip
    return rankings


def _attach(cistromes: pd.DataFrame, region_gene: pd.DataFrame, tf_names: pd.Index) -> dict[str, np.ndarray]:
    """Cistrome rows joined to links: a row without `gene` holds for every gene linked to its region."""
    import pandas as pd

    links = pd.DataFrame(
        {"region": region_gene["region"], "gene": region_gene["gene"], "link": np.arange(len(region_gene))}
    )
    rows = cistromes[["tf", "region", "gene", "annotation"]].assign(row=np.arange(len(cistromes)))
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
    return {"group": group.to_numpy()} | {c: joined[c].to_numpy() for c in ("tf", "annotation", "link", "row")}


def _one_eregulon(
    links: np.ndarray, link_gene: np.ndarray, of_sign: np.ndarray, masks: dict[str, np.ndarray],
    ranking: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None, tf: int, n_genes: int, funnel: Funnel,
) -> np.ndarray:  # fmt: skip
    """Mask over a TF's links: those of one sign pair in the leading edge of any binarisation."""
    chosen = np.zeros(len(links), bool)
    for mask in masks.values():
        passed = of_sign[links] & mask[links]
        gene = link_gene[links]
        key = gene + tf * n_genes
        funnel.add("with linked regions of a kept sign", tf, key[passed])
        if ranking is None or not passed.any():
            continue
        _, importance, _, position = ranking
        place = position[gene]
        passed &= place >= 0
        funnel.add("with TF-gene weights of a kept sign", tf, key[passed])
        edge, _ = leading_edge(importance, np.unique(place[passed]))
        if len(edge):
            passed &= place <= edge[-1]
            funnel.add("with a leading edge", tf, key[passed])
            chosen |= passed
    return chosen


def _assemble(
    blocks: list[tuple[str, int, int, np.ndarray, np.ndarray]], tf_names: pd.Index, region_gene: pd.DataFrame,
    link_gene: np.ndarray, cistromes: pd.DataFrame, rankings: dict,
) -> pd.DataFrame:  # fmt: skip
    """One row a triplet, from (eRegulon, TF, sign, cistrome rows, links)."""
    import pandas as pd

    columns = ["eregulon", "tf", "region", "gene", "tf_gene_weight", "tf_gene_rho", "region_gene_weight",
               "region_gene_rho", "evidence"]  # fmt: skip
    if not blocks:
        return pd.DataFrame(columns=columns)
    link = np.concatenate([b[4] for b in blocks])
    sizes = [len(b[4]) for b in blocks]
    weight, rho = [], []
    for _, tf, sign, _, links in blocks:
        _, importance, correlation, position = rankings[tf, sign]
        place = position[link_gene[links]]
        weight.append(importance[place])
        rho.append(correlation[place])
    frame = pd.DataFrame(
        {
            "eregulon": np.repeat([b[0] for b in blocks], sizes),
            "tf": np.repeat([tf_names[b[1]] for b in blocks], sizes),
            "region": region_gene["region"].to_numpy()[link],
            "gene": region_gene["gene"].to_numpy()[link],
            "tf_gene_weight": np.concatenate(weight),
            "tf_gene_rho": np.concatenate(rho),
            "region_gene_weight": region_gene["importance"].to_numpy()[link],
            "region_gene_rho": region_gene["rho"].to_numpy()[link],
            "evidence": cistromes["evidence"].to_numpy()[np.concatenate([b[3] for b in blocks])],
        }
    )
    logger.info("%d eRegulons of %d TFs, %d rows", frame["eregulon"].nunique(), frame["tf"].nunique(), len(frame))
    return frame.sort_values(["eregulon", "gene", "region"], ignore_index=True)[columns]
