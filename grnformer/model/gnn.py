"""Graph encoder: GraphSAGE (Hamilton et al. 2017, arXiv 1706.02216) over signed edges and per-cell expression.

Shapes: N genes, B cells, L tokens a cell, S structure width, D backbone width, T source genes, K eRegulons.
"""

from __future__ import annotations

import torch
from torch import nn

from grnformer.model.structure import ScaleGraph


class SageLayer(nn.Module):
    """h' = relu(norm(W_self h + W_neigh mean of the neighbours' h)); shapes (..., S) -> (..., S)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Linear(width, width)
        self.neighbours = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.own(own) + self.neighbours(neighbours)))


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


class SageEncoder(nn.Module):
    """Structure embeddings of the tokens of each cell on one scale."""

    def __init__(self, gene_width: int, width: int, n_layers: int) -> None:
        super().__init__()
        self.features = NodeFeatures(gene_width, width)
        self.layers = nn.ModuleList(SageLayer(width) for _ in range(n_layers))

    def forward(
        self,
        gene_ND: torch.Tensor,
        value_NB: torch.Tensor,
        state_NB: torch.Tensor,
        tokens_BL: torch.Tensor,
        graph: ScaleGraph,
        active_KB: torch.Tensor,
    ) -> torch.Tensor:
        """Return (B, L, S). Only genes that send messages, and the tokens, are computed."""
        cells_B1 = torch.arange(tokens_BL.shape[0], device=tokens_BL.device)[:, None]
        own_BLS = self.features(gene_ND[tokens_BL], value_NB[tokens_BL, cells_B1], state_NB[tokens_BL, cells_B1])
        sources = torch.from_numpy(graph.sources).to(tokens_BL.device)
        source_TBS = self.features(gene_ND[sources][:, None], value_NB[sources], state_NB[sources])
        for depth, layer in enumerate(self.layers):
            if len(sources):
                to_tokens_BLS = graph.gather(source_TBS, active_KB, tokens_BL)
                if depth + 1 < len(self.layers):
                    source_TBS = layer(source_TBS, graph.propagate(source_TBS, active_KB, graph.sources))
            else:
                to_tokens_BLS = torch.zeros_like(own_BLS)
            own_BLS = layer(own_BLS, to_tokens_BLS)
        return own_BLS
