"""Quality of the barcodes of samples given as fragments."""

from __future__ import annotations

from typing import Any

import pandas as pd

from grnformer.report.cells import sample_rows
from grnformer.report.figures.cells import plot_barcodes
from grnformer.report.page import Block, Config, Figure, table
from grnformer.report.text import format_sample

MEDIANS: dict[str, Any] = {
    "n_fragments": "median unique fragments",
    "tss_enrichment": "median TSS enrichment (fold)",
    "frip": "median FRiP (fraction)",
    "nucleosome_signal": "median nucleosome signal",
    "duplicate_rate": "median duplicate rate (fraction)",
}


def fragment_blocks(
    fragments: pd.DataFrame, bounds: Config, settings: Config
) -> list[Block]:
    """Table of samples, and the plot that shows cells apart from debris.

    Parameters
    ----------
    fragments
        Contract ``fragment_qc`` of all samples of a dataset.
    bounds
        ``prep.fragments`` of the configuration.
    settings
        Section ``report`` of the configuration.
    """
    # Barcodes with too few fragments have no TSS enrichment and are not drawn.
    measured = fragments[fragments["tss_enrichment"].notna()]
    shown = measured.iloc[
        sample_rows(len(measured), settings["max_points"], settings["seed"])
    ]
    kept = int(measured["reason"].isna().sum())

    return [
        table(
            "fragments",
            tabulate_fragments(fragments, bounds["min_fragments"]),
            "Barcodes of the fragments by sample; medians of those kept. FRiP: fraction of fragments in the consensus "
            "peaks. Nucleosome signal: fragments of 147 to 293 bp over shorter ones.",
            **MEDIANS,
            barcodes="barcodes in the file (n)",
            enough=f"with {bounds['min_fragments']:,} fragments (n)",
            paired="of these in the RNA (n)",
            kept="kept (n)",
        ),
        Figure(
            "fragments",
            plot_barcodes(shown, bounds),
            f"TSS enrichment against unique fragments of the {len(measured):,} barcodes that pair with RNA: {kept:,} "
            f"kept (blue), {len(measured) - kept:,} dropped (orange). Lines: bounds."
            + format_sample(len(shown), len(measured), "barcodes"),
            430,
            wide=False,
        ),
    ]


def tabulate_fragments(fragments: pd.DataFrame, min_fragments: int) -> pd.DataFrame:
    """One row a sample: barcodes, how many passed each step, and medians of those kept."""
    enough, kept = fragments["n_fragments"] >= min_fragments, fragments["reason"].isna()
    steps = fragments[["sample"]].assign(
        barcodes=True, enough=enough, paired=enough & fragments["paired"], kept=kept
    )
    counts = steps.groupby("sample", sort=True).sum()
    medians = fragments[kept].groupby("sample")[list(MEDIANS)].median()

    return counts.join(medians).reset_index()
