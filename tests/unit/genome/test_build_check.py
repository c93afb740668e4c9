"""Regions of one genome build, against the sites of that build and of others."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.genome.build_check import check_build

BOUNDS = {"min_tss_enrichment": 3, "min_regions": 2000}


def sites(seed):
    """1,000 sites on each of three chromosomes, plain table of TSSs."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"chrom": np.repeat(["chr1", "chr2", "chr3"], 1000)})
    table["tss"] = rng.integers(200_000, 60_000_000, 3000)
    table["gene"] = [f"GENE{i}" for i in range(3000)]
    return table.assign(strand="+")


def peaks(tss, in_promoters, half_width, seed=3):
    """3,000 regions: so many at sites, the others anywhere."""
    rng = np.random.default_rng(seed)
    centre = rng.integers(200_000, 60_000_000, 3000)
    # Spread over the chromosomes.
    chosen = np.linspace(0, 2999, in_promoters, dtype=int)
    centre[chosen] = tss["tss"].iloc[chosen] + rng.integers(-50, 50, in_promoters)
    return pd.DataFrame(
        {
            "chrom": tss["chrom"],
            "start": centre - half_width,
            "end": centre + half_width,
        }
    )


@pytest.fixture
def builds(tmp_path):
    path = tmp_path / "other.tsv"
    sites(1).to_csv(path, sep="\t", index=False)
    return {"other": str(path), "not fetched": str(tmp_path / "absent.tsv")}


def test_wide_regions_are_compared_by_their_centres():
    tss = sites(0)
    narrow = check_build(peaks(tss, 900, 100), tss, "own", "test", **BOUNDS)
    wide = check_build(peaks(tss, 900, 5000), tss, "own", "test", **BOUNDS)
    assert wide == narrow
    assert narrow["tss_enrichment"] > 8


def test_a_build_that_fits_better_is_named(builds):
    regions = peaks(sites(1), 900, 250)
    with pytest.raises(InputError, match=r"of other .*times") as error:
        check_build(regions, sites(0), "own", "test", **BOUNDS, builds=builds)
    assert error.value.remedy.startswith("write other as the genome")


def test_weak_enrichment_passes_with_a_word_where_no_build_fits_better(builds, caplog):
    regions = peaks(sites(0), 30, 250)
    figures = check_build(regions, sites(0), "own", "test", **BOUNDS, builds=builds)
    assert 1.5 < figures["tss_enrichment"] < 3
    assert "no build that is at hand" in caplog.text


def test_regions_without_promoters_are_of_no_build(builds):
    with pytest.raises(InputError, match="another genome build"):
        check_build(peaks(sites(0), 0, 250), sites(0), "own", "test", **BOUNDS)
