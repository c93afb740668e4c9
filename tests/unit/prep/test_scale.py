"""What values are, from sums over cells: counts and natural logarithms of any total; all else is refused."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.feature_types import is_gene_expression
from grnformer.prep.scale import ScaleOf

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(RNG.gamma(0.5, 2.0, 400), (6, 400)).astype(float)
DEPTH = COUNTS.sum(1, keepdims=True)
CORRECTED = COUNTS * RNG.uniform(0.7, 1, COUNTS.shape)


def scale_of(values, step=4):
    seen = ScaleOf("x.h5ad")
    for first in range(0, len(values), step):
        seen.add(sp.csr_matrix(values[first : first + step]))
    return seen.infer()


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (COUNTS, "counts"),
        (COUNTS * 0 + RNG.permutation(400), "counts"),  # sampled down: equal totals
        (np.log1p(COUNTS / DEPTH * 1e4), "logarithms"),
        (np.log1p(COUNTS / DEPTH * 1e6).astype(np.float32), "rescaled"),
        (np.log1p(COUNTS / DEPTH * np.median(DEPTH)), "rescaled"),
        (np.log1p(COUNTS), "rescaled"),  # sums are depths
        # some genes dropped afterwards
        (np.log1p(COUNTS / DEPTH * 1e4)[:, :398], "rescaled"),
    ],
)
def test_counts_and_natural_logarithms_are_known(values, scale):
    assert scale_of(values) == scale
    # a row by itself is what it is among others
    assert scale_of(values[:1]) in (scale, "logarithms", "rescaled")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.log2(COUNTS / DEPTH * 1e4 + 1), "base 2"),
        (np.log2(COUNTS / DEPTH * 1e4 + 1)[:1], "base 2"),
        (np.log2(COUNTS / DEPTH * 300 + 1), "base 2"),
        (np.log10(COUNTS / DEPTH * 1e4 + 1), "no natural logarithms"),
        (np.sqrt(COUNTS), "no natural logarithms"),
        (np.log1p(COUNTS / DEPTH * 1e4)[:, ::3], "a part of the genes"),
        (COUNTS / DEPTH * 500, "one total in all cells"),
        (COUNTS / DEPTH * 20, "no logarithms"),
        (CORRECTED * 10, "round them"),
        (np.minimum(CORRECTED, 9), "no natural logarithms"),
        (np.minimum(CORRECTED, 9)[:1], "no natural logarithms"),
        (
            np.where(np.arange(6)[:, None] < 4, COUNTS % 8, CORRECTED % 8),
            "cells of whole",
        ),
        (np.where(np.arange(6)[:, None] < 3, np.log1p(COUNTS), CORRECTED % 8), "mixed"),
        (np.round(COUNTS / DEPTH * 1e6), "in each of 6 cells"),
        (COUNTS - 1, "negative"),
        (np.where(COUNTS > 3, np.nan, COUNTS), "undefined"),
    ],
)
def test_other_values_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        scale_of(values)


def test_only_gene_expression_is_genes():
    for words in (("Gene Expression", "Peaks"), ("GEX", "ATAC"), ("rna ", "adt")):
        for column in ("feature_types", "feature_type"):
            var = pd.DataFrame({column: pd.Categorical(words)}, index=["A", "B"])
            assert is_gene_expression(var, "x").tolist() == [True, False]
    assert is_gene_expression(pd.DataFrame(index=["A"]), "x").tolist() == [True]
    with pytest.raises(InputError, match="Peaks"):
        is_gene_expression(pd.DataFrame({"feature_types": ["Peaks"]}), "x")
