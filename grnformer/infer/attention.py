"""What the adapter's attention falls on in held-out cells, and what the model would lose without it.

Shapes: B cells, L gene tokens, T tokens with the cell tokens first, H heads, C = H + 1 columns (heads, then their
mean), N genes, F TFs, Q kinds of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.streams import ATTENTION, STRUCTURE
from grnformer.graph.structure import Structure
from grnformer.infer.attended import Attended, attend, normalise
from grnformer.model.adapter import CrossAttentionAdapter
from grnformer.model.grnformer import GRNFormer

# queries: genes to be predicted, genes the model sees, the cell tokens
KINDS = ("masked", "seen", "cell")
VARIANTS = ("trained", "adapter_off", "uniform", "without_tfs", "without_others")
_ELEMENTS = 2**22  # attention weights at a time


@dataclass
class Received:
    """Attention that genes received as keys in the cells of one type, summed over cells and their samples of tokens.

    Attributes
    ----------
    kinds
        Q of `KINDS`.
    mass_QNC
        Sum over cells of the attention that the gene's structure got from the queries of other genes, relative to
        uniform attention to all other genes: 1 a cell if attention is uniform.
    keys_QN
        Cells (times samples) in which the gene was a key.
    pair_NF, pairs_NF
        Sum of that relative attention from each gene's query to each TF's key, mean over heads; cells with both.
    totals
        Sums of measures over tokens, and their numbers; see `collect_attention`.
    """

    kinds: list[str]
    mass_QNC: np.ndarray
    keys_QN: np.ndarray
    pair_NF: np.ndarray
    pairs_NF: np.ndarray
    totals: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def attention_batches(
    cells: Batcher,
    rows: np.ndarray,
    *,
    samples: int,
    n_heads: int,
    seed: int,
) -> Iterator[Batch]:
    """Masked batches of cells, tokens and masks sampled `samples` times; as many cells at a time as memory allows."""
    # Weights are (B, H, T, L): memory grows with the square of the tokens.
    size = max(1, _ELEMENTS // (n_heads * cells.n_tokens**2))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        # Read once: samples differ in their tokens and masks only.
        held = cells.read(part)
        for sample in range(samples):
            # Seeded by the cell, not by the batch's number.
            rng = np.random.default_rng([seed, ATTENTION, int(part[0]), sample])
            yield cells.masked_batch(part, held, rng)


@torch.no_grad()
def collect_attention(
    model: GRNFormer,
    structure: Structure,
    batches: list[Batch],
    is_tf: np.ndarray,
    seed: int,
    *,
    measure: bool,
) -> Received:
    """Attention of one model over the batches of one cell type.

    Parameters
    ----------
    model
        With an adapter, in evaluation mode.
    is_tf
        (N,).
    seed
        Of the edges sampled where a gene has more than `fanout`, and of the genes left out for comparison.
    measure
        Whether to add pairs, and totals: `tokens` with `own` (fraction of attention on the gene itself), `norm`
        (fraction of beta h_fusion in the norms of it and of h_expr) and `pattern` (the same of its change if attention
        to other genes were uniform); `masked` tokens with their loss by each of `VARIANTS`: as trained, without the
        adapter, with uniform attention, and with TFs, or as many other genes, not attended to.
    """
    adapter = model.adapter
    if adapter is None:
        raise ValueError("a model without an adapter has no attention")

    kinds = list(KINDS if model.backbone.n_cell_tokens else KINDS[:2])
    # Pairs take N x F numbers: none where they are not measured.
    n_genes, n_tfs = (model.n_genes, int(is_tf.sum())) if measure else (0, 0)
    received = Received(
        kinds,
        np.zeros((len(kinds), model.n_genes, adapter.n_heads + 1)),
        np.zeros((len(kinds), model.n_genes), np.int64),
        np.zeros((n_genes, n_tfs), np.float32),
        np.zeros((n_genes, n_tfs), np.int32),
    )
    for number, batch in enumerate(batches):
        # Every use starts the same stream anew: all variants see the same sampled edges.
        stream = [seed, STRUCTURE, number]
        attended = attend(
            model, adapter, structure, batch, np.random.default_rng(stream)
        )
        _add_mass(received, attended)
        if not measure:
            continue

        _add_pairs(received, attended, is_tf)
        # Where a mask hides genes, all N genes are candidates, tokens or not.
        of_all_BNS = None
        if model.masks_genes:
            of_all_BNS = model.run(batch, structure, np.random.default_rng(stream))[1]
        changes = _changes(attended, adapter, is_tf, np.random.default_rng(stream))
        for name, change_BTD in changes.items():
            # The same states for all variants: only what the adapter adds differs.
            loss_M = model.losses(attended.h_BTD + change_BTD, batch, of_all_BNS)[0]
            received.totals[name] += float(loss_M.double().sum())
        received.totals["masked"] += float(batch.masked_BL.sum())
        _add_fractions(received, attended, changes)
    return received


def _add_mass(received: Received, attended: Attended) -> None:
    """Add each gene's mean relative attention over the queries of each kind."""
    batch, counts_BTL, n_cell = (
        attended.batch,
        attended.counts_BTL,
        attended.n_cell_tokens,
    )

    # Kinds as columns of 0 and 1, (B, T, Q): padding is of none.
    kind_BTQ = torch.zeros(*counts_BTL.shape[:2], len(received.kinds))
    kind_BTQ[:, n_cell:, 0] = batch.masked_BL & attended.present_BL
    kind_BTQ[:, n_cell:, 1] = ~batch.masked_BL & attended.present_BL
    if n_cell:
        kind_BTQ[:, :n_cell, 2] = 1

    # A key counts for the queries of other genes only, so that the number of queries differs from key to key.
    queries_BQL = torch.einsum("btq,btl->bql", kind_BTQ, counts_BTL.float())
    mass_BQHL = torch.einsum("btq,bhtl->bqhl", kind_BTQ, attended.relative_BHTL)
    mass_BQHL = mass_BQHL / queries_BQL.clamp(min=1)[:, :, None]

    gene_BL, n_genes = batch.gene_BL.numpy(), received.keys_QN.shape[1]
    for q in range(len(received.kinds)):
        # A key is a gene that a query of another gene could attend to.
        asked_BL = (queries_BQL[:, q] > 0).numpy()
        gene = gene_BL[asked_BL]
        received.keys_QN[q] += np.bincount(gene, minlength=n_genes)
        heads = [mass_BL.numpy()[asked_BL] for mass_BL in mass_BQHL[:, q].unbind(1)]
        # The last column is the mean over heads.
        for c, column in enumerate([*heads, np.mean(heads, axis=0)]):
            received.mass_QNC[q, :, c] += np.bincount(gene, column, minlength=n_genes)


