"""Four forms of a perturbation screen give the same cells; what does not fit its form is refused."""

import os
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.bench.perturbation_profiles.cells import (
    parse_perturbations,
    read_perturbed_cells,
)
from grnformer.core.errors import InputError

MIRROR = os.environ.get("GRNFORMER_MIRROR")
WANTED = ["A+B", "A+B", "A", "control", "B"]


@pytest.fixture
def write(tmp_path):
    """Write five cells with these columns of obs."""

    def write_cells(name="cells.h5ad", values=None, **obs):
        counts = (
            np.random.default_rng(0).poisson(3, (5, 40)) if values is None else values
        )
        names = [f"cell{i}" for i in range(5)]
        var = pd.DataFrame(
            {"symbol": [f"G{i}" for i in range(40)]},
            index=[f"ENSG{i:011d}" for i in range(40)],
        )
        data = anndata.AnnData(
            sp.csr_matrix(counts.astype(np.float32)),
            obs=pd.DataFrame(obs, index=names),
            var=var,
        )
        data.write_h5ad(tmp_path / name)
        return tmp_path / name

    return write_cells


def settings(**changes):
    keys = dict.fromkeys(["sheet", "column", "control", "context", "batch"])
    return keys | {"form": "sheet", "values": "counts", "symbols": "symbol"} | changes


@pytest.mark.parametrize(
    ("form", "obs"),
    [
        ("gears", {"condition": ["A+B", "B+A", "A+ctrl", "ctrl", "ctrl+B"]}),
        (
            "scperturb",
            {
                "perturbation": ["A_B", "B_A", "A", "control", "B"],
                "nperts": [2, 2, 1, 0, 1],
            },
        ),
        ("perturbench", {"condition": ["A+B", "B+A", "A", "control", "B"]}),
        ("sheet", {"perturbation": ["A+B", "B+A", "A", "control", "B"]}),
    ],
)
def test_forms_give_the_same_cells(write, form, obs):
    found = read_perturbed_cells(write(**obs), settings(form=form))

    assert found.obs["perturbation"].tolist() == WANTED
    assert found.var_names[0] == "G0"
    totals = np.expm1(found.X.toarray()).sum(axis=1)
    assert totals == pytest.approx(1e4, rel=1e-4)


def test_a_sheet_beside_the_matrix_is_put_in_the_order_of_its_cells(write, tmp_path):
    path = write()
    rows = [f"cell{i},{word},d{i % 2}" for i, word in enumerate(WANTED)]
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("\n".join(["cell,perturbation,donor", *rows[::-1]]))

    found = read_perturbed_cells(path, settings(batch="donor"), sheet)

    assert found.obs["perturbation"].tolist() == WANTED
    assert found.obs["batch"].tolist() == ["d0", "d1", "d0", "d1", "d0"]


def test_cells_without_a_perturbation_are_left_out_and_told_of(write, caplog):
    words = ["A+B", None, "A", "control", ""]

    found = read_perturbed_cells(write(perturbation=words), settings())

    assert found.obs["perturbation"].tolist() == ["A+B", "A", "control"]
    assert "2 of 5 cells have no perturbation" in caplog.text


def test_genes_keep_their_case_and_their_own_separators():
    words = pd.Series(["HLA-A_1", "NKX2-1+HLA-A", "NA"])

    assert parse_perturbations(words, "control", "+").tolist() == [
        "HLA-A_1",
        "HLA-A+NKX2-1",
        "NA",
    ]


@pytest.mark.parametrize(
    ("changes", "obs", "told"),
    [
        ({"form": "gears"}, {"perturbation": WANTED}, "no column 'condition'"),
        ({}, {"perturbation": ["A"] * 5}, "0 of 5 cells are controls"),
        ({}, {"perturbation": ["control"] * 5}, "5 of 5 cells are controls"),
        (
            {"form": "scperturb"},
            {
                "perturbation": ["A_B", "HLA_A", "A", "control", "B"],
                "nperts": [2, 1, 1, 0, 1],
            },
            "nperts says another number",
        ),
        ({"form": "scperturb"}, {"perturbation": WANTED}, "no column 'nperts'"),
        # each of these was one more perturbed gene
        (
            {},
            {"perturbation": ["A", "B", "Non-Targeting", "control", "B"]},
            "'Non-Targeting' beside the control",
        ),
        ({}, {"perturbation": ["A", "B", "A_B", "control", "B"]}, "'A_B', which is"),
        ({}, {"perturbation": ["A", "B", "A, B", "control", "B"]}, "'A, B', which is"),
        ({"symbols": "name"}, {"perturbation": WANTED}, "var has the columns"),
        ({"values": "logarithms"}, {"perturbation": WANTED}, "whole numbers"),
        (
            {"context": "line"},
            {"perturbation": WANTED, "line": ["a", "a", None, "a", "a"]},
            "1 cells without 'line'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(write, changes, obs, told):
    with pytest.raises(InputError, match=told):
        read_perturbed_cells(write(**obs), settings(**changes))


def test_symbols_with_a_separator_in_them_are_genes(write):
    words = ["HLA_A", "HLA_A", "NTS", "control", "NEGR1"]

    found = read_perturbed_cells(write(perturbation=words), settings())

    assert found.obs["perturbation"].tolist() == words


def test_cells_without_counts_are_refused(write):
    counts = np.random.default_rng(0).poisson(3, (5, 40))
    counts[2] = 0

    with pytest.raises(
        InputError, match="1 of 5 cells without any count, such as 'cell2'"
    ):
        read_perturbed_cells(write(values=counts, perturbation=WANTED), settings())


def test_logarithms_to_the_base_two_are_refused(write):
    counts = np.random.default_rng(0).poisson(3, (5, 40)).astype(float)
    scaled = np.log2(1 + 1e4 * counts / counts.sum(axis=1, keepdims=True))

    with pytest.raises(InputError, match="base 2"):
        read_perturbed_cells(
            write(values=scaled, perturbation=WANTED), settings(values="logarithms")
        )


@pytest.mark.mirror
@pytest.mark.skipif(
    not MIRROR, reason="no mirror of real data: GRNFORMER_MIRROR is not set"
)
def test_published_files_are_read():
    folder = Path(MIRROR) / "perturbation"
    gears = read_perturbed_cells(
        folder / "scx_norman_subset_50x50.h5ad",
        settings(form="gears", symbols="feature_name"),
    )
    bench = read_perturbed_cells(
        folder / "perturbench_devel_norman19_mcfaline23.h5ad",
        settings(
            form="perturbench", values="logarithms", symbols=None, context="cell_type"
        ),
    )

    # ctrl+ETS2 and ETS2+ctrl are one
    assert not gears.obs["perturbation"].str.contains("ctrl").any()
    assert (gears.obs["perturbation"] == "control").sum() == 6
    assert bench.obs.groupby("context")["perturbation"].nunique().to_dict() == {
        "A172": 10,
        "T98G": 10,
        "U87MG": 10,
        "k562": 34,
    }
