"""Transformer layer with SDPA attention.

Shapes: B cells, T tokens, W tokens of a cell whose states are read (T unless places are given), D width.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F


def places_of(wanted_BT: torch.Tensor) -> torch.Tensor:
    """Places of the tokens that are wanted, (B, W), distinct in each cell and these first, in their order.

    Where a cell has fewer of them than another one, some of its other tokens fill the row.
    """
    order_BT = torch.argsort(wanted_BT.int(), dim=1, descending=True, stable=True)
    return order_BT[:, : int(wanted_BT.sum(1).max())]


def at_places(x_BTD: torch.Tensor, place_BW: torch.Tensor | None) -> torch.Tensor:
    """Rows of some tokens, (B, T, D) -> (B, W, D); None: of all."""
    if place_BW is None:
        return x_BTD
    return x_BTD.gather(1, place_BW[:, :, None].expand(-1, -1, x_BTD.shape[2]))


def put_at_places(
    h_BWD: torch.Tensor, place_BW: torch.Tensor, n_tokens: int
) -> torch.Tensor:
    """States of some tokens at their places, (B, W, D) -> (B, T, D); 0 elsewhere."""
    n_cells, _, width = h_BWD.shape
    nothing = h_BWD.new_zeros(n_cells, n_tokens, width)
    return nothing.scatter(1, place_BW[:, :, None].expand_as(h_BWD), h_BWD)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    allowed: torch.Tensor | None,
) -> torch.Tensor:
    """scaled_dot_product_attention, on a CPU in float32: its gradient in bfloat16 takes longer, and is less exact."""
    given = query.dtype
    if query.device.type != "cpu" or given not in (torch.bfloat16, torch.float16):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
    with torch.autocast("cpu", enabled=False):
        mixed = F.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=allowed
        )
    return mixed.to(given)


class Layer(nn.Module):
    """Transformer layer, normalised before or after each part; (B, T, D) -> (B, W, D)."""

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
        place_BW: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """`allowed`: which tokens (last axis) each token may attend to, boolean, broadcast to (B, heads, T, T).

        `bare_BT`: tokens that take what they attend to as it is, without the projection after it (None: none).
        `place_BW`: tokens that are given a state, distinct in each cell; all are attended to (None: all).
        """
        x_BWD = at_places(x_BTD, place_BW)
        if self.norm_first:
            mixed_BWD = self._mix(self.norm1(x_BTD), allowed, bare_BT, place_BW)
            x_BWD = x_BWD + mixed_BWD
            return x_BWD + self._feed(self.norm2(x_BWD), x_BTD, place_BW)
        x_BWD = self.norm1(x_BWD + self._mix(x_BTD, allowed, bare_BT, place_BW))
        return self.norm2(x_BWD + self._feed(x_BWD, x_BTD, place_BW))

    def _mix(
        self,
        x_BTD: torch.Tensor,
        allowed: torch.Tensor | None,
        bare_BT: torch.Tensor | None,
        place_BW: torch.Tensor | None,
    ) -> torch.Tensor:
        query, key, value = self._project(x_BTD, place_BW)
        if place_BW is not None:
            if allowed is not None and allowed.shape[2] > 1:
                allowed = at_places(allowed[:, 0], place_BW)[:, None]
            if bare_BT is not None:
                bare_BT = bare_BT.gather(1, place_BW)

        # attention weights are not dropped, only what comes of them
        mixed = attend(query, key, value, allowed)
        mixed_BWD = mixed.transpose(1, 2).flatten(2)
        projected_BWD = self.out_proj(mixed_BWD)
        if bare_BT is not None:
            projected_BWD = torch.where(bare_BT[:, :, None], mixed_BWD, projected_BWD)
        return self._drop(projected_BWD, x_BTD, place_BW)

    def _project(
        self, x_BTD: torch.Tensor, place_BW: torch.Tensor | None
    ) -> Iterator[torch.Tensor]:
        """Query of the tokens that are given a state, (B, H, W, D / H), key and value of all, (B, H, T, D / H)."""
        if type(self.in_proj) is nn.Linear:
            # each by itself: three gradients need no copy into one, and queries are of W tokens only
            parts = zip(
                self.in_proj.weight.chunk(3), self.in_proj.bias.chunk(3), strict=True
            )
            given = at_places(x_BTD, place_BW), x_BTD, x_BTD
            found = [F.linear(x, *part) for x, part in zip(given, parts, strict=True)]
        else:
            # a map with low-rank changes cannot be divided
            query, key, value = self.in_proj(x_BTD).chunk(3, dim=-1)
            found = [at_places(query, place_BW), key, value]
        return (x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for x in found)

    def _feed(
        self,
        x_BWD: torch.Tensor,
        x_BTD: torch.Tensor,
        place_BW: torch.Tensor | None,
    ) -> torch.Tensor:
        hidden = self._drop(torch.relu(self.linear1(x_BWD)), x_BTD, place_BW)
        return self._drop(self.linear2(hidden), x_BTD, place_BW)

    def _drop(
        self, x: torch.Tensor, x_BTD: torch.Tensor, place_BW: torch.Tensor | None
    ) -> torch.Tensor:
        """Dropout; `x_BTD` has as many tokens as the layer reads."""
        drops = self.training and self.dropout > 0
        if place_BW is None or not drops or x.device.type != "cpu":
            return F.dropout(x, self.dropout, self.training)

        # drawn for all tokens: what is dropped does not depend on which states are read
        kept = 1 - self.dropout
        scale = x.new_empty(*x_BTD.shape[:2], x.shape[2]).bernoulli_(kept).div_(kept)
        return x * at_places(scale, place_BW)


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
