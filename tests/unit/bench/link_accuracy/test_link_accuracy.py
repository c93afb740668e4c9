"""Links against CRISPRi: which pairs are scored, average precision against scikit-learn, what is refused."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import average_precision_score

from grnformer.bench.link_accuracy.benchmark import score_links
from grnformer.bench.link_accuracy.truth import match_links, read_pairs
from grnformer.bench.ranking import average_precision
from grnformer.bench.summary import compare_arms, summarise_scores
from grnformer.core.errors import InputError

GENES = [f"G{i}" for i in range(30)]


def planted() -> tuple[anndata.AnnData, pd.DataFrame, pd.DataFrame]:
    """Regions and links of 30 genes, four regions each; the one with the highest |rho| regulates the gene."""
    rng = np.random.default_rng(0)
    start = np.arange(1, 121) * 10_000
    regions = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 500})
    regions.index = [f"chr1:{s}-{s + 500}" for s in start]
    counts = sp.csr_matrix(rng.poisson(2.0, (20, 120)).astype(np.int32))
    atac = anndata.AnnData(counts.astype(np.float32), var=regions)
    atac.layers["counts"] = counts
    atac.obs["cell_type"] = "K"

    distance = rng.integers(1000, 100_000, 120)
    rho = rng.uniform(-0.3, 0.3, 120).reshape(30, 4)
    active = np.arange(4) == rng.integers(0, 4, 30)[:, None]
    rho[active] = 0.9
    genes = np.repeat(GENES, 4)
    links = pd.DataFrame({"region": regions.index, "gene": genes, "distance": distance})
    links = links.assign(importance=0.25, rho=rho.ravel(), promoter=False, weight=0.1)
    pairs = pd.DataFrame(
        {
            "chrom": "chr1",
            "chromStart": start - 100,
            "chromEnd": start + 600,
            "measuredGeneSymbol": genes,
            "distanceToTSS": -distance,
            "CellType": "K562",
            "Regulated": np.where(active.ravel(), "TRUE", "FALSE"),
            "ValidConnection": "TRUE",
        }
    )
    return atac, links, pairs


def score(links: pd.DataFrame, pairs: pd.DataFrame, atac: anndata.AnnData):
    return score_links(
        atac,
        pd.Index(GENES),
        links,
        links[["region", "gene"]].head(0),
        pairs,
        {"K": "K562"},
        least_distance=500,
        n_resamples=150,
        seed=1,
    )


def test_planted_links_beat_distance_and_their_permuted_form() -> None:
    atac, links, pairs = planted()
    scores, coverage = score(links, pairs, atac)
    summary = summarise_scores(scores, n_resamples=100, seed=1).set_index("arm")
    assert summary.loc["absolute rho", "estimate"] == pytest.approx(1.0)
    assert summary.loc["chance", "estimate"] == pytest.approx(0.25)
    assert summary.loc["joined", "above_baseline_low"] > 0
    compared = compare_arms(
        scores, [("joined", "joined (permuted links)")], ["link_auprc"], 100, 1
    )
    assert set(compared["outcome"]) == {"better"}
    assert coverage["positives"].tolist() == [30] * 5


def test_average_precision_under_weights_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(50) < 0.3
    values = rng.integers(0, 8, 50).astype(float)
    weights = rng.integers(0, 4, size=(6, 50))
    expected = [
        average_precision_score(truth, values, sample_weight=w) for w in weights
    ]
    np.testing.assert_allclose(average_precision(truth, values, weights), expected)
    none = average_precision(truth, values, (~truth)[None].astype(float))
    assert np.isnan(none).all()


def test_intervals_are_over_genes_not_pairs() -> None:
    """All pairs thrice, in the same genes: as many genes, the same interval."""
    atac, links, pairs = planted()
    once, _ = score(links, pairs, atac)
    thrice, _ = score(links, pd.concat([pairs] * 3, ignore_index=True), atac)
    ends = [
        summarise_scores(scores, n_resamples=100, seed=1).set_index("arm").loc["joined"]
        for scores in (once, thrice)
    ]
    assert ends[0][["low", "high"]].tolist() == pytest.approx(
        ends[1][["low", "high"]].tolist()
    )


def test_pairs_without_a_link_are_counted_and_not_scored() -> None:
    atac, links, pairs = planted()
    pairs.loc[0, "chrom"] = "chr2"
    pairs.loc[1, "measuredGeneSymbol"] = "unmeasured"
    pairs.loc[2, "ValidConnection"] = "FALSE"
    found = match_links(read_pairs(pairs, "K562"), atac.var, pd.Index(GENES), links)
    assert len(found.pairs) == 117
    assert found.coverage["pairs"].tolist() == [119, 118, 118, 117, 117]


def test_pairs_that_are_none_are_refused() -> None:
    atac, links, pairs = planted()
    with pytest.raises(InputError, match="columns"):
        read_pairs(pairs.drop(columns="Regulated"), "K562")
    with pytest.raises(InputError, match="lines there"):
        read_pairs(pairs, "HCT116")
    with pytest.raises(InputError, match="TRUE or FALSE"):
        read_pairs(pairs.assign(Regulated="maybe"), "K562")
    for column, value in (
        ("Regulated", ""),
        ("ValidConnection", "NA"),
        ("distanceToTSS", "NA"),
        ("distanceToTSS", "far"),
        ("chromStart", "-5"),
    ):
        wrong = pairs.astype({column: str})
        wrong.loc[3, column] = value
        with pytest.raises(InputError, match=f"3, column '{column}': '{value}'"):
            read_pairs(wrong, "K562")
    # another build: regions still meet elements, of genes nearby, but at another distance from the TSS
    other = pairs.assign(distanceToTSS=pairs["distanceToTSS"] - 30_000)
    with pytest.raises(InputError, match=r"30,000 bp \(median\)"):
        match_links(read_pairs(other, "K562"), atac.var, pd.Index(GENES), links)
    moved = pairs.assign(chrom="chr9")
    with pytest.raises(InputError, match="genome build"):
        match_links(read_pairs(moved, "K562"), atac.var, pd.Index(GENES), links)
