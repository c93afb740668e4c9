"""Motif enrichment: databases of both versions, recovery against whole curves, TFs of motifs, overlaps, cistromes."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.genome.motif_tfs import read_annotations
from grnformer.genome.rankings import open_rankings, write_rankings
from grnformer.genome.regions import overlap_regions
from grnformer.grn.cistromes import check_motif_settings
from grnformer.grn.cistromes.build import build_cistromes
from grnformer.grn.cistromes.evidence import describe_motifs
from grnformer.grn.enrichment.enrich import enrich_regions
from grnformer.grn.enrichment.recovery import (
    leading_edge_ranks,
    make_sets,
    normalise,
    recovery_auc,
)

THRESHOLDS = {"motif_similarity_fdr": 0.001, "orthologous_identity": 0.5}
SETTINGS = {
    "kinds": [], "auc_threshold": 0.05, "rank_threshold": 0.2, "nes_threshold": 3.0, "min_overlap": 0.4,
    "min_regions": 10, "min_mapped": 0.2,
}  # fmt: skip


def write(path, columns, version=2):
    feather.write_feather(
        pa.table(columns),
        str(path),
        version=version,
        compression=None if version == 1 else "lz4",
    )
    return path


RANKS = {"chr1:0-9": [0, 2], "chr1:20-29": [1, 0], "chr2:0-9": [2, 1]}
SMALL = {name: pa.array(ranks, pa.int16()) for name, ranks in RANKS.items()}


@pytest.mark.filterwarnings("ignore:Feather V1")
@pytest.mark.parametrize(
    ("columns", "version"),
    [
        (SMALL | {"motifs": ["a", "b"]}, 2),
        ({"motifs": ["a", "b"]} | SMALL, 2),
        ({"features": ["a", "b"]} | SMALL, 1),
    ],
    ids=["motifs last", "motifs first", "version 1"],
)
def test_databases_of_all_forms_read_alike(tmp_path, columns, version):
    database = open_rankings(write(tmp_path / "x.feather", columns, version))
    assert (database.motifs, database.features, database.has_regions) == (
        ("a", "b"),
        tuple(RANKS),
        True,
    )
    wanted = ["chr2:0-9", "chr1:0-9"]
    assert database.load(wanted).tolist() == [RANKS[name] for name in wanted]


def test_a_written_database_reads_back_and_genes_are_told_from_regions(tmp_path):
    ranks = (
        np.random.default_rng(0).permuted(np.tile(np.arange(40_000), (3, 1)), axis=1).T
    )
    genes = [f"G{i}" for i in range(40_000)]
    write_rankings(tmp_path / "x.feather", ranks, ["a", "b", "c"], genes)
    database = open_rankings(tmp_path / "x.feather")
    assert not database.has_regions
    np.testing.assert_array_equal(database.load(genes[::-1]), ranks[::-1])


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"g1": pa.array([0.5]), "motifs": ["a"]}, "values of type double"),
        ({"m1": pa.array([0], pa.int16()), "regions": ["a"]}, "transposed"),
        ({"g1": pa.array([0], pa.int16())}, "no column motifs"),
    ],
)
def test_other_files_are_refused(tmp_path, columns, what):
    with pytest.raises(InputError, match=what):
        open_rankings(write(tmp_path / "x.feather", columns))
    (tmp_path / "text.feather").write_text("region\tmotif\n")
    with pytest.raises(InputError, match="no Feather file"):
        open_rankings(tmp_path / "text.feather")


def test_ranks_beyond_the_database_are_refused(tmp_path):
    wrong = SMALL | {"chr1:0-9": pa.array([0, 3], pa.int16()), "motifs": ["a", "b"]}
    with pytest.raises(InputError, match="ranks from 0 to 3"):
        open_rankings(write(tmp_path / "x.feather", wrong)).load(["chr1:0-9"])


def whole_curves(ranks, rows, weights, length):
    """Recovery curves of all motifs, motifs x length, as the definition has them."""
    curves = np.zeros((ranks.shape[1], length))
    for m in range(ranks.shape[1]):
        for row, weight in zip(rows, weights, strict=True):
            curves[m, ranks[row, m] :] += weight
    return curves


def test_recovery_equals_whole_curves():
    rng = np.random.default_rng(1)
    total, n_motifs, length = 500, 40, 120
    ranks = np.stack([rng.permutation(total) for _ in range(n_motifs)], axis=1).astype(
        np.int32
    )
    members = {
        f"s{i}": rng.choice(total, rng.integers(1, 60), replace=False) for i in range(6)
    } | {"none": np.zeros(0)}
    weights = {name: rng.random(len(rows)) if i % 2 else np.ones(len(rows)) for i, (name, rows) in
               enumerate(members.items())}  # fmt: skip
    sets = make_sets(list(members.values()), list(weights.values()))
    auc = recovery_auc(ranks, sets, total=total, auc_threshold=0.1)
    nes = normalise(auc)
    for i, (name, rows) in enumerate(members.items()):
        rows = rows.astype(int)
        curves = whole_curves(ranks, rows, weights[name], length)
        if name == "none":
            assert not auc[i].any()
            assert not nes[i].any()
            continue
        expected = curves[:, :49].sum(axis=1) / (50 * weights[name].sum())
        np.testing.assert_allclose(auc[i], expected, atol=1e-12)
        np.testing.assert_allclose(
            nes[i], (expected - expected.mean()) / expected.std(), atol=1e-9
        )
        bar = curves.mean(axis=0) + 2 * curves.std(axis=0)
        peaks = leading_edge_ranks(
            ranks, *sets.members(i), np.arange(n_motifs), rank_threshold=length
        )
        gap = curves - bar
        np.testing.assert_allclose(
            gap[np.arange(n_motifs), peaks], gap.max(axis=1), atol=1e-9
        )


def test_a_threshold_of_less_than_two_ranks_is_refused():
    with pytest.raises(InputError, match="auc_threshold"):
        recovery_auc(
            np.zeros((2, 2), np.int32),
            make_sets([np.array([0])]),
            total=100,
            auc_threshold=0.005,
        )


def test_motif_to_tf_tables_of_all_forms(tmp_path):
    snapshot = pd.DataFrame(
        [
            ("m1", "GATA1", 0.0, 1.0, "gene is directly annotated"),
            ("m1", "GATA2", 1e-5, 1.0, "gene is annotated for similar motif x"),
            ("m1", "GATA3", 0.5, 1.0, "gene is annotated for similar motif y"),
            (
                "m2",
                "SPI1",
                0.0,
                0.9,
                "gene is orthologous to Spi1 which is directly annotated for motif",
            ),
            (
                "m2",
                "SPIB",
                0.0,
                0.1,
                "gene is orthologous to Spib which is directly annotated for motif",
            ),
            (
                "m2",
                "SPIC",
                1e-9,
                0.8,
                "gene is orthologous to Spic which is annotated for similar motif z",
            ),
            ("m2", "ETS1", 0.0, 1.0, "something else"),
        ],
        columns=[
            "#motif_id",
            "gene_name",
            "motif_similarity_qvalue",
            "orthologous_identity",
            "description",
        ],
    ).assign(source_name="jaspar")
    snapshot.to_csv(tmp_path / "v10.tbl", sep="\t", index=False)
    assert read_annotations(tmp_path / "v10.tbl", **THRESHOLDS).to_numpy().tolist() == [
        ["m1", "GATA1", "direct"],
        ["m1", "GATA2", "similarity"],
        ["m2", "SPI1", "orthology"],
        ["m2", "SPIC", "similarity_and_orthology"],
    ]
    rcistarget = pd.DataFrame(
        [
            ("m1", "A", True, False, False),
            ("m1", "B", False, True, False),
            ("m1", "C", False, True, True),
        ],
        columns=[
            "motif",
            "TF",
            "directAnnotation",
            "inferred_Orthology",
            "inferred_MotifSimil",
        ],
    )
    rcistarget.to_csv(tmp_path / "r.tsv.gz", sep="\t", index=False)
    assert read_annotations(tmp_path / "r.tsv.gz", **THRESHOLDS)["evidence"].tolist() == [
        "direct", "orthology", "similarity_and_orthology"
    ]  # fmt: skip
    (tmp_path / "plain.tsv").write_text("motif\ttf\nm1\tA\nm1\tA\n")
    assert read_annotations(
        tmp_path / "plain.tsv", **THRESHOLDS
    ).to_numpy().tolist() == [["m1", "A", "direct"]]
    (tmp_path / "other.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(InputError, match="columns"):
        read_annotations(tmp_path / "other.tsv", **THRESHOLDS)


def test_overlap_equals_all_against_all():
    rng = np.random.default_rng(2)

    def draw(n):
        start = rng.integers(0, 3000, n)
        spans = zip(
            rng.integers(1, 4, n), start, start + rng.integers(5, 400, n), strict=True
        )
        return sorted(
            {f"chr{c}:{a}-{b}" for c, a, b in spans}, key=lambda _: rng.random()
        )

    ours, theirs = draw(80), draw(90)

    def parts(name):
        chrom, span = name.split(":")
        return chrom, *map(int, span.split("-"))

    expected = []
    for i, (c, a, b) in enumerate(map(parts, ours)):
        for j, (d, e, f) in enumerate(map(parts, theirs)):
            shared = min(b, f) - max(a, e)
            if c == d and (shared > 0.4 * (b - a) or shared > 0.4 * (f - e)):
                expected.append((i, j))
    found = overlap_regions(ours, [f"hg38__{name}" for name in theirs], min_overlap=0.4)
    assert list(zip(*map(list, found), strict=True)) == expected
    assert [
        len(part) for part in overlap_regions(["chr9:1-5"], theirs, min_overlap=0.4)
    ] == [0, 0]


@pytest.fixture
def planted(tmp_path):
    """A database of 400 regions x 30 motifs, the set's first 20 regions at the top of `m0`; our regions are shifted."""
    rng = np.random.default_rng(3)
    ranks = np.stack([rng.permutation(400) for _ in range(30)], axis=1)
    ranks[:, 0] = np.arange(400)
    theirs = [f"chr1:{1000 * i}-{1000 * i + 500}" for i in range(400)]
    write_rankings(tmp_path / "x.feather", ranks, [f"m{i}" for i in range(30)], theirs)
    ours = [f"chr1:{1000 * i + 100}-{1000 * i + 600}" for i in range(400)]
    chosen = [*range(20), *range(300, 340)]
    sets = pd.DataFrame(
        {"kind": "dar", "set": "T", "region": [ours[i] for i in chosen], "score": 1.0}
    )
    return open_rankings(tmp_path / "x.feather"), sets, ours


