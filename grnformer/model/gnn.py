"""Graph encoders over signed edges and per-cell expression, and the fusion of the two scales.

Each layer is that of PyTorch Geometric of the same name on one graph, with signed weights, for many cells at once: a
layer of PyTorch Geometric would need the edges and genes of every cell written out.
Shapes: N genes, B cells, L tokens a cell, S structure width, D backbone width, T source genes, K eRegulons, H heads.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from grnformer.errors import InputError
from grnformer.model.links import Links, SourceLinks, TokenLinks
from grnformer.model.structure import ScaleGraph


class GraphLayer(nn.Module):
    """Messages from neighbours, then an update of the genes; shapes (..., S) -> (..., S).

    `weights` is what the layer takes for the edges' weights, see `ScaleGraph.reweighed`.
    """

    weights: ClassVar[str] = "given"

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()

    def messages(self, own: torch.Tensor, x_TBS: torch.Tensor, links: Links, sources: SourceLinks) -> torch.Tensor:
        """Messages into the genes with features `own` along `links`, from the sources with features `x_TBS`."""
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

    def messages(self, own: torch.Tensor, x_TBS: torch.Tensor, links: Links, sources: SourceLinks) -> torch.Tensor:
        return links.mean(x_TBS)

    def forward(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.own(own) + self.neighbours(neighbours)))


class GcnLayer(GraphLayer):
    """h' = relu(norm(W sum of w h / sqrt(d d'))) with a loop of weight 1 at each gene (arXiv 1609.02907).

    d is 1 + the sizes of the weights into a gene that are open in the cell; weights are relative to their mean, so that
    the loop counts as one edge.
    """

    weights = "relative"

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__(width, n_heads)
        self.linear = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def messages(self, own: torch.Tensor, x_TBS: torch.Tensor, links: Links, sources: SourceLinks) -> torch.Tensor:
        degree = 1 + links.weight(x_TBS)[..., None]
        sent_TBS = x_TBS * (1 + sources.weight(x_TBS)[..., None]).rsqrt()
        return links.total(sent_TBS) * degree.rsqrt() + own / degree

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

    def messages(self, own: torch.Tensor, x_TBS: torch.Tensor, links: Links, sources: SourceLinks) -> torch.Tensor:
        return links.total(x_TBS)

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

    def messages(self, own: torch.Tensor, x_TBS: torch.Tensor, links: Links, sources: SourceLinks) -> torch.Tensor:
        sent_TBS = self.linear(x_TBS)
        return links.attend(sent_TBS, self._logit(sent_TBS, self.source), self._logit(self.linear(own), self.target))

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

    def forward(self, gene: torch.Tensor, value: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """gene (..., 1 or B, D), value and state (..., B) -> (..., B, S)."""
        return self.identity(gene) + value[..., None] * self.value(gene) + self.state(state)


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
        value_NB: torch.Tensor,
        state_NB: torch.Tensor,
        tokens_BL: torch.Tensor | None,
        graph: ScaleGraph,
        active_KB: torch.Tensor,
    ) -> torch.Tensor:
        """Return (B, L, S). Only genes that send messages, and the tokens (None: all genes), are computed."""
        sources = torch.from_numpy(graph.sources).to(gene_ND.device)
        source_TBS = self.features(gene_ND[sources][:, None], value_NB[sources], state_NB[sources])
        graph = graph.reweighed(self.weights)
        to_sources = SourceLinks(graph, active_KB, graph.sources)
        if tokens_BL is None:
            own_NBS = self.features(gene_ND[:, None], value_NB, state_NB)
            to_all = SourceLinks(graph, active_KB, np.arange(len(gene_ND)))
            return self._update(own_NBS, source_TBS, to_all, to_sources).transpose(0, 1)
        cells_B1 = torch.arange(tokens_BL.shape[0], device=tokens_BL.device)[:, None]
        own_BLS = self.features(gene_ND[tokens_BL], value_NB[tokens_BL, cells_B1], state_NB[tokens_BL, cells_B1])
        return self._update(own_BLS, source_TBS, TokenLinks(graph, active_KB, tokens_BL), to_sources)

    def _update(
        self, own: torch.Tensor, source_TBS: torch.Tensor, links: Links, to_sources: SourceLinks
    ) -> torch.Tensor:
        """All layers: features of the genes that are asked for, and of the sources as far as they are needed."""
        layers: list[GraphLayer] = list(self.layers)  # type: ignore[arg-type]
        for depth, layer in enumerate(layers):
            messages = layer.messages(own, source_TBS, links, to_sources)
            if depth + 1 < len(layers) and len(source_TBS):
                source_TBS = layer(source_TBS, layer.messages(source_TBS, source_TBS, to_sources, to_sources))
            own = layer(own, messages)
        return own


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
