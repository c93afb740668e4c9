"""Promoters, background sequences, motif collections and the log odds of planted binding."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
import scipy.io
from scipy.special import logsumexp

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.genome.collections import Motif, read_collections
from grnformer.genome.occupancy import (
    _occupancies,
    _quantiles,
    background_odds,
    score_promoters,
)
from grnformer.genome.promoters import Promoters, draw_background, read_promoters
from grnformer.genome.target_tables import read_target_tables

MOTIF = np.full((8, 4), 0.02) + 0.92 * np.eye(4)[[0, 1, 2, 3, 3, 0, 0, 1]]
OTHER = np.full((6, 4), 0.02) + 0.92 * np.eye(4)[[2, 2, 1, 0, 2, 3]]


def reverse_complement(codes):
    return 3 - codes[::-1]


@pytest.mark.parametrize("fasta", [False, True])
def test_promoters_are_read_by_their_genes_symbol(tmp_path, fasta):
    rows = [("A_1", "acGTN"), ("HLA-B_2", "AC"), ("A_2", "TTT"), ("X_1", "AAA")]
    lines = [
        f">FP0001 {n} :+U\n{s[:2]}\n{s[2:]}" if fasta else f"{n}\t{s}" for n, s in rows
    ]
    (tmp_path / "p.txt").write_text("\n".join(lines) + "\n")
    found = read_promoters(tmp_path / "p.txt", ["HLA-B", "A", "C"], min_genes=0.5)
    assert found.gene.tolist() == [1, 0, 1]
    assert found.codes.tolist() == [
        [0, 1, 2, 3, -1],
        [0, 1, -1, -1, -1],
        [3, 3, 3, -1, -1],
    ]
    with pytest.raises(InputError, match="promoters of 2 of 3 genes"):
        read_promoters(tmp_path / "p.txt", ["HLA-B", "A", "C"], min_genes=0.9)


@pytest.mark.parametrize("text", ["A\tACGT\n", "A_1 ACGT\n", ">A_1\n>B_1\nAC\n"])
def test_what_is_no_promoter_is_refused(tmp_path, text):
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(InputError, match="bases"):
        read_promoters(tmp_path / "p.txt", ["A", "B"], min_genes=0)


def test_background_keeps_gc_content_and_pairs_of_bases_and_nothing_longer():
    rng = np.random.default_rng(0)
    gc = np.repeat([0.3, 0.7], 2000)
    codes = np.where(
        rng.random((4000, 50)) < gc[:, None],
        rng.integers(1, 3, (4000, 50)),
        3 * rng.integers(0, 2, (4000, 50)),
    )
    codes[:, 20:26] = [1, 2, 1, 2, 1, 2]  # CpGs in a row
    codes[:, 40:] = -1
    drawn = draw_background(codes.astype(np.int8), np.random.default_rng(1))
    assert (drawn[:, 40:] == -1).all()
    assert (drawn[:, :40] >= 0).all()

    def gc_of(part):
        return np.isin(part[:, :40], (1, 2)).mean()

    def pairs_of(part):
        return ((part[:, :39] == 1) & (part[:, 1:40] == 2)).mean()

    for rows in (slice(2000), slice(2000, None)):
        assert gc_of(drawn[rows]) == pytest.approx(gc_of(codes[rows]), abs=0.02)
        assert pairs_of(drawn[rows]) == pytest.approx(pairs_of(codes[rows]), abs=0.01)
    assert (drawn[:, 20:26] == codes[:, 20:26]).all(axis=1).mean() < 0.05


def test_occupancy_is_the_summed_odds_of_all_sites_on_both_strands():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (3, 20)).astype(np.int8)
    codes[2, 12:] = -1
    base = np.array([0.3, 0.2, 0.2, 0.3])
    longer = np.concatenate([MOTIF, OTHER])  # of more than twelve positions
    longest = np.concatenate([MOTIF, OTHER] * 2)  # of more than twenty-four
    # more of one length than are looked up at once
    motifs = [MOTIF, OTHER, longest, longer, *[OTHER] * 40]
    found = dict(_occupancies(motifs, codes, base))
    for number, matrix in enumerate(motifs):
        odds = np.log(matrix / base)
        for row, sequence in enumerate(codes):
            scores = []
            for weights in (odds, odds[::-1, ::-1]):
                for start in range(
                    -(len(matrix) // 3), 20 + len(matrix) // 3 - len(matrix) + 1
                ):
                    places = [
                        (i, start + i)
                        for i in range(len(matrix))
                        if 0 <= start + i < 20
                    ]
                    scores.append(
                        sum(
                            weights[i, sequence[p]]
                            for i, p in places
                            if sequence[p] >= 0
                        )
                    )
            assert found[number][row] == pytest.approx(logsumexp(scores), rel=1e-5)


def test_quantiles_and_bins_are_those_of_numpy():
    rng = np.random.default_rng(0)
    # rounded: many ties
    real, drawn = (rng.normal(size=999).round(1).astype(np.float32) for _ in range(2))
    both = np.concatenate([real, drawn])
    levels = np.arange(1, 50) / 50
    edges = np.quantile(both, levels)
    assert (_quantiles(np.sort(both), levels) == edges).all()

    odds = background_odds(real, drawn, n_bins=50)
    bins = np.searchsorted(np.unique(edges), real, side="right")
    for number in np.unique(bins):
        assert len(set(odds[bins == number])) == 1


def test_odds_never_fall_and_are_none_where_background_is_alike():
    rng = np.random.default_rng(0)
    background = rng.normal(size=5000)
    alike = background_odds(rng.normal(size=5000), background, n_bins=100)
    assert np.abs(alike).mean() < 0.1
    bound = np.where(
        rng.random(5000) < 0.1, rng.normal(5, 1, 5000), rng.normal(size=5000)
    )
    odds = background_odds(bound, background, n_bins=100)
    assert (np.diff(odds[np.argsort(bound)]) >= 0).all()
    assert np.median(odds[bound > 4]) > 2
    assert np.isfinite(odds).all()


def planted(n=1500, share=0.15):
    """TF1's motif in some promoters on either strand; TF2's nowhere; genes 2i and 2i + 1 share nothing."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n, 60)).astype(np.int8)
    bound = rng.random(n) < share
    site = MOTIF.argmax(axis=1)
    for row in np.flatnonzero(bound):
        start = rng.integers(0, 52)
        codes[row, start : start + 8] = (
            site if rng.random() < 0.5 else reverse_complement(site)
        )
    return codes, bound