ANNOTATIONS = pd.DataFrame(
    [
        ("m0", "GATA1", "direct"),
        ("m0", "GATA2", "similarity"),
        ("m5", "SPI1", "direct"),
    ],
    columns=["motif", "tf", "evidence"],
)


def test_an_enriched_motif_gives_its_tfs_its_regions(planted):
    database, sets, ours = planted
    enriched = enrich_regions(database, sets, ANNOTATIONS, **SETTINGS)
    contracts.check(enriched, "motif_enrichment", where="test")
    assert enriched["motif"].tolist() == ["m0"]
    assert enriched["regions"].tolist() == [sorted(ours[:20])]
    assert enriched["rank_at_max"].tolist() == [19]
    links = pd.DataFrame({"region": ours[:10], "gene": "G", "rho": 0.5})
    build = {"method": "cistarget", "min_abs_rho": 0.05, "region_set_kinds": []}
    found = build_cistromes(
        links,
        ["GATA1", "GATA2", "SPI1"],
        pd.DataFrame(),
        sets,
        enriched,
        **build,
        settings={},
    )
    contracts.check(found, "cistromes", where="test")
    # GATA1 has no annotation but the direct one: an extended cistrome would be the same again
    assert found.groupby(["tf", "annotation"]).size().to_dict() == {
        ("GATA1", "direct"): 10,
        ("GATA2", "extended"): 10,
    }
    assert set(found["evidence"]) == {"cistarget:m0"}
    with pytest.raises(InputError, match="none at a region linked"):
        build_cistromes(
            links, ["SPI1"], pd.DataFrame(), sets, enriched, **build, settings={}
        )


