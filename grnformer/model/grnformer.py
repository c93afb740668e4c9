"""The model: a backbone, and where the arm has them, a graph encoder a scale and the cross-attention adapter.

Shapes: B cells, L gene tokens, T tokens with those of the cell first, M masked tokens, D width, S structure width,
N genes, K eRegulons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from grnformer.data.batch import Batch
from grnformer.graph.perturb import NO_PERTURBATION, Perturbation, sample_edges
from grnformer.graph.structure import Structure
from grnformer.model.adapter import CandidateScore, CrossAttentionAdapter
from grnformer.model.backbones import BACKBONES
from grnformer.model.backbones.layer import put_at_places
from grnformer.model.gnn import GraphEncoder, ScaleFusion
from grnformer.model.linear import FactorModel

# genes, standardised values, which are seen (B, L each) -> predicted values (B, L)
Predictor = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
NOT_A_TOKEN, MASKED, SEEN = range(3)  # states of a gene in a cell


class GRNFormer(nn.Module):
    """Backbone with graph topological adapter (arXiv 2503.01682).

    Parameters
    ----------
    n_genes
        N.
    backbone
        `name` (a key of BACKBONES) and its arguments.
    adapter
        None for the backbone only, else n_heads and position: `after` the last layer, or `replace_last`.
    gnn
        name (a key of GNNS), width (S), n_layers, n_heads, fanout (incoming edges kept a gene), fusion (of the scales'
        structure embeddings: sum, gate, concat).
    scales
        Scales of the graph that are encoded.
    n_tokens
        Usual number of gene tokens of a cell.
    mean, sd
        (N,) of each gene's value tokens: targets and node features are standardised with them.
    linear_axes
        Axes of the factor model to whose prediction that from the states is added; 0: none.
    """

    mean_N: torch.Tensor
    sd_N: torch.Tensor

    def __init__(
        self,
        n_genes: int,
        backbone: dict[str, Any],
        adapter: dict[str, Any] | None,
        gnn: dict[str, Any],
        scales: list[str],
        n_tokens: int,
        mean: np.ndarray,
        sd: np.ndarray,
        linear_axes: int = 0,
    ) -> None:
        super().__init__()
        arguments = {key: value for key, value in backbone.items() if key != "name"}
        self.backbone = BACKBONES[backbone["name"]](n_genes=n_genes, **arguments)
        self.masks_genes = self.backbone.objective == "masked_gene"
        self.n_genes, self.scales, self.fanout = n_genes, scales, gnn["fanout"]

        # buffers: saved with the weights, which make no sense without them
        self.register_buffer("mean_N", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("sd_N", torch.as_tensor(sd, dtype=torch.float32))

        self.linear = FactorModel(n_genes, linear_axes) if linear_axes else None

        self.adapter: CrossAttentionAdapter | None = None
        self.replaces_last = (
            adapter is not None and adapter["position"] == "replace_last"
        )
        if self.replaces_last:
            # skipped, not taken out: weights keep their published names
            last = list(self.backbone.get_submodule(self.backbone.stack).children())[-1]
            last.requires_grad_(False)  # it has no part in the loss

        if adapter is not None:
            width = self.backbone.width
            self.encoders = nn.ModuleDict(
                {scale: GraphEncoder(width, gnn) for scale in scales}
            )
            self.adapter = CrossAttentionAdapter(
                width, gnn["width"], adapter["n_heads"], n_tokens
            )

            self.fusion = ScaleFusion(gnn["fusion"], gnn["width"], len(scales))
            # elsewhere the masked gene is known, and its structure is attended to
            self.candidates = (
                CandidateScore(width, gnn["width"]) if self.masks_genes else None
            )

    def forward(
        self,
        batch: Batch,
        structure: Structure | None,
        rng: np.random.Generator,
        perturbation: Perturbation = NO_PERTURBATION,
    ) -> torch.Tensor:
        """States of all tokens, (B, T, D). Without `structure`: of the backbone only, whatever the arm."""
        return self.run(batch, structure, rng, perturbation)[0]

    def encode(self, batch: Batch) -> torch.Tensor:
        """States of all tokens before the adapter, (B, T, D): they follow from no graph."""
        return self.backbone.encode(batch, self.replaces_last)

    def adapt(
        self, h_BTD: torch.Tensor, batch: Batch, structure: Structure
    ) -> torch.Tensor:
        """States of `encode` with what the adapter adds, (B, T, D), by edges that were sampled already."""
        on_cpu = batch.on_cpu()
        return self._adapt(
            h_BTD, None, batch, on_cpu, structure, None, NO_PERTURBATION
        )[0]

    def run(
        self,
        batch: Batch,
        structure: Structure | None,
        rng: np.random.Generator,
        perturbation: Perturbation = NO_PERTURBATION,
        *,
        for_loss: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States as `forward`, and for the objective masked_gene the structure embeddings of all genes, (B, N, S).

        `for_loss`: states that `losses` does not read may be 0, which costs less.
        """
        place_BW = self.backbone.read_places(batch) if for_loss else None
        # where graphs are drawn; before the layers are started, for which a copy would wait on a GPU
        drawn_from = batch if self.adapter is None else batch.on_cpu()
        h_BWD = self.backbone.encode(batch, self.replaces_last, place_BW)
        h_BWD, structure_BNS = self._adapt(
            h_BWD, place_BW, batch, drawn_from, structure, rng, perturbation
        )
        if place_BW is None:
            return h_BWD, structure_BNS
        n_tokens = self.backbone.n_cell_tokens + batch.gene_BL.shape[1]
        return put_at_places(h_BWD, place_BW, n_tokens), structure_BNS

    def _adapt(
        self,
        h_BTD: torch.Tensor,
        place_BW: torch.Tensor | None,
        batch: Batch,
        drawn_from: Batch,
        structure: Structure | None,
        rng: np.random.Generator | None,
        perturbation: Perturbation,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States of all tokens or of those at `place_BW` with what the adapter adds; second as in `run`."""
        if self.adapter is None or structure is None:
            return h_BTD, None

        known_BL = batch.known(self.masks_genes)
        if not self.masks_genes:
            gene_BL = self._known_genes(drawn_from)
            structure_BLS = self._embed(
                batch, drawn_from, gene_BL, structure, rng, perturbation
            )
            own_BW = (
                None if place_BW is None else place_BW - self.backbone.n_cell_tokens
            )
            return self.adapter(h_BTD, structure_BLS, known_BL, own_BW), None

        # every gene is a candidate for a masked token; those of the tokens are taken from the same embeddings
        every_BN = torch.arange(self.n_genes).expand(len(h_BTD), -1)
        structure_BNS = self._embed(
            batch, drawn_from, every_BN, structure, rng, perturbation
        )
        # unknown genes take the row of gene 0, which `known_BL` hides from attention
        index_BL1 = self._known_genes(batch)[:, :, None]
        structure_BLS = structure_BNS.gather(
            1, index_BL1.expand(-1, -1, structure_BNS.shape[2])
        )
        return self.adapter(h_BTD, structure_BLS, known_BL), structure_BNS

    def structure_embeddings(
        self,
        batch: Batch,
        structure: Structure,
        rng: np.random.Generator,
        perturbation: Perturbation,
    ) -> torch.Tensor:
        """Structure embeddings of each cell's tokens, of all scales, (B, L, S); gene 0's where a gene is not known."""
        drawn_from = batch.on_cpu()
        gene_BL = self._known_genes(drawn_from)
        return self._embed(batch, drawn_from, gene_BL, structure, rng, perturbation)

    def _known_genes(self, batch: Batch) -> torch.Tensor:
        """Genes of the tokens, (B, L), 0 where the gene may not be looked at."""
        known_BL = batch.known(self.masks_genes)
        return (
            batch.gene_BL
            if known_BL is None
            else batch.gene_BL.masked_fill(~known_BL, 0)
        )

    def _embed(
        self,
        batch: Batch,
        drawn_from: Batch,
        gene_BL: torch.Tensor,
        structure: Structure,
        rng: np.random.Generator | None,
        perturbation: Perturbation,
    ) -> torch.Tensor:
        """Structure embeddings of some genes of each cell (numbers on the CPU), of all scales: (B, L, S)."""
        value_BN, state_BN = self._node_features(batch)
        active_KB = drawn_from.active_BK.T
        gene_ND = self.backbone.gene_embedding()
        # without masked genes: a new link would give away that they are expressed
        expressed = drawn_from.expressed()

        embedded = []
        for scale, encoder in self.encoders.items():
            # cells of a type share the edges of the type; all cells share those of the eRegulons, which activity
            # opens, and those of knowledge
            type_B = (
                batch.type_B if scale == "cell_type" else np.zeros_like(batch.type_B)
            )

            sampled, group_B = sample_edges(
                structure[scale],
                type_B,
                expressed,
                self.n_genes,
                self.fanout,
                perturbation,
                rng,
            )

            embedded.append(
                encoder(
                    gene_ND, value_BN, state_BN, gene_BL, sampled, group_B, active_KB
                )
            )
        fused: torch.Tensor = self.fusion(embedded)
        return fused

    def _node_features(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised values (B, N), 0 unless seen, and states (B, N) of all genes."""
        # 0 is the gene's mean: what is masked must not come back by the graph
        value_BL = self.target(batch).masked_fill(batch.masked_BL, 0.0)
        state_BL = torch.where(batch.masked_BL, MASKED, SEEN)

        # tokens whose gene may not be looked at go to one more column, which is cut off
        known_BL = batch.known(self.masks_genes)
        gene_BL = (
            batch.gene_BL
            if known_BL is None
            else batch.gene_BL.masked_fill(~known_BL, self.n_genes)
        )

        shape = len(gene_BL), self.n_genes + 1
        value_BN = value_BL.new_zeros(shape).scatter(1, gene_BL, value_BL)[
            :, : self.n_genes
        ]
        state_BN = state_BL.new_full(shape, NOT_A_TOKEN).scatter(1, gene_BL, state_BL)[
            :, : self.n_genes
        ]
        return value_BN, state_BN

    def target(self, batch: Batch) -> torch.Tensor:
        """Standardised values of the tokens, (B, L): 0 is the gene's mean, 1 one SD above it."""
        return self._standardise(batch.value_BL, batch.gene_BL)

    def predict(self, h_BTD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Standardised value of each token from the tokens' states, and the linear part where there is one, (B, L)."""
        every_BL = torch.ones_like(batch.masked_BL)
        return self._predict(h_BTD, batch, every_BL).view(batch.gene_BL.shape)

    def predict_masked(self, h_BTD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """As `predict`, of the masked tokens only, (M,)."""
        return self._predict(h_BTD, batch, batch.masked_BL)

    def _predict(
        self, h_BTD: torch.Tensor, batch: Batch, wanted_BL: torch.Tensor
    ) -> torch.Tensor:
        predicted_M = self.backbone.reconstruct(h_BTD, batch, wanted_BL)
        if not self.backbone.standardised:
            predicted_M = self._standardise(predicted_M, batch.gene_BL[wanted_BL])
        if self.linear is None:
            return predicted_M
        return predicted_M + self.predict_linearly(self.linear, batch)[wanted_BL]

    def predict_linearly(self, predictor: Predictor, batch: Batch) -> torch.Tensor:
        """Standardised value of each token by a linear model from the tokens that are seen, (B, L)."""
        seen_BL = ~batch.masked_BL
        if batch.present_BL is not None:
            seen_BL = seen_BL & batch.present_BL
        return predictor(batch.gene_BL, self.target(batch), seen_BL)

    def losses(
        self,
        h_BTD: torch.Tensor,
        batch: Batch,
        structure_BNS: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Loss of each masked token, (M,), from what `run` returns, and from the cell embedding where there is one.

        Squared error of the standardised value, or nats of the gene (objective masked_gene).
        """
        masked_BL, backbone = batch.masked_BL, self.backbone
        if self.masks_genes:
            logits_MN = self.gene_logits(h_BTD, batch, structure_BNS)
            # in float32: under lower precision the exponentials of N logits would not add up
            return F.cross_entropy(
                logits_MN.float(), batch.gene_BL[masked_BL], reduction="none"
            ), None

        target_M = self.target(batch)[masked_BL]
        from_states_M = (self.predict_masked(h_BTD, batch) - target_M) ** 2
        # no linear part: the cell embedding is to hold the whole state of the cell
        from_cell_M = backbone.reconstruct_from_cell(
            backbone.cell_embedding(h_BTD, batch), batch, masked_BL
        )
        if from_cell_M is None:
            return from_states_M, None
        if not backbone.standardised:
            from_cell_M = self._standardise(from_cell_M, batch.gene_BL[masked_BL])
        return from_states_M, (from_cell_M - target_M) ** 2

    def gene_logits(
        self, h_BTD: torch.Tensor, batch: Batch, structure_BNS: torch.Tensor | None
    ) -> torch.Tensor:
        """Logits over the N genes of the masked tokens, (M, N), from what `run` returns (objective masked_gene)."""
        # tokens of the cell stand first and are no gene's
        h_BLD = h_BTD[:, self.backbone.n_cell_tokens :]
        logits_MN = self.backbone.gene_logits(h_BLD[batch.masked_BL])
        if structure_BNS is None or self.candidates is None:
            return logits_MN
        return logits_MN + self.candidates(h_BLD, batch.masked_BL, structure_BNS)

    def _standardise(self, value: torch.Tensor, gene: torch.Tensor) -> torch.Tensor:
        return (value - self.mean_N[gene]) / self.sd_N[gene]
