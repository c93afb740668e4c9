"""Section of the gene regulatory networks: funnel, evidence, eRegulons, cell-type networks, activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.report.eregulons import (
    choose_examples,
    describe_dots,
    mean_expression,
    plot_dots,
    plot_ranking,
    plot_thresholds,
    top_eregulons,
)
from grnformer.report.network import plot_network, strongest_edges
from grnformer.report.page import Block, Figure, Note, Section, Table

if TYPE_CHECKING:
    import anndata
    import pandas as pd


def networks_section(
    dataset: str,
    *,
    eregulons: pd.DataFrame,
    activity: anndata.AnnData,
    specificity: pd.DataFrame,
    thresholds: pd.DataFrame,
    funnel: pd.DataFrame,
    networks: dict[str, pd.DataFrame],
    sizes: pd.DataFrame,
    rna: anndata.AnnData,
    settings: dict[str, Any],
) -> Section:
    """Section of stage grn.

    Parameters
    ----------
    eregulons, specificity, thresholds, funnel
        Tables by their contracts.
    activity
        AnnData by contract ``cell_activity``.
    networks
        Cell type -> table by contract ``cell_type_grn``.
    sizes
        Table by contract ``cell_type_summary``.
    rna
        RNA modality of the multiome; X is log-normalised expression.
    settings
        Section ``report`` of the configuration.
    """
    cell_types = activity.obs["cell_type"]
    top = top_eregulons(specificity[specificity["eregulon"].isin(activity.var_names)], settings["eregulons_per_type"])
    tfs = [str(activity.var.loc[e, "tf"]) for e in top]
    dots = describe_dots(top, activity, specificity, mean_expression(rna, tfs, cell_types))
    examples = choose_examples(thresholds, specificity, settings["threshold_examples"])
    evidence = count_evidence(eregulons)
    sources = ", ".join(f"{row.source} {row.triplets:,}" for row in evidence.head(6).itertuples())
    silent = int((activity.layers["active"].sum(axis=1) == 0).sum())
    n_types = len(networks)
    blocks: list[Block] = [
        Note(
            f"{eregulons['eregulon'].nunique():,} eRegulons of {eregulons['tf'].nunique():,} TFs: {len(eregulons):,} "
            f"TF-region-gene triplets, {eregulons['gene'].nunique():,} target genes, {eregulons['region'].nunique():,} "
            f"regions. Sources of evidence for TF binding with most triplets: {sources}."
        ),
        Table(
            "grn_funnel",
            funnel,
            "What each step of eRegulon building kept.",
            {"tfs": "TFs (n)", "pairs": "TF-gene pairs (n)"},
        ),
        Table(
            "grn_evidence",
            evidence,
            "Sources of evidence behind the triplets; a triplet counts for each of its sources. Kind chip: derived "
            "from ChIP experiments, where a comparison with ChIP-seq targets is circular.",
            {"triplets": "triplets (n)", "eregulons": "eRegulons (n)", "tfs": "TFs (n)"},
        ),
        Figure(
            "eregulon-dots",
            plot_dots(dots),
            f"The {settings['eregulons_per_type']} most specific eRegulons of each cell type (by RSS). Size: share of "
            "the type's cells in which the eRegulon is active (AUCell above its threshold). Colour: mean "
            "log-normalised expression of the TF in the type, scaled from 0 to 1 over the types for each TF. n "
            f"{activity.n_obs:,} cells, {activity.n_vars:,} eRegulons in all.",
            200 + 34 * n_types,
        ),
        Table(
            "eregulon_dots",
            dots,
            "Numbers behind the dot plot.",
            {
                "rss": "RSS",
                "mean_auc": "mean AUC",
                "active_share": "active (share of cells)",
                "genes": "genes (n)",
                "cells": "cells (n)",
                "tf_expression": "mean TF expression (log1p)",
                "tf": "TF",
            },
            folded=True,
        ),
        Figure(
            "specificity",
            plot_ranking(specificity, settings["eregulons_per_type"]),
            "eRegulons ranked by regulon specificity score (RSS; Suo et al. 2018: 1 less the square root of the "
            "Jensen-Shannon divergence between an eRegulon's activity and the cell type's membership) in each type.",
            80 + 250 * -(-n_types // 4),
        ),
        Table(
            "cell_type_networks",
            sizes.drop(columns="file"),
            "The GRN of each cell type.",
            {
                "cells": "cells (n)",
                "tfs": "TFs (n)",
                "genes": "target genes (n)",
                "edges": "edges (n)",
                "activating": "activating (n)",
                "repressing": "repressing (n)",
                "regions": "regions (n)",
                "mean_targets": "mean targets of a TF (n)",
                "eregulons": "eRegulons (n)",
            },
        ),
    ]
    blocks += _pictures(networks, specificity, dict(zip(activity.var_names, activity.var["tf"], strict=True)), settings)
    blocks.append(
        Figure(
            "thresholds",
            plot_thresholds(activity, examples),
            "AUCell activity over all cells for the most specific eRegulons of each threshold method, with the "
            "threshold (line). Bimodal: where two Gaussians meet; skewed: mean + 2 standard deviations. AUC within "
            f"the top {activity.uns['rank_cutoff']} ranks of a cell. {silent:,} of {activity.n_obs:,} cells have no "
            "active eRegulon.",
            60 + 210 * -(-len(examples) // 3),
        )
    )
    blocks.append(
        Table("eregulon_thresholds", thresholds, f"Thresholds of all {len(thresholds):,} eRegulons.", folded=True)
    )
    return Section("grn", "Gene regulatory networks", blocks, dataset)


def count_evidence(eregulons: pd.DataFrame) -> pd.DataFrame:
    """Triplets, eRegulons and TFs behind each source of evidence; a triplet counts for each of its sources.

    Evidence reads ``<kind>:<source>;<source>|<kind>:<source>``, e.g. ``prior:ExTRI_CollecTRI|chip:ReMap_DoRothEA``.

    Returns
    -------
    Columns kind, source, triplets, eregulons, tfs; most triplets first.
    """
    sources = {
        text: [
            tuple(part.partition(":")[::2]) if ":" in part else (kind, part)
            for group in text.split("|")
            for kind, _, listed in [group.partition(":")]
            for part in (listed or kind).split(";")
        ]
        for text in eregulons["evidence"].unique()
    }
    rows = eregulons[["eregulon", "tf"]].assign(pair=eregulons["evidence"].map(sources)).explode("pair")
    rows["kind"], rows["source"] = rows["pair"].str[0], rows["pair"].str[1]
    counts = rows.groupby(["kind", "source"]).agg(
        triplets=("tf", "size"), eregulons=("eregulon", "nunique"), tfs=("tf", "nunique")
    )
    return counts.reset_index().sort_values(
        ["triplets", "kind", "source"], ascending=[False, True, True], ignore_index=True
    )


def _pictures(
    networks: dict[str, pd.DataFrame], specificity: pd.DataFrame, tf_of: dict[str, str], settings: dict[str, Any]
) -> list[Block]:
    import pandas as pd

    blocks: list[Block] = []
    drawn = []
    for name, edges in networks.items():
        ranked = specificity[specificity["cell_type"] == name].sort_values(["rss", "eregulon"], ascending=[False, True])
        tfs = [str(tf_of[e]) for e in ranked["eregulon"] if e in tf_of]
        part = strongest_edges(edges, tfs, settings["network_tfs"], settings["network_targets"])
        drawn.append(part.assign(cell_type=name))
        caption = (
            f"{name}: the {part['tf'].nunique()} TFs with the most specific eRegulons and up to "
            f"{settings['network_targets']} of the strongest targets of each; {len(part)} of {len(edges):,} edges. "
            "Solid blue: activation; dashed orange: repression. Positions come from a seeded spring layout and mean "
            "nothing."
        )
        blocks.append(Figure(f"network-{name}", plot_network(part, settings["seed"]), caption, 560, wide=False))
    columns = ["cell_type", "tf", "gene", "weight", "sign", "evidence"]
    blocks.append(Table("network_pictures", pd.concat(drawn)[columns], "Edges drawn.", {"tf": "TF"}, folded=True))
    return blocks
