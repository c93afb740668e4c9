"""Graph encoders over signed edges and per-cell expression, and the fusion of the two scales.

Each layer is that of PyTorch Geometric of the same name on one graph, with signed weights, for many cells at once: a
layer of PyTorch Geometric would need the edges and genes of every cell written out.
Shapes: N genes, B cells, L tokens a cell, S structure width, D backbone width, K eRegulons, H heads, R rows (a gene of
a cell), P places: the first rows, into which a layer's links go.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from grnformer.core.errors import InputError
from grnformer.graph.links import Links, Reach
from grnformer.graph.structure import ScaleGraph


class GraphLayer(nn.Module):
    """Messages from neighbours into the first rows, then an update of these; (R, S) -> (P, S).

    `weights` is what the layer takes for the edges' weights, see `ScaleGraph.reweighed`.
    """

    weights: ClassVar[str] = "given"

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()

    def messages(self, x_RS: torch.Tensor, links: Links, reach: Reach) -> torch.Tensor:
        """Messages along `links` into their places, (P, S); these are the first of the rows of x."""
        raise NotImplementedError

    def forward(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        """The genes' new features from their own and the messages."""
        raise NotImplementedError


class SageLayer(GraphLayer):
    """h' = relu(norm(W_self h + W_neigh mean of the neighbours' h)) (Hamilton et al. 2017, arXiv 1706.02216)."""

    def __init__(self, width: int, n_heads: int = 1) -> None:
        super().__init__(width, n_heads)
        self.own = nn.Linear(width, width)
        self.neighbours = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)

    def messages(self, x_RS: torch.Tensor, links: Links, reach: Reach) -> torch.Tensor:
        return links.mean(x_RS)

    def forward(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.own(own) + self.neighbours(neighbours)))


class GcnLayer(GraphLayer):
    """h' = relu(norm(W sum of w h / sqrt(d d'))) with a loop of weight 1 at each gene (arXiv 1609.02907).

    d is 1 + the sizes of the weights into a gene that are open in the cell; weights are relative to the mean of the
    edges that a cell's are drawn from, so that the loop counts as one edge.
    """

    weights = "relative"

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__(width, n_heads)
        self.linear = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def messages(self, x_RS: torch.Tensor, links: Links, reach: Reach) -> torch.Tensor:
        degree_R1 = 1 + reach.weight_R[: len(x_RS), None].to(x_RS.dtype)
        own, degree_P1 = x_RS[: links.n_places], degree_R1[: links.n_places]
        return links.total(x_RS * degree_R1.rsqrt()) * degree_P1.rsqrt() + own / degree_P1

    def forward(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.linear(neighbours)))


class GinLayer(GraphLayer):
    """h' = relu(norm(MLP((1 + e) h + sum of the neighbours' h by sign))), e learnt from 0 (arXiv 1810.00826)."""

    weights = "sign"

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__(width, n_heads)
        self.own = nn.Parameter(torch.zeros(()))
        self.perceptron = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)

    def messages(self, x_RS: torch.Tensor, links: Links, reach: Reach) -> torch.Tensor:
        return links.total(x_RS)

    def forward(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.perceptron((1 + self.own) * own + neighbours)))


