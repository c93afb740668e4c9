"""RNA and ATAC of different cells: summed to metacells by type, and refused where that would be wrong."""

from collections.abc import Callable
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.prep.filters import filter_multiome
from grnformer.prep.merge import merge_samples
from grnformer.prep.sample import load_sample
from grnformer.prep.summary import summarise
from grnformer.settings.read import complete
from grnformer.workflow.samples import check_unpaired, grouping

Write = Callable[..., dict[str, str]]


@pytest.fixture
def unpaired() -> dict[str, Any]:
    prep = complete({"prep": {"pairing": "pseudocells"}})["prep"]
    bounds = {"min_umis": 20, "min_genes": 10, "min_atac_counts": 20, "min_regions": 10}
    prep["cells"] = prep["cells"] | bounds | {"min_per_type": 2}
    prep["unpaired"] = {"cells_per_group": 3}
    return grouping(prep)


@pytest.fixture
def pair(
    rna: anndata.AnnData, atac: anndata.AnnData, cell_types: pd.Series
) -> tuple[anndata.AnnData, anndata.AnnData]:
    """RNA of 80 cells; ATAC of 25 cells (20 alpha, 5 beta) with other barcodes; types in obs."""
    rna.obs["type"] = cell_types.to_numpy()
    chosen = np.r_[0:20, 40:45]
    other = atac[chosen].copy()
    other.obs["type"] = cell_types.to_numpy()[chosen]
    other.obs_names = [f"other{i}" for i in range(25)]
    return rna, other


def test_cells_of_one_type_are_summed_each_once(
    pair: Any, write_pair: Write, tss: Any, ingest_settings: Any, unpaired: Any
) -> None:
    rna, atac = pair
    row = write_pair(rna, atac, "obs:type")
    data, dropped = load_sample(row, tss, **ingest_settings, unpaired=unpaired)
    contracts.check(data, "paired_counts", where="test")
    contracts.check(dropped, "dropped", where="test")
    # As many as the rarer modality has whole threes of.
    assert data.obs["cell_type"].value_counts().to_dict() == {"alpha": 6, "beta": 1}
    assert data.obs_names[0] == "s1:alpha_1"
    assert (data.obs[["n_cells_rna", "n_cells_atac"]] == 3).all(axis=None)

    # Every cell is in one metacell or in `dropped`, and none in two: totals agree.
    reasons = dropped.groupby("reason").size()
    left = dropped["name"].str.removeprefix("s1:")
    for modality, given in (("rna", rna), ("atac", atac)):
        rest = given[~given.obs_names.isin(left)]
        assert rest.n_obs == 21
        np.testing.assert_array_equal(
            rest.X.sum(axis=0), data.mod[modality].X.sum(axis=0)
        )
        for name in ("alpha", "beta"):
            part = rest[rest.obs["type"] == name]
            ours = data.mod[modality][(data.obs["cell_type"] == name).to_numpy()]
            np.testing.assert_array_equal(part.X.sum(axis=0), ours.X.sum(axis=0))
    assert reasons.to_dict() == {
        "RNA cell left over of the metacells of its type": 59,
        "ATAC cell left over of the metacells of its type": 4,
    }
    assert data.uns["checks"]["s1"]["share_of_atac_cells"] == 21 / 25

    again, _ = load_sample(row, tss, **ingest_settings, unpaired=unpaired)
    assert (again.mod["rna"].X != data.mod["rna"].X).nnz == 0
    other, _ = load_sample(row, tss, **ingest_settings, unpaired=unpaired | {"seed": 2})
    assert (other.mod["rna"].X != data.mod["rna"].X).nnz > 0


def test_poor_cells_are_dropped_before_they_are_summed(
    pair: Any, write_pair: Write, tss: Any, ingest_settings: Any, unpaired: Any
) -> None:
    rna, atac = pair
    poor = rna.X.toarray()
    poor[0, 5:] = 0
    rna.X = sp.csr_matrix(poor)
    row = write_pair(rna, atac, "obs:type")
    _, dropped = load_sample(row, tss, **ingest_settings, unpaired=unpaired)
    reason = dropped.set_index("name")["reason"]
    assert reason[f"s1:{rna.obs_names[0]}"] == "RNA cell: n_umis below 20"


def test_a_table_has_the_barcodes_of_both(
    pair: Any, write_pair: Write, tss: Any, ingest_settings: Any, unpaired: Any
) -> None:
    rna, atac = pair
    table = pd.concat([rna.obs["type"], atac.obs["type"]])
    data, _ = load_sample(
        write_pair(rna, atac, table), tss, **ingest_settings, unpaired=unpaired
    )
    assert data.n_obs == 7

    names = atac.obs_names.tolist()
    atac.obs_names = [rna.obs_names[50], *names[1:]]
    with pytest.raises(InputError, match=r"1 of 80 RNA barcodes are ATAC barcodes too"):
        load_sample(
            write_pair(rna, atac, table), tss, **ingest_settings, unpaired=unpaired
        )
    # Of two columns it is known which cell is meant.
    load_sample(
        write_pair(rna, atac, "obs:type"), tss, **ingest_settings, unpaired=unpaired
    )