def _add_pairs(received: Received, attended: Attended, is_tf: np.ndarray) -> None:
    """Add the relative attention of each gene's query to each TF's key, mean over heads."""
    n_cell = attended.n_cell_tokens
    # Cell tokens have no gene, and so no pairs.
    relative_BLL = attended.relative_BHTL[:, :, n_cell:].mean(1).numpy()
    # A gene that the model does not see has no query of its identity.
    counts_BLL = attended.counts_BTL[:, n_cell:] & attended.seen_BL[:, :, None]

    gene_BL = attended.batch.gene_BL.numpy()
    key_is_tf_BL = is_tf[gene_BL]
    cell, query, key = np.nonzero(counts_BLL.numpy() & key_is_tf_BL[:, None])

    # Columns are TFs, numbered in the order of nodes.
    number_of_tf = np.cumsum(is_tf) - 1
    pair = gene_BL[cell, query], number_of_tf[gene_BL[cell, key]]

    # add.at: several cells hold a pair, and plain indexing would add it once.
    np.add.at(received.pair_NF, pair, relative_BLL[cell, query, key])
    np.add.at(received.pairs_NF, pair, 1)


def _changes(
    attended: Attended,
    adapter: CrossAttentionAdapter,
    is_tf: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, torch.Tensor]:
    """What the adapter adds to the states, (B, T, D), by each of `VARIANTS`."""
    attention_BHTL, counts_BTL = attended.attention_BHTL, attended.counts_BTL
    # Only attention to other genes is made uniform; its sum, and what falls on the gene itself, stay.
    others_BHT1 = 1 - attended.on_itself_BHT1
    uniform_BTL = counts_BTL / counts_BTL.sum(-1, keepdim=True).clamp(min=1)
    uniform_BHTL = (
        attention_BHTL * ~counts_BTL[:, None] + others_BHT1 * uniform_BTL[:, None]
    )

    # (B, L): genes that some query of their cell may attend to.
    key_BL = counts_BTL.any(1)
    tf_BL = torch.from_numpy(is_tf[attended.batch.gene_BL.numpy()]) & key_BL
    # A control: what it costs to lose as many genes, whichever they are.
    other_BL = _sample_others(tf_BL, key_BL, rng)
    weights = {
        "trained": attention_BHTL,
        "uniform": uniform_BHTL,
        # weights sum to 1 again: the genes that are left share what is taken away
        "without_tfs": normalise(
            attention_BHTL * ~(counts_BTL & tf_BL[:, None])[:, None]
        ),
        "without_others": normalise(
            attention_BHTL * ~(counts_BTL & other_BL[:, None])[:, None]
        ),
    }
    changes = {"adapter_off": torch.zeros_like(attended.h_BTD)}
    for name, weight_BHTL in weights.items():
        changes[name] = adapter.beta * adapter.mix(weight_BHTL, attended.structure_BLS)
    return changes


def _add_fractions(
    received: Received, attended: Attended, changes: dict[str, torch.Tensor]
) -> None:
    """Add the adapter's fractions of the norm of the states of genes, and the attention on the gene itself."""
    n_cell, present_BL = attended.n_cell_tokens, attended.present_BL
    states = (
        attended.h_BTD,
        changes["trained"],
        changes["trained"] - changes["uniform"],
    )
    state_BL, change_BL, pattern_BL = (x[:, n_cell:].norm(dim=-1) for x in states)

    # Of the sum of both norms, so that a fraction is never above 1.
    total_BL = (state_BL + change_BL).clamp(min=torch.finfo(state_BL.dtype).tiny)
    itself_BL = attended.on_itself_BHT1[:, :, n_cell:, 0].mean(1)

    measures = {
        "norm": change_BL / total_BL,
        "pattern": pattern_BL / total_BL,
        "own": itself_BL,
    }
    for name, value_BL in measures.items():
        received.totals[name] += float(value_BL[present_BL].double().sum())
    received.totals["tokens"] += float(present_BL.sum())


def _sample_others(
    tf_BL: torch.Tensor, key_BL: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    """As many keys of each cell as there are TFs among them, sampled among the other genes."""
    free_BL = (key_BL & ~tf_BL).numpy()
    # The lowest of uniform numbers are a sample without replacement; 2 ranks behind every one that may be taken.
    order_BL = np.where(free_BL, rng.random(free_BL.shape), 2.0)
    rank_BL = np.argsort(np.argsort(order_BL, axis=1), axis=1)
    return torch.from_numpy((rank_BL < tf_BL.sum(1).numpy()[:, None]) & free_BL)
