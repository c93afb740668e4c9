"""What SnapATAC2 and MACS3 make of simulated and of real fragments."""

import importlib.util
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.genome.intervals import overlaps_any
from grnformer.genome.tss import read_tss
from grnformer.prep.fragments import snapatac as ours
from grnformer.prep.fragments.consensus import merge_peaks
from grnformer.prep.fragments.scan import scan_fragments
from grnformer.simulate.multiome import Simulation

MIRROR = os.environ.get("GRNFORMER_MIRROR")
CALLING = {"q_value": 0.05, "tag_shift": -75, "tag_length": 150}


@pytest.fixture(scope="module")
def consensus(
    imported: Path, simulation: Simulation, lengths: dict[str, int]
) -> pd.DataFrame:
    groups = pd.DataFrame(
        {
            "sample": "s1",
            "barcode": simulation.annotation["barcode"],
            "group": simulation.annotation["cell_type"],
        }
    )
    groups.loc[:2, "group"] = ""
    called = ours.call_peaks({"s1": str(imported)}, groups, **CALLING)
    assert sorted(called) == ["type_1", "type_2", "type_3"]
    assert Path(tempfile.gettempdir()).is_dir()
    return merge_peaks(called, lengths, None, half_width=250)


def test_a_missing_extra_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"(?s)no snapatac2 and no MACS3 for .*make env-fragments"
    ):
        ours.require_snapatac()


def test_cells_are_stored_by_the_names_of_the_rna(
    snapatac: None, simulation, fragments: Path, lengths, tmp_path: Path
) -> None:
    names = {name: f"s1_{name[:4]}" for name in simulation.atac.obs_names[:2]}
    ours.import_fragments(str(fragments), tmp_path / "f.h5ad", names, lengths)
    scores, _ = ours.measure_tss_enrichment(tmp_path / "f.h5ad", simulation.tss)
    assert sorted(scores.index) == sorted(names.values())


def test_cuts_are_enriched_where_they_were_planted(
    imported: Path, simulation: Simulation
) -> None:
    """Promoters are open: enriched; sites moved by 5 kb are not. Forward and backward genes alike."""
    scores, library = ours.measure_tss_enrichment(imported, simulation.tss)
    assert scores.index.isin(simulation.atac.obs_names).all()
    assert len(scores) == 115
    assert library > 5
    assert scores.median() > 4
    for strand in "+-":
        part = simulation.tss[simulation.tss["strand"] == strand]
        assert ours.measure_tss_enrichment(imported, part)[1] > 5
        away = part.assign(tss=part["tss"] + 5_500)
        assert ours.measure_tss_enrichment(imported, away)[1] < 2


def test_no_site_on_the_chromosomes(imported: Path, simulation: Simulation) -> None:
    with pytest.raises(InputError, match="no transcription start site"):
        ours.measure_tss_enrichment(imported, simulation.tss.assign(chrom="chrX"))


def test_peaks_are_the_planted_regions(
    consensus: pd.DataFrame, simulation: Simulation
) -> None:
    """Every peak is a planted region, and nearly every open region has its peak, at its middle."""
    assert overlaps_any(consensus, simulation.regions).mean() > 0.95
    found = overlaps_any(simulation.regions, consensus)
    depth = np.asarray(simulation.atac.X.sum(axis=0)).ravel()
    assert found[depth > np.median(depth)].mean() > 0.95
    nearest = consensus.merge(simulation.regions, on="chrom", suffixes=("", "_planted"))
    away = (
        (nearest["start"] - nearest["start_planted"])
        .abs()
        .groupby(nearest["region"])
        .min()
    )
    assert away.median() < 50


def test_counts_are_those_planted(
    imported: Path, consensus: pd.DataFrame, simulation: Simulation
) -> None:
    """Counts of cells in the peaks found follow the matrix that the fragments were drawn from."""
    counts, frip = ours.count_fragments(
        str(imported), consensus["region"].tolist(), "paired-insertion"
    )
    assert counts.shape == (115, len(consensus))
    assert 0.6 < frip.median() < 0.95
    middle = (consensus["start"] + consensus["end"]) // 2
    regions = simulation.regions
    planted = regions.assign(number=range(len(regions))).sort_values("start")
    at = consensus.assign(middle=middle).sort_values("start")
    pairs = pd.merge_asof(
        at[["chrom", "start", "region"]],
        planted[["chrom", "start", "number"]],
        on="start", by="chrom", direction="nearest", tolerance=100,
    ).dropna()  # fmt: skip
    assert len(pairs) > 0.8 * len(consensus)
    number = pairs["number"].astype(int).to_numpy()
    mine = counts[
        :, consensus.set_index("region").index.get_indexer(pairs["region"])
    ].toarray()
    truth = simulation.atac[frip.index].X[:, number].toarray()
    assert np.corrcoef(mine.ravel(), truth.ravel())[0, 1] > 0.9
    assert np.corrcoef(mine.sum(axis=0), truth.sum(axis=0))[0, 1] > 0.97