SCORING = {"n_bins": 100, "table_log_odds": 1.0, "seed": 1}


def test_planted_sites_are_found_and_an_absent_motif_says_nothing():
    from sklearn.metrics import roc_auc_score

    codes, bound = planted()
    genes = [f"G{i}" for i in range(len(codes))]
    motifs = [Motif("m1", MOTIF, ["TF1", "TF3"]), Motif("m2", OTHER, ["TF2"])]
    promoters = Promoters(codes, np.arange(len(codes)))
    table, targets = score_promoters(
        promoters, motifs, genes, **SCORING, min_log_odds=1.0
    )
    contracts.check(table, "promoter_binding", where="test")
    contracts.check(targets, "promoter_targets", where="test")
    assert table["gene"].tolist() == genes
    assert roc_auc_score(bound, table["TF1"]) > 0.95
    assert table["TF1"][bound].median() > 1.5
    assert table["TF2"].abs().mean() < 0.15
    assert (table["TF3"] == table["TF1"]).all()
    chosen = table.set_index("gene")["TF1"]
    of_tf1 = targets[targets["tf"] == "TF1"].set_index("gene")
    pd.testing.assert_series_equal(
        of_tf1["log_odds"], chosen[chosen >= 1.0], check_names=False
    )
    assert set(of_tf1["motif"]) == {"m1"}
    again, _ = score_promoters(promoters, motifs, genes, **SCORING, min_log_odds=1.0)
    pd.testing.assert_frame_equal(table, again)


def test_the_best_promoter_and_the_best_motif_count():
    codes, _ = planted(400)
    codes[::5, 30:36] = OTHER.argmax(axis=1)
    gene = np.repeat(np.arange(0, 400, 2), 2)  # two promoters each; odd genes have none
    genes = [f"G{i}" for i in range(400)]
    first, second = Motif("m1", MOTIF, ["TF1"]), Motif("m2", OTHER, ["TF1"])
    settings = SCORING | {"n_bins": 50, "min_log_odds": 0.5}
    one, _ = score_promoters(
        Promoters(codes, np.arange(400)), [first], genes, **settings
    )
    two, targets = score_promoters(
        Promoters(codes, gene), [first, second], genes, **settings
    )
    assert two["gene"].tolist() == genes[::2]
    by_first = one["TF1"].to_numpy().reshape(-1, 2).max(axis=1)
    assert (two["TF1"] >= by_first - 1e-6).all()
    # where the second motif does not raise the odds, the first is the best
    named = targets.set_index("gene")["motif"].reindex(two["gene"])
    better = two["TF1"].to_numpy() > by_first
    chosen = (two["TF1"] >= 0.5).to_numpy()
    assert (named[chosen & better] == "m2").all()
    assert (named[chosen & ~better] == "m1").all()
    assert better[chosen].any()


