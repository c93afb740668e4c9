"""Section of the data: cells, genes and regions before and after, QC, joint embedding, marker genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.report.cells import METRICS, plot_histograms, plot_markers, plot_umap, plot_umap_metric, plot_violins
from grnformer.report.fragments import fragment_blocks
from grnformer.report.page import Block, Figure, Note, Section, Table
from grnformer.report.topics import sample_rows

if TYPE_CHECKING:
    import anndata
    import numpy as np
    import pandas as pd


def quality_section(
    dataset: str,
    *,
    qc: pd.DataFrame,
    dropped: pd.DataFrame,
    markers: pd.DataFrame,
    rna: anndata.AnnData,
    summary: dict[str, Any],
    umap: np.ndarray | None,
    limits: dict[str, Any],
    settings: dict[str, Any],
    fragments: pd.DataFrame | None,
    bounds: dict[str, Any],
) -> Section:
    """Section of stage prep.

    Parameters
    ----------
    qc, dropped, markers
        Tables by the contracts ``cell_qc``, ``dropped`` and ``markers``.
    rna
        RNA modality of the multiome with obs cell_type and sample.
    summary
        By contract ``prep_summary``.
    umap
        (cells, 2) joint embedding in the order of `rna`, or None.
    limits
        ``prep.cells`` of the configuration.
    settings
        Section ``report`` of the configuration.
    fragments
        Contract ``fragment_qc`` of all samples, where they were given as fragments.
    bounds
        ``prep.fragments`` of the configuration.
    """
    sizes = tabulate_sizes(summary)
    checks = tabulate_checks(summary)
    cell_types = rna.obs["cell_type"].astype(str)
    kept = qc.set_index("cell").reindex(rna.obs_names)
    blocks: list[Block] = [
        Table(
            "sizes",
            sizes,
            "Before and after filtering.",
            {"before": "before (n)", "after": "after (n)", "kept": "kept (share)"},
        ),
        Note(describe_types(summary)),
        Table(
            "cell_types",
            tabulate_types(kept, cell_types),
            "Cells of each type, and the medians of their QC metrics.",
            {"cells": "cells (n)"} | {name: f"median {label}" for name, (label, *_) in METRICS.items()},
        ),
        Table(
            "pairing",
            checks,
            "Pairing of RNA and ATAC barcodes, and whether the regions gather at the transcription start sites of the "
            "stated genome build.",
            {
                "rna_barcodes": "RNA barcodes (n)",
                "atac_barcodes": "ATAC barcodes (n)",
                "paired": "paired (n)",
                "tss_share": "regions that hold a TSS (share)",
                "tss_enrichment": "TSS enrichment (fold)",
            },
        ),
        Table(
            "dropped",
            count_reasons(dropped),
            f"Why {len(dropped):,} cells, genes and regions were removed; a list of names is in prep/dropped.tsv.",
            {"removed": "removed (n)"},
        ),
        *(fragment_blocks(fragments, bounds, settings) if fragments is not None else []),
        Figure(
            "qc",
            plot_histograms(qc, limits),
            f"QC metrics of all {len(qc):,} paired cells: {int(qc['kept'].sum()):,} kept (blue), "
            f"{int((~qc['kept']).sum()):,} dropped (orange). Lines: hard limits; further cells were dropped as "
            f"outliers beyond {limits['n_mads']:g} scaled median absolute deviations of log1p values in their sample.",
            460,
        ),
        Figure(
            "qc-types",
            plot_violins(kept, cell_types),
            f"The same metrics of the cells kept, by cell type; box: quartiles; n {len(kept):,} cells.",
            460,
        ),
    ]
    if umap is None:
        blocks.append(Note("No joint embedding was computed for this dataset, so no UMAP is drawn.", kind="missing"))
    else:
        shown = sample_rows(rna.n_obs, settings["max_points"], settings["seed"])
        part = "" if len(shown) == rna.n_obs else f" A random {len(shown):,} of {rna.n_obs:,} cells are drawn."
        blocks += [
            Figure(
                "umap-type",
                plot_umap(umap[shown], cell_types.iloc[shown]),
                f"Joint UMAP of RNA and ATAC (weighted nearest neighbours) by cell type; n {rna.n_obs:,} cells.{part}",
                470,
                wide=False,
            ),
            Figure(
                "umap-qc",
                plot_umap_metric(umap[shown], kept.iloc[shown]),
                "The same cells by depth of RNA and ATAC (choose above the plot; log10 of counts).",
                470,
                wide=False,
            ),
        ]
    if markers.empty:
        blocks.append(Note("There are no marker genes: the dataset has one cell type only.", kind="missing"))
        return Section("prep", "Cells, genes and regions", blocks, dataset)
    top = markers.groupby("cell_type", sort=True).head(settings["markers_per_type"])
    blocks += [
        Figure(
            "markers",
            plot_markers(top, rna, cell_types),
            f"The {settings['markers_per_type']} first marker genes of each type. Size: share of the type's cells with "
            "a count; colour: mean log-normalised expression scaled from 0 to 1 over the types for each gene.",
            190 + 34 * cell_types.nunique(),
        ),
        Table(
            "markers",
            markers,
            f"Marker genes of each type against all other cells (Wilcoxon rank-sum test), {len(markers):,} rows.",
            {
                "score": "z score",
                "log2_fold_change": "log2 fold change",
                "p_adjusted": "adjusted p",
                "share_in": "share of cells in",
                "share_out": "share of cells out",
            },
            folded=True,
        ),
    ]
    return Section("prep", "Cells, genes and regions", blocks, dataset)


def tabulate_sizes(summary: dict[str, Any]) -> pd.DataFrame:
    """Cells, genes and regions before and after filtering; columns what, before, after, kept (share)."""
    import pandas as pd

    counts = summary["counts"]
    rows = [{"what": f"{kind}s", **counts[kind]} for kind in ("cell", "gene", "region")]
    frame = pd.DataFrame(rows, columns=["what", "before", "after"])
    return frame.assign(kept=frame["after"] / frame["before"])


def tabulate_checks(summary: dict[str, Any]) -> pd.DataFrame:
    """Pairing of barcodes and fit of the genome build, one row a sample."""
    import pandas as pd

    frame = pd.DataFrame.from_dict(summary["checks"], orient="index")
    return frame.rename_axis("sample").reset_index()


def describe_types(summary: dict[str, Any]) -> str:
    """Where the cell types come from, and how far joint clusters agree with them."""
    text = (
        f"Cell types come from {'the annotation' if summary['cell_types_from'] == 'annotation' else 'joint clusters'}; "
    )
    text += f"joint clustering of RNA and ATAC gives {summary['clusters']} clusters"
    ari = summary["cluster_type_ari"]
    return text + (f" (adjusted Rand index against the given types {ari:.2f})." if ari is not None else ".")


def tabulate_types(kept: pd.DataFrame, cell_types: pd.Series) -> pd.DataFrame:
    """Cells of each type with the median of each QC metric."""
    grouped = kept[[m for m in METRICS if m in kept]].groupby(cell_types.to_numpy())
    table = grouped.median()
    table.insert(0, "cells", grouped.size())
    return table.rename_axis("cell_type").reset_index()


def count_reasons(dropped: pd.DataFrame) -> pd.DataFrame:
    """What was removed for which reason; columns kind, reason, removed."""
    counts = dropped.groupby(["kind", "reason"]).size().rename("removed").reset_index()
    return counts.sort_values(["kind", "removed", "reason"], ascending=[True, False, True], ignore_index=True)
