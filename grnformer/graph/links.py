"""Links into the genes of a batch: what graph layers ask of them, sums over neighbours and attention.

Only what the tokens are told of is computed: a row is a gene of a cell, tokens stand first, then the genes that send to
them, then those that send to these, and so on. A layer takes the states of some rows and gives those of the first ones.
Shapes: B cells, L tokens a cell, S structure width, H heads, E open edges, R rows, P places (the first rows, into which
links go), K eRegulons, N genes, G groups of cells that share one edge list.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from grnformer.graph.open_edges import find_open_edges, sum_open_weights

if TYPE_CHECKING:
    from grnformer.graph.structure import ScaleGraph

ATTENTION_SLOPE = 0.2


class Links:
    """Links into `n_places` places, sorted by place: the row that each comes from, its weight (signed)."""

    def __init__(self, place_E: torch.Tensor, row_E: torch.Tensor, weight_E: torch.Tensor, n_places: int) -> None:
        self.place_E, self.row_E, self.weight_E, self.n_places = place_E, row_E, weight_E, n_places

    @cached_property
    def start(self) -> torch.Tensor:
        """First link of each place, (P,)."""
        return torch.searchsorted(self.place_E, torch.arange(self.n_places, device=self.place_E.device))

    @cached_property
    def weight(self) -> torch.Tensor:
        """Sums of the weights' sizes, (P,)."""
        return self.weight_E.new_zeros(self.n_places).index_add(0, self.place_E, self.weight_E.abs())

    def total(self, x_RS: torch.Tensor) -> torch.Tensor:
        """Signed weighted sums, (R, S) -> (P, S)."""
        return self._sum(x_RS, self.weight_E.to(x_RS.dtype))

    def mean(self, x_RS: torch.Tensor) -> torch.Tensor:
        """Signed weighted means, (R, S) -> (P, S); 0 where there is no edge."""
        fraction_E = self.weight_E / self.weight.clamp(min=1e-12)[self.place_E]
        return self._sum(x_RS, fraction_E.to(x_RS.dtype))

    def attend(self, x_RS: torch.Tensor, to_RH: torch.Tensor, from_PH: torch.Tensor) -> torch.Tensor:
        """Sums of sign x message, weighted by a softmax over a place's edges, (P, S).

        An edge's share is proportional to |w| exp(leaky_relu(logit of the source + logit of the place)): an edge of
        weight 2 is worth two of weight 1.
        """
        logit_EH = F.embedding(self.row_E, to_RH) + F.embedding(self.place_E, from_PH)
        logit_EH = F.leaky_relu(logit_EH, ATTENTION_SLOPE) + self.weight_E.abs().clamp(min=1e-12).log()[:, None]
        shape = (self.n_places, logit_EH.shape[1])
        index_EH = self.place_E[:, None].expand(-1, shape[1])
        highest = logit_EH.new_full(shape, -torch.inf).scatter_reduce(0, index_EH, logit_EH.detach(), "amax")
        fraction_EH = (logit_EH - highest[self.place_E]).exp()
        fraction_EH = fraction_EH / F.embedding(
            self.place_E, fraction_EH.new_zeros(shape).index_add(0, self.place_E, fraction_EH)
        )
        fraction_EH = (fraction_EH * self.weight_E.sign()[:, None]).to(x_RS.dtype)
        by_head = x_RS.chunk(shape[1], dim=-1)
        return torch.cat([self._sum(x, fraction_EH[:, h]) for h, x in enumerate(by_head)], dim=-1)

    def _sum(self, x_RS: torch.Tensor, weight_E: torch.Tensor) -> torch.Tensor:
        """Weighted sums of rows of x without a copy of them for each edge."""
        if not len(self.row_E):
            return x_RS.new_zeros(self.n_places, x_RS.shape[1])
        return F.embedding_bag(
            self.row_E, x_RS.contiguous(), self.start, mode="sum", per_sample_weights=weight_E.contiguous()
        )


class Reach:
    """What reaches the tokens of a batch within so many layers: rows, and the links of each layer.

    Parameters
    ----------
    graph
        One scale's edges.
    active_KB
        eRegulons active in each cell: they open edges.
    tokens_BL
        Genes asked for; rows are in their order, by cell and token, before others.
    n_layers
        1 at least.
    """

    def __init__(self, graph: ScaleGraph, active_KB: torch.Tensor, tokens_BL: torch.Tensor, n_layers: int) -> None:
        self.device = tokens_BL.device
        tokens, opened = tokens_BL.cpu().numpy(), np.ascontiguousarray(active_KB.cpu().numpy())
        n_cells, n_tokens = tokens.shape
        edges, first_GN, group_B = graph.joined(n_cells, 1 + int(tokens.max(initial=0)))
        self._open = (first_GN, group_B, edges.weight, edges.gate, opened)
        gene, cell = tokens.ravel().astype(np.int64), np.repeat(np.arange(n_cells), n_tokens)
        row_BN = np.full((n_cells, first_GN.shape[1] - 1), -1)
        row_BN[cell, gene] = np.arange(len(gene))
        found, genes, cells, sizes = [], [gene], [cell], [len(gene)]
        for _ in range(n_layers):
            place, number, row, gene, cell = find_open_edges(
                first_GN, group_B, edges.source, edges.gate, opened, genes[-1], cells[-1], row_BN, sizes[-1]
            )
            found.append((place + sizes[-1] - len(genes[-1]), number, row))
            genes.append(gene)
            cells.append(cell)
            sizes.append(sizes[-1] + len(gene))
        place, number, row = (np.concatenate(part) for part in zip(*found, strict=True))
        self._gene, self._cell = np.concatenate(genes), np.concatenate(cells)
        self.gene_R, self.cell_R = self._tensor(self._gene), self._tensor(self._cell)
        weight = edges.weight[number]
        if len(number) and edges.gate[0] >= 0:
            weight = weight * opened[edges.gate[number], self._cell[place]]
        ends = np.cumsum([len(part[0]) for part in found])
        place_E, row_E, weight_E = self._tensor(place), self._tensor(row), self._tensor(weight)
        links = [
            Links(place_E[:end], row_E[:end], weight_E[:end], size) for end, size in zip(ends, sizes, strict=False)
        ]
        self.layers = links[::-1]  # the first layer is the widest one

    @cached_property
    def weight_R(self) -> torch.Tensor:
        """Sums of the sizes of the weights of the edges into each row, (R,)."""
        return self._tensor(sum_open_weights(*self._open, self._gene, self._cell))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
