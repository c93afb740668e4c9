"""Drug graph encoder and line encoder meet in one head; DeepCDR's task (doi 10.1093/bioinformatics/btaa822).

Shapes: L lines of a batch, D drugs, E entries of a line's embedding, H hidden, A atoms.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import GINConv, global_add_pool, global_max_pool

from grnformer.bench.drug_response.drug_graph import N_ATOM_FEATURES


class DrugEncoder(nn.Module):
    """Graph isomorphism network (Xu et al. 2019, arXiv 1810.00826), read out after every layer as there.

    Sum and maximum over atoms of the atom features and of every layer make a drug. All drugs are encoded together, so
    that batch normalisation compares drugs with one another.

    Parameters
    ----------
    hidden
        Width H.
    n_layers
        Message-passing layers: the radius in bonds.
    """

    def __init__(self, hidden: int, n_layers: int) -> None:
        super().__init__()
        sizes = [N_ATOM_FEATURES] + [hidden] * n_layers
        self.layers = nn.ModuleList(
            GINConv(
                nn.Sequential(
                    nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden)
                ),
                train_eps=True,
            )
            for n_in in sizes[:-1]
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(n_layers))

        # Twice: a sum and a maximum of each.
        self.n_features = 2 * sum(sizes)
        self.readout_norm = nn.BatchNorm1d(self.n_features)

    def forward(self, drugs: Batch) -> Tensor:
        """Encode all graphs of the batch: D x n_features."""
        h_AH = drugs.x
        read = _read_out(h_AH, drugs)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            h_AH = torch.relu(norm(layer(h_AH, drugs.edge_index)))
            read += _read_out(h_AH, drugs)

        # Sums grow with the molecule and with every layer: normalised over drugs, all are of one size.
        return self.readout_norm(torch.cat(read, dim=1))


def _read_out(h_AH: Tensor, drugs: Batch) -> list[Tensor]:
    """Sum and maximum over the atoms of each drug, (D, H) each."""
    return [
        pool(h_AH, drugs.batch, drugs.num_graphs)
        for pool in (global_add_pool, global_max_pool)
    ]


class ResponseNetwork(nn.Module):
    """Predicts the residual of LN_IC50 after the means, for all pairs of a batch of lines with all drugs.

    Parameters
    ----------
    n_line_features
        E.
    drug_hidden, n_layers
        Of the drug encoder.
    line_hidden
        Width of the line encoder.
    rank
        Dimensions in which lines and drugs meet (inner product).
    dropout
        Fraction of line features and hidden units dropped in training.
    """

    def __init__(
        self,
        n_line_features: int,
        *,
        drug_hidden: int,
        n_layers: int,
        line_hidden: int,
        rank: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.drug_encoder = DrugEncoder(drug_hidden, n_layers)

        # One output more than the rank: the main effect of a drug, as of a line below.
        self.drug_head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(self.drug_encoder.n_features, rank + 1)
        )

        # A linear way past the hidden layer, for what needs none.
        self.line_skip = nn.Linear(n_line_features, rank + 1)
        self.line_head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(n_line_features, line_hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(line_hidden, rank + 1),
        )

    def forward(self, lines_LE: Tensor, drugs_DH: Tensor) -> Tensor:
        """Residuals, L x D, from line embeddings and the output of the drug encoder."""
        drugs_DR = self.drug_head(drugs_DH)
        lines_LR = self.line_head(lines_LE) + self.line_skip(lines_LE)
        # The first of rank + 1 outputs is the main effect of a line or drug, the rest meet in an inner product.
        interaction_LD = lines_LR[:, 1:] @ drugs_DR[:, 1:].T
        return interaction_LD + lines_LR[:, :1] + drugs_DR[:, 0]
