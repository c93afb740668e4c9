"""Recovery AUC, NES and leading edge against ctxcore's, on the ranking database that comes with it."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from grnformer.genome.rankings import open_rankings
from grnformer.grn.enrichment.recovery import (
    leading_edge_ranks,
    make_sets,
    normalise,
    recovery_auc,
)

HERE = Path(__file__).parent
PYTHON = Path(
    os.environ.get("PYSCENIC_PYTHON", HERE.parents[1] / ".envs/pyscenic/bin/python")
)
pytestmark = [
    pytest.mark.reference,
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="the environment .envs/pyscenic is not built: make env-pyscenic",
    ),
]


def ctxcore(*arguments: Path) -> str:
    command = [
        str(PYTHON),
        "-W",
        "ignore",
        str(HERE / "ctxcore_recovery.py"),
        *map(str, arguments),
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def paths():
    return json.loads(ctxcore())


@pytest.mark.filterwarnings("ignore:Feather V1")
def test_both_versions_of_the_database_read_alike(paths):
    new, old = open_rankings(paths["path"]), open_rankings(paths["v1"])
    assert len(new.features) == 22_284
    assert not new.has_regions
    genes = sorted(new.features)[::50]
    motifs = [old.motifs.index(motif) for motif in new.motifs]
    np.testing.assert_array_equal(new.load(genes), old.load(genes)[:, motifs])


def test_recovery_equals_ctxcore(paths, tmp_path):
    database = open_rankings(paths["path"])
    ranks = database.load(database.features)
    rng = np.random.default_rng(0)
    sets = {}
    for i in range(12):
        n = int(rng.integers(5, 400))
        best = np.argsort(ranks[:, i % 5])[:3000]
        rows = np.unique(
            np.concatenate(
                [rng.choice(best, n // 2 + 1, replace=False), rng.choice(len(ranks), n)]
            )
        )
        weights = np.ones(len(rows)) if i % 2 else rng.random(len(rows))
        genes = {
            database.features[row]: float(weight)
            for row, weight in zip(rows, weights, strict=True)
        }
        sets[f"set{i}"] = (genes, [0.05, 0.01, 0.03][i % 3], [1500, 5000][i % 2])
    (tmp_path / "sets.json").write_text(json.dumps(sets))
    ctxcore(tmp_path / "sets.json", tmp_path / "found.json")
    unique = 0
    for name, expected in json.loads((tmp_path / "found.json").read_text()).items():
        assert expected["motifs"] == list(database.motifs)
        genes, auc_threshold, rank_threshold = sets[name]
        ours = database.load(list(genes))
        one = make_sets([np.arange(len(genes))], [np.array(list(genes.values()))])
        auc = recovery_auc(
            ours, one, total=len(database.features), auc_threshold=auc_threshold
        )
        np.testing.assert_allclose(auc[0], expected["auc"], atol=1e-12, rtol=0)
        np.testing.assert_allclose(
            normalise(auc)[0], expected["nes"], atol=1e-9, rtol=0
        )
        peaks = leading_edge_ranks(
            ours, *one.members(0), np.arange(5), rank_threshold=rank_threshold
        )
        for motif, peak in enumerate(peaks):
            equal = expected["equal_peaks"][motif]
            assert peak in equal
            edges = [
                sorted(
                    gene
                    for gene, rank in zip(genes, ours[:, motif], strict=True)
                    if rank <= last
                )
                for last in (min(equal), max(equal), peak)
            ]
            # with five motifs, mean + 2 sd of a member that only one motif has is its weight: an exact tie
            if edges[0] == edges[1]:
                unique += 1
                assert edges[2] == expected["genes"][motif]
    assert unique > 40