def test_the_same_cells_are_no_different_cells(
    pair: Any, write_pair: Write, tss: Any, ingest_settings: Any, unpaired: Any
) -> None:
    rna, atac = pair
    atac.obs_names = rna.obs_names[:25]
    with pytest.raises(InputError) as caught:
        load_sample(
            write_pair(rna, atac, "obs:type"), tss, **ingest_settings, unpaired=unpaired
        )
    assert "set prep.pairing to barcodes" in caught.value.remedy


def test_types_that_only_one_file_has(
    pair: Any, write_pair: Write, tss: Any, ingest_settings: Any, unpaired: Any
) -> None:
    rna, atac = pair
    atac.obs["type"] = atac.obs["type"].astype(str).replace("beta", "gamma")
    row = write_pair(rna, atac, "obs:type")
    data, dropped = load_sample(row, tss, **ingest_settings, unpaired=unpaired)
    assert set(data.obs["cell_type"]) == {"alpha"}
    found = dropped["reason"].value_counts()
    assert found["RNA cell of a type without ATAC cells"] == 40
    assert found["ATAC cell of a type without RNA cells"] == 5

    atac.obs["type"] = atac.obs["type"].astype(str).replace("alpha", "Alpha")
    with pytest.raises(InputError) as caught:
        load_sample(
            write_pair(rna, atac, "obs:type"), tss, **ingest_settings, unpaired=unpaired
        )
    assert "40 of 'alpha'" in caught.value.found
    assert "20 of 'Alpha'" in caught.value.found


def test_metacells_are_not_judged_as_cells_and_keep_their_sizes(
    pair: Any, write_pair: Write, tss: Any, ingest_settings: Any, unpaired: Any
) -> None:
    settings = complete({})["prep"]
    # A bound for single cells that no metacell would pass.
    settings["cells"] = unpaired["cells"] | {"max_umis": 200}
    settings["genes"] = settings["regions"] = {"min_cells": 1}
    settings["regions"] = settings["regions"] | {"drop_chromosomes": []}
    rna, atac = pair
    more = atac.copy()
    more.obs_names = "more" + more.obs_names
    both = anndata.concat([atac, more])
    samples, left = [], []
    for name in ("s1", "s2"):
        row = write_pair(rna, both, "obs:type") | {"sample": name}
        seed = {"seed": len(samples)}
        data, unused = load_sample(
            row, tss, **ingest_settings, unpaired=unpaired | seed
        )
        samples.append(data)
        left.append(unused)
    merged, _ = merge_samples(samples, min_shared_features=0.5)
    kept, dropped, qc = filter_multiome(merged, tss, seed=1, settings=settings)
    assert kept.n_obs == len(qc) == 2 * (13 + 3)
    assert qc["n_umis"].min() > 200
    assert (kept.obs[["n_cells_rna", "n_cells_atac"]] == 3).all(axis=None)

    # Single cells that are in no metacell are no metacells that were lost.
    lost = pd.concat([*left, dropped])
    assert len(lost.query("kind == 'cell'")) > 0
    kept.obs["cluster"] = "c"
    kept.uns["cell_types_from"] = "annotation"
    counts = summarise(kept, lost, qc)["counts"]
    assert counts["cell"] == {"before": 32, "after": 32}
    assert counts["RNA cell"] == {"before": 160, "after": 96}
    assert counts["ATAC cell"] == {"before": 100, "after": 96}

    settings["cells"] = settings["cells"] | {"min_per_type": 30}
    with pytest.raises(InputError, match="fewer than 30 metacells") as caught:
        filter_multiome(merged, tss, seed=1, settings=settings)
    assert "prep.unpaired.cells_per_group" in caught.value.remedy


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"annotation": ""}, "no annotation"),
        ({"atac": "", "fragments": "f.tsv.gz"}, "has fragments"),
        ({"atac": ""}, "has RNA alone"),
    ],
    ids=["no_annotation", "fragments", "rna_alone"],
)
def test_the_sheet_must_allow_it(row: dict[str, str], found: str) -> None:
    whole = {"dataset": "d", "sample": "s", "atac": "a", "fragments": "", "annotation": "t"}  # fmt: skip
    configs = {"d": complete({"prep": {"pairing": "pseudocells"}})}
    check_unpaired(configs, pd.DataFrame([whole]))
    with pytest.raises(InputError, match=found):
        check_unpaired(configs, pd.DataFrame([whole | row]))
    check_unpaired({"d": complete({})}, pd.DataFrame([whole | row]))
    configs["d"]["prep"]["doublets"]["enabled"] = True
    with pytest.raises(InputError, match=r"prep\.doublets\.enabled"):
        check_unpaired(configs, pd.DataFrame([whole]))
