"""Motif collections as they are published, and their sites in real peaks and promoters."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.core.resources import fetch
from grnformer.genome.motifs import read_motifs
from grnformer.genome.scan import scan_regions
from grnformer.genome.sequence import read_sequences
from grnformer.grn.enrichment.recovery import make_sets, normalise, recovery_auc
from grnformer.workflow.config import read_registry

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.mirror
CODE = {"A": 0, "C": 1, "G": 2, "T": 3}


@pytest.fixture(scope="module")
def resource():
    """Path of a pinned resource: in the checkout's resources/, or fetched into it; without network, a skip."""

    def path_of(name: str) -> Path:
        path = ROOT / "resources" / name
        if not path.exists():
            try:
                fetch(
                    name, read_registry(ROOT / "config" / "resources.yaml")[name], path
                )
            except InputError as error:
                pytest.skip(
                    f"{name} is neither in resources/ nor to be fetched: {error.found}"
                )
        return path

    return path_of


@pytest.mark.parametrize(
    ("name", "number", "ending"),
    [
        ("jaspar2022_vertebrates.pfm", 838, ".CTCF"),
        ("hocomoco_v11_human.pfm", 401, "CTCF_HUMAN.H11MO.0.A"),
        ("cis_bp_2.00.pfm", 10_033, "_2.00"),
    ],
)
def test_whole_collections_are_read(resource, name, number, ending):
    motifs = read_motifs([resource(name)], background_fraction=0.01)
    assert len(motifs) == number
    assert any(motif.endswith(ending) for motif in motifs)
    for matrices in motifs.values():
        assert len(matrices) == 1
        np.testing.assert_allclose(matrices[0].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["jaspar2022_vertebrates.pfm", "hocomoco_v11_human.pfm"]
)
def test_ctcf_comes_first_in_ctcf_peaks(resource, name):
    """500 GM12878 CTCF peaks among nine times as many shuffled sequences."""
    motifs = read_motifs([resource(name)], background_fraction=0.01)
    fasta = resource("ctcf_peaks_gm12878.fa")
    names = [
        line[1:].split()[0]
        for line in fasta.read_text().splitlines()
        if line.startswith(">")
    ]
    peaks = read_sequences(
        fasta, pd.DataFrame({"chrom": names, "start": 0, "end": 200})
    )
    rng = np.random.default_rng(1)
    shuffled = [rng.permutation(s) for _ in range(9) for s in peaks]
    ranks, _ = scan_regions(motifs, peaks + shuffled, max_p=5e-4, seed=1)
    auc = recovery_auc(
        ranks, make_sets([np.arange(500)]), total=len(ranks), auc_threshold=0.05
    )
    best = list(motifs)[int(np.argmax(auc))]
    assert "CTCF" in best, best
    assert normalise(auc).max() > 8


def test_promoters_have_their_motifs_where_they_belong(resource):
    """3,000 human promoters, -49 to +10 (EPDnew): TATA boxes 30 bp upstream, ETS and Sp/KLF sites, no GATA or PAX6."""
    rows = resource("epd_promoters_hg38.txt").read_text().split("\n")
    sequences = [row.split("\t")[1].strip().upper() for row in rows if row]
    chosen = np.random.default_rng(0).choice(len(sequences), 3000, replace=False)
    promoters = [
        np.array([CODE[base] for base in sequences[i]], dtype=np.int8) for i in chosen
    ]
    collection = read_motifs(
        [resource("jaspar2022_vertebrates.pfm")], background_fraction=0.01
    )
    wanted = ("TBP", "GABPA", "ELK4", "KLF5", "SP1", "GATA1", "PAX6")
    motifs = {
        name.split(".")[-1]: matrices
        for name, matrices in collection.items()
        if name.split(".")[-1] in wanted
    }
    assert sorted(motifs) == sorted(wanted)

    def share(parts):
        _, scores = scan_regions(motifs, parts, max_p=5e-4, seed=1)
        return dict(zip(motifs, (scores > 0).mean(axis=0), strict=True))

    rng = np.random.default_rng(1)
    real, shuffled = (
        share(promoters),
        share([rng.permutation(promoter) for promoter in promoters]),
    )
    fold = {name: real[name] / shuffled[name] for name in wanted}
    assert min(fold[name] for name in ("TBP", "GABPA", "ELK4")) > 2
    assert min(fold[name] for name in ("KLF5", "SP1")) > 1.2
    assert max(fold[name] for name in ("GATA1", "PAX6")) < 1.2
    tata = {
        start: share([p[start : start + 20] for p in promoters])["TBP"]
        for start in (0, 15, 30, 40)
    }
    assert tata[15] > 0.03  # -34 to -15
    assert max(tata[start] for start in (0, 30, 40)) < 0.2 * tata[15]
