"""Section of the data: cells, genes and regions before and after, QC, joint embedding, marker genes."""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd

from grnformer.report.cells import mean_by_type, sample_rows
from grnformer.report.figures.cells import (
    METRICS,
    plot_histograms,
    plot_markers,
    plot_umap,
    plot_umap_metric,
    plot_violins,
)
from grnformer.report.page import Block, Config, Figure, Note, Section, table
from grnformer.report.sections.fragments import fragment_blocks
from grnformer.report.text import format_count, format_sample
from grnformer.report.verdicts import LEAST_DONORS


def prep_section(
    *,
    qc: pd.DataFrame,
    dropped: pd.DataFrame,
    markers: pd.DataFrame,
    rna: anndata.AnnData,
    summary: dict[str, Any],
    umap: np.ndarray | None,
    fragments: pd.DataFrame | None,
    settings: Config,
    config: Config,
) -> Section:
    """Section of stage prep.

    Parameters
    ----------
    qc, dropped, markers
        Tables by the contracts ``cell_qc``, ``dropped`` and ``markers``.
    rna
        RNA modality of the multiome with obs cell_type, sample and donor.
    summary
        By contract ``prep_summary``.
    umap
        (cells, 2) joint embedding in the order of `rna`, or None.
    fragments
        Contract ``fragment_qc`` of all samples, where they were given as fragments.
    settings, config
        Sections ``report`` and ``prep`` of the configuration.
    """
    cell_types = rna.obs["cell_type"].astype(str)
    # The QC table also has the cells that were dropped.
    kept = qc.set_index("cell").reindex(rna.obs_names)
    donors = rna.obs["donor"].nunique()
    blocks = _size_blocks(dropped, summary, kept, cell_types, donors)

    if fragments is not None:
        blocks += fragment_blocks(fragments, config["fragments"], settings)
    n_kept, limits = int(qc["kept"].sum()), config["cells"]
    bounds = (
        "Lines: hard limits. Further cells were dropped as outliers beyond "
        f"{limits['n_mads']:g} scaled median absolute deviations of log1p values in their sample."
    )
    if config["pairing"] == "pseudocells":
        blocks.insert(0, Note(describe_metacells(config["unpaired"])))
        limits, bounds = (
            {},
            "Cells here are metacells; limits held for the single cells.",
        )

    what = "RNA and ATAC" if "n_atac_counts" in qc else "RNA"
    blocks += _embedding_blocks(umap, kept, cell_types, what, settings)
    blocks += [
        Figure(
            "qc",
            plot_histograms(qc, limits),
            f"QC metrics of all {len(qc):,} cells: {n_kept:,} kept (blue), {len(qc) - n_kept:,} dropped "
            f"(orange). {bounds}",
            460,
        ),
        Figure(
            "qc-types",
            plot_violins(kept, cell_types),
            f"The same metrics of the {len(kept):,} cells kept, by cell type. Box: quartiles.",
            460,
        ),
    ]

    blocks += _marker_blocks(markers, rna, cell_types, settings["markers_per_type"])
    return Section("prep", "Cells, genes and regions", blocks)


def _size_blocks(
    dropped: pd.DataFrame,
    summary: dict[str, Any],
    kept: pd.DataFrame,
    cell_types: pd.Series,
    donors: int,
) -> list[Block]:
    """Sizes, cell types, pairing of barcodes, and what was removed."""
    medians: dict[str, Any] = {
        name: f"median {metric.label}" for name, metric in METRICS.items()
    }
    checks = pd.DataFrame.from_dict(summary["checks"], orient="index")
    return [
        table(
            "sizes",
            tabulate_sizes(summary),
            "Before and after filtering.",
            before="before (n)",
            after="after (n)",
            kept="kept (fraction)",
        ),
        Note(describe_types(summary)),
        Note(describe_donors(donors)),
        table(
            "cell_types",
            tabulate_types(kept, cell_types),
            "Cells of each type, and the medians of their QC metrics.",
            **medians,
        ),
        table(
            "pairing",
            checks.rename_axis("sample").reset_index(),
            "Pairing of RNA and ATAC barcodes, and enrichment of the regions at the transcription start sites (TSS) of "
            "the stated genome build."
            if "atac_barcodes" in checks
            else "Barcodes of each sample before the filters; the run has RNA alone.",
            rna_barcodes="RNA barcodes (n)",
            atac_barcodes="ATAC barcodes (n)",
            paired="paired (n)",
            metacells="metacells (n)",
            cells_per_metacell="cells of each modality in a metacell (n)",
            share_of_rna_cells="RNA cells in a metacell (fraction)",
            share_of_atac_cells="ATAC cells in a metacell (fraction)",
            tss_share="regions that hold a TSS (fraction)",
            tss_enrichment="TSS enrichment (fold)",
            overlapping_regions="regions that overlap others, whose fragments count twice (n)",
        ),
        table(
            "dropped",
            count_reasons(dropped),
            f"Reasons why {len(dropped):,} cells, genes and regions were removed. Names: prep/dropped.tsv.",
            removed="removed (n)",
        ),
    ]


