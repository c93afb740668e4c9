"""Sections of a corpus: its datasets, the held-out error on each, training and drug response, without networks."""

from pathlib import Path

import pandas as pd
import pytest

from grnformer.core import io
from grnformer.report.costs import collect_costs
from grnformer.report.gather import gather_sections
from grnformer.report.page import Table, collect_tables, render_page
from grnformer.settings.read import complete

CHECKOUT = Path(__file__).parents[3]
SCORES = {
    "n": 100,
    "loss_unit": "squared SD",
    "loss": 0.8,
    "pearson": 0.4,
    "baseline_loss": 1.0,
}
SCORES |= {
    "baseline_cell_type_loss": 0.9,
    "factor_loss": 0.85,
    "ridge_loss": 0.95,
    "baseline_cell_type_pearson": 0.2,
    "heldout_cells": 10,
}


def described(cells: int, first: int, end: int, lone: int) -> dict:
    about = {
        "cell_types": {"A": "A"},
        "eregulons": [first, end],
        "rank_cutoff": 5,
        "genes": 30,
        "values": "counts",
    }
    return about | {"cells": cells, "cells_without_network": lone}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    monkeypatch.chdir(tmp_path)
    folder = Path("results/both")
    counts = (
        "eregulon_edges",
        "active_pairs",
        "edges_lost",
        "genes_lost",
        "genes_without_edge",
        "seed",
    )
    meta = dict.fromkeys(counts, 0)
    meta |= {
        "mode": "hybrid",
        "scales": ["cell"],
        "cell_types": ["A"],
        "eregulons": ["r"],
        "genes": 40,
        "edges": {},
    }
    meta |= {
        "rank_cutoff": 5,
        "datasets": {
            "first": described(1500, 0, 3, 0),
            "rest": described(70, 3, 3, 20),
        },
    }
    io.write_json(meta, folder / "fuse" / "hybrid" / "meta.json", "graph_meta")
    io.write_table(
        collect_costs(Path("results/benchmarks"), Path("results/logs"), ["both"]),
        Path("results/report/costs.tsv"),
        "costs",
    )
    found = {
        "graphs": [str(folder / "fuse" / "hybrid")],
        "costs": ["results/report/costs.tsv"],
    }
    for arm, less in (("none", 0.0), ("hybrid", 0.1)):
        for seed in (1, 2):
            model = folder / "pretrain" / arm / f"seed{seed}"
            own = {
                "first": SCORES | {"loss": 0.7 - less},
                "rest": SCORES | {"loss": 0.9 - less},
            }
            whole = SCORES | {
                "objective": "masked_value",
                "linear_axes": 2,
                "train_cells": 90,
                "parameters": 5,
                "beta": None,
            }
            io.write_json(whole | {"datasets": own}, model / "heldout.json", "heldout")
            curve = pd.DataFrame(
                {"step": [1, 1], "epoch": 0, "split": ["train", "heldout"], "loss": 1.0}
            )
            io.write_table(
                curve.assign(tokens_per_second=10.0), model / "training.tsv", "training"
            )
            for name, file in (
                ("heldout", "heldout.json"),
                ("training", "training.tsv"),
            ):
                found.setdefault(name, []).append(str(model / file))
    return found


def test_a_corpus_has_sections_of_its_own(files: dict[str, list[str]]) -> None:
    config = complete({})
    options = {
        "config": config,
        "configs": {},
        "samples": [],
        "registry": {},
        "commit": "0123abc",
    }
    sections = gather_sections(files, Path("results"), **options, corpora=["both"])
    assert [s.name for s in sections if s.dataset == "both"] == ["corpus", "pretrain"]
    corpus = sections[0]
    assert "1,570 cells of 2 datasets and files" in corpus.blocks[0].text
    assert "20 cells are of types without a network" in corpus.blocks[0].text
    tables = {
        block.name: block.frame for block in corpus.blocks if isinstance(block, Table)
    }
    assert tables["corpus_sources"]["eregulons"].tolist() == [3, 0]
    by_source = tables["corpus_heldout"].set_index(["arm", "source"])["loss"]
    assert by_source["hybrid", "first"] == pytest.approx(0.6)
    assert by_source["none", "rest"] == pytest.approx(0.9)
    page = render_page(
        "A",
        "B.",
        sections,
        (CHECKOUT / "workflow" / "report" / "page.html").read_text(),
    )
    assert 'id="both-corpus"' in page
    assert set(collect_tables(sections)["corpus_heldout"]["dataset"]) == {"both"}
