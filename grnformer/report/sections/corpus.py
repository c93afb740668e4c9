"""Section of a corpus: what each of its datasets brings, and the held-out loss on each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from grnformer.report.page import Block, Note, Section, table


def corpus_section(corpus: str, meta: dict[str, Any], heldout: pd.DataFrame) -> Section:
    """Section of what a corpus is made of.

    Parameters
    ----------
    meta
        Of a joint bundle (contract ``graph_meta``).
    heldout
        One row an arm, seed and dataset: arm, seed, source, and the keys that contract ``heldout`` has for a dataset.
    """
    sources = (
        pd.DataFrame.from_dict(meta["datasets"], orient="index")
        .rename_axis("source")
        .reset_index()
    )
    # A bundle numbers the eRegulons of its datasets one after the other.
    first, end = zip(*sources["eregulons"], strict=True)
    sources = sources[
        ["source", "cells", "genes", "cell_types", "eregulons", "cells_without_network"]
    ].assign(
        cell_types=sources["cell_types"].map(len),
        eregulons=pd.Series(end) - pd.Series(first),
    )
    alone = sources["cells_without_network"].sum()
    text = (
        f"{corpus}: {sources['cells'].sum():,} cells of {len(sources)} datasets and files, {meta['genes']:,} genes in "
        "the joint graph."
    )

    if alone:
        text += f" {alone:,} cells are of types without a network and have no edges."
    blocks: list[Block] = [
        Note(text),
        table(
            "corpus_sources",
            sources,
            "What each dataset brings. A gene that a dataset has not measured is no token of its cells. eRegulons are "
            "scored active only in the cells of their dataset.",
            source="dataset or file",
            genes="measured genes of the graph (n)",
            cell_types="cell types (n)",
            cells_without_network="cells whose type has no network (n)",
        ),
    ]

    if len(heldout):
        # the same held-out cells in every seed: their mean is their number
        means = {
            key: (key, "mean")
            for key in (
                "loss",
                "baseline_loss",
                "baseline_cell_type_loss",
                "factor_loss",
                "heldout_cells",
            )
        }
        # null where no values are predicted
        heldout = heldout.astype({"factor_loss": float})
        grouped = heldout.groupby(["arm", "source"], sort=False)
        frame = grouped.agg(
            seeds=("seed", "nunique"), loss_unit=("loss_unit", "first"), **means
        )

        blocks.append(
            table(
                "corpus_heldout",
                frame.reset_index().astype({"heldout_cells": int}),
                "Held-out loss of each arm on the cells of each dataset, mean over seeds. The baselines predict from "
                "each gene's mean (or frequency) over training cells, or over those of the cell's type, the "
                "factor model from the genes of a cell that are seen.",
                source="dataset or file",
                baseline_loss="baseline",
                baseline_cell_type_loss="baseline by cell type",
                factor_loss="baseline: factor model",
            )
        )

    return Section("corpus", "Corpus", blocks)
