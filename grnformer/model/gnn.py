"""Graph encoders over signed edges and per-cell expression, and the fusion of the scales.

On one graph each layer is the layer of PyTorch Geometric of the same name, with signed weights. The layers here run on
many cells at once; PyTorch Geometric would need the edges and genes of every cell written out.
Shapes: N genes, B cells, L tokens a cell, S structure width, D backbone width, K eRegulons, H heads, R rows and
P targets of a layer (see `grnformer.graph.links`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from grnformer.core.errors import InputError
from grnformer.graph.links import EdgeBatch, gather_edges


class GraphLayer(nn.Module):
    """Messages from the sources into the targets, then an update of the targets; (R, S) -> (P, S)."""

    needs_degrees = False  # whether `messages` reads `EdgeBatch.degree_R`

    @staticmethod
    def weigh(weight_E: np.ndarray) -> np.ndarray:
        """The weights that the layer uses, from those of a group of cells that share their edges."""
        return weight_E

    def messages(self, x_RS: torch.Tensor, edges: EdgeBatch) -> torch.Tensor:
        """Sum of the messages into each target, (P, S)."""
        raise NotImplementedError

    def forward(self, x_PS: torch.Tensor, messages_PS: torch.Tensor) -> torch.Tensor:
        """New states of the targets, from their states and the messages."""
        raise NotImplementedError


class SageLayer(GraphLayer):
    """h' = relu(norm(W_self h + W_neigh mean of the neighbours' h)) (Hamilton et al. 2017, arXiv 1706.02216)."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.self_linear = nn.Linear(width, width)
        # no second bias: the two maps are added
        self.neighbours = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)

    def messages(self, x_RS: torch.Tensor, edges: EdgeBatch) -> torch.Tensor:
        return edges.mean(x_RS)

    def forward(self, x_PS: torch.Tensor, messages_PS: torch.Tensor) -> torch.Tensor:
        return torch.relu(
            self.norm(self.self_linear(x_PS) + self.neighbours(messages_PS))
        )


class GcnLayer(GraphLayer):
    """h' = relu(norm(W sum of w h / sqrt(d d'))), with a loop of weight 1 at each gene (arXiv 1609.02907).

    d is 1 + the sum of the absolute weights of the open edges into a gene.
    """

    needs_degrees = True

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    @staticmethod
    def weigh(weight_E: np.ndarray) -> np.ndarray:
        """Relative to the mean absolute weight, so that the loop counts as one edge.

        Each group has its mean, so that a cell's states do not depend on the other cells of the batch.
        """
        return (
            weight_E / np.float32(np.abs(weight_E).mean())
            if len(weight_E)
            else weight_E
        )

    def messages(self, x_RS: torch.Tensor, edges: EdgeBatch) -> torch.Tensor:
        if edges.degree_R is None:
            raise ValueError(
                "edges without degrees: a layer with needs_degrees is given them"
            )

        # the loop adds 1: no degree is 0
        degree_R1 = 1 + edges.degree_R[:, None].to(x_RS.dtype)
        # targets are the first of the rows
        degree_P1, x_PS = degree_R1[: edges.n_targets], x_RS[: edges.n_targets]
        # 1 / sqrt(d d') is split: the source's part before the sum, the target's after; the loop has 1 / d
        return (
            edges.total(x_RS * degree_R1.rsqrt()) * degree_P1.rsqrt() + x_PS / degree_P1
        )

    def forward(self, x_PS: torch.Tensor, messages_PS: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.linear(messages_PS)))


