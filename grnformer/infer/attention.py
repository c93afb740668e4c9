"""What the adapter's attention falls on in held-out cells, and what the model would lose without it.

Shapes: B cells, L gene tokens, T tokens with the cell's own first, H heads, C = H + 1 columns (heads, then their mean),
N genes, F TFs, Q kinds of queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional as F

from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.streams import ATTENTION, STRUCTURE
from grnformer.graph.perturb import NO_PERTURBATION
from grnformer.graph.structure import Structure
from grnformer.model.adapter import CrossAttentionAdapter
from grnformer.model.grnformer import GRNFormer

KINDS = ("masked", "seen", "cell")  # queries: genes to be predicted, genes the model sees, the cell's own tokens
VARIANTS = ("trained", "adapter_off", "even", "without_tfs", "without_others")
_ELEMENTS = 2**22  # attention weights at a time


@dataclass
class Received:
    """Attention that genes received as keys in the cells of one type, summed over cells and draws.

    Attributes
    ----------
    kinds
        Q of `KINDS`.
    mass_QNC
        Sum over cells of the attention that the gene's structure got from the queries of other genes, relative to what
        it would get if they attended to all other genes alike: 1 a cell if so.
    keys_QN
        Cells (times draws) in which the gene was a key.
    pair_NF, pairs_NF
        Sum of that relative attention from each gene's own query to each TF's key, mean over heads; cells with both.
    totals
        Sums of measures over tokens, and their numbers; see `Collector`.
    """

    kinds: list[str]
    mass_QNC: np.ndarray
    keys_QN: np.ndarray
    pair_NF: np.ndarray
    pairs_NF: np.ndarray
    totals: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Add to a total."""
        self.totals[name] = self.totals.get(name, 0.0) + value