def test_a_motifs_name_does_not_read_as_several_sources():
    assert describe_motifs(
        "dem", pd.Series(["jaspar__MA1.1_Ahr::Arnt;x|y"])
    ).tolist() == ["dem:jaspar__MA1.1_Ahr_Arnt_x_y"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"nes_threshold": 5.38}, "no motif of 30 reaches NES 5.38"),
        ({"nes_threshold": 5.4}, "30 motifs, of which none can exceed an NES of 5.39"),
        ({"kinds": ["topic_top"]}, "0 of 0 regions"),
        ({"min_regions": 61}, "none of 1 region sets has 61 regions"),
    ],
)
def test_enrichment_says_why_there_is_none(planted, change, what):
    database, sets, _ = planted
    with pytest.raises(InputError, match=what):
        enrich_regions(database, sets, ANNOTATIONS, **SETTINGS | change)


def test_another_genome_or_motif_collection_is_refused(planted):
    database, sets, _ = planted
    moved = sets.assign(region=sets["region"].str.replace("chr1:", "1:"))
    with pytest.raises(InputError, match="0 of 60 regions"):
        enrich_regions(database, moved, ANNOTATIONS, **SETTINGS)
    with pytest.raises(InputError, match="none of 30 motifs"):
        enrich_regions(database, sets, ANNOTATIONS.assign(motif="other"), **SETTINGS)


def test_a_motif_method_without_its_files_stops_at_once():
    settings = {
        "method": "cistarget", "motifs_to_tfs": "table", "cistarget": {"rankings": None},
        "motif_scan": {"fasta": "x", "motifs": None}, "prior": {"chip_sources": ["a"]},
        "cistarget_genes": {"rankings": []}, "dem": {"scores": None},
    }  # fmt: skip
    with pytest.raises(InputError, match=r"without cistarget\.rankings"):
        check_motif_settings(settings)
    with pytest.raises(InputError, match=r"without motif_scan\.motifs"):
        check_motif_settings(settings | {"method": "motif_scan"})
    check_motif_settings(settings | {"method": "prior"})
    with pytest.raises(InputError, match=r"without cistarget_genes\.rankings"):
        check_motif_settings(settings | {"method": "cistarget_genes"})
