"""Links of genes, by which graphs are compared with their controls."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from grnformer.report.sections.graphs import links_of


def bundle(edges: list[tuple[str, int, int]]) -> SimpleNamespace:
    graph = SimpleNamespace(
        genes=pd.DataFrame({"gene": list("abcd")}),
        edges=pd.DataFrame(edges, columns=["cell_type", "tf", "gene"]),
        eregulons=pd.DataFrame([(0, 1), (0, 1)], columns=["tf", "gene"]),
        knowledge=pd.DataFrame([(2, 3)], columns=["gene_a", "gene_b"]),
    )
    return SimpleNamespace(graph=graph)


def test_a_control_that_differs_between_types_has_no_more_links() -> None:
    same = bundle([("x", 0, 1), ("y", 0, 1)])
    swapped = bundle([("x", 0, 1), ("y", 0, 2)])
    assert links_of(same).tolist() == [1, 1, 1, 1]
    assert links_of(swapped).tolist() == [1, 0.5, 1.5, 1]
    assert links_of(same).sum() == links_of(swapped).sum()


def test_a_graph_without_types_has_the_links_of_its_eregulons() -> None:
    assert links_of(bundle([])).tolist() == [1, 1, 1, 1]
