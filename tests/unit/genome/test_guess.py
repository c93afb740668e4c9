"""Species by names, build by where regions lie."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.genome.guess import guess_build, species_of_genes, species_of_genome


@pytest.mark.parametrize(
    ("names", "species"),
    [
        (["TP53", "GATA1", "MYC", "AC023509.3", "C1orf112"], "human"),
        (["Trp53", "Gata1", "Myc", "0610040J01Rik"], "mouse"),
        (["ENSG00000141510", "ENSG00000136997"], "human"),
        (["ENSMUSG00000059552", "ENSMUSG00000022346"], "mouse"),
        (["lin-35", "unc-86", "daf-16"], ""),
        (["TP53", "Trp53", "MYC", "Myc"], ""),
        (["chr1:1-2", "chr1:5-9"], ""),
        ([], ""),
    ],
)
def test_species_by_the_names_of_genes(names: list[str], species: str) -> None:
    assert species_of_genes(pd.Index(names, dtype=str)) == species


def test_species_of_builds() -> None:
    assert [species_of_genome(g) for g in ("hg38", "mm10", "rn7")] == [
        "human",
        "mouse",
        "",
    ]


def test_regions_are_of_the_build_at_whose_sites_they_gather() -> None:
    rng = np.random.default_rng(0)
    sites = {
        name: pd.DataFrame(
            {"chrom": "chr1", "tss": np.sort(rng.integers(0, 10**8, 2000))}
        )
        for name in ("hg38", "hg19")
    }
    centres = sites["hg38"]["tss"] + rng.integers(-100, 100, 2000)
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": centres - 250, "end": centres + 250}
    )
    genome, fold = guess_build(regions, sites, "here")
    assert genome == "hg38"
    assert fold > 5
    with pytest.raises(InputError, match="hg19"):
        guess_build(regions, {"hg19": sites["hg19"]}, "here")
    with pytest.raises(InputError, match=r"hg38 .*, again"):
        guess_build(regions, {"hg38": sites["hg38"], "again": sites["hg38"]}, "here")
