"""Transformer layer with SDPA attention. Shapes: B cells, T tokens, D width."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Layer(nn.Module):
    """Transformer layer, normalised before or after each part; (B, T, D) -> (B, T, D)."""

    def __init__(
        self, width: int, n_heads: int, hidden: int, dropout: float, norm_first: bool
    ) -> None:
        super().__init__()
        self.n_heads, self.dropout, self.norm_first = n_heads, dropout, norm_first

        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(
        self,
        x_BTD: torch.Tensor,
        allowed: torch.Tensor | None = None,
        bare_BT: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """`allowed`: which tokens (last axis) each token may attend to, boolean, broadcast to (B, heads, T, T).

        `bare_BT`: tokens that take what they attend to as it is, without the projection after it (None: none).
        """
        if self.norm_first:
            x_BTD = x_BTD + self._mix(self.norm1(x_BTD), allowed, bare_BT)
            return x_BTD + self._feed(self.norm2(x_BTD))
        x_BTD = self.norm1(x_BTD + self._mix(x_BTD, allowed, bare_BT))
        return self.norm2(x_BTD + self._feed(x_BTD))

    def _mix(
        self,
        x_BTD: torch.Tensor,
        allowed: torch.Tensor | None,
        bare_BT: torch.Tensor | None,
    ) -> torch.Tensor:
        # (B, T, 3 D) -> three of (B, H, T, D / H)
        query, key, value = (
            self.in_proj(x_BTD)
            .unflatten(-1, (3, self.n_heads, -1))
            .permute(2, 0, 3, 1, 4)
        )

        # attention weights are not dropped, only what comes of them
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        mixed_BTD = mixed.transpose(1, 2).flatten(2)
        projected_BTD = self.out_proj(mixed_BTD)
        if bare_BT is not None:
            projected_BTD = torch.where(bare_BT[:, :, None], mixed_BTD, projected_BTD)
        return self._drop(projected_BTD)

    def _feed(self, x_BTD: torch.Tensor) -> torch.Tensor:
        return self._drop(self.linear2(self._drop(torch.relu(self.linear1(x_BTD)))))

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, self.dropout, self.training)


def layer_names(layer: nn.Module, prefix: str, theirs: str) -> dict[str, str]:
    """Names of a layer's weights (under `prefix`) -> those of torch.nn.TransformerEncoderLayer."""
    names = {f"{prefix}.{name}": f"{theirs}.{name}" for name in layer.state_dict()}
    # torch keeps the joint projection as plain weights, without a module
    names |= {
        f"{prefix}.in_proj.{kind}": f"{theirs}.self_attn.in_proj_{kind}"
        for kind in ("weight", "bias")
    }
    return names | {
        f"{prefix}.out_proj.{kind}": f"{theirs}.self_attn.out_proj.{kind}"
        for kind in ("weight", "bias")
    }
