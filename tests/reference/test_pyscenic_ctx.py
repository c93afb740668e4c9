"""Regulons of genes against pySCENIC's step ctx on the same network and database."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnformer.genome.motif_tfs import read_annotations
from grnformer.genome.rankings import open_rankings, write_rankings
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_modules import take_modules
from grnformer.grn.enrichment.enrich_modules import enrich_modules
from grnformer.grn.enrichment.modules import make_modules

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
CUTS = {
    "percentiles": [0.8],
    "top_targets": [40],
    "top_regulators": [2],
    "min_genes": 20,
}
DIRECT, SIMILAR = "gene is directly annotated", "gene is annotated for similar motif x"


def program(name: str, *arguments: Path) -> str:
    command = [str(PYTHON), "-W", "ignore", str(HERE / name), *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def compare(
    folder: Path,
    network: pd.DataFrame,
    rankings: list[str],
    annotations: pd.DataFrame,
    ties=False,
    **thresholds,
):
    """Ours and pySCENIC's enriched modules of one network."""
    network.to_csv(folder / "network.csv", index=False)
    annotations.to_csv(folder / "motifs.tbl", sep="\t", index=False)
    given = {
        "network": str(folder / "network.csv"),
        "annotations": str(folder / "motifs.tbl"),
        "rankings": rankings,
        "thresholds": thresholds,
        "ties": ties,
        "cuts": {
            "thresholds": CUTS["percentiles"],
            "top_n_targets": CUTS["top_targets"],
            "top_n_regulators": CUTS["top_regulators"],
            "min_genes": CUTS["min_genes"],
        },
    }
    (folder / "given.json").write_text(json.dumps(given))
    program("pyscenic_ctx.py", folder / "given.json", folder / "found.json")
    expected = json.loads((folder / "found.json").read_text())
    modules = make_modules(network, **CUTS, min_abs_rho=0.03, repressing=True)
    of_sign = {1: "activating", -1: "repressing"}
    assert sorted(
        [m.tf, sorted([m.cut, of_sign[m.sign]]), sorted(m.genes)] for m in modules
    ) == sorted(expected["modules"])
    table = read_annotations(
        folder / "motifs.tbl", motif_similarity_fdr=0.001, orthologous_identity=0.0
    )
    databases = [open_rankings(path) for path in rankings]
    ours = enrich_modules(databases, modules, table, min_mapped=0.8, **thresholds)
    names = {
        database.path.name.split(".")[0]: i for i, database in enumerate(databases)
    }
    key = zip(
        ours["tf"],
        ours["sign"],
        ours["module"],
        ours["database"].map(names),
        ours["motif"],
        strict=True,
    )
    return dict(zip(key, ours.to_dict("records"), strict=True)), expected, ours


def check_rows(ours: dict, rows: list, *, ties: bool = False) -> int:
    """The same rows; where the end of a leading edge is a tie of rounding, either end will do. Gives clear ones."""
    expected = {tuple(row[:5]): row[5:] for row in rows}
    assert ours.keys() == expected.keys()
    clear = 0
    for key, (auc, nes, rank, genes, ends) in expected.items():
        row = ours[key]
        assert row["auc"] == pytest.approx(auc, abs=1e-12)
        assert row["nes"] == pytest.approx(nes, abs=1e-6)
        if ties and ends[0] != ends[1]:
            assert set(ends[0]) <= set(row["genes"]) <= set(ends[1])
            continue
        clear += 1
        assert row["genes"] == genes
        if not ties:
            assert row["rank_at_max"] == rank
    return clear


def regulons_of(table: pd.DataFrame) -> dict:
    """TF and sign to genes, with the TF itself where it is in a leading edge, as pySCENIC counts it."""
    genes = table.explode("genes").groupby(["tf", "sign"])["genes"].agg(set)
    return {
        f"{tf}({'+' if sign > 0 else '-'})": sorted(found)
        for (tf, sign), found in genes.items()
    }


def draw_network(rng, tfs, genes, planted):
    rows = [
        (
            tf,
            gene,
            rng.exponential() + (3.0 if gene in planted.get(tf, ()) else 0.0),
            rng.normal(0, 0.2),
        )
        for tf in tfs
        for gene in genes
        if gene != tf
    ]
    return pd.DataFrame(rows, columns=["tf", "gene", "importance", "rho"]).query(
        "importance > 0.7"
    )


