"""Graph topological adapter: cross-attention from the backbone's tokens to structure embeddings.

Shapes: B cells, L gene tokens, T tokens with those of the cell first (or those of them whose states are asked for),
D width, S structure width, H heads, N genes, M masked tokens.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F


class CrossAttentionAdapter(nn.Module):
    """h = h_expr + beta h_fusion (arXiv 2503.01682): queries from the backbone, keys and values from the structure.

    `beta` starts at 0, so that an untrained adapter leaves the backbone as it is; its gradient is not 0, and after the
    first step gradients reach the graph encoder. The attention of a gene to its structure embedding has a learnable
    bonus (`self_bonus`, in logits), since that embedding holds what its regulators send. It starts at log L0 (L0 the
    usual number of tokens), which gives it half of the attention before any training.
    """

    def __init__(
        self, width: int, structure_width: int, n_heads: int, n_tokens: int
    ) -> None:
        super().__init__()
        self.n_heads = n_heads

        self.norm_query = nn.LayerNorm(width)
        self.norm_structure = nn.LayerNorm(structure_width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(structure_width, width)
        self.value = nn.Linear(structure_width, width)
        self.out = nn.Linear(width, width)
        self.self_bonus = nn.Parameter(torch.tensor(math.log(n_tokens)))
        self.beta = nn.Parameter(torch.zeros(()))

    def fuse(
        self,
        h_BTD: torch.Tensor,
        structure_BLS: torch.Tensor,
        known_BL: torch.Tensor | None = None,
        own_BT: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """h_fusion, (B, T, D); structure where `known_BL` is False is not attended to.

        `own_BT`: which of the L genes each token is, below 0 where it is one of the cell's; None: all tokens are given.
        """
        query, key, structure_BLS = self._attend(h_BTD, structure_BLS)
        # (B, H, L, D / H): the structure that comes back is normalised already
        value = self._heads(self.value(structure_BLS))
        # no fused kernel of the CPU takes a mask that is learnt
        if torch.is_grad_enabled() and query.device.type == "cpu":
            mixed = self._weights(query, key, known_BL, own_BT) @ value
        else:
            bonus = self._bonus(query, key, known_BL, own_BT)
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bonus)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def forward(
        self,
        h_BTD: torch.Tensor,
        structure_BLS: torch.Tensor,
        known_BL: torch.Tensor | None = None,
        own_BT: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return h_BTD + self.beta * self.fuse(h_BTD, structure_BLS, known_BL, own_BT)

    def attention(
        self,
        h_BTD: torch.Tensor,
        structure_BLS: torch.Tensor,
        known_BL: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Weights with which each token attends to the structure of each gene, (B, H, T, L); rows sum to 1."""
        query, key, _ = self._attend(h_BTD, structure_BLS)
        return self._weights(query, key, known_BL, None)

    def mix(
        self, attention_BHTL: torch.Tensor, structure_BLS: torch.Tensor
    ) -> torch.Tensor:
        """h_fusion, (B, T, D), by given weights: those of `attention`, or changed ones."""
        value = self._heads(self.value(self.norm_structure(structure_BLS)))
        return self.out((attention_BHTL @ value).transpose(1, 2).flatten(2))

    def _attend(
        self,
        h_BTD: torch.Tensor,
        structure_BLS: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Query and key by head, and normalised structure."""
        structure_BLS = self.norm_structure(structure_BLS)
        query = self._heads(self.query(self.norm_query(h_BTD)))
        key = self._heads(self.key(structure_BLS))
        return query, key, structure_BLS

    def _weights(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        known_BL: torch.Tensor | None,
        own_BT: torch.Tensor | None,
    ) -> torch.Tensor:
        """Softmax over the genes, (B, H, T, L), which scaled_dot_product_attention does not give away."""
        logit_BHTL = query / math.sqrt(query.shape[-1]) @ key.transpose(-1, -2)

        # in place, and at one gene a token: a mask of the size of the logits would be as dear as they are
        own_B1T1 = _own(query, key, own_BT)[:, None, :, None]
        bonus = (self.self_bonus * (own_B1T1 >= 0)).to(logit_BHTL.dtype)
        logit_BHTL.scatter_add_(
            -1,
            own_B1T1.clamp(min=0).expand(*logit_BHTL.shape[:3], 1),
            bonus.expand(*logit_BHTL.shape[:3], 1),
        )
        if known_BL is not None:
            logit_BHTL.add_(_hidden(known_BL, logit_BHTL.dtype))
        return torch.softmax(logit_BHTL, dim=-1)

    def _bonus(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        known_BL: torch.Tensor | None,
        own_BT: torch.Tensor | None,
    ) -> torch.Tensor:
        """What is added to the logits, (B or 1, 1, T, L)."""
        every_L = torch.arange(key.shape[2], device=key.device)
        own_BTL = _own(query, key, own_BT)[:, :, None] == every_L
        bonus = (own_BTL[:, None] * self.self_bonus).to(query.dtype)
        return bonus if known_BL is None else bonus + _hidden(known_BL, bonus.dtype)

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        # (B, T, D) -> (B, H, T, D / H)
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)


def _own(
    query: torch.Tensor, key: torch.Tensor, own_BT: torch.Tensor | None
) -> torch.Tensor:
    """Which of the L genes each token is; below 0: one of the cell's tokens, which stand first where all are given."""
    if own_BT is not None:
        return own_BT
    n_tokens, n_genes = query.shape[2], key.shape[2]
    return torch.arange(n_genes - n_tokens, n_genes, device=query.device)[None]


def _hidden(known_BL: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What hides genes that are not known, (B, 1, 1, L), by addition to logits."""
    # a finite number: the softmax of a cell without known tokens would not be finite
    return (~known_BL)[:, None, None].to(dtype) * (torch.finfo(dtype).min / 2)


class CandidateScore(nn.Module):
    """Addition to the logits of which gene a masked token is, from the structure of each gene (objective masked_gene).

    The structure embedding of a masked gene cannot be attended to, since only the token's rank is known. As a candidate
    it reaches the logits: structure embeddings of all N genes are compared with the token's state. `beta` starts at 0.
    """

    def __init__(self, width: int, structure_width: int) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(width)
        self.norm_structure = nn.LayerNorm(structure_width)
        self.query = nn.Linear(width, 2 * structure_width)
        self.key = nn.Sequential(
            nn.Linear(structure_width, 2 * structure_width),
            nn.ReLU(),
            nn.Linear(2 * structure_width, 2 * structure_width),
        )
        self.beta = nn.Parameter(torch.zeros(()))

    def forward(
        self, h_BLD: torch.Tensor, masked_BL: torch.Tensor, structure_BNS: torch.Tensor
    ) -> torch.Tensor:
        """(M, N), by cell and token."""
        # (M, 2 S) and (B, N, 2 S): compared in twice the width of the structure
        query_MS = self.query(self.norm_query(h_BLD[masked_BL]))
        key_BNS = self.key(self.norm_structure(structure_BNS))

        # cell by cell: a key for each masked token would be M x N x S
        of_cell = query_MS.split(masked_BL.sum(1).tolist())
        score_MN = torch.cat(
            [query @ key.T for query, key in zip(of_cell, key_BNS, strict=True)]
        )

        # scaled as in attention: logits do not grow with the width
        return self.beta * score_MN / math.sqrt(query_MS.shape[-1])
