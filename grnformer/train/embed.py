"""Embedding of RNA-only data with a pretrained model: graphs come by reference mapping."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import anndata
    import pandas as pd


def embed_expression(
    model_dir: str | Path, bundle_dir: str | Path, expression: anndata.AnnData, *, batch_size: int, seed: int
) -> pd.DataFrame:
    """Embed the rows of `expression`; rows of the result are named as its obs, columns dim_0..dim_(D-1).

    Parameters
    ----------
    model_dir
        A folder that `pretrain_model` wrote (model.safetensors, model.json, reference.parquet).
    bundle_dir
        The graph bundle that the model was trained on.
    expression
        Non-negative values in X (any scale; only ranks within a row are used), genes by symbol in var_names.
    batch_size
        Rows at a time.
    seed
        Of the genes drawn where a row has more than the model takes.
    """
    raise NotImplementedError