def annotate(rows):
    columns = [
        "#motif_id",
        "gene_name",
        "motif_similarity_qvalue",
        "orthologous_identity",
        "description",
    ]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def planted(tmp_path):
    """Two databases of 300 genes x 40 motifs; m0 to m2 are TF0's, with its targets on top, m3 and so on TF1's."""
    rng = np.random.default_rng(5)
    genes = [f"g{i}" for i in range(296)] + [f"TF{i}" for i in range(4)]
    targets = {
        f"TF{i}": list(rng.choice(genes[:296], 50, replace=False)) for i in range(4)
    }
    paths = []
    for name in ("near", "far"):
        scores = rng.random((300, 40))
        for i in range(12):
            rows = [
                genes.index(gene)
                for gene in targets[f"TF{i // 3}"][(i % 3) * 10 : (i % 3) * 10 + 30]
            ]
            scores[rows, i] += 0.6
        ranks = np.argsort(np.argsort(-scores, axis=0), axis=0)
        paths.append(tmp_path / f"{name}.genes_vs_motifs.rankings.feather")
        write_rankings(paths[-1], ranks, [f"m{i}" for i in range(40)], genes)
    # the network has genes that no database has, in so many of TF3's modules that these are left out
    network = draw_network(rng, list(targets), genes, targets)
    strange = pd.DataFrame(
        {
            "tf": "TF3",
            "gene": [f"x{i}" for i in range(40)],
            "importance": 9.0,
            "rho": 0.5,
        }
    )
    return pd.concat([network, strange]), [str(path) for path in paths]


THRESHOLDS = {"auc_threshold": 0.05, "rank_threshold": 100, "nes_threshold": 2.2}


def test_planted_regulons_are_pyscenics(planted, tmp_path):
    network, paths = planted
    # every motif stands for every TF on the same ground, so that pySCENIC's rows stay in order
    table = annotate(
        [(f"m{i}", f"TF{t}", 0.0, 1.0, DIRECT) for i in range(40) for t in range(4)]
    )
    ours, expected, frame = compare(tmp_path, network, paths, table, **THRESHOLDS)
    assert len(ours) > 20
    assert {sign for _, sign, *_ in ours} == {1, -1}
    check_rows(ours, expected["enriched"])
    check_rows(ours, [[*row[:9], []] for row in expected["sorted"]])
    assert regulons_of(frame) == expected["regulons"] == expected["sorted_regulons"]
    cistromes = take_modules(
        Evidence(pd.DataFrame(), [f"TF{i}" for i in range(4)], pd.DataFrame(), frame),
        name="x",
    )
    sets = cistromes.groupby(["tf", "sign"])["gene"].agg(set)
    for (tf, sign), genes in sets.items():
        whole = expected["regulons"][f"{tf}({'+' if sign > 0 else '-'})"]
        assert genes == set(whole) - {tf}


def test_with_mixed_annotations_each_motif_keeps_its_own_leading_edge(
    planted, tmp_path
):
    network, paths = planted
    rng = np.random.default_rng(6)
    rows = []
    for i in range(40):
        owner = f"TF{i // 3}" if i < 12 else f"TF{rng.integers(4)}"
        if i % 3 == 0 or i >= 12:
            rows.append((f"m{i}", owner, 0.0, 1.0, DIRECT))
        elif i % 3 == 1:
            rows.append((f"m{i}", owner, 10.0 ** -rng.integers(4, 9), 1.0, SIMILAR))
    ours, expected, frame = compare(
        tmp_path, network, paths, annotate(rows), **THRESHOLDS
    )
    assert len(ours) > 15
    check_rows(ours, expected["enriched"])
    assert regulons_of(frame) == expected["regulons"]
    # what the command line gives has the same motifs and scores, but other motifs' genes
    edges = {tuple(row[:5]): row[8] for row in expected["sorted"]}
    assert edges.keys() == ours.keys()
    assert any(edges[key] != ours[key]["genes"] for key in edges)


@pytest.mark.filterwarnings("ignore:Feather V1")
def test_on_ctxcores_own_database(tmp_path):
    path = json.loads(program("ctxcore_recovery.py"))["path"]
    database = open_rankings(path)
    rng = np.random.default_rng(7)
    ranks = database.load(database.features)
    tfs = [f"TF{i}" for i in range(2)]
    best = {
        tf: {database.features[row] for row in np.argsort(ranks[:, i])[:400]}
        for i, tf in enumerate(tfs)
    }
    genes = sorted(
        {
            *rng.choice(database.features, 700, replace=False),
            *set().union(*best.values()),
        }
    )
    network = draw_network(rng, tfs, genes, best)
    network = network[network["importance"] > 1.5]
    table = annotate(
        [(motif, tf, 0.0, 1.0, DIRECT) for motif in database.motifs for tf in tfs]
    )
    thresholds = {"auc_threshold": 0.05, "rank_threshold": 1500, "nes_threshold": 1.2}
    ours, expected, _ = compare(
        tmp_path, network, [path], table, ties=True, **thresholds
    )
    assert len(ours) > 10
    # with five motifs, a gene that only one of them has early lifts curve and bar alike: exact ties
    assert check_rows(ours, expected["enriched"], ties=True) > 0
