"""Performer layers (Choromanski et al. 2021, arXiv 2009.14794), as in scFoundation's decoder: attention of linear cost.

The softmax kernel is approximated by random features. Their projections are sampled once, orthogonal within blocks, and
kept (scFoundation samples them anew each 1,000 training steps).
Shapes: B cells, T tokens, W tokens of a cell whose states are read (T unless places are given), D width, H heads,
K width of a head, R random features.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from grnformer.model.backbones.layer import at_places

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
    """States of tokens and of those that attend to them, (B, T, D) and (B, W, D) -> (B, W, D)."""

    projection: torch.Tensor

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads, inner = n_heads, n_heads * HEAD_WIDTH
        # R = K ln K, as in the code of Performer
        n_features = int(HEAD_WIDTH * math.log(HEAD_WIDTH))
        self.register_buffer("projection", draw_projection(n_features, HEAD_WIDTH))
        self.query, self.key, self.value = (nn.Linear(width, inner) for _ in range(3))
        self.out = nn.Linear(inner, width)

    def forward(self, x_BTD: torch.Tensor, x_BWD: torch.Tensor) -> torch.Tensor:
        # (B, H, W, K), and (B, H, T, K) of the others
        query, key, value = (
            part(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for part, x in (
                (self.query, x_BWD),
                (self.key, x_BTD),
                (self.value, x_BTD),
            )
        )

        # less a maximum no exponential overflows; it cancels in mixed / norm, a query's by row, the keys' over all
        query_BHWR, key_BHTR = self._features(query), self._features(key)
        most_BHW1 = query_BHWR.detach().amax(-1, keepdim=True)
        most = key_BHTR.detach().amax()
        # in place: these are the largest arrays of a step, several times the states
        query_BHWR.sub_(self._half_square(query) + most_BHW1).exp_()
        key_BHTR.sub_(self._half_square(key) + most).exp_()

        # keys and values are multiplied first: the cost grows with T, not with its square;
        # the last column, of ones, becomes the sum of a query's weights
        value = F.pad(value, (0, 1), value=1.0)
        products = key_BHTR.transpose(-1, -2) @ value
        # EPSILON is added to the sums of the features, which are fewer than these
        products = products + EPSILON * value.sum(-2, keepdim=True)
        mixed = query_BHWR @ products + EPSILON * products.sum(-2, keepdim=True)
        mixed, norm = mixed[..., :-1], mixed[..., -1:]
        return self.out((mixed / norm).transpose(1, 2).flatten(2))

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        # a fourth root each on query and key: 1 / sqrt(K) on their product
        return x @ (HEAD_WIDTH**-0.25 * self.projection.T).to(x.dtype)

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

    def forward(
        self, x_BTD: torch.Tensor, place_BW: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, W, D); `place_BW`: tokens that are given a state, distinct in each cell (None: all)."""
        normed_BTD = self.norm1(x_BTD)
        mixed_BWD = self.attention(normed_BTD, at_places(normed_BTD, place_BW))
        x_BWD = at_places(x_BTD, place_BW) + F.dropout(
            mixed_BWD, self.dropout, self.training
        )

        hidden = F.dropout(
            F.gelu(self.linear1(self.norm2(x_BWD))), self.dropout, self.training
        )
        return x_BWD + self.linear2(hidden)

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
