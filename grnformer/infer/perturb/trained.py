"""In-silico perturbation through pretrained models: any of their genes, in cells of any type of the dataset."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import sample_rows
from grnformer.graph.structure import Structure
from grnformer.infer.embed import structure_of
from grnformer.infer.mapping import dimensions
from grnformer.infer.model_bundle import bundle_of
from grnformer.infer.perturb.edit import KNOCK_DOWN, Edit, edit_values
from grnformer.infer.perturb.model import Shift, shift_cells
from grnformer.infer.perturb.table import choose_types, missing, shifts_table
from grnformer.infer.reading import Reading, split_parts
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer
from grnformer.model.saved import load_model

logger = logging.getLogger(__name__)


class Perturbed(NamedTuple):
    """Shifts of genes, and of the cell embedding (its length, dimensions in SDs of the reference cells)."""

    shifts: pd.DataFrame
    cells: pd.DataFrame


class Found(NamedTuple):
    """Mean shift over all cells of a type; of how many, and in how many of them the gene was set."""

    shift: Shift
    n_cells: int
    n_set: int


@dataclass(frozen=True)
class Trained:
    """A pretrained model with the cells and the graph that it was trained on; `open_trained` makes one.

    Attributes
    ----------
    network, structure
        The model; edges, None without an adapter.
    cells
        Of one dataset.
    genes
        Symbols by node.
    types
        (cells,), cell type of each.
    scale
        (E,), SD of each dimension of the embedding's part `cell` over the reference cells.
    """

    network: GRNFormer
    structure: Structure | None
    cells: Batcher
    genes: pd.Index
    types: np.ndarray
    scale: np.ndarray

    def set_gene(
        self, gene: str, edit: Edit, cell_type: str | None, settings: Mapping[str, Any]
    ) -> Found | str:
        """Set a gene in cells of a type (None: of all types).

        A cell in which the edit changes nothing shifts by nothing, and is not computed: the mean over the cells of the
        type is that of the others times their fraction.

        Parameters
        ----------
        settings
            cells (computed at most, at even distances), draws (samples of tokens of each), batch_size, seed.

        Returns
        -------
        What was found, or why nothing can be.
        """
        if gene not in self.genes:
            return "no gene of the model"
        node = int(self.genes.get_loc(gene))
        store = self.cells.corpus.parts[0].store
        rows = np.arange(len(self.types))
        if cell_type is not None:
            rows = np.flatnonzero(self.types == cell_type)

        column = int(store.columns[node])
        expression = store.read_all(rows)
        before = expression[:, [column]].toarray().ravel()
        changes = edit_values(expression, column, edit) != before
        if not changes.any():
            where = f"{len(rows)} cells of {cell_type or 'all types'}"
            if edit.kind == KNOCK_DOWN:
                return f"not expressed in the {where}"
            return f"as high as it is to be set in the {where}"

        chosen = sample_rows(rows[changes], settings["cells"])
        shift = shift_cells(
            self.network,
            self.structure,
            self.cells,
            chosen,
            node,
            edit,
            repeats=settings["draws"],
            batch_size=settings["batch_size"],
            seed=settings["seed"],
        )
        fraction = float(changes.mean())
        whole = Shift(fraction * shift.values, fraction * shift.embedding / self.scale)
        return Found(whole, len(rows), len(chosen))


@contextmanager
def open_trained(
    model: str | Path, graph: str | Path | None, cells: str | Path
) -> Iterator[Trained]:
    """Open a model of one dataset; it computes on a GPU where PyTorch can use one.

    Parameters
    ----------
    model, graph
        See `grnformer.infer.embed.Embedder`.
    cells
        The file that the model was trained on.

    Raises
    ------
    InputError
        If the bundle is not the model's, or is of a corpus; if embeddings have no part `cell`.
    """
    network, card = load_model(model)
    network.eval()
    if torch.cuda.is_available():
        network.cuda()
    bundle = bundle_of(model, card, graph)
    if bundle.sources is not None:
        raise InputError(
            f"{model} is a model of a corpus of several datasets",
            "a model of one dataset, in whose cells genes are set",
            "name an arm and a dataset of the sample sheet",
        )
    genes = bundle.graph.genes["gene"].tolist()
    parts = Reading.of_card(card).parts
    if "cell" not in parts:
        raise InputError(
            f"embeddings of {model} have the parts {list(parts)}",
            "the part cell, whose shift is measured",
            "name cell in pretrain.embed.parts, and pretrain again",
        )
    reference = io.read_table(Path(model) / "reference.parquet", "reference_embedding")
    size = card["settings"]["size"]
    with Corpus.of_dataset(cells, genes) as corpus:
        batcher = Batcher(
            corpus,
            bundle.graph,
            bundle.meta["cell_types"],
            BACKBONES[card["arguments"]["backbone"]["name"]].tokeniser(
                **card["tokeniser"]
            ),
            n_tokens=card["embed"]["n_tokens"],
            mask_fraction=size["mask_fraction"],
        )
        structure = structure_of(network, card, bundle, batcher.cell_types)
        embedded = reference[dimensions(reference)].to_numpy()
        width = network.backbone.width
        # a constant dimension must not divide by 0
        scale = split_parts(embedded, parts, width)["cell"].std(axis=0).clip(1e-9)
        yield Trained(
            network,
            structure,
            batcher,
            pd.Index(genes),
            np.asarray(corpus.cell_types),
            scale,
        )


def perturb_model(
    model: str | Path,
    graph: str | Path | None,
    cells: str | Path,
    genes: Sequence[str],
    edits: Sequence[Edit],
    settings: Mapping[str, Any],
    cell_types: Sequence[str] | None = None,
) -> Perturbed:
    """Shift of every gene of a model, and of the cell embedding, if a gene is set in the cells of each type.

    Parameters
    ----------
    model, graph, cells
        See `open_trained`.
    genes
        Symbols.
    settings
        See `Trained.set_gene`.
    cell_types
        None: all of the cells.

    Returns
    -------
    Both with cell_type, gene, kind, shift, n_cells, n_set; shifts also with target. What cannot be set is one row with
    a reason in each.

    Raises
    ------
    InputError
        See `open_trained`; if no cell is of a type that is named.
    """
    shifts, embedded = [], []
    with open_trained(model, graph, cells) as trained:
        for cell_type in choose_types(cell_types, sorted(set(trained.types))):
            n_cells = int((trained.types == cell_type).sum())
            for gene in dict.fromkeys(genes):
                for edit in edits:
                    found = trained.set_gene(gene, edit, cell_type, settings)
                    if isinstance(found, str):
                        row = missing(gene, edit.kind, found, n_cells)
                        shifts.append(row.assign(cell_type=cell_type))
                        row = row.drop(columns="target")
                        embedded.append(row.assign(cell_type=cell_type))
                        continue
                    about = {
                        "cell_type": cell_type,
                        "n_cells": found.n_cells,
                        "n_set": found.n_set,
                    }
                    values = found.shift.values
                    there = np.flatnonzero(~np.isnan(values))
                    part = shifts_table(
                        gene, edit.kind, trained.genes[there], values[there]
                    )
                    shifts.append(part.assign(**about))
                    length = float(np.linalg.norm(found.shift.embedding))
                    row = {"gene": gene, "kind": edit.kind, "shift": length}
                    embedded.append(pd.DataFrame([row | about]))
    return Perturbed(
        pd.concat(shifts, ignore_index=True), pd.concat(embedded, ignore_index=True)
    )
