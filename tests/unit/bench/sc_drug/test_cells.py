import anndata
import numpy as np
import pandas as pd
import pytest

from grnformer.bench.sc_drug.cells import read_cells
from grnformer.bench.sc_drug.samples import (
    draw_cells,
    given_files,
    join_sets,
    make_samples,
    training_lines,
)
from grnformer.core.errors import InputError
from grnformer.settings.read import read_defaults

READING = read_defaults("bench")["sc_drug"]["lines"][0]


def write(folder):
    """Counts as R writes them, by Ensembl id; labels in another order; a doublet."""
    (folder / "counts.csv").write_text(
        '"a","b","c"\n"ENSG1.2",1,0,3\n"ENSG2",1,2,0\n"ENSG3",2,0,1\n"ENSG9",4,4,4\n'
    )
    (folder / "labels.csv").write_text(
        '"line","doublet"\n"c","X","no"\n"a","Y","no"\n"b","X","yes"\n'
    )
    (folder / "ids.tsv").write_text(
        "gene_id\tgene_name\nENSG1\tMT-A\nENSG2\tB\nENSG3\tB\n"
    )
    return [folder / name for name in ("counts.csv", "labels.csv", "ids.tsv")]


def test_cells_get_symbols_labels_by_name_and_logarithms_of_all_genes(tmp_path):
    counts, labels, ids = write(tmp_path)
    settings = READING | {"label": "line", "keep": {"doublet": "no"}}
    cells = read_cells(counts, settings, labels, ids)
    assert cells.obs["label"].to_dict() == {"a": "Y", "c": "X"}
    assert list(cells.var_names) == ["B", "MT-A"]
    expected = np.log1p([[3e4 / 8, 1e4 / 8], [1e4 / 8, 3e4 / 8]])
    assert cells.X.toarray() == pytest.approx(expected, rel=1e-6)
    assert cells.obs["depth"].tolist() == [8, 8]
    assert cells.obs["mitochondrial"].tolist() == pytest.approx([1 / 8, 3 / 8])