def _embedding_blocks(
    umap: np.ndarray | None,
    kept: pd.DataFrame,
    cell_types: pd.Series,
    what: str,
    settings: Config,
) -> list[Block]:
    """UMAPs; `what`: the modalities."""
    if umap is None:
        return [
            Note(
                "No UMAP is drawn: no joint embedding was computed for this dataset.",
                kind="missing",
            )
        ]
    shown = sample_rows(len(kept), settings["max_points"], settings["seed"])
    drawn = format_sample(len(shown), len(kept), "cells")

    return [
        Figure(
            "umap-type",
            plot_umap(umap[shown], cell_types.iloc[shown]),
            f"UMAP of {what} by cell type; n {len(kept):,} cells.{drawn}"
            + (" Joint, by weighted nearest neighbours." if "ATAC" in what else ""),
            470,
            wide=False,
        ),
        Figure(
            "umap-qc",
            plot_umap_metric(umap[shown], kept.iloc[shown]),
            f"The same cells by depth of {what} (log10 of counts). Choose the metric above the plot.",
            470,
            wide=False,
        ),
    ]


def _marker_blocks(
    markers: pd.DataFrame, rna: anndata.AnnData, cell_types: pd.Series, per_type: int
) -> list[Block]:
    if markers.empty:
        return [
            Note(
                "There are no marker genes: the dataset has one cell type only.",
                kind="missing",
            )
        ]
    genes = list(
        markers.groupby("cell_type", sort=True).head(per_type)["gene"].unique()
    )
    part = rna[:, genes]
    values = {"mean": part.X, "fraction": part.layers["counts"] > 0}

    return [
        Figure(
            "markers",
            plot_markers(mean_by_type(values, genes, cell_types, "gene")),
            f"The {per_type} first marker genes of each type. Size: fraction of the type's cells with a count. Colour: "
            "mean log-normalised expression, scaled from 0 to 1 over the types for each gene. "
            f"n {len(cell_types):,} cells.",
            190 + 34 * cell_types.nunique(),
        ),
        table(
            "markers",
            markers,
            f"Marker genes of each type against all other cells (Wilcoxon rank-sum test), {len(markers):,} rows.",
            folded=True,
            score="z score",
            log2_fold_change="log2 fold change",
            p_adjusted="adjusted p",
            share_in="fraction of cells in the type",
            share_out="fraction of other cells",
        ),
    ]


def tabulate_sizes(summary: dict[str, Any]) -> pd.DataFrame:
    """Cells, genes and regions before and after filtering; columns what, before, after, kept (fraction)."""
    rows = [
        {"what": f"{kind}s", **summary["counts"][kind]}
        for kind in ("RNA cell", "ATAC cell", "cell", "gene", "region")
        if kind in summary["counts"]
    ]
    frame = pd.DataFrame(rows, columns=["what", "before", "after"])
    return frame.assign(kept=frame["after"] / frame["before"])


def describe_types(summary: dict[str, Any]) -> str:
    """Where the cell types come from, and how far joint clusters agree with them."""
    source = (
        "the annotation"
        if summary["cell_types_from"] == "annotation"
        else summary["cell_types_from"]
    )
    ari = summary["cluster_type_ari"]
    agreement = (
        ""
        if ari is None
        else f" (adjusted Rand index against the cell types: {ari:.2f})"
    )
    joint = (
        "Joint clustering of RNA and ATAC"
        if "region" in summary["counts"]
        else "Clustering of RNA"
    )
    clusters = (
        f"{joint} gives {format_count(summary['clusters'], 'cluster')}{agreement}."
    )

    return f"Cell types come from {source}. {clusters}"


def describe_metacells(unpaired: dict[str, Any]) -> str:
    """What cells are where RNA and ATAC are of different cells. `unpaired`: section `prep.unpaired`."""
    n = unpaired["cells_per_group"]
    return (
        f"RNA and ATAC are of different cells. Every cell in this report is a metacell: the sum of {n} RNA cells and "
        f"of {n} ATAC cells of one annotated type, drawn by chance. Links between regions and genes rest on "
        "differences between types; within a type, RNA and ATAC of a metacell are independent."
    )


def describe_donors(donors: int) -> str:
    """How many donors the cells are of, and whether that is enough to tell what differs between them."""
    few = (
        f": too few to judge how results vary between donors (at least {LEAST_DONORS} are needed). Cells of one donor "
        "are not independent, and intervals in this report are not over donors"
        if donors < LEAST_DONORS
        else ""
    )
    return f"The cells are of {donors} {'donor' if donors == 1 else 'donors'}{few}."


def tabulate_types(kept: pd.DataFrame, cell_types: pd.Series) -> pd.DataFrame:
    """Cells of each type with the median of each QC metric."""
    grouped = kept[[name for name in METRICS if name in kept]].groupby(
        cell_types.to_numpy()
    )
    frame = grouped.median()
    frame.insert(0, "cells", grouped.size())
    return frame.rename_axis("cell_type").reset_index()


def count_reasons(dropped: pd.DataFrame) -> pd.DataFrame:
    """What was removed for which reason; columns kind, reason, removed."""
    counts = dropped.groupby(["kind", "reason"]).size().rename("removed").reset_index()
    return counts.sort_values(
        ["kind", "removed", "reason"], ascending=[True, False, True], ignore_index=True
    )
