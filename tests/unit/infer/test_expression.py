"""Genes of the user's data found by whatever name, and counts known from logarithms."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.infer.expression import ExpressionRows, find_genes

CARD = {"genes": ["A", "B", "OLD"], "tokens": [7, 3, 9]}
VOCABULARY = {"A": 7, "B": 3, "NEW": 9, "other": 1}
ALIASES = {"ENSG1": "A", "ENSG2": "B", "b-alias": "B"}


def test_genes_are_found_by_model_name_vocabulary_alias_and_ensembl_id():
    by_name = pd.DataFrame(index=["other", "NEW", "b-alias", "A", "ENSG1.4"])
    columns, nodes = find_genes(by_name, CARD, VOCABULARY, ALIASES)
    assert nodes.tolist() == [0, 1, 2]
    # the name goes before the id, although both are of one gene
    assert list(columns) == [3, 2, 1]
    assert not columns.has_twins
    ensembl = pd.DataFrame(index=["ENSG2.1", "ENSG1.7"])
    assert [list(x) for x in find_genes(ensembl, CARD, VOCABULARY, ALIASES)] == [
        [1, 0],
        [0, 1],
    ]


def test_symbols_in_a_column_are_taken_where_they_find_more():
    var = pd.DataFrame(
        {"gene_symbols": pd.Categorical(["B", "OLD"]), "n": [1, 2]},
        index=["ENSG000001", "ENSG000002"],
    )
    assert [list(x) for x in find_genes(var, CARD, {}, {})] == [[0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["alias", "A"], [1]),  # a name after an alias
        (["ENSG1", "A", "A"], [1, 2]),  # twins by name; the id is not theirs
        (["NEW", "OLD"], [1]),  # the model's name after the vocabulary's
        (["ENSG1.3", "alias", "ENSG1"], [0, 2]),  # twins by id, as prep sums them
        (["alias", "other-alias"], [0]),  # of synonyms, one
    ],
)
def test_of_columns_of_one_gene_the_best_named_are_taken(names, columns):
    aliases = {"ENSG1": "A", "alias": "A", "other-alias": "A"}
    found, _ = find_genes(pd.DataFrame(index=names), CARD, VOCABULARY, aliases)
    assert found.column.tolist() == columns


def test_few_genes_of_the_model_are_told(caplog):
    find_genes(pd.DataFrame(index=["B"]), CARD, {}, {})
    assert "only 1 of the model's 3 genes are measured (33%)" in caplog.text


def test_genes_of_another_kind_are_an_error():
    with pytest.raises(
        InputError,
        match=r"0 of the model's 3 genes are measured; genes are named like \['x'",
    ):
        find_genes(pd.DataFrame(index=["x", "y"]), CARD, VOCABULARY, ALIASES)


@pytest.fixture
def counts():
    return np.random.default_rng(0).poisson(2.0, (7, 5)) + np.eye(7, 5)


def rows_of(matrix, columns=(3, 1), step=2):
    read = ExpressionRows(ad.AnnData(matrix), np.array(columns), step)
    return read, [(start, block.toarray()) for start, block in read]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_counts_become_log1p_of_ten_thousands_and_logarithms_stay(counts, form):
    expected = np.log1p(counts / counts.sum(1, keepdims=True) * 1e4)
    for matrix, kind in ((counts, "counts"), (expected, "logarithms")):
        read, blocks = rows_of(form(matrix))
        assert read.scale == kind
        assert [start for start, _ in blocks] == [0, 2, 4, 6]
        np.testing.assert_allclose(
            np.concatenate([block for _, block in blocks]), expected[:, [3, 1]]
        )


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
@pytest.mark.parametrize("scaled", ["counts", "per 10,000", "per million", "depth"])
def test_other_features_have_no_part_and_twins_are_summed(counts, scaled):
    """An antibody named as a gene, a peak, and two columns of one gene, the first empty."""
    genes = np.c_[np.zeros(7), counts]
    total = {"counts": 0, "per 10,000": 1e4, "per million": 1e6, "depth": 700}[scaled]
    values = np.log1p(genes / genes.sum(1, keepdims=True) * total) if total else genes
    others = np.random.default_rng(1).poisson(60, (7, 2))
    var = pd.DataFrame(
        {"feature_types": [*["Gene Expression"] * 6, "Antibody Capture", "Peaks"]},
        index=["A", "B", "A", "x", "y", "z", "OLD", "chr1:1-2"],
    )
    data = ad.AnnData(np.c_[values, others], var=var)
    columns, nodes = find_genes(var, CARD, {}, {})
    read = np.concatenate([b.toarray() for _, b in ExpressionRows(data, columns, 3)])
    right = np.c_[genes[:, 0] + genes[:, 2], genes[:, 1]]
    assert nodes.tolist() == [0, 1]
    np.testing.assert_allclose(
        read, np.log1p(right / genes.sum(1, keepdims=True) * 1e4), rtol=1e-6
    )
    assert (ExpressionRows(data, columns, 3).scale == "counts") == (not total)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_a_backed_file_gives_what_memory_gives(counts, form, tmp_path):
    ad.AnnData(form(counts)).write_h5ad(tmp_path / "x.h5ad")
    backed = ExpressionRows(
        ad.read_h5ad(tmp_path / "x.h5ad", backed="r"), np.array([3, 1]), 2
    )
    np.testing.assert_array_equal(
        np.concatenate([block.toarray() for _, block in backed]),
        np.concatenate([b for _, b in rows_of(counts)[1]]),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x - 10, "negative"),
        (lambda x: np.where(x > 3, np.nan, x), "undefined"),
        (lambda x: x * 1000.5, "not whole numbers"),
        (
            lambda x: x * (np.arange(7) != 4)[:, None],
            "'4' and 0 more near it express no gene",
        ),
    ],
)
def test_values_that_no_model_can_read_are_errors(counts, change, message):
    with pytest.raises(InputError, match=message):
        rows_of(change(counts + 3))
