"""Performer layers (Choromanski et al. 2021, arXiv 2009.14794), as in scFoundation's decoder: attention of linear cost.

The softmax kernel is approximated by random features. Their projections are sampled once, orthogonal within blocks, and
kept (scFoundation samples them anew each 1,000 training steps).
Shapes: B cells, T tokens, D width, H heads, K width of a head, R random features.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

HEAD_WIDTH = 64
EPSILON = 1e-4  # keeps every attention weight above 0


def draw_projection(n_features: int, width: int) -> torch.Tensor:
    """(R, K): rows orthogonal within blocks of K, of the length of a normal vector."""
    blocks = [
        torch.linalg.qr(torch.randn(width, width))[0].T
        for _ in range(math.ceil(n_features / width))
    ]

    # orthogonal rows have length 1; independent lengths make them look normal again
    return (
        torch.randn(n_features, width).norm(dim=1)[:, None]
        * torch.cat(blocks)[:n_features]
    )


class LinearAttention(nn.Module):
    """(B, T, D) -> (B, T, D)."""

    projection: torch.Tensor

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads, inner = n_heads, n_heads * HEAD_WIDTH
        # R = K ln K, as in the code of Performer
        n_features = int(HEAD_WIDTH * math.log(HEAD_WIDTH))
        self.register_buffer("projection", draw_projection(n_features, HEAD_WIDTH))
        self.query, self.key, self.value = (nn.Linear(width, inner) for _ in range(3))
        self.out = nn.Linear(inner, width)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        # (B, H, T, K)
        query, key, value = (
            part(x_BTD).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )

        # less a maximum no exponential overflows; it cancels in mixed / norm, a query's by row, the keys' over all
        query_BHTR, raw_BHTR = self._features(query), self._features(key)
        query_BHTR = torch.exp(
            query_BHTR
            - self._half_square(query)
            - query_BHTR.amax(-1, keepdim=True).detach()
        )
        key_BHTR = torch.exp(
            raw_BHTR - self._half_square(key) - raw_BHTR.amax().detach()
        )
        query_BHTR, key_BHTR = query_BHTR + EPSILON, key_BHTR + EPSILON

        # keys and values are multiplied first: the cost grows with T, not with its square
        mixed = query_BHTR @ (key_BHTR.transpose(-1, -2) @ value)
        norm = query_BHTR @ key_BHTR.sum(-2)[..., None]
        return self.out((mixed / norm).transpose(1, 2).flatten(2))

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        # a fourth root each on query and key: 1 / sqrt(K) on their product
        return HEAD_WIDTH**-0.25 * x @ self.projection.T.to(x.dtype)

    @staticmethod
    def _half_square(x: torch.Tensor) -> torch.Tensor:
        # of x scaled alike: with it the mean over features is the softmax kernel
        return (x**2).sum(-1, keepdim=True) / 2 * HEAD_WIDTH**-0.5


class PerformerLayer(nn.Module):
    """Linear attention and a feed-forward part of four times the width, each normalised before."""

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = LinearAttention(width, n_heads)
        self.linear1, self.linear2 = (
            nn.Linear(width, 4 * width),
            nn.Linear(4 * width, width),
        )

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        x_BTD = x_BTD + F.dropout(
            self.attention(self.norm1(x_BTD)), self.dropout, self.training
        )

        hidden = F.dropout(
            F.gelu(self.linear1(self.norm2(x_BTD))), self.dropout, self.training
        )
        return x_BTD + self.linear2(hidden)

    @staticmethod
    def published_names(prefix: str, theirs: str) -> dict[str, str]:
        """Names as in scFoundation."""
        names = {
            f"{prefix}.attention.projection": f"{theirs}.0.fn.fast_attention.projection_matrix"
        }
        parts = {
            "norm1": "0.norm",
            "norm2": "1.norm",
            "linear1": "1.fn.fn.w1",
            "linear2": "1.fn.fn.w2",
        }
        parts |= {
            f"attention.{part}": f"0.fn.to_{part[0]}"
            for part in ("query", "key", "value")
        }

        for ours, of_theirs in (parts | {"attention.out": "0.fn.to_out"}).items():
            names |= {
                f"{prefix}.{ours}.{kind}": f"{theirs}.{of_theirs}.{kind}"
                for kind in ("weight", "bias")
            }
        return names
