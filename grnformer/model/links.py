"""Links into the genes of a batch: what graph layers ask of them, sums over neighbours and attention.

Shapes: B cells, L tokens a cell, S structure width, H heads, E open edges, R message rows, K eRegulons, T source genes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from grnformer.model.open_edges import find_open_edges

if TYPE_CHECKING:
    from grnformer.model.structure import EdgeList, ScaleGraph

ATTENTION_SLOPE = 0.2


class Propagation:
    """Signed weighted sums over incoming edges, for all cells of a group at once.

    total[i, b] = sum_e w_e g_eb x[source(e), b] and weight[i, b] = sum_e |w_e| g_eb over the edges e into gene i that
    are open in cell b. Called, it gives total / weight, the mean; 0 where there is no edge. Edges with the same source
    and gate share one message row, so that the cost is one product of a sparse (N x R) with a dense (R x B S) matrix,
    whatever the number of cells.
    """

    def __init__(self, edges: EdgeList, sources: np.ndarray, n_genes: int, device: torch.device) -> None:
        place = np.searchsorted(sources, edges.source)
        rows, row = np.unique(np.stack([place, edges.gate]), axis=1, return_inverse=True)
        self.row_source = torch.from_numpy(rows[0]).to(device)
        self.row_gate = torch.from_numpy(rows[1]).to(device) if len(edges) and edges.gate[0] >= 0 else None
        index = torch.from_numpy(np.stack([edges.target, row.reshape(-1)]))
        shape = (n_genes, rows.shape[1])
        weight = torch.from_numpy(edges.weight.astype(np.float32))
        self.matrix = torch.sparse_coo_tensor(index, weight, shape, check_invariants=False).coalesce().to(device)
        self.norm = torch.sparse_coo_tensor(index, weight.abs(), shape, check_invariants=False).coalesce().to(device)

    def total(self, x_TBS: torch.Tensor, active_KB: torch.Tensor | None) -> torch.Tensor:
        """x_TBS: features of the sources; active_KB: eRegulons active in each cell. Returns (N, B, S)."""
        message_RBS = x_TBS[self.row_source]
        if self.row_gate is not None and active_KB is not None:
            message_RBS = message_RBS * active_KB[self.row_gate][:, :, None]
        n_rows, n_cells, width = message_RBS.shape
        total_NBS = torch.sparse.mm(self.matrix, message_RBS.reshape(n_rows, n_cells * width))
        return total_NBS.unflatten(1, (n_cells, width))

    def weight(self, x_TBS: torch.Tensor, active_KB: torch.Tensor | None) -> torch.Tensor:
        """(N, B), or (N, 1) where the edges are the same in every cell."""
        if self.row_gate is None or active_KB is None:
            return torch.sparse.mm(self.norm, x_TBS.new_ones(len(self.row_source), 1))
        return torch.sparse.mm(self.norm, active_KB[self.row_gate])

    def __call__(self, x_TBS: torch.Tensor, active_KB: torch.Tensor | None) -> torch.Tensor:
        """The mean, (N, B, S)."""
        return self.total(x_TBS, active_KB) / self.weight(x_TBS, active_KB).clamp(min=1e-12)[:, :, None]


class TokenLinks:
    """Links into each cell's own tokens, edge by edge: a cell has few of the genes, and these have few edges."""

    def __init__(self, graph: ScaleGraph, active_KB: torch.Tensor, tokens_BL: torch.Tensor) -> None:
        self.n_cells, self.n_tokens = tokens_BL.shape
        genes_BL, opened_KB = tokens_BL.cpu().numpy(), active_KB.cpu().numpy()
        place, source, weight, gate = [], [], [], []
        for columns, edges in graph.groups:
            first = np.searchsorted(edges.target, np.arange(genes_BL.max(initial=0) + 2))
            slot, chosen = find_open_edges(first, edges.gate, opened_KB, genes_BL[columns], np.asarray(columns))
            place.append(slot)
            source.append(np.searchsorted(graph.sources, edges.source[chosen]))
            weight.append(edges.weight[chosen])
            gate.append(edges.gate[chosen])
        device = tokens_BL.device
        order = np.argsort(np.concatenate(place), kind="stable")
        self.place_E, source_E, weight_E, gate_E = (
            torch.from_numpy(np.concatenate(part)[order]).to(device) for part in (place, source, weight, gate)
        )
        cell_E = self.place_E // self.n_tokens
        if len(gate_E) and gate_E[0] >= 0:
            weight_E = weight_E * active_KB[gate_E, cell_E]
        self.row_E, self.weight_E = source_E * self.n_cells + cell_E, weight_E
        self.start = torch.searchsorted(self.place_E, torch.arange(self.n_cells * self.n_tokens, device=device))

    def total(self, x_TBS: torch.Tensor) -> torch.Tensor:
        """Signed weighted sums, (T, B, S) -> (B, L, S)."""
        return self._sum(x_TBS.flatten(0, 1), self.weight_E.to(x_TBS.dtype))

    def weight(self, x_TBS: torch.Tensor) -> torch.Tensor:
        """Sums of the weights' sizes, (B, L)."""
        norm = x_TBS.new_zeros(self.n_cells * self.n_tokens)
        norm = norm.index_add(0, self.place_E, self.weight_E.to(x_TBS.dtype).abs())
        return norm.unflatten(0, (self.n_cells, self.n_tokens))

    def mean(self, x_TBS: torch.Tensor) -> torch.Tensor:
        """Signed weighted means, (T, B, S) -> (B, L, S); 0 where there is no edge."""
        return self.total(x_TBS) / self.weight(x_TBS).clamp(min=1e-12)[:, :, None]

    def attend(self, x_TBS: torch.Tensor, to_TBH: torch.Tensor, from_BLH: torch.Tensor) -> torch.Tensor:
        """Sums of sign x message, weighted by a softmax over a place's edges, (B, L, S).

        An edge's share is proportional to |w| exp(leaky_relu(logit of the source + logit of the place)): an edge of
        weight 2 is worth two of weight 1.
        """
        logit_EH = to_TBH.flatten(0, 1)[self.row_E] + from_BLH.flatten(0, 1)[self.place_E]
        logit_EH = F.leaky_relu(logit_EH, ATTENTION_SLOPE) + self.weight_E.abs().clamp(min=1e-12).log()[:, None]
        shape = (self.n_cells * self.n_tokens, logit_EH.shape[1])
        index_EH = self.place_E[:, None].expand(-1, shape[1])
        highest = logit_EH.new_full(shape, -torch.inf).scatter_reduce(0, index_EH, logit_EH.detach(), "amax")
        share_EH = (logit_EH - highest[self.place_E]).exp()
        share_EH = share_EH / share_EH.new_zeros(shape).index_add(0, self.place_E, share_EH)[self.place_E]
        share_EH = (share_EH * self.weight_E.sign()[:, None]).to(x_TBS.dtype)
        by_head = x_TBS.flatten(0, 1).chunk(shape[1], dim=-1)
        return torch.cat([self._sum(x, share_EH[:, h]) for h, x in enumerate(by_head)], dim=-1)

    def _sum(self, x_RS: torch.Tensor, weight_E: torch.Tensor) -> torch.Tensor:
        """Weighted sums of rows of x without a copy of them for each edge."""
        shape = (self.n_cells, self.n_tokens)
        if not len(x_RS):
            return x_RS.new_zeros(*shape, x_RS.shape[1])
        total = F.embedding_bag(
            self.row_E, x_RS.contiguous(), self.start, mode="sum", per_sample_weights=weight_E.contiguous()
        )
        return total.unflatten(0, shape)