class GatLayer(GraphLayer):
    """h' = relu(norm(W_self h + attention over the neighbours' W h)) (Velickovic et al. 2018, arXiv 1710.10903).

    The gene itself has a matrix of its own instead of a loop among its edges; an edge's share of attention is also
    proportional to the size of its weight, and its sign goes with the message.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__(width, n_heads)
        if width % n_heads:
            raise InputError(
                f"gnn.width is {width} and gnn.n_heads {n_heads}",
                "for gat a width that is a multiple of n_heads",
                "change one of them in pretrain.sizes",
            )
        self.own = nn.Linear(width, width)
        self.linear = nn.Linear(width, width, bias=False)
        self.source = nn.Parameter(torch.empty(n_heads, width // n_heads))
        self.target = nn.Parameter(torch.empty(n_heads, width // n_heads))
        nn.init.xavier_uniform_(self.source)
        nn.init.xavier_uniform_(self.target)
        self.norm = nn.LayerNorm(width)

    def messages(self, x_RS: torch.Tensor, links: Links, reach: Reach) -> torch.Tensor:
        sent_RS = self.linear(x_RS)
        own_PH = self._logit(sent_RS[: links.n_places], self.target)
        return links.attend(sent_RS, self._logit(sent_RS, self.source), own_PH)

    def forward(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.own(own) + neighbours))

    @staticmethod
    def _logit(x: torch.Tensor, attention_HS: torch.Tensor) -> torch.Tensor:
        return (x.unflatten(-1, (len(attention_HS), -1)) * attention_HS).sum(-1)


GNNS: dict[str, type[GraphLayer]] = {"sage": SageLayer, "gcn": GcnLayer, "gat": GatLayer, "gin": GinLayer}


class NodeFeatures(nn.Module):
    """Features of a gene in a cell: what it is, and its value there if the model may see it.

    x = P g + v Q g + c[state], with the gene's embedding g (D), its standardised value v (0 unless seen) and the
    state 0 = not among the cell's tokens, 1 = masked, 2 = seen. Without v the structure would say the same of every
    cell; the product with Q g lets a sum over neighbours keep apart whose value it was.
    """

    def __init__(self, gene_width: int, width: int) -> None:
        super().__init__()
        self.identity = nn.Linear(gene_width, width)
        self.value = nn.Linear(gene_width, width, bias=False)
        self.state = nn.Embedding(3, width)

    def forward(
        self, gene_ND: torch.Tensor, gene_R: torch.Tensor, value_R: torch.Tensor, state_R: torch.Tensor
    ) -> torch.Tensor:
        """Features of rows, (R, S), from the embeddings of all genes and each row's gene, value and state."""
        both = torch.cat([self.identity(gene_ND), self.value(gene_ND)], dim=1)  # of each gene once, not of each row
        identity_RS, slope_RS = F.embedding(gene_R, both).chunk(2, dim=1)
        return identity_RS + value_R[:, None] * slope_RS + self.state(state_R)


class GraphEncoder(nn.Module):
    """Structure embeddings of the tokens of each cell on one scale.

    `gnn`: name (a key of GNNS), width, n_layers, n_heads (of gat; `width` is a multiple of it).
    """

    def __init__(self, gene_width: int, gnn: dict[str, Any]) -> None:
        super().__init__()
        kind, width = GNNS[gnn["name"]], gnn["width"]
        self.features = NodeFeatures(gene_width, width)
        self.weights = kind.weights
        self.layers = nn.ModuleList(kind(width, gnn["n_heads"]) for _ in range(gnn["n_layers"]))

    def forward(
        self,
        gene_ND: torch.Tensor,
        value_BN: torch.Tensor,
        state_BN: torch.Tensor,
        tokens_BL: torch.Tensor,
        graph: ScaleGraph,
        active_KB: torch.Tensor,
    ) -> torch.Tensor:
        """Return (B, L, S). Only the tokens and what reaches them is computed."""
        reach = Reach(graph.reweighed(self.weights), active_KB, tokens_BL, len(self.layers))
        chosen = reach.cell_R, reach.gene_R
        x_RS = self.features(gene_ND, reach.gene_R, value_BN[chosen], state_BN[chosen])
        layers: list[GraphLayer] = list(self.layers)  # type: ignore[arg-type]
        for layer, links in zip(layers, reach.layers, strict=True):
            x_RS = layer(x_RS[: links.n_places], layer.messages(x_RS, links, reach))
        return x_RS.unflatten(0, tokens_BL.shape)


class ScaleFusion(nn.Module):
    """Embeddings of the scales, each (B, L, S), as one.

    `sum` (arXiv 2503.01682); `gate`, a sum whose terms are weighted by each gene and channel, equally at first;
    `concat`, a linear map of all of them.
    """

    def __init__(self, how: str, width: int, n_scales: int) -> None:
        super().__init__()
        self.how, self.n_scales = how, n_scales
        self.linear: nn.Linear | None = None
        if how == "concat":
            self.linear = nn.Linear(n_scales * width, width)
        elif how == "gate":
            self.linear = nn.Linear(n_scales * width, n_scales * width)
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def forward(self, scales: list[torch.Tensor]) -> torch.Tensor:
        if self.linear is None:
            return torch.stack(scales).sum(0)
        mixed = self.linear(torch.cat(scales, dim=-1))
        if self.how == "concat":
            return mixed
        weight = self.n_scales * mixed.unflatten(-1, (self.n_scales, -1)).softmax(-2)
        return (weight * torch.stack(scales, dim=-2)).sum(-2)
