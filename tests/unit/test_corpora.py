"""Corpora of the config are checked before any work."""

import pytest

from grnformer.core.errors import InputError
from grnformer.workflow.corpora import (
    check_corpora,
    check_rna,
    check_tested,
    rna_file,
)

GENOMES = {"a": "hg38", "b": "hg38", "c": "mm10"}


def corpus(*datasets: str, **files: str) -> dict[str, dict]:
    return {"both": {"datasets": list(datasets), "files": files}}


def test_a_corpus_of_known_datasets_passes() -> None:
    check_corpora(corpus("a", "b", atlas="atlas.zarr"), GENOMES)


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        (corpus("a", "x"), "holds the dataset 'x'"),
        (corpus("a", "a"), "holds the dataset 'a' twice"),
        (corpus("a", "c"), "mixes genomes: a is of hg38, c is of mm10"),
        ({"a": corpus("b")["both"]}, "a corpus named 'a'"),
        ({"bench": corpus("b")["both"]}, "a corpus named 'bench'"),
        ({"x/y": corpus("b")["both"]}, "a corpus named 'x/y'"),
        (corpus("a", b="atlas.zarr"), "names a file 'b'"),
    ],
)
def test_what_cannot_be_put_together_is_named(corpora: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_corpora(corpora, GENOMES)


def test_a_file_of_count_matrices_is_made_with_the_genes_of_the_first_dataset() -> None:
    check_rna("rna:deep", "pretrain.corpora.both.files.x", {"deep": {}})
    assert rna_file("rna:deep", ["a", "b"]) == "<results>/a/prep/rna/deep.h5ad"
    assert rna_file("atlas.zarr", ["a"]) == ""
    with pytest.raises(InputError, match="which has deep"):
        check_rna("rna:shallow", "pretrain.corpora.both.files.x", {"deep": {}})


@pytest.mark.parametrize("section", ["lines", "labelled"])
def test_cells_that_a_benchmark_tests_are_not_pretrained_on(section: str) -> None:
    of_cells = {"lines": [], "labelled": []} | {section: [{"cells": "li.csv"}]}
    drug_response = {"splits": ["line"], "expression": "lines.pkl"}
    bench = {"drug_response": drug_response, "sc_drug": of_cells}

    check_tested(corpus("a", atlas="atlas.zarr"), bench, {})
    for path, where in (("li.csv", section), ("lines.pkl", "drug_response")):
        with pytest.raises(InputError, match=f"files.x is {path}.*{where}"):
            check_tested(corpus("a", x=path), bench, {})
    untested = {"drug_response": drug_response | {"splits": []}}
    check_tested(corpus("a", x="lines.pkl"), bench | untested, {})

    made = {"deep": {"matrices": ["other.csv", "li.csv"]}}
    with pytest.raises(InputError, match=r"files\.x is li\.csv"):
        check_tested(corpus("a", x="rna:deep"), bench, made)
