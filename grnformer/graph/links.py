"""Message passing over the k-hop in-neighbourhood of each cell's tokens.

Messages are computed only for the genes that can reach a token. Rows are (cell, gene) pairs: tokens first, then their
1-hop sources, then 2-hop. A graph layer reads some rows and gives new states of the first ones, its targets.
Shapes: B cells, L tokens a cell, S structure width, H heads, E edges that are open in their cell, R rows, P targets
(the first rows), K eRegulons, N genes, G groups of cells that share one edge array, F rows of the last hop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numba import njit
from torch.nn import functional as F

ATTENTION_SLOPE = 0.2
LEAST_WEIGHT = 1e-12  # of a mean and of a logarithm: no division by 0, no log of 0


@dataclass(frozen=True)
class EdgeBatch:
    """Open edges of a batch on one scale, as one graph layer reads them.

    Attributes
    ----------
    cell_R, gene_R
        Of the rows that the layer reads.
    source_E, target_E
        Rows that each edge joins; sorted by target.
    weight_E
        Signed.
    n_targets
        P.
    degree_R
        Sum of the absolute weights of all open edges into each row; None unless asked for.
    """

    cell_R: torch.Tensor
    gene_R: torch.Tensor
    source_E: torch.Tensor
    target_E: torch.Tensor
    weight_E: torch.Tensor
    n_targets: int
    degree_R: torch.Tensor | None = None

    @cached_property
    def _first_P(self) -> torch.Tensor:
        """First edge of each target."""
        # edges are sorted by target; a search also places targets without an edge
        return torch.searchsorted(
            self.target_E, torch.arange(self.n_targets, device=self.target_E.device)
        )

    @cached_property
    def _by_source(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Edges in the order of their sources, (E,), their targets, and where each row's edges begin, (R,)."""
        order, first = _file_by_row(self.source_E.numpy(), len(self.cell_R))
        order_E = torch.from_numpy(order)
        return order_E, self.target_E[order_E], torch.from_numpy(first)

    def total(self, x_RS: torch.Tensor) -> torch.Tensor:
        """Signed weighted sum of messages into each target, (R, S) -> (P, S)."""
        return self._sum(x_RS, self.weight_E)

    def mean(self, x_RS: torch.Tensor) -> torch.Tensor:
        """Signed weighted mean of messages into each target, (R, S) -> (P, S); 0 where there is no edge."""
        norm_P = self._sum_edges(self.weight_E.abs())
        return self._sum(
            x_RS, self.weight_E / norm_P.clamp(min=LEAST_WEIGHT)[self.target_E]
        )

    def attend(
        self, x_RS: torch.Tensor, source_RH: torch.Tensor, target_PH: torch.Tensor
    ) -> torch.Tensor:
        """Attention over the edges of each target, the edge's sign with the message: (R, S) -> (P, S).

        The attention of an edge is proportional to |w| exp(leaky_relu(logit of its source + logit of its target)): an
        edge of weight 2 counts as two of weight 1.

        Parameters
        ----------
        x_RS
            Messages; their S channels are H heads, one behind the other.
        source_RH, target_PH
            Logits.
        """
        # index_select, not indexing: its gradient adds up the edges of a row in one pass
        logit_EH = source_RH.index_select(0, self.source_E)
        logit_EH = logit_EH + target_PH.index_select(0, self.target_E)
        logit_EH = F.leaky_relu(logit_EH, ATTENTION_SLOPE)
        # added as a logarithm, the weight is a factor of the attention
        logit_EH = logit_EH + self.weight_E.abs().clamp(min=LEAST_WEIGHT).log()[:, None]

        # softmax over the edges of a target: less its highest logit no exponential overflows; the highest is a
        # constant that cancels, so it needs no gradient
        highest_PH = logit_EH.new_full(target_PH.shape, -torch.inf)
        index_EH = self.target_E[:, None].expand_as(logit_EH)
        highest_PH = highest_PH.scatter_reduce(0, index_EH, logit_EH.detach(), "amax")
        power_EH = (logit_EH - highest_PH.index_select(0, self.target_E)).exp()

        # the sign comes after the softmax, whose weights are positive and sum to 1
        signed_EH = power_EH * self.weight_E.sign()[:, None]
        # a head at a time: embedding_bag takes one weight an edge
        heads = x_RS.chunk(target_PH.shape[1], dim=-1)
        summed = [self._sum(x, signed_EH[:, head]) for head, x in enumerate(heads)]
        # divided once a target, not once an edge; 0 where there is no edge
        total_PH = self._sum_edges(power_EH).clamp(min=LEAST_WEIGHT)
        return torch.cat(summed, dim=-1) / total_PH.repeat_interleave(
            summed[0].shape[1], dim=1
        )

    def _sum_edges(self, value: torch.Tensor) -> torch.Tensor:
        """Sum over the edges of each target, (E, ...) -> (P, ...)."""
        return value.new_zeros(self.n_targets, *value.shape[1:]).index_add(
            0, self.target_E, value
        )

    def _sum(self, x_RS: torch.Tensor, weight_E: torch.Tensor) -> torch.Tensor:
        """Weighted sum of the source rows of each target, (R, S) -> (P, S)."""
        if not len(self.source_E):
            return x_RS.new_zeros(self.n_targets, x_RS.shape[1])
        # of the type of x, as embedding_bag wants them
        weight_E, x_RS = weight_E.to(x_RS.dtype).contiguous(), x_RS.contiguous()
        if x_RS.device.type != "cpu":
            return _bags(x_RS, self.source_E, self._first_P, weight_E)
        summed_PS: torch.Tensor = _SumOfSources.apply(x_RS, weight_E, self)
        return summed_PS


