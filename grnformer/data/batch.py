"""A batch of cells as tensors: tokens, the mask, and what finds the cells' graphs.

Shapes: B cells, L gene tokens, K eRegulons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from grnformer.data.tokeniser import Tokens


@dataclass(frozen=True)
class Batch:
    """Tokens of B cells, and what finds their graphs: the number of the cell type (-1: none) and active eRegulons.

    `present_BL` is False where a cell has no more tokens (None: no padding); `depth_B` is log10 of the cell's counts,
    for the backbones that look at it.
    """

    gene_BL: torch.Tensor
    value_BL: torch.Tensor
    masked_BL: torch.Tensor
    type_B: np.ndarray
    active_BK: torch.Tensor
    present_BL: torch.Tensor | None = None
    depth_B: torch.Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The batch on another device."""
        # from pinned memory the copy goes on while the program prepares the next step
        return self._changed(
            lambda tensor: tensor.to(device, non_blocking=True), self.type_B
        )

    def on_cpu(self) -> Batch:
        """The batch where numpy reads it; waits for what its device has still to do."""
        return self._changed(torch.Tensor.cpu, self.type_B)

    def take(self, cells: np.ndarray) -> Batch:
        """Some of the cells."""
        chosen = torch.from_numpy(cells)
        return self._changed(lambda tensor: tensor[chosen], self.type_B[cells])

    def pin_memory(self) -> Batch:
        """The batch in memory that a GPU copies from while it computes."""
        return self._changed(torch.Tensor.pin_memory, self.type_B)

    def _changed(
        self, change: Callable[[torch.Tensor], torch.Tensor], type_B: np.ndarray
    ) -> Batch:
        # Fields that are None, of backbones without padding or depth, stay None.
        tensors = {
            name: change(value)
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        return replace(self, **tensors, type_B=type_B)

    def expressed(self) -> list[np.ndarray]:
        """Genes of each cell that the model sees expressed."""
        # Padding has the value 0: it drops out with the genes that are not expressed.
        seen = ((self.value_BL > 0) & ~self.masked_BL).cpu().numpy()
        genes = self.gene_BL.cpu().numpy()
        return [row[kept] for row, kept in zip(genes, seen, strict=True)]

    def known(self, masks_genes: bool) -> torch.Tensor | None:
        """Tokens whose gene may be looked at, (B, L); None: all. `masks_genes`: a mask hides the gene itself."""
        if not masks_genes:
            return self.present_BL
        return (
            ~self.masked_BL
            if self.present_BL is None
            else self.present_BL & ~self.masked_BL
        )


def make_batch(
    tokens: Tokens, masked_BL: np.ndarray, type_B: np.ndarray, active_BK: np.ndarray
) -> Batch:
    """Tensors of tokens, mask and what finds the graphs."""
    present, depth = tokens.present_BL, tokens.depth_B
    return Batch(
        gene_BL=torch.from_numpy(tokens.gene_BL),
        value_BL=torch.from_numpy(tokens.value_BL),
        masked_BL=torch.from_numpy(masked_BL),
        type_B=type_B,
        active_BK=torch.from_numpy(active_BK),
        present_BL=None if present is None else torch.from_numpy(present),
        depth_B=None if depth is None else torch.from_numpy(depth),
    )


def draw_mask(
    shape: tuple[int, int],
    fraction: float | list[float],
    rng: np.random.Generator,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """Mask the same fraction (one of several) of the tokens that are there in each row; boolean (rows, tokens)."""
    if isinstance(fraction, list):
        fraction = float(rng.choice(fraction))

    drawn = rng.random(shape)
    if present is None:
        counts = np.full(shape[0], round(fraction * shape[1]))
    else:
        counts = np.rint(fraction * present.sum(1)).astype(int)
        # Padding ranks behind every token, so that it is never among the lowest `counts`.
        drawn = np.where(present, drawn, 2.0)

    # The lowest numbers of a row are masked: an exact count, not a chance a token.
    rank = np.argsort(np.argsort(drawn, axis=1), axis=1)
    return rank < counts[:, None]
