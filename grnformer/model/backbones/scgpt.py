"""scGPT-style backbone (Cui et al. 2024, doi 10.1038/s41592-024-02201-0).

Gene tokens plus binned value tokens, a cell token, transformer layers, masked value prediction from the
gene's state and from the cell embedding (scGPT's MVC).
Shapes: B cells, L gene tokens, T = 1 + L with the cell token first, D width, N genes.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn
from torch.nn import functional as F

from grnformer.model.backbones.base import Backbone, Tokens
from grnformer.model.tokens import bin_values, draw_tokens


class Layer(nn.Module):
    """Transformer layer with SDPA attention, normalised before or after each part; (B, T, D) -> (B, T, D)."""

    def __init__(self, width: int, n_heads: int, hidden: int, dropout: float, norm_first: bool) -> None:
        super().__init__()
        self.n_heads, self.dropout, self.norm_first = n_heads, dropout, norm_first
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        if self.norm_first:
            x_BTD = x_BTD + self._mix(self.norm1(x_BTD))
            return x_BTD + self._feed(self.norm2(x_BTD))
        x_BTD = self.norm1(x_BTD + self._mix(x_BTD))
        return self.norm2(x_BTD + self._feed(x_BTD))

    def _mix(self, x_BTD: torch.Tensor) -> torch.Tensor:
        query, key, value = self.in_proj(x_BTD).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self._drop(self.out_proj(mixed.transpose(1, 2).flatten(2)))

    def _feed(self, x_BTD: torch.Tensor) -> torch.Tensor:
        return self._drop(self.linear2(self._drop(torch.relu(self.linear1(x_BTD)))))

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, self.dropout, self.training)


class ScGPT(Backbone):
    """scGPT over N genes.

    Parameters
    ----------
    n_genes, n_bins
        N; value bins besides 0 (scGPT: 51).
    width, n_layers, n_heads, hidden, dropout
        Of the transformer.
    norm_first
        Normalise before attention and feed-forward (learns within few steps) or after them (scGPT).
    bilinear
        Add to a token the product of its value with a projection of its gene, and to the prediction the product of the
        token's state with a projection of its gene. A mean over tokens then already tells which genes are expressed,
        and few steps suffice. scGPT has the sum of gene and value, and a perceptron, alone.
    """

    def __init__(
        self,
        n_genes: int,
        n_bins: int,
        width: int,
        n_layers: int,
        n_heads: int,
        hidden: int,
        dropout: float,
        norm_first: bool,
        bilinear: bool,
    ) -> None:
        super().__init__()
        self.width, self.n_bins, self.mask_bin, self.cls = width, n_bins, n_bins + 1, n_genes
        self.gene = nn.Embedding(n_genes + 1, width)
        self.gene_norm = nn.LayerNorm(width)
        self.value = nn.Embedding(n_bins + 2, width)
        self.slope = nn.Linear(width, width, bias=False) if bilinear else None
        self.layers = nn.ModuleList(Layer(width, n_heads, hidden, dropout, norm_first) for _ in range(n_layers))
        self.out_norm = nn.LayerNorm(width) if norm_first else nn.Identity()
        self.decoder = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(), nn.Linear(width, width), nn.LeakyReLU(), nn.Linear(width, 1)
        )
        self.cell_query = nn.Linear(width, width)
        self.gene_query = nn.Linear(width, width) if bilinear else None
        if self.gene_query is not None:
            nn.init.zeros_(self.gene_query.weight)  # the first prediction is the gene's mean, not noise
        nn.init.normal_(self.gene.weight, std=0.01)  # small, for it is normalised: steps then turn it at once

    @staticmethod
    def values(expression: sp.csr_matrix, n_bins: int) -> sp.csr_matrix:
        return bin_values(expression, n_bins)

    @staticmethod
    def tokenise(values: sp.csr_matrix, n_tokens: int, expressed_share: float, rng: np.random.Generator) -> Tokens:
        return Tokens(*draw_tokens(values, n_tokens, expressed_share, rng))

    def gene_embedding(self) -> torch.Tensor:
        return self.gene_norm(self.gene.weight[:-1])

    def start_genes(self, embedding: np.ndarray) -> None:
        with torch.no_grad():
            self.gene.weight[:-1] += torch.from_numpy(embedding)

    def encode(
        self, gene_BL: torch.Tensor, value_BL: torch.Tensor, masked_BL: torch.Tensor, drop_last: bool
    ) -> torch.Tensor:
        bin_BL = (value_BL * self.n_bins).round().long().masked_fill(masked_BL, self.mask_bin)
        genes_BT = F.pad(gene_BL, (1, 0), value=self.cls)
        gene_BTD = self.gene_norm(self.gene(genes_BT))
        h_BTD = gene_BTD + self.value(F.pad(bin_BL, (1, 0), value=0))
        if self.slope is not None:
            seen_BT = F.pad(value_BL.masked_fill(masked_BL, 0.0), (1, 0))
            h_BTD = h_BTD + seen_BT[:, :, None] * self.slope(gene_BTD)
        for layer in self.layers[: len(self.layers) - drop_last]:
            h_BTD = layer(h_BTD)
        return self.out_norm(h_BTD)

    def reconstruct(self, h_BTD: torch.Tensor, gene_BL: torch.Tensor) -> torch.Tensor:
        predicted_BL = self.decoder(h_BTD[:, 1:]).squeeze(-1)
        if self.gene_query is not None:
            query_BLD = self.gene_query(self.gene_norm(self.gene(gene_BL)))
            predicted_BL = predicted_BL + (query_BLD * h_BTD[:, 1:]).sum(-1) / math.sqrt(self.width)
        return predicted_BL

    def reconstruct_from_cell(self, cell_BD: torch.Tensor, gene_BL: torch.Tensor) -> torch.Tensor:
        query_BLD = torch.tanh(self.cell_query(self.gene_norm(self.gene(gene_BL))))
        return (query_BLD * cell_BD[:, None]).sum(-1) / math.sqrt(self.width)

    def cell_embedding(self, h_BTD: torch.Tensor) -> torch.Tensor:
        return h_BTD[:, 0]
