"""Cell lines' expression: read from the source, and handed to models that expect counts-like values."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.unpickle import read_tensor_dict


def read_expression(profiles: str | Path, genes: str | Path) -> pd.DataFrame:
    """Read a pickled dict of line to tensor and the list of its genes: lines x genes, float32.

    Raises
    ------
    InputError
        If the profiles differ in length from the list of genes, or a gene stands twice.
    """
    names = Path(genes).read_text(encoding="utf-8").split()
    content = read_tensor_dict(profiles)
    wrong = {line: value.shape for line, value in content.items() if value.shape != (len(names),)}
    if wrong or len(set(names)) != len(names):
        raise InputError(
            f"{profiles}: {len(wrong)} profiles do not fit the {len(set(names))} different genes of {genes}",
            "one value a gene for every line, each gene once",
            "give the gene list that belongs to the profiles",
        )
    return pd.DataFrame.from_dict(content, orient="index", columns=names)


def lift_to_zero(expression: anndata.AnnData) -> anndata.AnnData:
    """Subtract each line's lowest value: non-negative, the order of genes within a line kept.

    The source standardises each line (mean 0, SD 1) and lost the counts. Its lowest value is that of genes without
    expression, so that these become 0, as a model of counts expects; models that bin or rank within a cell see what
    they would have seen.
    """
    values = np.asarray(expression.X)
    return anndata.AnnData(values - values.min(axis=1, keepdims=True), obs=expression.obs, var=expression.var)