def test_strategies_of_counting_are_what_they_say(
    imported: Path, consensus: pd.DataFrame, fragments: Path
) -> None:
    """Against plain counting: ends within the region, once a fragment; each end; fragments that overlap."""
    table = pd.read_csv(
        fragments,
        sep="\t",
        header=None,
        comment="#",
        names=["chrom", "start", "end", "barcode", "n"],
    )
    regions = consensus["region"].tolist()[:40]
    made = {
        name: ours.count_fragments(str(imported), regions, name)
        for name in ("paired-insertion", "insertion", "fragment")
    }
    barcodes = made["fragment"][1].index
    table = table[table["barcode"].isin(barcodes)]
    for i, row in enumerate(consensus[:40].itertuples()):
        near = table[table["chrom"] == row.chrom]
        first = (near["start"] >= row.start) & (near["start"] < row.end)
        last = (near["end"] - 1 >= row.start) & (near["end"] - 1 < row.end)
        over = (near["start"] < row.end) & (near["end"] > row.start)
        for name, count in (
            ("paired-insertion", first | last),
            ("insertion", first.astype(int) + last),
            ("fragment", over),
        ):
            expected = (
                count.groupby(near["barcode"]).sum().reindex(barcodes, fill_value=0)
            )
            np.testing.assert_array_equal(
                made[name][0][:, i].toarray().ravel(), expected, err_msg=f"{name} {i}"
            )


def test_one_set_of_regions_over_two_samples(
    imported: Path,
    simulation: Simulation,
    consensus: pd.DataFrame,
    lengths: dict[str, int],
) -> None:
    """The same cells twice, as two samples: peaks are called on both together, so they can only be surer."""
    annotation = simulation.annotation
    groups = pd.concat(
        [
            pd.DataFrame(
                {"sample": s, "barcode": annotation["barcode"], "group": "all"}
            )
            for s in ("a", "b")
        ]
    )
    twice = ours.call_peaks(
        {"a": str(imported), "b": str(imported)}, groups, **CALLING
    )["all"]
    once = ours.call_peaks({"a": str(imported)}, groups, **CALLING)["all"]
    shared = twice.merge(once, on=["chrom", "summit"], suffixes=("", "_once"))
    assert len(shared) > 100
    assert (shared["score"] > shared["score_once"]).mean() > 0.95


@pytest.mark.mirror
@pytest.mark.skipif(
    not MIRROR, reason="no mirror of real data: GRNFORMER_MIRROR is not set"
)
def test_real_fragments_of_archr(snapatac: None, tmp_path: Path) -> None:
    """29,399 fragments of 150 blood cells, hg19, chr5 and chr11, named by lineage.

    Measured: 1,228 regions, 38% of them with a TSS of hg19, median FRiP .79, nearest to the own lineage .99.
    """
    path = Path(str(MIRROR)) / "fragments" / "ArchR_PBSmall_fragments_hg19.tsv.gz"
    barcodes, chromosomes = scan_fragments(path, {"chr5", "chr11"})
    lengths = chromosomes.set_index("chrom")["length"].to_dict()
    names = {name: name for name in barcodes["barcode"]}
    ours.import_fragments(str(path), tmp_path / "f.h5ad", names, lengths)
    groups = pd.DataFrame(
        {
            "sample": "s",
            "barcode": barcodes["barcode"],
            "group": barcodes["barcode"].str[0],
        }
    )
    called = ours.call_peaks({"s": str(tmp_path / "f.h5ad")}, groups, **CALLING)
    assert sorted(called) == ["B", "M", "T"]
    peaks = merge_peaks(called, lengths, None, half_width=250)
    assert len(peaks) > 1000
    counts, frip = ours.count_fragments(
        str(tmp_path / "f.h5ad"), peaks["region"].tolist(), "paired-insertion"
    )
    assert frip.median() > 0.6
    # Lineages differ: cells are nearer to their own lineage's mean than to the others'.
    share = np.asarray(counts.todense(), dtype=float)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1)
    lineage = np.array([name[0] for name in frip.index])
    means = np.array([share[lineage == name].mean(axis=0) for name in "BMT"])
    own = np.array([np.corrcoef(row, means)[0, 1:] for row in share])
    assert (np.array(list("BMT"))[own.argmax(axis=1)] == lineage).mean() > 0.9


TSS_HG19 = "resources/tss_hg19.bed"


@pytest.mark.mirror
@pytest.mark.skipif(
    not MIRROR or not Path(TSS_HG19).exists(),
    reason=f"no mirror of real data, or no {TSS_HG19} fetched",
)
def test_real_fragments_tell_the_genome_build(snapatac: None, tmp_path: Path) -> None:
    path = Path(str(MIRROR)) / "fragments" / "ArchR_PBSmall_fragments_hg19.tsv.gz"
    barcodes, chromosomes = scan_fragments(path, {"chr5", "chr11"})
    lengths = chromosomes.set_index("chrom")["length"].to_dict()
    names = {name: name for name in barcodes["barcode"]}
    ours.import_fragments(str(path), tmp_path / "f.h5ad", names, lengths)
    sites = read_tss(TSS_HG19)
    assert ours.measure_tss_enrichment(tmp_path / "f.h5ad", sites)[1] > 5
    assert (
        ours.measure_tss_enrichment(
            tmp_path / "f.h5ad", sites.assign(tss=sites["tss"] + 300_000)
        )[1]
        < 2
    )


def test_coverage_is_the_fragments_of_each_group_per_million(
    imported: Path, simulation: Simulation, fragments: Path, tmp_path: Path
) -> None:
    """Read back by SnapATAC2's own reader; pyBigWig reads it in tests/reference."""
    cells = simulation.annotation["barcode"]
    groups = pd.DataFrame({"sample": "s1", "barcode": cells, "group": ""})
    groups["group"] = simulation.annotation["cell_type"].to_numpy()
    groups.loc[groups["group"] == "type_3", "group"] = ""
    ours.export_coverage({"s1": str(imported)}, groups, tmp_path, bin_size=10)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "type_1.bw",
        "type_2.bw",
    ]
    assert Path(tempfile.gettempdir()).is_dir()
