"""What a pretrained model predicts of a changed gene: the shift of all other genes and of the cell embedding.

Everything is done twice, with the gene as it is in a cell and as it is set (`Edit`), and the difference is averaged
over unperturbed cells and samples of tokens. The set gene is always a token and never masked; both passes have the same
tokens, mask and sampled edges. There are two readings. Masked tokens: a fraction of the other genes is masked, as in
training, and predicted. The cell: its embedding is made with nothing masked, and decoded for every gene, where the
backbone was trained for that (scGPT's MVC). Masks are of the training's size, since a model that never saw most of a
cell masked need not be right there; that the visible genes keep the values that they had shrinks a shift, but its
pattern over genes remains.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from grnformer.core.errors import InputError
from grnformer.data.activity import VisibleActivity
from grnformer.data.batch import Batch, draw_mask, make_batch
from grnformer.data.batcher import Batcher, Rows
from grnformer.data.streams import HELDOUT, STRUCTURE
from grnformer.graph.structure import Structure
from grnformer.infer.perturb.edit import Edit, edit_expression
from grnformer.model.grnformer import GRNFormer


class Shift(NamedTuple):
    """What changes in some cells with one gene.

    Attributes
    ----------
    values
        (N,), mean shift of each gene's value in its SDs; NaN for the set gene and where nothing was predicted.
    embedding
        (E,), mean shift of the cell embedding.
    """

    values: np.ndarray
    embedding: np.ndarray


class Pair(NamedTuple):
    """Cells as they are and as they are set, with the states of all tokens, (B, T, D)."""

    before: Batch
    after: Batch
    h_before: torch.Tensor
    h_after: torch.Tensor


@torch.no_grad()
def shift_cells(
    model: GRNFormer,
    structure: Structure | None,
    cells: Batcher,
    rows: np.ndarray,
    gene: int,
    edit: Edit,
    **sizes: int,
) -> Shift:
    """Mean shift of every gene and of the embedding of cells `rows` (ascending), if `gene` is set.

    Genes are read from the cell where the backbone has that objective, else of masked tokens.

    Parameters
    ----------
    gene
        Node number.
    sizes
        repeats (samples of tokens of each cell), batch_size, seed.

    Raises
    ------
    InputError
        See `predict_shift`.
    """
    _check_predicts_values(model)
    values: list[np.ndarray] = []
    embeddings: list[np.ndarray] = []
    pairs = paired_states(
        model, structure, cells, rows, gene, edit, masked=False, **sizes
    )
    every_N = torch.arange(model.n_genes, device=model.mean_N.device)
    for pair in pairs:
        whole = replace(pair.before, gene_BL=every_N.expand(len(pair.h_before), -1))
        both = []
        for h_BTD, batch in (
            (pair.h_before, pair.before),
            (pair.h_after, pair.after),
        ):
            cell_BE = model.backbone.cell_embedding(h_BTD, batch)
            both.append((cell_BE, model.backbone.reconstruct_from_cell(cell_BE, whole)))
        (cell_before, from_before), (cell_after, from_after) = both
        embeddings.append((cell_after - cell_before).cpu().numpy())
        if from_before is not None and from_after is not None:
            change_BN = from_after - from_before
            # the mean cancels in a difference
            if not model.backbone.standardised:
                change_BN = change_BN / model.sd_N
            values.append(change_BN.cpu().numpy())
    embedding = np.concatenate(embeddings).mean(axis=0)
    if not values:
        masked = predict_shift(model, structure, cells, rows, gene, edit, **sizes)
        return Shift(masked, embedding)
    found = np.concatenate(values).mean(axis=0, dtype=np.float64)
    found[gene] = np.nan
    return Shift(found, embedding)


@torch.no_grad()
def predict_shift(
    model: GRNFormer,
    structure: Structure | None,
    cells: Batcher,
    rows: np.ndarray,
    gene: int,
    edit: Edit,
    **sizes: int,
) -> np.ndarray:
    """Mean shift of each gene's standardised value, read of masked tokens; parameters as of `shift_cells`.

    Returns
    -------
    (N,), NaN for the set gene and for genes that no sample has masked.

    Raises
    ------
    InputError
        If the backbone predicts genes, not values.
    """
    _check_predicts_values(model)
    # Sums and counts by gene, (N,): a sample masks some genes only.
    total, count = np.zeros(model.n_genes), np.zeros(model.n_genes)
    pairs = paired_states(
        model, structure, cells, rows, gene, edit, masked=True, **sizes
    )
    for pair in pairs:
        masked = pair.before.masked_BL
        before = model.predict(pair.h_before, pair.before)[masked].cpu().numpy()
        after = model.predict(pair.h_after, pair.after)[masked].cpu().numpy()
        genes = pair.before.gene_BL[masked].cpu().numpy()

        # add.at: several cells mask a gene, and plain indexing would add it once.
        np.add.at(total, genes, after - before)
        np.add.at(count, genes, 1)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan)


def _check_predicts_values(model: GRNFormer) -> None:
    if model.masks_genes:
        raise InputError(
            "a backbone whose mask hides the gene itself",
            "one that predicts values",
            "set pretrain.backbone to scgpt",
        )


@torch.no_grad()
def paired_states(
    model: GRNFormer,
    structure: Structure | None,
    cells: Batcher,
    rows: np.ndarray,
    gene: int,
    edit: Edit,
    *,
    masked: bool,
    repeats: int,
    batch_size: int,
    seed: int,
) -> Iterator[Pair]:
    """Batches of cells as they are and as they are set, through the model; parameters as of `shift_cells`."""
    store = cells.corpus.parts[0].store  # of one dataset
    activity = VisibleActivity(cells.graph, store)
    column = int(store.columns[gene])
    device = model.mean_N.device
    if not masked:
        cells = _without_mask(cells)
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        # All genes of the file: activity needs the ranks over all of them.
        expression = store.read_all(part)
        as_is, as_set = (
            Rows(cells.tokeniser.values(changed[:, store.columns]), changed)
            for changed in (expression, edit_expression(expression, column, edit))
        )
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, HELDOUT, start, repeat])
            both = paired_batches(cells, activity, part, as_is, as_set, gene, rng)
            states = []
            for batch in both:
                # Both passes sample the same edges: only the set gene differs.
                structure_rng = np.random.default_rng([seed, STRUCTURE, start, repeat])
                states.append(model(batch.to(device), structure, structure_rng))
            yield Pair(both[0].to(device), both[1].to(device), *states)


def _without_mask(cells: Batcher) -> Batcher:
    # a copy: the caller's batcher keeps its fraction
    unmasked = copy.copy(cells)
    unmasked.mask_fraction = 0.0
    return unmasked


def paired_batches(
    cells: Batcher,
    activity: VisibleActivity,
    rows: np.ndarray,
    before: Rows,
    after: Rows,
    gene: int,
    rng: np.random.Generator,
) -> tuple[Batch, Batch]:
    """The same tokens and mask of cells as they are and as they are set; `gene` is a token, and not masked."""
    # From the cells as they are: tokens must not depend on the perturbation.
    tokens = cells.tokeniser.tokenise(before.values, cells.n_tokens, rng)

    gene_BL, present_BL = with_gene(tokens.gene_BL, tokens.present_BL, gene)

    # The perturbed gene must be seen, else its value would reach no prediction.
    masked_BL = draw_mask(gene_BL.shape, cells.mask_fraction, rng, present_BL) & (
        gene_BL != gene
    )

    def batch(of: Rows) -> Batch:
        value_BL = np.take_along_axis(of.values.toarray(), gene_BL, axis=1)
        changed = replace(
            tokens, gene_BL=gene_BL, value_BL=value_BL, present_BL=present_BL
        )
        active = activity.score(of.expression, gene_BL, masked_BL)
        return make_batch(changed, masked_BL, cells.type_of_cell[rows], active)

    return batch(before), batch(after)


def with_gene(
    gene_BL: np.ndarray, present_BL: np.ndarray | None, gene: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Tokens with `gene` among them: where it was not sampled, behind the others, or for want of room as the last."""
    gene_BL = gene_BL.copy()
    sampled_BL = gene_BL == gene
    if present_BL is None:
        gene_BL[~sampled_BL.any(axis=1), -1] = gene
        return gene_BL, None

    # padded places bear some gene's number, too
    present_BL = present_BL.copy()
    absent = np.flatnonzero(~(sampled_BL & present_BL).any(axis=1))
    place = np.minimum(present_BL.sum(axis=1), gene_BL.shape[1] - 1)[absent]
    gene_BL[absent, place] = gene
    present_BL[absent, place] = True
    return gene_BL, present_BL
