"""What a backbone must offer: tokens of cells, encoding, its masked objective, a cell embedding.

Shapes: B cells, L gene tokens, C tokens of the cell (none, one or two), T = C + L with those first, D width,
E width of the cell embedding, N genes of the graph, V entries of the backbone's vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from grnformer.data.batch import Batch
from grnformer.data.tokeniser import Tokeniser
from grnformer.model.backbones.layer import places_of

if TYPE_CHECKING:
    from pathlib import Path

    from grnformer.model.published import Published

# of a masked token, by objective; SD of its gene
LOSS_UNITS = {"masked_value": "squared SD", "masked_gene": "nats"}


class Backbone(nn.Module):
    """A backbone over N genes; `width` is D, `n_cell_tokens` C.

    Parameters
    ----------
    n_genes
        N.
    vocabulary_size
        Entries of the vocabulary of a published checkpoint; None: the N genes.
    first_gene
        Entry of gene 0, where the vocabulary is the N genes.
    """

    width: int
    n_cell_tokens: int
    tokeniser: ClassVar[Callable[..., Tokeniser]]
    objective: ClassVar[Literal["masked_value", "masked_gene"]] = "masked_value"
    # predictions are in SDs of the gene; else values as in the tokens
    standardised: bool
    rows_N: torch.Tensor | None
    # genes of a cell that are read in one piece, at most; None: they may be divided
    most_tokens: int | None = None
    # submodules that make the states; the others are heads
    body: ClassVar[tuple[str, ...]]
    stack: ClassVar[str]  # the list of layers among them
    # the list of a decoder's layers, where there is one
    decoder_stack: ClassVar[str | None] = None

    def __init__(
        self, n_genes: int, vocabulary_size: int | None, first_gene: int
    ) -> None:
        super().__init__()
        self.n_genes, self.first_gene = n_genes, first_gene
        # entry of each gene, (N,): a buffer, so that a saved model has its vocabulary
        self.register_buffer(
            "rows_N",
            None if vocabulary_size is None else torch.zeros(n_genes, dtype=torch.long),
        )

    @property
    def loss_unit(self) -> str:
        """Unit of the loss of a masked token."""
        return LOSS_UNITS[self.objective]

    def entries(self, gene: torch.Tensor) -> torch.Tensor:
        """Entries of genes (node numbers) in the backbone's vocabulary."""
        return self.first_gene + gene if self.rows_N is None else self.rows_N[gene]

    def all_entries(self) -> torch.Tensor:
        """Entries of all N genes."""
        return self.entries(
            torch.arange(self.n_genes, device=next(self.parameters()).device)
        )

    @staticmethod
    def tokeniser_settings(
        architecture: dict[str, Any],
        expressed_fraction: float,
        medians: Callable[[], np.ndarray],
    ) -> dict[str, Any]:
        """Arguments of the tokeniser; `medians` gives the median of each gene's values above 0, if asked."""
        return {"expressed_fraction": expressed_fraction}

    def gene_embedding(self) -> torch.Tensor:
        """(N, D)."""
        raise NotImplementedError

    def start_genes(self, embedding: np.ndarray) -> None:
        """Add (N, D) to the gene embeddings before training."""
        raise NotImplementedError

    def start_fractions(self, fractions: np.ndarray) -> None:
        """Initialise the output bias to each gene's log frequency among tokens, (N,) (objective masked_gene)."""
        raise NotImplementedError

    def read_tokens(self, batch: Batch) -> torch.Tensor | None:
        """Tokens whose states the loss reads, boolean (B, T); None: all, and `encode` is given no places."""
        return None

    def read_places(self, batch: Batch) -> torch.Tensor | None:
        """Places of the tokens that `read_tokens` names, (B, W), see `places_of`; None: all."""
        read_BT = self.read_tokens(batch)
        return None if read_BT is None else places_of(read_BT)

    def encode(
        self, batch: Batch, drop_last: bool, place_BW: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, T, D); masked values or genes are not read; `drop_last` leaves out the last layer.

        With `place_BW` of W tokens only, distinct in each cell: (B, W, D), without the last layer's cost of the others.
        """
        raise NotImplementedError

    def reconstruct(
        self, h_BTD: torch.Tensor, batch: Batch, wanted_BL: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Value of each gene token from the tokens' states, (B, L) (objective masked_value).

        Only of the M tokens that `wanted_BL` is True for, where it is given: (M,), without the cost of the others.
        """
        raise NotImplementedError

    def reconstruct_from_cell(
        self, cell_BE: torch.Tensor, batch: Batch, wanted_BL: torch.Tensor | None = None
    ) -> torch.Tensor | None:
        """Value of genes from the cell embedding only; None where the backbone has no such objective.

        Shapes as of `reconstruct`.
        """
        return None

    def gene_logits(self, h_MD: torch.Tensor) -> torch.Tensor:
        """Logits over the N genes of M tokens' states, (M, N) (objective masked_gene)."""
        raise NotImplementedError

    def cell_embedding(self, h_BTD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """(B, E)."""
        raise NotImplementedError

    def published_names(self) -> dict[str, str]:
        """Names of the backbone's weights -> names in its published checkpoints."""
        raise NotImplementedError

    @staticmethod
    def read_published(path: Path, architecture: dict[str, Any]) -> Published:
        """Read a published checkpoint; `architecture` has the arguments that the checkpoint does not state."""
        raise NotImplementedError

    @staticmethod
    def write_published(published: Published, path: Path) -> None:
        """Write a checkpoint as it is published."""
        raise NotImplementedError


def adopt(names: dict[str, str], prefix: str, theirs: str, module: nn.Module) -> None:
    """Name the weights of a submodule (under `prefix`) by the same ends under `theirs`."""
    for name in module.state_dict():
        names[f"{prefix}.{name}"] = f"{theirs}.{name}"