@pytest.mark.parametrize(
    ("changes", "content", "message"),
    [
        ({"label": "type"}, None, "no column 'type'"),
        ({"keep": {"doublet": "maybe"}}, None, "no cell with"),
        ({"values": "z_scores"}, None, "none below 0"),
        ({"values": "logarithms"}, ',a,b,c\nENSG1,99,1,2\n"ENSG2",1,2,3\n', "to 99"),
        ({}, ",a,b,d\nENSG1,9,1,2\nENSG2,1,2,3\n", "3 lines, first 'c'; 3 cells"),
        ({}, ",a,b,c\nTP53,9,1,2\nB,1,2,3\n", "no gene, such as 'TP53'"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, changes, content, message):
    counts, labels, ids = write(tmp_path)
    if content:
        counts.write_text(content)
    with pytest.raises(InputError, match=message):
        read_cells(counts, READING | {"label": "line"} | changes, labels, ids)


RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(RNG.gamma(0.5, 2, (6, 300)) * RNG.uniform(1, 4, (6, 1)))
NORMAL = COUNTS / COUNTS.sum(axis=1, keepdims=True)
GENES = ["MT.CO1", *(f"G{i}" for i in range(299))]


def read_h5ad(folder, values, declared, **columns):
    cells = anndata.AnnData(
        values, obs=pd.DataFrame(index=list("abcdef")), var=pd.DataFrame(index=GENES)
    )
    cells.var = cells.var.assign(**columns)
    cells.write_h5ad(folder / "cells.h5ad")
    settings = READING | {"label": None, "values": declared}
    return read_cells(folder / "cells.h5ad", settings, None, None)


@pytest.mark.parametrize("total", [1e4, 1e6])
def test_logarithms_of_any_total_are_those_of_the_counts_but_for_depth(tmp_path, total):
    counts = read_h5ad(tmp_path, COUNTS.astype(float), "linear")
    found = read_h5ad(tmp_path, np.log1p(total * NORMAL), "logarithms")
    assert found.X.toarray() == pytest.approx(counts.X.toarray(), rel=1e-5)
    assert found.obs["mitochondrial"].tolist() == pytest.approx(
        (COUNTS[:, 0] / COUNTS.sum(axis=1)).tolist()
    )
    assert counts.obs["depth"].tolist() == COUNTS.sum(axis=1).tolist()
    # their total is no depth
    assert found.obs["depth"].isna().all()


@pytest.mark.parametrize(
    ("values", "declared", "message"),
    [
        (np.log2(1e4 * NORMAL + 1), "logarithms", "logarithms to the base 2"),
        (np.log2(1e4 * NORMAL + 1), "linear", "logarithms to the base 2"),
        (np.log1p(1e4 * NORMAL), "linear", "natural logarithms"),
        (np.minimum(COUNTS, 9.0), "logarithms", "which are no logarithms"),
        (
            np.log1p(1e4 * NORMAL)[:, :300] * (np.arange(300) % 3 > 0),
            "logarithms",
            "a part of the genes",
        ),
        (
            COUNTS * (np.arange(6) > 0)[:, None] * 1.0,
            "linear",
            "1 cells without any count, first 'a'",
        ),
    ],
)
def test_values_of_another_scale_than_declared_are_refused(
    tmp_path, values, declared, message
):
    with pytest.raises(InputError, match=message):
        read_h5ad(tmp_path, values, declared)


def test_only_genes_are_part_of_a_cells_total(tmp_path):
    kinds = ["Antibody Capture"] * 9 + ["Gene Expression"] * 291
    found = read_h5ad(tmp_path, COUNTS.astype(float), "linear", feature_types=kinds)
    assert found.obs["depth"].tolist() == COUNTS[:, 9:].sum(axis=1).tolist()
    assert "G0" not in found.var_names
    (tmp_path / "cells.csv").write_text(",G1,nCount_RNA\na,3,4\nb,5,6\n")
    settings = READING | {"label": None, "rows": "cells"}
    with pytest.raises(InputError, match="'nCount_RNA'"):
        read_cells(tmp_path / "cells.csv", settings, None, None)


def test_labels_beside_the_genes_are_no_gene(tmp_path):
    settings = READING | {"label": "response", "rows": "cells"}
    read = []
    for labels in ("01", "10"):
        (tmp_path / "cells.csv").write_text(
            f",response,A,B\na,{labels[0]},3,4\nb,{labels[1]},5,6\n"
        )
        read.append(read_cells(tmp_path / "cells.csv", settings, None, None))
    assert [list(cells.obs["label"]) for cells in read] == [["0", "1"], ["1", "0"]]
    for cells in read:
        assert cells.obs["depth"].tolist() == [7, 11]
        assert np.array_equal(cells.X.toarray(), read[0].X.toarray())

    # a table of ids has symbols without an id
    (tmp_path / "cells.csv").write_text(",response,1,2\na,1,-1,2\nb,0,1,-2\n")
    (tmp_path / "ids.tsv").write_text(
        "EntrezGene ID\tApproved Symbol\n\tA\n1\tB\n2\tC\n"
    )
    settings["values"] = "z_scores"
    found = read_cells(tmp_path / "cells.csv", settings, None, tmp_path / "ids.tsv")
    assert list(found.var_names) == ["B", "C"]
    assert found.obs["depth"].tolist() == [0.5, -0.5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("line,line\na,X,Y\nb,X,Y\nc,X,Y\n", "stands twice in the header"),
        ("cell,line\na,X\nb,X,Y\nc,X\n", "line 3 has 3 fields"),
        ('cell,line\na,"X\nb,X\nc,X\n', "line 2"),
    ],
)
def test_broken_tables_of_labels_are_refused(tmp_path, content, message):
    counts, labels, ids = write(tmp_path)
    labels.write_text(content)
    with pytest.raises(InputError, match=message):
        read_cells(counts, READING | {"label": "line"}, labels, ids)


def test_lines_that_the_screen_lacks_are_refused_with_the_spelling_meant():
    genes = pd.Index([f"G{i}" for i in range(300)])
    cells = anndata.AnnData(
        np.ones((4, 300)),
        obs=pd.DataFrame({"label": ["a", "a", "b", "b"]}, index=list("wxyz")),
        var=pd.DataFrame(index=genes),
    )
    screened = pd.Index(["K-562", "A549"])
    joined = join_sets({"s": cells}, {"s": {"a": "K-562"}}, screened, genes)
    assert joined.obs["line"].tolist() == ["K-562", "K-562"]
    with pytest.raises(InputError, match="such as 'K-562'"):
        join_sets({"s": cells}, {"s": {"a": "K562"}}, screened, genes)
    with pytest.raises(InputError, match="no cell of label 'c'"):
        join_sets({"s": cells}, {"s": {"c": "A549"}}, screened, genes)
    with pytest.raises(InputError, match="0 genes"):
        join_sets({"s": cells}, {"s": {"a": "A549"}}, screened, genes + "x")


def test_samples_are_means_of_drawn_cells():
    line = pd.Series(["b"] * 20 + ["a"] * 3)
    drawn = draw_cells(line, 12, seed=1)
    assert line.iloc[drawn].value_counts().to_dict() == {"b": 12, "a": 3}
    table, weights = make_samples(line.iloc[drawn].to_numpy(str), 10, 4, seed=1)
    assert table.groupby(["line", "level"]).size().to_dict() == {
        ("a", "cell"): 3,
        ("a", "pool"): 4,
        ("a", "pseudobulk"): 1,
        ("b", "cell"): 12,
        ("b", "pool"): 4,
        ("b", "pseudobulk"): 1,
    }
    assert np.asarray(weights.sum(axis=1)).ravel() == pytest.approx(np.ones(len(table)))
    is_a = (line.iloc[drawn] == "a").to_numpy()
    assert (weights[:, is_a].sum(axis=1) > 0).ravel().tolist()[0] == (
        table["line"] == "a"
    ).tolist()
    assert weights.max(axis=1).toarray()[table["level"] == "pool"].min() == 0.1


def test_names_and_files_of_entries():
    names = ["NCI-H1975", "H-1975", "NCI-H19750", "K-562", "MY-K", "A549"]
    kept = training_lines(names, {"H1975", "K-562"}, ["my-k"])
    assert kept.tolist() == [False, False, True, False, False, True]
    with pytest.raises(InputError, match="'A594' out of training"):
        training_lines(names, {"H1975"}, ["A594"])
    entries = [{"labels": None}, {"labels": "x.csv"}]
    assert given_files(entries, "labels", ["x.csv"]) == [None, "x.csv"]