class SourceLinks:
    """Links into the same genes (`targets`, ascending) of every cell: one sparse x dense product a group of cells."""

    def __init__(self, graph: ScaleGraph, active_KB: torch.Tensor, targets: np.ndarray) -> None:
        self.graph, self.active_KB, self.targets = graph, active_KB, targets
        self.back = np.argsort(np.concatenate([columns for columns, _ in graph.groups]))

    @cached_property
    def products(self) -> list[tuple[np.ndarray, Propagation]]:
        """Columns of the batch, and the product of their group."""
        from dataclasses import replace

        made = []
        for columns, edges in self.graph.groups:
            inside = edges.take(np.flatnonzero(np.isin(edges.target, self.targets)))
            inside = replace(inside, target=np.searchsorted(self.targets, inside.target))
            product = Propagation(inside, self.graph.sources, len(self.targets), self.active_KB.device)
            made.append((columns, product))
        return made

    def total(self, x_TBS: torch.Tensor) -> torch.Tensor:
        """Signed weighted sums, (T, B, S) -> (targets, B, S)."""
        return self._join([p.total(x_TBS[:, c], self.active_KB[:, c]) for c, p in self.products])

    def weight(self, x_TBS: torch.Tensor) -> torch.Tensor:
        """Sums of the weights' sizes, (targets, B)."""
        parts = []
        for columns, product in self.products:
            weight = product.weight(x_TBS, self.active_KB[:, columns])
            parts.append(weight.expand(-1, len(columns)))
        return self._join(parts)

    def mean(self, x_TBS: torch.Tensor) -> torch.Tensor:
        """Signed weighted means, (T, B, S) -> (targets, B, S); 0 where there is no edge."""
        return self._join([p(x_TBS[:, c], self.active_KB[:, c]) for c, p in self.products])

    def attend(self, x_TBS: torch.Tensor, to_TBH: torch.Tensor, from_TBH: torch.Tensor) -> torch.Tensor:
        """As `TokenLinks.attend`; (targets, B, S). Shares differ between cells, so that edges are taken one by one."""
        return self._each.attend(x_TBS, to_TBH, from_TBH.transpose(0, 1)).transpose(0, 1)

    @cached_property
    def _each(self) -> TokenLinks:
        targets = torch.from_numpy(self.targets).to(self.active_KB.device)
        return TokenLinks(self.graph, self.active_KB, targets.expand(self.active_KB.shape[1], -1))

    def _join(self, parts: list[torch.Tensor]) -> torch.Tensor:
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)[:, self.back]


Links = TokenLinks | SourceLinks
