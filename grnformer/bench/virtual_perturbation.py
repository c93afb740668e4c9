"""What a masked-value model predicts of a perturbed TF: the shift of every other gene, from unperturbed cells.

The route: in each cell the TF's expression is set to 0 (knock-out) or to the highest of the cell (over-expression). A
fraction of the other genes is masked, as in training, and predicted twice, with the TF as it was and as it is set; the
shift is the mean difference over cells and samples. The TF itself is never masked. Masks are of the training's size,
since a model that never saw most of a cell masked need not be right there; that the visible genes keep the values
that they had without the perturbation shrinks the shift, but its pattern over genes remains.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
import torch

from grnformer.core.errors import InputError
from grnformer.data.activity import VisibleActivity
from grnformer.data.batch import Batch, draw_mask, make_batch
from grnformer.data.batcher import Batcher, Rows
from grnformer.data.streams import HELDOUT, STRUCTURE
from grnformer.graph.structure import Structure
from grnformer.model.grnformer import GRNFormer


@torch.no_grad()
def predict_shift(
    model: GRNFormer,
    structure: Structure | None,
    cells: Batcher,
    rows: np.ndarray,
    gene: int,
    *,
    up: bool,
    repeats: int,
    batch_size: int,
    seed: int,
) -> np.ndarray:
    """Mean shift of each gene's standardised value over cells `rows` (ascending) if `gene` is set high or to 0.

    Parameters
    ----------
    model
        Of a backbone that predicts values.
    gene
        Node number of the perturbed gene.
    up
        Over-expression; else a knock-out.
    repeats
        Samples of tokens and mask of each cell.

    Returns
    -------
    (N,), NaN for the perturbed gene and for genes that no sample has masked.

    Raises
    ------
    InputError
        If the backbone predicts genes, not values.
    """
    if model.masks_genes:
        raise InputError(
            "a backbone whose mask hides the gene itself",
            "one that predicts values",
            "set pretrain.backbone to scgpt",
        )

    # Sums and counts by gene, (N,): a sample masks some genes only.
    total, count = np.zeros(model.n_genes), np.zeros(model.n_genes)
    store = cells.corpus.parts[0].store  # of one dataset
    activity = VisibleActivity(cells.graph, store)
    column = int(store.columns[gene])
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        # All genes of the file: activity needs the ranks over all of them.
        expression = store.read_all(part)
        as_is, as_set = (
            Rows(cells.tokeniser.values(changed[:, store.columns]), changed)
            for changed in (expression, set_expression(expression, column, up=up))
        )

        for repeat in range(repeats):
            rng = np.random.default_rng([seed, HELDOUT, start, repeat])
            before, after = paired_batches(
                cells, activity, part, as_is, as_set, gene, rng
            )
            masked = before.masked_BL

            # Both predictions sample the same edges: only the perturbation differs.
            predicted = []
            for batch in (before, after):
                structure_rng = np.random.default_rng([seed, STRUCTURE, start, repeat])
                predicted.append(
                    model.predict(model(batch, structure, structure_rng), batch)[
                        masked
                    ].numpy()
                )

            genes = before.gene_BL[masked].numpy()

            # add.at: several cells mask a gene, and plain indexing would add it once.
            np.add.at(total, genes, predicted[1] - predicted[0])
            np.add.at(count, genes, 1)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan)


def set_expression(
    expression: sp.csr_matrix, column: int, *, up: bool
) -> sp.csr_matrix:
    """The rows with one gene at the highest value of its row, or at 0."""
    # LIL takes a new column; CSR would move its arrays at every new entry.
    changed = sp.lil_matrix(expression)
    changed[:, column] = expression.max(axis=1) if up else 0
    changed = sp.csr_matrix(changed)
    # A knock-out must leave no stored zeros.
    changed.eliminate_zeros()
    return changed


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
