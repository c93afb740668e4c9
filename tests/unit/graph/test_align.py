"""Genes against a vocabulary: names, aliases, versions, collisions."""

import pytest

from grnformer.core.errors import InputError
from grnformer.graph.align import align_genes

VOCABULARY = {"GATA1": 7, "TAL1": 3, "NANOG": 9}


def test_align_genes_finds_names_aliases_and_versioned_ids_and_says_what_is_lost():
    genes = ["ENSG01.4", "TAL1", "SCL", "XYZ", "GATA1"]
    aligned, lost = align_genes(genes, VOCABULARY, {"ENSG01": "NANOG", "SCL": "TAL1"})
    assert dict(zip(aligned["gene"], aligned["token"], strict=True)) == {
        "ENSG01.4": 9,
        "TAL1": 3,
        "GATA1": 7,
    }
    assert dict(zip(lost["gene"], lost["reason"], strict=True)) == {
        "SCL": "same vocabulary entry as TAL1",
        "XYZ": "not in the vocabulary",
    }


def test_align_genes_prefers_the_exact_name_even_if_its_alias_comes_first():
    aligned, lost = align_genes(["SCL", "TAL1"], VOCABULARY, {"SCL": "TAL1"})
    assert aligned["gene"].tolist() == ["TAL1"]
    assert lost["gene"].tolist() == ["SCL"]


def test_align_genes_refuses_names_of_another_kind():
    with pytest.raises(InputError, match="0 of 2 genes"):
        align_genes(["Gata1", "Tal1"], VOCABULARY, {})
