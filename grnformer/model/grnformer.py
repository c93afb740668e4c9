"""The model: a backbone, and where the arm has one, graph encoders on two scales and the cross-attention adapter.

Shapes: B cells, L gene tokens, T tokens with the cell's own first, M masked tokens, D width, S structure width,
N genes, K eRegulons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from grnformer.data.batch import Batch
from grnformer.graph.perturb import perturb_edges
from grnformer.graph.structure import EdgeList, ScaleGraph, Structure, sample_neighbours, scale_graph
from grnformer.model.adapter import CandidateScore, CrossAttentionAdapter
from grnformer.model.backbones import BACKBONES
from grnformer.model.gnn import GraphEncoder, ScaleFusion


@dataclass(frozen=True)
class Perturbation:
    """Edge perturbation: strategy (none, random, coexpression), share of edges, pull of linked genes on new links."""

    strategy: str
    share: float
    degree_power: float


NO_PERTURBATION = Perturbation("none", 0.0, 0.0)


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
        name (a key of GNNS), width (S), n_layers, n_heads, fanout (incoming edges kept a gene), fusion (of the scales'
        structure embeddings: sum, gate, concat).
    scales
        Scales of the graph that are encoded.
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
        self.hides_genes = self.backbone.objective == "masked_gene"
        self.n_genes, self.scales, self.fanout = n_genes, scales, gnn["fanout"]
        self.register_buffer("mean_N", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation_N", torch.as_tensor(deviation, dtype=torch.float32))
        self.adapter: CrossAttentionAdapter | None = None
        self.replaces_last = adapter is not None and adapter["position"] == "replace_last"
        if self.replaces_last:
            last = list(self.backbone.get_submodule(self.backbone.stack).children())[-1]
            last.requires_grad_(False)  # it has no part in the loss
        if adapter is not None:
            width = self.backbone.width
            self.encoders = nn.ModuleDict({s: GraphEncoder(width, gnn) for s in scales})
            self.adapter = CrossAttentionAdapter(width, gnn["width"], adapter["n_heads"], n_tokens)
            self.fusion = ScaleFusion(gnn["fusion"], gnn["width"], len(scales))
            self.candidates = CandidateScore(width, gnn["width"]) if self.hides_genes else None

    def forward(
        self,
        batch: Batch,
        structure: Structure | None,
        rng: np.random.Generator,
        perturbation: Perturbation = NO_PERTURBATION,
    ) -> torch.Tensor:
        """States of all tokens, (B, T, D). Without `structure`: the backbone alone, whatever the arm."""
        return self.run(batch, structure, rng, perturbation)[0]

    def run(
        self,
        batch: Batch,
        structure: Structure | None,
        rng: np.random.Generator,
        perturbation: Perturbation = NO_PERTURBATION,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States as `forward`, and structure embeddings of all genes, (B, N, S), where a mask hides the gene itself."""
        h_BTD = self.backbone.encode(batch, drop_last=self.replaces_last)
        if self.adapter is None or structure is None:
            return h_BTD, None
        known_BL = batch.known(self.hides_genes)
        if not self.hides_genes:
            return self.adapter(h_BTD, self.structure_embeddings(batch, structure, rng, perturbation), known_BL), None
        of_all_BNS = self._embed(batch, self._all_genes(batch), structure, rng, perturbation)
        return self.adapter(h_BTD, _of_tokens(of_all_BNS, batch.gene_BL, known_BL), known_BL), of_all_BNS

    def structure_embeddings(
        self, batch: Batch, structure: Structure, rng: np.random.Generator, perturbation: Perturbation
    ) -> torch.Tensor:
        """Structure embeddings of each cell's tokens, of all scales: (B, L, S); any where the gene is hidden."""
        known_BL = batch.known(self.hides_genes)
        gene_BL = batch.gene_BL if known_BL is None else batch.gene_BL.masked_fill(~known_BL, 0)
        return self._embed(batch, gene_BL, structure, rng, perturbation)

    def _embed(
        self,
        batch: Batch,
        gene_BL: torch.Tensor,
        structure: Structure,
        rng: np.random.Generator,
        perturbation: Perturbation,
    ) -> torch.Tensor:
        """Structure embeddings of some genes of each cell, of all scales: (B, L, S)."""
        value_BN, state_BN = self._seen(batch, batch.known(self.hides_genes))
        active_KB = batch.active_BK.T.contiguous()
        gene_ND = self.backbone.gene_embedding()
        graphs = draw_graphs(batch, structure, self.fanout, perturbation, rng)
        embedded = [
            encoder(gene_ND, value_BN, state_BN, gene_BL, graphs[scale], active_KB)
            for scale, encoder in self.encoders.items()
        ]
        fused: torch.Tensor = self.fusion(embedded)
        return fused

    def target(self, batch: Batch) -> torch.Tensor:
        """Standardised values of the tokens, (B, L): 0 is the gene's mean, 1 one deviation."""
        return self._standardise(batch.value_BL, batch)

    def predict(self, h_BTD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Standardised value of each token from the tokens' states, (B, L)."""
        predicted_BL = self.backbone.reconstruct(h_BTD, batch)
        return predicted_BL if self.backbone.standardised else self._standardise(predicted_BL, batch)

    def losses(
        self, h_BTD: torch.Tensor, batch: Batch, structure_BNS: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Loss of each masked token from what `run` returns, and from the cell embedding where there is one; (M,).

        Squared error of the standardised value, or nats of the gene where the mask hides the gene itself.
        """
        masked_BL, backbone = batch.masked_BL, self.backbone
        if self.hides_genes:
            logits_MN = self.gene_logits(h_BTD, batch, structure_BNS)
            return F.cross_entropy(logits_MN.float(), batch.gene_BL[masked_BL], reduction="none"), None
        target_M = self.target(batch)[masked_BL]
        from_states_M = (self.predict(h_BTD, batch)[masked_BL] - target_M) ** 2
        from_cell_BL = backbone.reconstruct_from_cell(backbone.cell_embedding(h_BTD, batch), batch)
        if from_cell_BL is None:
            return from_states_M, None
        if not backbone.standardised:
            from_cell_BL = self._standardise(from_cell_BL, batch)
        return from_states_M, (from_cell_BL[masked_BL] - target_M) ** 2

    def gene_logits(self, h_BTD: torch.Tensor, batch: Batch, structure_BNS: torch.Tensor | None) -> torch.Tensor:
        """Logits over the N genes of the masked tokens, (M, N), from what `run` returns (objective masked_gene)."""
        h_BLD = h_BTD[:, self.backbone.n_cell_tokens :]
        logits_MN = self.backbone.gene_logits(h_BLD[batch.masked_BL])
        if structure_BNS is None or self.candidates is None:
            return logits_MN
        return logits_MN + self.candidates(h_BLD, batch.masked_BL, structure_BNS)

    def _standardise(self, value_BL: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (value_BL - self.mean_N[batch.gene_BL]) / self.deviation_N[batch.gene_BL]

    def _seen(self, batch: Batch, known_BL: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Node features: standardised values (B, N), 0 unless seen; states (B, N)."""
        value_BL = self.target(batch).masked_fill(batch.masked_BL, 0.0)
        state_BL = torch.where(batch.masked_BL, 1, 2)
        gene_BL = batch.gene_BL if known_BL is None else batch.gene_BL.masked_fill(~known_BL, self.n_genes)
        shape = (len(gene_BL), self.n_genes + (known_BL is not None))  # hidden genes go to a column of their own
        value_BN = value_BL.new_zeros(shape).scatter(1, gene_BL, value_BL)[:, : self.n_genes]
        state_BN = state_BL.new_zeros(shape).scatter(1, gene_BL, state_BL)[:, : self.n_genes]
        return value_BN, state_BN

    def _all_genes(self, batch: Batch) -> torch.Tensor:
        return torch.arange(self.n_genes, device=batch.gene_BL.device).expand(len(batch.gene_BL), -1)


def _of_tokens(of_all_BNS: torch.Tensor, gene_BL: torch.Tensor, known_BL: torch.Tensor | None) -> torch.Tensor:
    """Embeddings of each cell's tokens from those of all genes; gene 0's where a token is not known."""
    gene_BL = gene_BL if known_BL is None else gene_BL.masked_fill(~known_BL, 0)
    return of_all_BNS.gather(1, gene_BL[:, :, None].expand(-1, -1, of_all_BNS.shape[2]))


def draw_graphs(
    batch: Batch, structure: Structure, fanout: int, perturbation: Perturbation, rng: np.random.Generator
) -> dict[str, ScaleGraph]:
    """The edges of a batch: perturbed, then at most `fanout` into each gene; cells of a type share theirs."""
    expressed = batch.expressed()

    def draw(edges: EdgeList, columns: np.ndarray) -> EdgeList:
        cells = [expressed[b] for b in columns]
        changed = perturb_edges(
            edges,
            perturbation.strategy,
            perturbation.share,
            cells,
            structure.n_genes,
            rng,
            degree_power=perturbation.degree_power,
        )
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