class GinLayer(GraphLayer):
    """h' = relu(norm(MLP((1 + epsilon) h + sum of the neighbours' h by sign))), epsilon learnt (arXiv 1810.00826)."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.epsilon = nn.Parameter(torch.zeros(()))
        self.perceptron = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)
        )
        self.norm = nn.LayerNorm(width)

    @staticmethod
    def weigh(weight_E: np.ndarray) -> np.ndarray:
        """1 or -1: GIN tells multisets of neighbours apart by plain sums."""
        return np.sign(weight_E)

    def messages(self, x_RS: torch.Tensor, edges: EdgeBatch) -> torch.Tensor:
        return edges.total(x_RS)

    def forward(self, x_PS: torch.Tensor, messages_PS: torch.Tensor) -> torch.Tensor:
        return torch.relu(
            self.norm(self.perceptron((1 + self.epsilon) * x_PS + messages_PS))
        )


class GatLayer(GraphLayer):
    """h' = relu(norm(W_self h + attention over the neighbours' W h)) (Velickovic et al. 2018, arXiv 1710.10903).

    The gene has a matrix W_self instead of a loop among its edges. The attention of an edge is also proportional to its
    absolute weight, and its sign goes with the message.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        if width % n_heads:
            raise InputError(
                f"gnn.width is {width} and gnn.n_heads {n_heads}",
                "for gat a width that is a multiple of n_heads",
                "change one of them in pretrain.sizes",
            )
        self.self_linear = nn.Linear(width, width)
        self.linear = nn.Linear(width, width, bias=False)

        # of each head one vector for what is sent, one for who receives it: (H, S / H)
        self.source = nn.Parameter(torch.empty(n_heads, width // n_heads))
        self.target = nn.Parameter(torch.empty(n_heads, width // n_heads))
        nn.init.xavier_uniform_(self.source)
        nn.init.xavier_uniform_(self.target)
        self.norm = nn.LayerNorm(width)

    def messages(self, x_RS: torch.Tensor, edges: EdgeBatch) -> torch.Tensor:
        sent_RS = self.linear(x_RS)
        # the logit of an edge is a sum of two: one a source, one a target, and nothing of the size of the edges
        source_RH = self._logit(sent_RS, self.source)
        target_PH = self._logit(sent_RS[: edges.n_targets], self.target)
        return edges.attend(sent_RS, source_RH, target_PH)

    def forward(self, x_PS: torch.Tensor, messages_PS: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.self_linear(x_PS) + messages_PS))

    @staticmethod
    def _logit(x: torch.Tensor, attention_HS: torch.Tensor) -> torch.Tensor:
        # (R, S) -> (R, H): each head reads its own channels
        return (x.unflatten(-1, (len(attention_HS), -1)) * attention_HS).sum(-1)


GNNS: dict[str, type[GraphLayer]] = {
    "sage": SageLayer,
    "gcn": GcnLayer,
    "gat": GatLayer,
    "gin": GinLayer,
}


class NodeFeatures(nn.Module):
    """Features of a gene in a cell: its identity, and its value if the model may see it.

    x = P g + v Q g + c[state], with the gene's embedding g (D), its standardised value v (0 unless seen) and the
    state 0 = not among the cell's tokens, 1 = masked, 2 = seen. Without v the structure would be the same in every
    cell. The product with Q g keeps the values of different neighbours apart in a sum.
    """

    def __init__(self, gene_width: int, width: int) -> None:
        super().__init__()
        self.identity = nn.Linear(gene_width, width)
        self.value = nn.Linear(gene_width, width, bias=False)
        self.state = nn.Embedding(3, width)

    def forward(
        self,
        gene_ND: torch.Tensor,
        gene_R: torch.Tensor,
        value_R: torch.Tensor,
        state_R: torch.Tensor,
    ) -> torch.Tensor:
        """Features of rows, (R, S), from the embeddings of all genes and each row's gene, value and state."""
        # the products are of each gene once: rows are many times as many as genes
        both_NS = torch.cat([self.identity(gene_ND), self.value(gene_ND)], dim=1)
        identity_RS, slope_RS = F.embedding(gene_R, both_NS).chunk(2, dim=1)
        return identity_RS + value_R[:, None] * slope_RS + self.state(state_R)


class GraphEncoder(nn.Module):
    """Structure embeddings of the tokens of each cell on one scale.

    `gnn`: name (a key of GNNS), width, n_layers, n_heads (of gat; `width` is a multiple of it).
    """

    def __init__(self, gene_width: int, gnn: dict[str, Any]) -> None:
        super().__init__()
        self.kind, width = GNNS[gnn["name"]], gnn["width"]
        self.features = NodeFeatures(gene_width, width)
        self.layers = nn.ModuleList(
            self.kind(width, gnn["n_heads"]) for _ in range(gnn["n_layers"])
        )

    def forward(
        self,
        gene_ND: torch.Tensor,
        value_BN: torch.Tensor,
        state_BN: torch.Tensor,
        tokens_BL: torch.Tensor,
        sampled: list[np.ndarray],
        group_B: np.ndarray,
        active_KB: torch.Tensor,
    ) -> torch.Tensor:
        """Return (B, L, S).

        Parameters
        ----------
        gene_ND
            Gene embeddings.
        value_BN, state_BN
            See `NodeFeatures`.
        tokens_BL
            Genes whose embeddings are wanted, on the CPU.
        sampled, group_B, active_KB
            See `gather_edges`.
        """
        # copies: the caller keeps the weights that it sampled
        weighed = [edges.copy() for edges in sampled]
        for part in weighed:
            part["weight"] = self.kind.weigh(part["weight"])

        # the first layer reads the rows of all hops, the last those of one
        batches = gather_edges(
            weighed,
            group_B,
            active_KB,
            tokens_BL,
            len(gene_ND),
            len(self.layers),
            degrees=self.kind.needs_degrees,
            device=gene_ND.device,
        )

        # features of the rows that can reach a token, not of all B x N
        cell_R, gene_R = batches[0].cell_R, batches[0].gene_R
        x_RS = self.features(
            gene_ND, gene_R, value_BN[cell_R, gene_R], state_BN[cell_R, gene_R]
        )

        # the targets of a layer are the rows that the next one reads
        layers: list[GraphLayer] = list(self.layers)  # type: ignore[arg-type]
        for layer, edges in zip(layers, batches, strict=True):
            x_RS = layer(x_RS[: edges.n_targets], layer.messages(x_RS, edges))

        # the rows that are left are the tokens: (B, L, S)
        return x_RS.unflatten(0, tokens_BL.shape)


class ScaleFusion(nn.Module):
    """Embeddings of the scales, each (B, L, S), as one.

    `sum` (arXiv 2503.01682); `gate`, a sum weighted by gene and channel, equally at first; `concat`, a linear map of
    all.
    """

    def __init__(self, how: str, width: int, n_scales: int) -> None:
        super().__init__()
        self.how, self.n_scales = how, n_scales
        self.linear: nn.Linear | None = None
        if how == "concat":
            self.linear = nn.Linear(n_scales * width, width)
        elif how == "gate":
            self.linear = nn.Linear(n_scales * width, n_scales * width)
            # both 0: the softmax starts equal for whatever embeddings
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def forward(self, scales: list[torch.Tensor]) -> torch.Tensor:
        if self.linear is None:
            return torch.stack(scales).sum(0)

        mixed = self.linear(torch.cat(scales, dim=-1))
        if self.how == "concat":
            return mixed

        # times the number of scales: equal weights give the sum
        weight = self.n_scales * mixed.unflatten(-1, (self.n_scales, -1)).softmax(-2)
        return (weight * torch.stack(scales, dim=-2)).sum(-2)
