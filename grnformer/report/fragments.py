"""Quality of barcodes of samples given as fragments: one row a sample, and TSS enrichment against depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.report.page import Block, Figure, Table
from grnformer.report.style import CATEGORIES, INK, NEGATIVE
from grnformer.report.topics import sample_rows

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MEDIANS = {
    "n_fragments": "median unique fragments",
    "tss_enrichment": "median TSS enrichment (fold)",
    "frip": "median FRiP (share)",
    "nucleosome_signal": "median nucleosome signal",
    "duplicate_rate": "median duplicate rate (share)",
}


def fragment_blocks(fragments: pd.DataFrame, bounds: dict[str, Any], settings: dict[str, Any]) -> list[Block]:
    """Table of samples, why barcodes were dropped, and the plot that shows cells apart from debris.

    Parameters
    ----------
    fragments
        Contract ``fragment_qc`` of all samples of a dataset.
    bounds
        ``prep.fragments`` of the configuration.
    settings
        Section ``report`` of the configuration.
    """
    looked_at = fragments[fragments["tss_enrichment"].notna()]
    shown = looked_at.iloc[sample_rows(len(looked_at), settings["max_points"], settings["seed"])]
    part = "" if len(shown) == len(looked_at) else f" A random {len(shown):,} of them are drawn."
    kept = int(looked_at["reason"].isna().sum())
    return [
        Table(
            "fragments",
            tabulate_samples(fragments, bounds["min_fragments"]),
            "Barcodes of the fragments by sample; medians of those kept. FRiP: fraction of fragments in the consensus "
            "peaks; nucleosome signal: fragments of 147 to 293 bp over shorter ones.",
            {
                "barcodes": "barcodes in the file (n)",
                "enough": f"with {bounds['min_fragments']:,} fragments (n)",
                "paired": "of these in the RNA (n)",
                "kept": "kept (n)",
            }
            | MEDIANS,
        ),
        Figure(
            "fragments",
            plot_enrichment(shown, bounds),
            f"TSS enrichment against unique fragments of the {len(looked_at):,} barcodes that pair with RNA: {kept:,} "
            f"kept (blue), {len(looked_at) - kept:,} dropped (orange). Lines: bounds.{part}",
            430,
            wide=False,
        ),
    ]


def tabulate_samples(fragments: pd.DataFrame, min_fragments: int) -> pd.DataFrame:
    """One row a sample: barcodes, how many passed each step, and medians of those kept."""
    import pandas as pd

    rows = []
    for sample, part in fragments.groupby("sample", sort=True):
        kept = part[part["reason"].isna()]
        enough = part["n_fragments"] >= min_fragments
        rows.append(
            {
                "sample": sample,
                "barcodes": len(part),
                "enough": int(enough.sum()),
                "paired": int((enough & part["paired"]).sum()),
                "kept": len(kept),
            }
            | {metric: float(kept[metric].median()) for metric in MEDIANS}
        )
    return pd.DataFrame(rows)


def plot_enrichment(barcodes: pd.DataFrame, bounds: dict[str, Any]) -> go.Figure:
    """Scatter of TSS enrichment against unique fragments (log), kept and dropped barcodes apart."""
    import plotly.graph_objects as go

    figure = go.Figure()
    passed = barcodes["reason"].isna()
    kind = go.Scatter if len(barcodes) <= 5000 else go.Scattergl
    for name, chosen, colour in (("kept", passed, CATEGORIES[0]), ("dropped", ~passed, NEGATIVE)):
        part = barcodes[chosen]
        figure.add_trace(
            kind(
                x=part["n_fragments"],
                y=np.round(part["tss_enrichment"], 2),
                mode="markers",
                name=f"{name} ({len(part):,})",
                hoverinfo="x+y",
                marker={"color": colour, "size": 4, "opacity": 0.6},
            )
        )
    line = {"color": INK, "dash": "dash", "width": 1.4}
    figure.add_vline(x=bounds["min_fragments"], line=line)
    figure.add_hline(y=bounds["min_tss_enrichment"], line=line)
    figure.update_xaxes(type="log", title="unique fragments (n)", dtick=1)
    figure.update_yaxes(title="TSS enrichment (fold)", rangemode="tozero")
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "itemsizing": "constant"})
    return figure