def attention_batches(cells: Batcher, rows: np.ndarray, *, draws: int, n_heads: int, seed: int) -> Iterator[Batch]:
    """Cells as the masked objective has them, `draws` times with other tokens and masks; as many as memory allows."""
    size = max(1, _ELEMENTS // (n_heads * cells.n_tokens**2))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        held = cells.read(part)
        for draw in range(draws):
            yield cells.masked_batch(part, held, np.random.default_rng([seed, ATTENTION, int(part[0]), draw]))


def relative_attention(attention_BHTL: torch.Tensor, known_BL: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention to other genes relative to attending to all of them alike, and which genes count; its mean is 1.

    A token's own gene has a bonus by construction, so that it is left out, as are genes that the model may not see.

    Returns
    -------
    (B, H, T, L), 0 where the gene does not count; (B, T, L) of those that do.
    """
    n_tokens, n_genes = attention_BHTL.shape[2:]
    own_TL = F.pad(torch.eye(n_genes, dtype=torch.bool), (0, 0, n_tokens - n_genes, 0))
    counts_BTL = known_BL[:, None] & ~own_TL
    other_BHTL = attention_BHTL * counts_BTL[:, None]
    total_BHT1 = other_BHTL.sum(-1, keepdim=True).clamp(min=torch.finfo(other_BHTL.dtype).tiny)
    return other_BHTL / total_BHT1 * counts_BTL.sum(-1)[:, None, :, None], counts_BTL


@torch.no_grad()
def collect_attention(
    model: GRNFormer, structure: Structure, batches: list[Batch], is_tf: np.ndarray, seed: int, *, measure: bool
) -> Received:
    """Attention of one model over the batches of one cell type.

    Parameters
    ----------
    model
        With an adapter, in evaluation mode.
    is_tf
        (N,).
    seed
        Of the edges drawn where a gene has more than `fanout`, and of the genes left out for comparison.
    measure
        Whether to add pairs, and totals: `tokens` with `own` (share of attention on the gene itself), `norm` (share of
        beta h_fusion in the norms of it and of h_expr) and `pattern` (the same of its change if attention to other
        genes were even); `masked` tokens with their loss by each of `VARIANTS`: as trained, without the adapter, with
        even attention, and with TFs, or as many other genes, not attended to.
    """
    if model.adapter is None:
        raise ValueError("a model without an adapter has no attention")
    n_heads, n_genes = model.adapter.n_heads, model.n_genes
    n_cell = model.backbone.n_cell_tokens
    kinds = list(KINDS if n_cell else KINDS[:2])
    place = np.cumsum(is_tf) - 1
    shape = (n_genes, int(is_tf.sum())) if measure else (0, 0)
    received = Received(
        kinds,
        np.zeros((len(kinds), n_genes, n_heads + 1)),
        np.zeros((len(kinds), n_genes), np.int64),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int32),
    )
    for number, batch in enumerate(batches):
        drawn = [seed, STRUCTURE, number]
        h_BTD = model.backbone.encode(batch, drop_last=model.replaces_last)
        structure_BLS = model.structure_embeddings(batch, structure, np.random.default_rng(drawn), NO_PERTURBATION)
        known_BL = batch.known(model.masks_genes)
        attention_BHTL = model.adapter.attention(h_BTD, structure_BLS, known_BL)
        seen_BL = torch.ones_like(batch.masked_BL) if known_BL is None else known_BL
        relative_BHTL, counts_BTL = relative_attention(attention_BHTL, seen_BL)
        _add_mass(received, batch, relative_BHTL, counts_BTL, n_cell)
        if measure:
            relative_BLL, counts_BLL = relative_BHTL[:, :, n_cell:].mean(1), counts_BTL[:, n_cell:]
            _add_pairs(received, batch, relative_BLL, counts_BLL & seen_BL[:, :, None], place, is_tf)
            of_all_BNS = None
            if model.masks_genes:
                of_all_BNS = model.run(batch, structure, np.random.default_rng(drawn))[1]
            known = attention_BHTL, counts_BTL, structure_BLS, of_all_BNS
            _add_measures(received, model, model.adapter, batch, h_BTD, known, is_tf, np.random.default_rng(drawn))
    return received


def _present(batch: Batch) -> torch.Tensor:
    return torch.ones_like(batch.masked_BL) if batch.present_BL is None else batch.present_BL


def _add_mass(
    received: Received, batch: Batch, relative_BHTL: torch.Tensor, counts_BTL: torch.Tensor, n_cell: int
) -> None:
    present_BL = _present(batch)
    kind_BTQ = torch.zeros(*counts_BTL.shape[:2], len(received.kinds))
    kind_BTQ[:, n_cell:, 0] = batch.masked_BL & present_BL
    kind_BTQ[:, n_cell:, 1] = ~batch.masked_BL & present_BL
    if n_cell:
        kind_BTQ[:, :n_cell, 2] = 1
    queries_BQL = torch.einsum("btq,btl->bql", kind_BTQ, counts_BTL.float())
    mass_BQHL = torch.einsum("btq,bhtl->bqhl", kind_BTQ, relative_BHTL) / queries_BQL.clamp(min=1)[:, :, None]
    gene_BL, n_genes = batch.gene_BL.numpy(), received.keys_QN.shape[1]
    for q in range(len(received.kinds)):
        asked_BL = (queries_BQL[:, q] > 0).numpy()
        gene = gene_BL[asked_BL]
        received.keys_QN[q] += np.bincount(gene, minlength=n_genes)
        columns = [mass_BQHL[:, q, h].numpy()[asked_BL] for h in range(mass_BQHL.shape[2])]
        for c, column in enumerate([*columns, np.mean(columns, axis=0)]):
            received.mass_QNC[q, :, c] += np.bincount(gene, column, minlength=n_genes)


def _add_pairs(
    received: Received,
    batch: Batch,
    relative_BLL: torch.Tensor,
    counts_BLL: torch.Tensor,
    place: np.ndarray,
    is_tf: np.ndarray,
) -> None:
    gene_BL = batch.gene_BL.numpy()
    of_tf_BL = torch.from_numpy(is_tf[gene_BL])
    cell, query, key = np.nonzero((counts_BLL & of_tf_BL[:, None]).numpy())
    pair = gene_BL[cell, query], place[gene_BL[cell, key]]
    np.add.at(received.pair_NF, pair, relative_BLL.numpy()[cell, query, key])
    np.add.at(received.pairs_NF, pair, 1)


def _add_measures(
    received: Received,
    model: GRNFormer,
    adapter: CrossAttentionAdapter,
    batch: Batch,
    h_BTD: torch.Tensor,
    known: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None],
    is_tf: np.ndarray,
    rng: np.random.Generator,
) -> None:
    attention_BHTL, counts_BTL, structure_BLS, of_all_BNS = known
    own_BHT1 = 1 - (attention_BHTL * counts_BTL[:, None]).sum(-1, keepdim=True)
    even_BTL = counts_BTL / counts_BTL.sum(-1, keepdim=True).clamp(min=1)
    even_BHTL = attention_BHTL * ~counts_BTL[:, None] + (1 - own_BHT1) * even_BTL[:, None]
    hidden_BL = torch.from_numpy(is_tf[batch.gene_BL.numpy()]) & counts_BTL.any(1)
    other_BL = _draw_others(hidden_BL, counts_BTL.any(1), rng)
    weights = {
        "trained": attention_BHTL,
        "even": even_BHTL,
        "without_tfs": _without(attention_BHTL, counts_BTL & hidden_BL[:, None]),
        "without_others": _without(attention_BHTL, counts_BTL & other_BL[:, None]),
    }
    fused = {name: adapter.beta * adapter.mix(weight, structure_BLS) for name, weight in weights.items()}
    fused["adapter_off"] = torch.zeros_like(h_BTD)
    for name, change_BTD in fused.items():
        loss_M = model.losses(h_BTD + change_BTD, batch, of_all_BNS)[0]
        received.add(name, float(loss_M.double().sum()))
    received.add("masked", float(batch.masked_BL.sum()))
    n_cell = model.backbone.n_cell_tokens
    present_BL = _present(batch)
    size_BL, change_BL, pattern_BL = (
        x[:, n_cell:].norm(dim=-1) for x in (h_BTD, fused["trained"], fused["trained"] - fused["even"])
    )
    total_BL = (size_BL + change_BL).clamp(min=torch.finfo(size_BL.dtype).tiny)
    received.add("norm", float((change_BL / total_BL)[present_BL].double().sum()))
    received.add("pattern", float((pattern_BL / total_BL)[present_BL].double().sum()))
    received.add("own", float(own_BHT1[:, :, n_cell:, 0].mean(1)[present_BL].double().sum()))
    received.add("tokens", float(present_BL.sum()))


def _draw_others(hidden_BL: torch.Tensor, known_BL: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """As many known genes of each cell as are hidden, drawn among the others."""
    free = (known_BL & ~hidden_BL).numpy()
    drawn = np.where(free, rng.random(free.shape), 2.0)
    rank = np.argsort(np.argsort(drawn, axis=1), axis=1)
    return torch.from_numpy((rank < hidden_BL.sum(1).numpy()[:, None]) & free)


def _without(attention_BHTL: torch.Tensor, hidden_BTL: torch.Tensor) -> torch.Tensor:
    """Attention with some keys left out, as if they had not been there."""
    kept_BHTL = attention_BHTL * ~hidden_BTL[:, None]
    return kept_BHTL / kept_BHTL.sum(-1, keepdim=True).clamp(min=torch.finfo(kept_BHTL.dtype).tiny)