def test_collections_in_json_and_with_a_matlab_table(tmp_path):
    content = [
        {"ID": "M1", "counts": (MOTIF.T * 50).tolist()},
        {"ID": "M2", "counts": (OTHER.T * 50).tolist()},
    ]
    with gzip.open(tmp_path / "m.json.gz", "wt") as handle:
        json.dump(content, handle)
    (tmp_path / "m.tsv").write_text("motif\ttf\nM1\tTF1\nM1\tTf2\nM9\tTF3\n")
    (tmp_path / "h.txt").write_text(
        ">ACGT\tHNF6(Homeobox)/Homer\t4.5\n0.9\t0.04\t0.03\t0.03\n0.1\t0.1\t0.7\t0.1\n"
    )
    pairs = np.array(
        [["HNF6(Homeobox)/Homer", "ONECUT1"], ["absent", "TF9"]], dtype=object
    )
    scipy.io.savemat(tmp_path / "h.mat", {"Match2": pairs})
    found = read_collections(
        [tmp_path / "m.json.gz", tmp_path / "h.txt"],
        [tmp_path / "m.tsv", tmp_path / "h.mat"],
        background_fraction=0.04,
    )
    assert [motif.tfs for motif in found] == [["TF1", "TF2"], ["ONECUT1"]]
    np.testing.assert_allclose(
        found[0].matrix, 0.96 * MOTIF / MOTIF.sum(axis=1, keepdims=True) + 0.01
    )
    np.testing.assert_allclose(
        found[1].matrix[0], 0.96 * np.array([0.9, 0.04, 0.03, 0.03]) + 0.01
    )
    with pytest.raises(InputError, match="none of 2 motifs"):
        read_collections(
            [tmp_path / "m.json.gz"], [tmp_path / "h.mat"], background_fraction=0.04
        )
    (tmp_path / "bad.json").write_text('[{"ID": "M1"}]')
    with pytest.raises(InputError, match="does not read as motifs"):
        read_collections(
            [tmp_path / "bad.json"], [tmp_path / "m.tsv"], background_fraction=0.04
        )


def test_tables_of_targets_add_to_the_odds(tmp_path):
    codes, _ = planted(400)
    genes = [f"G{i}" for i in range(401)]  # the last has no promoter
    one = tmp_path / "one.tsv"
    one.write_text("tf\ttarget\tmode\nTF1\tG0\t1\nTf9\tG400\t1\nTF1\tnone\t1\n")
    two = tmp_path / "two.csv"
    two.write_text("tf,gene\nTF1,G0\nTF1,G0\nTF1,G1\n")
    listed = read_target_tables([one, two], genes)
    assert listed.to_numpy().tolist() == [
        ["TF1", "G0", 2],
        ["TF1", "G1", 1],
        ["TF9", "G400", 1],
    ]

    given = Promoters(codes, np.arange(400)), [Motif("m1", MOTIF, ["TF1"])], genes
    plain, _ = score_promoters(*given, **SCORING, min_log_odds=0.5)
    with_tables, targets = score_promoters(*given, listed, **SCORING, min_log_odds=0.5)
    added = (
        with_tables.set_index("gene")["TF1"].drop("G400")
        - plain.set_index("gene")["TF1"]
    )
    assert np.allclose(added.to_numpy()[:3], [2, 1, 0], atol=1e-6)
    assert (with_tables["TF9"] == (with_tables["gene"] == "G400")).all()
    assert targets.set_index("tf").loc["TF9", ["gene", "motif"]].tolist() == [
        "G400",
        "table",
    ]

    one.write_text("regulator\ttarget\nTF1\tG0\n")
    with pytest.raises(InputError, match="tf and target"):
        read_target_tables([one], genes)
    one.write_text("tf\ttarget\nTF1\tENSG1\n")
    with pytest.raises(InputError, match="ENSG1"):
        read_target_tables([one], genes)


def test_a_table_of_promoters_speaks_without_sequences(tmp_path):
    path = tmp_path / "celloracle.parquet"
    table = {
        "peak_id": ["chr1_1_2", "chr1_5_6", "chr1_8_9", "chr2_1_2"],
        "gene_short_name": ["G1", "G1", "G2", "other"],
        "Sox2": [0.0, 1.0, 0.0, 1.0],
        "Gata1": [1.0, 1.0, 1.0, 0.0],
    }
    pd.DataFrame(table).to_parquet(path)
    listed = read_target_tables([path], ["G1", "G2", "G3"])
    pairs = [["GATA1", "G1", 1], ["GATA1", "G2", 1], ["SOX2", "G1", 1]]
    assert listed.to_numpy().tolist() == pairs
    binding, targets = score_promoters(
        None, [], ["G1", "G2", "G3"], listed, n_bins=5, min_log_odds=1.0,
        table_log_odds=1.0, seed=1,
    )  # fmt: skip
    contracts.check(binding, "promoter_binding", "here")
    contracts.check(targets, "promoter_targets", "here")
    assert binding.set_index("gene").loc["G2"].to_dict() == {"GATA1": 1.0, "SOX2": 0.0}
    assert sorted(targets[["tf", "gene"]].to_numpy().tolist()) == [p[:2] for p in pairs]
    with pytest.raises(InputError, match="none of its 3 targets"):
        read_target_tables([path], ["G9"])
