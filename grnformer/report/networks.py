"""Section of the gene regulatory networks: funnel, evidence, eRegulons, cell-type networks, activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.report.eregulons import (
    describe_dots,
    mean_expression,
    plot_dots,
    plot_ranking,
    top_eregulons,
)
from grnformer.report.network import plot_network, strongest_edges
from grnformer.report.page import Block, Figure, Note, Section, Table
from grnformer.report.thresholds import choose_examples, explain_doubt, plot_quality, plot_thresholds

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
    quality: pd.DataFrame | None = None,
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
    quality
        Table by contract ``eregulon_quality``, where there is one.
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
            "from ChIP experiments, where a comparison with ChIP-seq targets is circular. Motifs are counted together "
            "for each TF that they stand for.",
            {"triplets": "triplets (n)", "eregulons": "eRegulons (n)", "tfs": "TFs (n)", "motifs": "motifs (n)"},
        ),
        *_quality_blocks(quality),
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
                "active_fraction": "active (share of cells)",
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
    doubts = explain_doubt(thresholds)
    blocks.append(
        Figure(
            "thresholds",
            plot_thresholds(activity, examples, dict(zip(thresholds["eregulon"], doubts, strict=True))),
            "AUCell activity over all cells with the threshold (line): first of those eRegulons whose threshold is "
            f"doubtful ({int(thresholds['doubtful'].sum()):,} of {len(thresholds):,}), the most specific for each "
            "reason; then of others for each method. Bimodal: where two Gaussians meet; skewed: mean + 2 standard "
            f"deviations. AUC within the top {activity.uns['rank_cutoff']} ranks of a cell. {silent:,} of "
            f"{activity.n_obs:,} cells have no active eRegulon.",
            60 + 210 * -(-len(examples) // 3),
        )
    )
    blocks.append(
        Table(
            "eregulon_thresholds",
            thresholds.assign(doubt=doubts.replace("", "none")).sort_values("doubtful", ascending=False, kind="stable"),
            f"Thresholds of all {len(thresholds):,} eRegulons, the doubtful ones first, with the reason.",
            folded=True,
        )
    )
    return Section("grn", "Gene regulatory networks", blocks, dataset)


def count_evidence(eregulons: pd.DataFrame) -> pd.DataFrame:
    """Triplets, eRegulons and TFs behind each source of evidence; a triplet counts for each of its sources.

    Evidence reads ``<kind>:<source>;<source>|<kind>:<source>``, e.g. ``prior:ExTRI_CollecTRI|chip:ReMap_DoRothEA``.
    Of other kinds than prior and chip, a source is a motif: those of a TF are one source, ``motifs of <TF>``.

    Returns
    -------
    Columns kind, source, triplets, eregulons, tfs, motifs (0 where a source is none); most triplets first.
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
    rows["motif"] = rows["source"].where(~rows["kind"].isin(["prior", "chip"]))
    rows["source"] = rows["source"].where(rows["motif"].isna(), "motifs of " + rows["tf"].astype(str))
    counts = rows.groupby(["kind", "source"]).agg(
        triplets=("tf", "size"), eregulons=("eregulon", "nunique"), tfs=("tf", "nunique"), motifs=("motif", "nunique")
    )
    return counts.reset_index().sort_values(
        ["triplets", "kind", "source"], ascending=[False, True, True], ignore_index=True
    )


def _quality_blocks(quality: pd.DataFrame | None) -> list[Block]:
    """How targets follow their TF: figure and table."""
    if quality is None:
        return []
    dropped = int((~quality["kept"]).sum())
    caption = (
        f"Does a TF's expression follow the activity (AUCell) of its targets? {int(quality['passed'].sum()):,} of "
        f"{len(quality):,} eRegulons do, in the direction of their signs, over {int(quality['units'].iloc[0]):,} "
        f"pseudobulks or cells. {f'{dropped:,} were dropped for it' if dropped else 'None was dropped for it'}."
    )
    labels = {"genes": "target genes (n)", "regions": "target regions (n)", "tf": "TF", "units": "units (n)"}
    return [
        Figure("eregulon-quality", plot_quality(quality), caption, 420, wide=False),
        Table("eregulon_quality", quality, "Correlations of all eRegulons with their TF.", labels, folded=True),
    ]


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
