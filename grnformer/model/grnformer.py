"""The model: a backbone, and where the arm has one, graph encoders on two scales and the cross-attention adapter.

Shapes: B cells, L gene tokens, T = 1 + L, D width, S structure width, N genes, K eRegulons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from grnformer.model.adapter import CrossAttentionAdapter
from grnformer.model.backbones import BACKBONES
from grnformer.model.gnn import SageEncoder
from grnformer.model.perturb import perturb_edges
from grnformer.model.structure import EdgeList, ScaleGraph, Structure, sample_neighbours, scale_graph


@dataclass(frozen=True)
class Batch:
    """Tokens of B cells, and what finds their graphs: the number of the cell type (-1: none) and active eRegulons."""

    gene_BL: torch.Tensor
    value_BL: torch.Tensor
    masked_BL: torch.Tensor
    type_B: np.ndarray
    active_BK: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on another device."""
        gene, value, masked = (x.to(device) for x in (self.gene_BL, self.value_BL, self.masked_BL))
        return Batch(gene, value, masked, self.type_B, self.active_BK.to(device))

    def expressed(self) -> list[np.ndarray]:
        """Genes of each cell that the model sees expressed."""
        seen = ((self.value_BL > 0) & ~self.masked_BL).cpu().numpy()
        genes = self.gene_BL.cpu().numpy()
        return [row[kept] for row, kept in zip(genes, seen, strict=True)]


@dataclass(frozen=True)
class Perturbation:
    """Edge perturbation: strategy (none, random, coexpression) and share of edges."""

    strategy: str
    share: float


NO_PERTURBATION = Perturbation("none", 0.0)


class GRNFormer(nn.Module):
    """Backbone with graph topological adapter (arXiv 2503.01682).

    Parameters
    ----------
    n_genes
        N.
    backbone
        `name` (a key of BACKBONES) and its arguments.
    adapter
        None for the backbone alone, else n_heads and position: `after` the last layer, or `replace_last`.
    gnn
        width (S), n_layers, fanout (incoming edges kept a gene).
    scales
        Scales of the graph that are encoded; their structure embeddings are summed.
    n_tokens
        Usual number of gene tokens of a cell.
    mean, deviation
        (N,) of each gene's value tokens: targets and node features are standardised with them.
    """

    mean_N: torch.Tensor
    deviation_N: torch.Tensor

    def __init__(
        self,
        n_genes: int,
        backbone: dict[str, Any],
        adapter: dict[str, Any] | None,
        gnn: dict[str, Any],
        scales: list[str],
        n_tokens: int,
        mean: np.ndarray,
        deviation: np.ndarray,
    ) -> None:
        super().__init__()
        arguments = {key: value for key, value in backbone.items() if key != "name"}
        self.backbone = BACKBONES[backbone["name"]](n_genes=n_genes, **arguments)
        self.n_genes, self.scales, self.fanout = n_genes, scales, gnn["fanout"]
        self.register_buffer("mean_N", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation_N", torch.as_tensor(deviation, dtype=torch.float32))
        self.adapter: CrossAttentionAdapter | None = None
        if adapter is not None:
            width = self.backbone.width
            self.replaces_last = adapter["position"] == "replace_last"
            self.encoders = nn.ModuleDict({s: SageEncoder(width, gnn["width"], gnn["n_layers"]) for s in scales})
            self.adapter = CrossAttentionAdapter(width, gnn["width"], adapter["n_heads"], n_tokens)

    def forward(
        self,
        batch: Batch,
        structure: Structure | None,
        rng: np.random.Generator,
        perturbation: Perturbation = NO_PERTURBATION,
    ) -> torch.Tensor:
        """States of all tokens, (B, T, D). Without `structure`: the backbone alone, whatever the arm."""
        replace = self.adapter is not None and self.replaces_last
        h_BTD = self.backbone.encode(batch.gene_BL, batch.value_BL, batch.masked_BL, drop_last=replace)
        if self.adapter is None or structure is None:
            return h_BTD
        return self.adapter(h_BTD, self.structure_embeddings(batch, structure, rng, perturbation))

    def structure_embeddings(
        self, batch: Batch, structure: Structure, rng: np.random.Generator, perturbation: Perturbation
    ) -> torch.Tensor:
        """Structure embeddings of each cell's tokens, summed over scales: (B, L, S)."""
        value_NB, state_NB = self._seen(batch)
        active_KB = batch.active_BK.T.contiguous()
        gene_ND = self.backbone.gene_embedding()
        graphs = draw_graphs(batch, structure, self.fanout, perturbation, rng)
        embedded = [
            encoder(gene_ND, value_NB, state_NB, batch.gene_BL, graphs[scale], active_KB)
            for scale, encoder in self.encoders.items()
        ]
        return torch.stack(embedded).sum(0)

    def target(self, batch: Batch) -> torch.Tensor:
        """Standardised values of the tokens, (B, L): 0 is the gene's mean, 1 one deviation."""
        return (batch.value_BL - self.mean_N[batch.gene_BL]) / self.deviation_N[batch.gene_BL]

    def _seen(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Node features: standardised values (N, B), 0 unless seen; states (N, B)."""
        value_BL = self.target(batch).masked_fill(batch.masked_BL, 0.0)
        state_BL = torch.where(batch.masked_BL, 1, 2)
        shape = (len(batch.gene_BL), self.n_genes)
        value_BN = value_BL.new_zeros(shape).scatter(1, batch.gene_BL, value_BL)
        state_BN = state_BL.new_zeros(shape).scatter(1, batch.gene_BL, state_BL)
        return value_BN.T, state_BN.T


def draw_graphs(
    batch: Batch, structure: Structure, fanout: int, perturbation: Perturbation, rng: np.random.Generator
) -> dict[str, ScaleGraph]:
    """The edges of a batch: perturbed, then at most `fanout` into each gene; cells of a type share theirs."""
    expressed = batch.expressed()

    def draw(edges: EdgeList, columns: np.ndarray) -> EdgeList:
        cells = [expressed[b] for b in columns]
        changed = perturb_edges(edges, perturbation.strategy, perturbation.share, cells, structure.n_genes, rng)
        return sample_neighbours(changed, fanout, rng)

    graphs: dict[str, ScaleGraph] = {}
    if structure.type_edges is not None:
        lists = []
        for number in np.unique(batch.type_B):
            columns = np.flatnonzero(batch.type_B == number)
            edges = structure.type_edges[number] if number >= 0 else structure.type_edges[0].take(np.empty(0, int))
            lists.append((columns, draw(edges, columns)))
        graphs["cell_type"] = scale_graph(lists)
    if structure.cell_edges is not None:
        columns = np.arange(len(batch.type_B))
        graphs["cell"] = scale_graph([(columns, draw(structure.cell_edges, columns))])
    return graphs
