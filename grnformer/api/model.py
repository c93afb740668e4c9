"""A pretrained model of a run, and embedding by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grnformer.core import io

if TYPE_CHECKING:
    import anndata

    from grnformer.model.grnformer import GRNFormer


@dataclass(frozen=True)
class Model:
    """A pretrained model on disk; `Run.model` gives it, `embed` uses it.

    Attributes
    ----------
    folder
        With model.safetensors and model.json.
    arm, seed
        Of pretraining.
    """

    folder: Path
    arm: str
    seed: int

    @cached_property
    def card(self) -> dict[str, Any]:
        """What the model is: genes, cell types, graph, arguments, settings (contract ``model``)."""
        from grnformer.model.saved import read_card

        return read_card(self.folder)

    @property
    def genes(self) -> list[str]:
        """Genes that it reads."""
        return list(self.card["genes"])

    @property
    def cell_types(self) -> list[str]:
        """Cell types that it was trained on."""
        return list(self.card["cell_types"])

    @cached_property
    def heldout(self) -> dict[str, Any]:
        """Its loss on held-out cells, beside the baselines'; the unit is ``loss_unit`` (contract ``heldout``)."""
        return io.read_json(self.folder / "heldout.json", "heldout")

    def load(self) -> GRNFormer:
        """Load the weights: a PyTorch module in evaluation mode."""
        from grnformer.model.saved import load_model

        return load_model(self.folder)[0]


def embed(
    adata: anndata.AnnData,
    model: Model | str | Path,
    *,
    graph: str | Path | None = None,
    vocabulary: str | Path | None = None,
    aliases: str | Path | None = None,
    bulk: bool | None = None,
) -> None:
    """Embed any RNA by a pretrained model, in place.

    Adds ``obsm["X_grnformer"]`` (cells, D), ``obs["mapped_cell"]``, ``obs["mapped_cell_type"]`` (the nearest
    pretraining cell, whose graph the cell is given), ``obs["mapping_distance"]``, ``obs["out_of_domain"]`` and
    ``uns["grnformer"]``.

    Parameters
    ----------
    adata
        Counts, or natural log1p of normalised counts, in X; genes by symbol, alias or Ensembl id.
    model
        ``run.model("hybrid")``, or the folder of a model.
    graph
        The graph bundle that the model was trained on; None: where the workflow puts it beside the model.
    vocabulary, aliases
        Files of other names of genes, as in the config section `fuse`.
    bulk
        Rows are bulk profiles, not cells.

    Raises
    ------
    InputError
        If too few genes of the model are there, or the values are neither counts nor such logarithms.
    """
    from grnformer.infer.embed import embed_anndata

    folder = model.folder if isinstance(model, Model) else model
    embed_anndata(
        adata, folder, graph=graph, vocabulary=vocabulary, aliases=aliases, bulk=bulk
    )
