"""Motif collections, sequence of regions, and rankings of regions by planted motifs."""

import gzip

import numpy as np
import pandas as pd
import pytest
from Bio import bgzf

from grnformer.core.errors import InputError
from grnformer.genome import scan
from grnformer.genome.motifs import read_motifs
from grnformer.genome.rankings import open_rankings, write_rankings
from grnformer.genome.scan import scan_regions
from grnformer.genome.sequence import read_sequences
from grnformer.grn.enrichment.enrich import enrich_regions

COUNTS = np.array([[8, 1, 1, 0], [0, 10, 0, 0], [2, 2, 3, 3], [0, 0, 0, 10]])
ROWS = "\n".join("\t".join(map(str, row)) for row in COUNTS)
NO_BACKGROUND = (
    "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF one\n"
    "letter-probability matrix: alength= 4 w= 4 nsites= 9 E= 0\n"
)
FORMS = {
    "plain.meme": NO_BACKGROUND + "\n".join(" ".join(f"{v / 10}" for v in row) for row in COUNTS) + "\n",
    "m.meme": "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\n"
    "A 0.25 C 0.25 G 0.25 T 0.25\n\nMOTIF one alias\nletter-probability matrix: alength= 4 w= 4 nsites= 10 E= 0\n"
    + "\n".join(" ".join(f"{v / 10:.6f}" for v in row) for row in COUNTS) + "\n",
    "m.jaspar": ">one NAME\n"
    + "\n".join(f"{base} [ {' '.join(map(str, COUNTS[:, i]))} ]" for i, base in enumerate("ACGT")) + "\n",
    "one.cb": f">other_name\n# WEIGHT 1\n{ROWS}\n",
    "m.pfm": f"# a collection\n>one\n{ROWS}\n",
    "m.five_positions": ">one\n" + "\n".join(" ".join(map(str, [*COUNTS[:, i], 5])) for i in range(4)) + "\n",
    "m.transfac": "AC  M0\nXX\nID  one\nXX\nP0      A      C      G      T\n"
    + "".join(f"{i + 1:02d} {' '.join(f'{v:6.1f}' for v in row)}      N\n" for i, row in enumerate(COUNTS))
    + "XX\n//\n",
    "one.txt": "Pos\tA\tC\tG\tT\n"
    + "".join(f"{i + 1}\t" + "\t".join(f"{v / 10}" for v in row) + "\n" for i, row in enumerate(COUNTS)),
    "m.homer": f">NNCT\tone\t5.3\n{ROWS}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_read_alike(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name])
    motifs = read_motifs([tmp_path / name], background_fraction=0.04)
    assert list(motifs) == ["one"]
    expected = np.vstack([COUNTS, [5, 5, 5, 5]]) / 20 if "five" in name else COUNTS / 10
    expected = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(motifs["one"][0], 0.96 * expected + 0.01, atol=1e-6)


def test_a_cluster_is_one_motif_of_many_matrices_and_names_may_not_repeat(tmp_path):
    (tmp_path / "cluster.cb").write_text(f">a\n{ROWS}\n>b\n{ROWS}\n")
    motifs = read_motifs([tmp_path / "cluster.cb"], background_fraction=0.01)
    assert {name: len(matrices) for name, matrices in motifs.items()} == {"cluster": 2}
    for name in ("x.pfm", "y.pfm"):
        (tmp_path / name).write_text(FORMS["m.pfm"])
    with pytest.raises(InputError, match="repeats the motif 'one'"):
        read_motifs([tmp_path / "x.pfm", tmp_path / "y.pfm"], background_fraction=0.01)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nothing\n", "holds no motif"),
        (">one\n0 0 0 0\n", "a position without any"),
        (">one\n-1 2 3 4\n", "negative"),
    ],
)
def test_files_without_motifs_are_refused(tmp_path, text, what):
    (tmp_path / "x.pfm").write_text(text)
    with pytest.raises(InputError, match=what):
        read_motifs([tmp_path / "x.pfm"], background_fraction=0.01)


def test_sequence_is_that_of_the_region(tmp_path):
    (tmp_path / "g.fa").write_text(">chr1 first\nACGTN\nacgtR\n>chr2\nTTTT\n")
    regions = pd.DataFrame({"chrom": ["chr2", "chr1"], "start": [1, 3], "end": [3, 9]})
    found = read_sequences(tmp_path / "g.fa", regions)
    assert [codes.tolist() for codes in found] == [[3, 3], [3, -1, 0, 1, 2, 3]]
    assert [path.name for path in tmp_path.iterdir()] == ["g.fa"], (
        "no index is left beside the genome"
    )
    with pytest.raises(InputError, match="has 4 bp of chr2"):
        read_sequences(tmp_path / "g.fa", regions.assign(end=[5, 9]))
    with pytest.raises(InputError, match="has no bp of 2"):
        read_sequences(tmp_path / "g.fa", regions.assign(chrom="2"))
    with gzip.open(tmp_path / "g.fa.gz", "wt") as handle:
        handle.write(">chr1\nACGT\n")
    with pytest.raises(InputError, match="unpack the genome"):
        read_sequences(tmp_path / "g.fa.gz", regions)