def _bags(
    x_RS: torch.Tensor, row_E: torch.Tensor, first: torch.Tensor, weight_E: torch.Tensor
) -> torch.Tensor:
    """Weighted sums of the rows `row_E` of x, one from each place `first` on."""
    # embedding_bag sums rows where they lie: indexing would copy a row for each edge, (E, S)
    return F.embedding_bag(row_E, x_RS, first, mode="sum", per_sample_weights=weight_E)


class _SumOfSources(torch.autograd.Function):
    """`_bags` over the edges of each target on a CPU; the gradient is a sum over the edges of each source.

    PyTorch's gradient sorts the edges by source, which takes longer than the sums; here they are filed.
    """

    @staticmethod
    def forward(
        ctx: Any, x_RS: torch.Tensor, weight_E: torch.Tensor, edges: EdgeBatch
    ) -> torch.Tensor:
        ctx.save_for_backward(x_RS, weight_E)
        ctx.edges = edges
        return _bags(x_RS, edges.source_E, edges._first_P, weight_E)

    @staticmethod
    def backward(
        ctx: Any, grad_PS: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        (x_RS, weight_E), edges = ctx.saved_tensors, ctx.edges
        grad_PS = grad_PS.contiguous()
        grad_RS = grad_E = None
        if ctx.needs_input_grad[0]:
            order_E, target_E, first_R = edges._by_source
            grad_RS = _bags(grad_PS, target_E, first_R, weight_E[order_E])
        if ctx.needs_input_grad[1]:
            # PyTorch's, which sorts nothing where x needs none
            with torch.enable_grad():
                weight_E = weight_E.detach().requires_grad_()
                again_PS = _bags(
                    x_RS.detach(), edges.source_E, edges._first_P, weight_E
                )
            (grad_E,) = torch.autograd.grad(again_PS, weight_E, grad_PS)
        return grad_RS, grad_E, None


def gather_edges(
    sampled: Sequence[np.ndarray],
    group_B: np.ndarray,
    active_KB: torch.Tensor,
    tokens_BL: torch.Tensor,
    n_genes: int,
    n_layers: int,
    *,
    degrees: bool = False,
    device: torch.device | None = None,
) -> list[EdgeBatch]:
    """Open edges of the k-hop in-neighbourhood of the tokens, for each of `n_layers` layers, the widest first.

    Parameters
    ----------
    sampled
        Edge arrays of groups of cells, each sorted by target.
    group_B
        Group of each cell.
    active_KB
        Activity of eRegulons: an edge is open where that of its gate is not 0, and its weight is multiplied by it.
    tokens_BL
        Genes asked for; the first rows are they, by cell and token.
    degrees
        Whether `degree_R` is wanted.
    device
        Where the edges are wanted; None: where the tokens are.
    """
    device = device or tokens_BL.device
    tokens, active = (
        tokens_BL.cpu().numpy(),
        np.ascontiguousarray(active_KB.cpu().numpy()),
    )
    edges = np.concatenate(sampled)
    source, gate, weight = (
        np.ascontiguousarray(edges[name]) for name in ("source", "gate", "weight")
    )

    # edges of group g into gene n stand from first[g, n] up to first[g, n + 1]
    offset = np.cumsum([0, *(len(part) for part in sampled[:-1])])
    first = [
        np.searchsorted(part["target"], np.arange(n_genes + 1)) for part in sampled
    ]
    first_GN = np.stack(first) + offset[:, None]

    n_cells, n_tokens = tokens.shape
    cells, genes = [np.repeat(np.arange(n_cells), n_tokens)], [tokens.ravel()]

    # row of each (cell, gene), -1 as long as it has none; the hops fill it
    row_BN = np.full((n_cells, n_genes), -1)
    row_BN[cells[0], genes[0]] = np.arange(tokens.size)

    hops, n_rows = [], [tokens.size]
    for _ in range(n_layers):
        # only rows that the last hop added: edges into earlier rows are there already
        frontier = cells[-1], genes[-1]
        *hop, cell, gene = _open_edges(
            first_GN,
            group_B,
            source,
            gate,
            weight,
            active,
            *frontier,
            row_BN,
            n_rows[-1],
        )
        hops.append(hop)
        cells.append(cell)
        genes.append(gene)
        n_rows.append(n_rows[-1] + len(gene))

    cell, gene = np.concatenate(cells), np.concatenate(genes)
    source_E, target_E, weight_E = (
        _moved(np.concatenate(part), device) for part in zip(*hops, strict=True)
    )
    cell_R, gene_R = _moved(cell, device), _moved(gene, device)
    degree_R = None
    if degrees:
        sums = _open_weights(first_GN, group_B, gate, weight, active, cell, gene)
        degree_R = _moved(sums, device)

    # rows and edges stand hop by hop, so that every layer reads the first ones
    n_edges = np.cumsum([len(hop[0]) for hop in hops]).tolist()
    batches = [
        EdgeBatch(
            cell_R[:rows],
            gene_R[:rows],
            source_E[:ends],
            target_E[:ends],
            weight_E[:ends],
            n_targets,
            None if degree_R is None else degree_R[:rows],
        )
        for n_targets, rows, ends in zip(n_rows[:-1], n_rows[1:], n_edges, strict=True)
    ]
    # the first layer to run is the last hop, furthest from the tokens
    return batches[::-1]


def _moved(array: np.ndarray, device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    # from pinned memory a copy waits for nothing that the GPU has still to do
    return tensor.pin_memory().to(device, non_blocking=True)


# compiled: one pass over the open edges of all cells costs less than masks over every edge of every cell
@njit(cache=True, nogil=True)
def _open_edges(
    first_GN: np.ndarray,
    group_B: np.ndarray,
    source: np.ndarray,
    gate: np.ndarray,
    weight: np.ndarray,
    active_KB: np.ndarray,
    cell_F: np.ndarray,
    gene_F: np.ndarray,
    row_BN: np.ndarray,
    n_rows: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Open edges into the rows of the last hop, and the rows that they add.

    Parameters
    ----------
    first_GN, group_B, source, gate, weight, active_KB
        See `gather_edges`.
    cell_F, gene_F
        Of the rows of the last hop.
    row_BN
        Row of each gene of each cell, -1 where it has none; filled where an edge comes from a gene without.
    n_rows
        Rows so far; those of the last hop are the last of them.

    Returns
    -------
    Rows of source and target and weight of each edge, sorted by target; cell and gene of each row that was added.
    """
    # the edges are counted first: arrays of the right size are filled, none grows
    size = 0
    for f in range(len(gene_F)):
        cell = cell_F[f]
        group = group_B[cell]
        for edge in range(first_GN[group, gene_F[f]], first_GN[group, gene_F[f] + 1]):
            size += gate[edge] < 0 or active_KB[gate[edge], cell] != 0
    source_E, target_E, weight_E = (
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.float32),
    )
    cell_A, gene_A = np.empty(size, np.int64), np.empty(size, np.int64)

    size = added = 0
    for f in range(len(gene_F)):
        cell = cell_F[f]
        group = group_B[cell]
        for edge in range(first_GN[group, gene_F[f]], first_GN[group, gene_F[f] + 1]):
            activity = np.float32(1) if gate[edge] < 0 else active_KB[gate[edge], cell]
            if activity == 0:
                continue
            # reached for the first time: a row for the next hop to start from
            if row_BN[cell, source[edge]] < 0:
                row_BN[cell, source[edge]] = n_rows + added
                cell_A[added], gene_A[added] = cell, source[edge]
                added += 1
            source_E[size] = row_BN[cell, source[edge]]
            target_E[size] = n_rows - len(gene_F) + f
            weight_E[size] = weight[edge] * activity
            size += 1
    # copies: a view would keep its whole array alive
    return source_E, target_E, weight_E, cell_A[:added].copy(), gene_A[:added].copy()


@njit(cache=True, nogil=True)
def _file_by_row(row_E: np.ndarray, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges in the order of their rows, those of a row in their own order, and where each row's edges begin."""
    next_R = np.zeros(n_rows + 1, np.int64)
    for row in row_E:
        next_R[row + 1] += 1
    next_R = np.cumsum(next_R)
    first_R = next_R[:-1].copy()
    order_E = np.empty(len(row_E), np.int64)
    for edge in range(len(row_E)):
        order_E[next_R[row_E[edge]]] = edge
        next_R[row_E[edge]] += 1
    return order_E, first_R


@njit(cache=True, nogil=True)
def _open_weights(
    first_GN: np.ndarray,
    group_B: np.ndarray,
    gate: np.ndarray,
    weight: np.ndarray,
    active_KB: np.ndarray,
    cell_R: np.ndarray,
    gene_R: np.ndarray,
) -> np.ndarray:
    """Sum of the absolute weights of the open edges into each row, (R,); arguments as of `_open_edges`."""
    total_R = np.zeros(len(gene_R), np.float32)
    for r in range(len(gene_R)):
        cell = cell_R[r]
        group = group_B[cell]
        for edge in range(first_GN[group, gene_R[r]], first_GN[group, gene_R[r] + 1]):
            activity = np.float32(1) if gate[edge] < 0 else active_KB[gate[edge], cell]
            total_R[r] += abs(weight[edge]) * activity
    return total_R
