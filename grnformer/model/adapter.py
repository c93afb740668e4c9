"""Graph topological adapter: cross-attention from the backbone's tokens to structure embeddings.

Shapes: B cells, L gene tokens, T tokens with those of the cell first, D width, S structure width, H heads, N genes,
M masked tokens.
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
    ) -> torch.Tensor:
        """h_fusion, (B, T, D); structure where `known_BL` is False is not attended to."""
        query, key, structure_BLS, bonus = self._attend(h_BTD, structure_BLS, known_BL)
        # (B, H, L, D / H): the structure that comes back is normalised already
        value = self._heads(self.value(structure_BLS))
        # no fused kernel of the CPU takes a mask that is learnt
        if bonus.requires_grad and query.device.type == "cpu":
            mixed = _weights(query, key, bonus) @ value
        else:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bonus)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def forward(
        self,
        h_BTD: torch.Tensor,
        structure_BLS: torch.Tensor,
        known_BL: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return h_BTD + self.beta * self.fuse(h_BTD, structure_BLS, known_BL)

    def attention(
        self,
        h_BTD: torch.Tensor,
        structure_BLS: torch.Tensor,
        known_BL: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Weights with which each token attends to the structure of each gene, (B, H, T, L); rows sum to 1."""
        query, key, _, bonus = self._attend(h_BTD, structure_BLS, known_BL)
        return _weights(query, key, bonus)

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
        known_BL: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Query and key by head, normalised structure, and what is added to the logits."""
        structure_BLS = self.norm_structure(structure_BLS)
        query = self._heads(self.query(self.norm_query(h_BTD)))
        key = self._heads(self.key(structure_BLS))

        n_tokens = structure_BLS.shape[1]
        eye_LL = torch.eye(n_tokens, device=h_BTD.device, dtype=h_BTD.dtype)

        # (T, L), and (B, 1, T, L) where some tokens are not known;
        # none for the cell's tokens
        bonus = F.pad(eye_LL * self.self_bonus, (0, 0, h_BTD.shape[1] - n_tokens, 0))
        if known_BL is not None:
            # a finite number: the softmax of a cell without known tokens would not be finite
            bonus = bonus.masked_fill(
                ~known_BL[:, None, None, :], torch.finfo(bonus.dtype).min / 2
            )
        return query, key, structure_BLS, bonus

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        # (B, T, D) -> (B, H, T, D / H)
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)


def _weights(
    query: torch.Tensor, key: torch.Tensor, bonus: torch.Tensor
) -> torch.Tensor:
    # as scaled_dot_product_attention, which does not give its weights away
    return torch.softmax(
        query / math.sqrt(query.shape[-1]) @ key.transpose(-1, -2) + bonus, dim=-1
    )


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