@pytest.mark.parametrize("name", ["g.fa.gz", "g.fa.bgz", "G.FASTA.BGZ"])
def test_a_genome_compressed_by_bgzip_is_read_by_either_ending(tmp_path, name: str):
    with bgzf.open(tmp_path / name, "wt") as handle:
        handle.write(">chr1\nACGTN\nacgtR\n")
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [3], "end": [9]})
    (codes,) = read_sequences(tmp_path / name, regions)
    assert codes.tolist() == [3, -1, 0, 1, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == [name]


SITE = np.array([0, 1, 2, 3, 3, 2, 1, 0, 0, 2])
MOTIF = 0.97 * np.eye(4)[SITE] + 0.0075


def planted_regions(rng):
    """60 regions of several lengths without the motif; two sites in the first, one in the next four, last reversed."""
    sequences = [
        rng.integers(0, 4, rng.integers(100, 300)).astype(np.int8) for _ in range(60)
    ]
    for region, place in [(0, 10), (0, 60), (1, 0), (2, 50), (3, 30)]:
        sequences[region][place : place + 10] = SITE
    sequences[4][20:30] = 3 - SITE[::-1]
    return sequences


def test_regions_with_sites_come_first_and_two_sites_before_one(monkeypatch):
    sequences = planted_regions(np.random.default_rng(0))
    motifs = {"a": [MOTIF], "b": [MOTIF[::-1], MOTIF]}
    ranks, scores = scan_regions(motifs, sequences, max_p=1e-4, seed=1)
    assert (scores[:5] > 10).all()
    assert (np.argsort(-scores[:, 0])[0], scores.min()) == (0, 0)
    assert (
        np.sort(ranks, axis=0).tolist()
        == np.repeat(np.arange(60)[:, None], 2, axis=1).tolist()
    )
    assert ranks[0, 0] == 0
    assert sorted(ranks[:5, 0]) == [0, 1, 2, 3, 4]
    assert sorted(ranks[:5, 1])[-1] < 10, "of several matrices the best counts"
    assert (scan_regions(motifs, sequences, max_p=1e-4, seed=1)[0] == ranks).all()
    assert (
        scan_regions(motifs, sequences, max_p=1e-4, seed=2)[0][5:] != ranks[5:]
    ).any(), "equals are put by chance"
    # neither the size of batches nor that of groups of matrices tells
    monkeypatch.setattr(scan, "_BASES_AT_ONCE", 2000)
    monkeypatch.setattr(scan, "_MATRICES_AT_ONCE", 1)
    assert (scan_regions(motifs, sequences, max_p=1e-4, seed=1)[0] == ranks).all()
    with pytest.raises(InputError, match="no site"):
        scan_regions({"a": [MOTIF]}, sequences[5:6], max_p=1e-6, seed=1)


def test_planted_binding_is_recovered(planted_genome, tmp_path):
    """Of a simulated genome: the regions of a cell type, half of them bound by none of its TFs, give back its TFs."""
    genome = planted_genome
    ranks, _ = scan_regions(genome.motifs, genome.sequences, max_p=5e-4, seed=1)
    write_rankings(
        tmp_path / "x.feather",
        ranks,
        list(genome.motifs),
        list(genome.simulation.regions["region"]),
    )
    settings = {"kinds": [], "auc_threshold": 0.05, "rank_threshold": 0.2, "nes_threshold": 2.0, "min_overlap": 0.4,
                "min_regions": 10, "min_mapped": 1.0}  # fmt: skip
    enriched = enrich_regions(
        open_rankings(tmp_path / "x.feather"),
        genome.sets,
        genome.annotations,
        **settings,
    )
    assert not enriched["motif"].str.startswith("decoy").any()
    cistromes = enriched.explode("tfs_direct").explode("regions")[
        ["set", "tfs_direct", "regions"]
    ]
    true = set(
        genome.bound[["cell_types", "tf", "region"]].itertuples(index=False, name=None)
    )
    found = set(cistromes.itertuples(index=False, name=None))
    assert len(found & true) > 0.5 * len(true)
    # one of 12 TFs at a region that is bound by one or two: chance is about 1 in 10
    assert len(found & true) > 0.5 * len(found)


def test_odds_of_sites_are_summed_and_the_best_matrix_counts():
    best = np.array([-np.inf, 2.0, 9.0, 1.0])
    scan._add_best(
        best,
        np.array([3, 2, 1]),
        np.array([0, 0, 1, 2]),
        np.array([3.0, 3.0, 5.0, 4.0]),
    )
    assert best.tolist() == [-np.inf, 4.0, 9.0, 4.0]
