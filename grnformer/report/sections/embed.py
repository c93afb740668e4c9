"""Section of new cells that a model embedded: how many, which types they map to, how many are out of domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from grnformer.report.figures.embed import plot_mapped_types
from grnformer.report.page import Block, Figure, Note, Section, table
from grnformer.report.text import format_count


class EmbeddedCells(NamedTuple):
    """What `embed` added to a file: columns of obs, and uns["grnformer"] (contract ``embedded_cells``)."""

    obs: pd.DataFrame
    made_by: Mapping[str, Any]


def embed_section(
    files: Mapping[str, EmbeddedCells], warn_above: float, by: str
) -> Section:
    """Section of the stage embed.

    Parameters
    ----------
    files
        Name of the input (``embed.inputs``) -> what was added to its cells.
    warn_above
        Fraction of cells out of domain (0 to 1) above which a file is named (``embed.mapping.warn_above``).
    by
        The model, in words.
    """
    sizes = pd.DataFrame([_sum_up(name, found) for name, found in files.items()])
    far = sizes[sizes["out_of_domain"] > warn_above]
    said = [
        f"{row['file']}: {row['out_of_domain']:.0%} of {format_count(row['cells'], 'cell')} are out of domain. What "
        "the model says of such cells is not to be relied on"
        for row in far.to_dict("records")
    ]
    types = tabulate_mapped_types(files)
    blocks: list[Block] = [
        Note(
            f"Cells of {format_count(len(files), 'file')} were embedded by {by}. Each took the graph of the "
            "pretraining cell that is nearest to it. Out of domain: farther from it than pretraining cells usually are "
            "from each other."
        ),
        *(
            [
                Note(
                    "Files of which many cells are far from all pretraining cells:",
                    tuple(said),
                    "loss",
                )
            ]
            if said
            else []
        ),
        table(
            "embedded",
            sizes,
            "Files that were embedded. The embedding is obsm['X_grnformer'] of embed/<file>.h5ad.",
            out_of_domain="out of domain (fraction)",
            genes="genes read (n)",
            model_genes="genes of the model (n)",
            distance="median distance (SD)",
            usual_distance="usual distance (SD)",
        ),
        Figure(
            "embedded-types",
            plot_mapped_types(types),
            f"Types of the nearest pretraining cells. n {format_count(int(sizes['cells'].sum()), 'cell')}.",
        ),
        table(
            "embedded_types",
            types,
            "Cells by the type of their nearest pretraining cell.",
            out_of_domain="out of domain (n)",
            distance="median distance (SD)",
            folded=True,
        ),
    ]
    return Section("embed", "Embedded cells", blocks)


def _sum_up(name: str, found: EmbeddedCells) -> dict[str, Any]:
    obs, made_by = found
    return {
        "file": name,
        "cells": len(obs),
        "out_of_domain": float(obs["out_of_domain"].mean()),
        "genes": int(made_by["measured_genes"]),
        "model_genes": int(made_by["model_genes"]),
        "distance": float(obs["mapping_distance"].median()),
        "usual_distance": float(made_by["usual_distance"]),
    }


def tabulate_mapped_types(files: Mapping[str, EmbeddedCells]) -> pd.DataFrame:
    """Columns ``file, cell_type, cells, out_of_domain, distance``; the types of a file by their number of cells."""
    parts = []
    for name, found in files.items():
        # a type to which no cell maps has no row
        grouped = found.obs.groupby(
            found.obs["mapped_cell_type"].astype(str), sort=True
        )
        part = grouped.agg(
            cells=("out_of_domain", "size"),
            out_of_domain=("out_of_domain", "sum"),
            distance=("mapping_distance", "median"),
        ).rename_axis("cell_type")
        part = part.sort_values("cells", ascending=False, kind="stable").reset_index()
        part.insert(0, "file", name)
        parts.append(part.astype({"out_of_domain": int}))
    return pd.concat(parts, ignore_index=True)
