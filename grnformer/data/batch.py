"""A batch of cells as tensors: tokens, what is masked, and what finds the cells' graphs.

Shapes: B cells, L gene tokens, K eRegulons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch


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
        gene, value, masked = (x.to(device) for x in (self.gene_BL, self.value_BL, self.masked_BL))
        present, depth = (None if x is None else x.to(device) for x in (self.present_BL, self.depth_B))
        return Batch(gene, value, masked, self.type_B, self.active_BK.to(device), present, depth)

    def take(self, cells: np.ndarray) -> Batch:
        """Some of the cells."""
        return self._changed(lambda tensor: tensor[torch.from_numpy(cells)], self.type_B[cells])

    def pin_memory(self) -> Batch:
        """The batch in memory that a GPU copies from while it computes."""
        return self._changed(torch.Tensor.pin_memory, self.type_B)

    def _changed(self, change: Callable[[torch.Tensor], torch.Tensor], type_B: np.ndarray) -> Batch:
        tensors = (self.gene_BL, self.value_BL, self.masked_BL, self.active_BK, self.present_BL, self.depth_B)
        gene, value, masked, active, present, depth = (None if x is None else change(x) for x in tensors)
        return Batch(gene, value, masked, type_B, active, present, depth)  # type: ignore[arg-type]

    def expressed(self) -> list[np.ndarray]:
        """Genes of each cell that the model sees expressed."""
        seen = ((self.value_BL > 0) & ~self.masked_BL).cpu().numpy()
        genes = self.gene_BL.cpu().numpy()
        return [row[kept] for row, kept in zip(genes, seen, strict=True)]

    def known(self, genes_hidden: bool) -> torch.Tensor | None:
        """Tokens whose gene may be looked at, (B, L); None: all. `genes_hidden`: a mask hides the gene itself."""
        if not genes_hidden:
            return self.present_BL
        return ~self.masked_BL if self.present_BL is None else self.present_BL & ~self.masked_BL
