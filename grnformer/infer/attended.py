"""Attention of the adapter over one batch, and attention relative to uniform attention.

Shapes: B cells, L gene tokens, T tokens with the cell tokens first, H heads, D width, S structure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from grnformer.data.batch import Batch
from grnformer.graph.perturb import NO_PERTURBATION
from grnformer.graph.structure import Structure
from grnformer.model.adapter import CrossAttentionAdapter
from grnformer.model.grnformer import GRNFormer


@dataclass(frozen=True)
class Attended:
    """One batch with the states of its tokens, the structure of its genes, and the attention between them.

    `seen_BL` are the genes that the model sees; `counts_BTL`, `relative_BHTL` are by `relative_attention`.
    """

    batch: Batch
    n_cell_tokens: int
    h_BTD: torch.Tensor
    structure_BLS: torch.Tensor
    seen_BL: torch.Tensor
    attention_BHTL: torch.Tensor
    relative_BHTL: torch.Tensor
    counts_BTL: torch.Tensor

    @property
    def present_BL(self) -> torch.Tensor:
        """Tokens that are no padding."""
        present_BL = self.batch.present_BL
        return (
            torch.ones_like(self.batch.masked_BL) if present_BL is None else present_BL
        )

    @property
    def on_itself_BHT1(self) -> torch.Tensor:
        """Attention of each query that does not fall on other genes."""
        # Rows sum to 1, and hidden genes get nothing: the rest is on the gene itself.
        return 1 - (self.attention_BHTL * self.counts_BTL[:, None]).sum(
            -1, keepdim=True
        )


def attend(
    model: GRNFormer,
    adapter: CrossAttentionAdapter,
    structure: Structure,
    batch: Batch,
    rng: np.random.Generator,
) -> Attended:
    """Run the model up to its adapter; `rng` samples edges where a gene has more than `fanout`."""
    h_BTD = model.backbone.encode(batch, drop_last=model.replaces_last)
    # Edges as they are: perturbation belongs to training.
    structure_BLS = model.structure_embeddings(batch, structure, rng, NO_PERTURBATION)

    # Genes that a mask hides can be no keys: their structure would give them away.
    known_BL = batch.known(model.masks_genes)
    attention_BHTL = adapter.attention(h_BTD, structure_BLS, known_BL)
    seen_BL = torch.ones_like(batch.masked_BL) if known_BL is None else known_BL
    relative_BHTL, counts_BTL = relative_attention(attention_BHTL, seen_BL)
    n_cell_tokens = model.backbone.n_cell_tokens
    return Attended(
        batch,
        n_cell_tokens,
        h_BTD,
        structure_BLS,
        seen_BL,
        attention_BHTL,
        relative_BHTL,
        counts_BTL,
    )


def relative_attention(
    attention_BHTL: torch.Tensor, known_BL: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention to other genes relative to uniform attention to them, and which genes count; its mean is 1.

    The query's gene is left out, since it has a bonus by construction, as are genes that the model may not see.

    Returns
    -------
    (B, H, T, L), 0 where the gene does not count; (B, T, L) of those that do.
    """
    # Cell tokens stand first and have no gene: their rows leave nothing out.
    n_tokens, n_genes = attention_BHTL.shape[2:]
    itself_TL = F.pad(
        torch.eye(n_genes, dtype=torch.bool), (0, 0, n_tokens - n_genes, 0)
    )
    counts_BTL = known_BL[:, None] & ~itself_TL

    # Weights that sum to 1, times the number of genes: uniform attention is 1.
    other_BHTL = attention_BHTL * counts_BTL[:, None]
    return normalise(other_BHTL) * counts_BTL.sum(-1)[:, None, :, None], counts_BTL


def normalise(weight_BHTL: torch.Tensor) -> torch.Tensor:
    """Weights of each query divided by their sum; all 0 where nothing is left to attend to."""
    # A tiny divisor in place of 0: 0 over 0 would be NaN.
    return weight_BHTL / weight_BHTL.sum(-1, keepdim=True).clamp(
        min=torch.finfo(weight_BHTL.dtype).tiny
    )
