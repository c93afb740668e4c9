"""The rule of each verdict on the first screen, and how they stand on it."""

from __future__ import annotations

import base64
import gzip

import pandas as pd
import plotly.graph_objects as go

from grnformer.report.page import Figure, Listing, Note, Section, table
from grnformer.report.sections.overview import (
    describe_commit,
    describe_genomes,
    overview_section,
)
from grnformer.report.verdicts import (
    judge_benchmarks,
    judge_data,
    judge_model,
    judge_networks,
)

TYPES = {"a": 400, "b": 300}


def test_data_are_judged_by_cells_types_donors_and_enrichment():
    assert judge_data(700, 800, TYPES, 3, 5.0).state == "good"
    assert judge_data(700, 800, TYPES, 3, None).state == "good"  # RNA alone
    assert judge_data(700, 800, TYPES, 3, 1.1).state == "caution"
    one = judge_data(700, 800, TYPES, 1, 5.0)
    assert (one.state, one.number) == ("caution", "700")
    assert one.why == "1 donor: differences between donors are unknown."
    assert (
        "The type b has 20 cells"
        in judge_data(700, 800, {"a": 680, "b": 20}, 3, None).why
    )
    assert judge_data(700, 1500, TYPES, 3, None).state == "caution"
    assert judge_data(700, 7000, TYPES, 3, None).state == "failed"
    assert judge_data(40, 50, {"a": 40}, 3, None).state == "failed"


def test_networks_are_judged_by_their_tfs_known_targets_and_cells():
    assert judge_networks(80, 100, True, 5, 8, 700).state == "good"
    assert judge_networks(15, 165, True, 5, 8, 700).state == "caution"
    failed = judge_networks(15, 165, True, 1, 8, 700)
    assert (failed.state, failed.number) == ("failed", "15 of 165")
    assert judge_networks(15, 165, True, 0, 0, 700).state == "failed"
    unclear = judge_networks(3, 9, False, 5, 8, 700)
    assert "too few pseudobulks" in unclear.why.lower()
    assert (unclear.number, unclear.counts) == (
        "9",
        "eRegulons, not judged by their TF",
    )
    unjudged = judge_networks(0, 0, False, 5, 8, 700)  # a network that was given
    assert (unjudged.state, unjudged.number) == ("caution", "5 of 8")
    assert judge_networks(80, 100, True, 0, 0, 700).state == "caution"

    few = judge_networks(80, 100, True, 5, 8, 40)
    assert few.state == "caution"
    assert few.why.startswith("Only 40 cells: others may give other networks")
    given = judge_networks(0, 0, False, 5, 8, 40)
    assert "cells" not in given.why, "it was not inferred from them"


def test_the_model_is_judged_by_both_baselines():
    assert judge_model("a", 0.8, 1.0, 0.9).state == "good"
    between = judge_model("a", 0.95, 1.0, 0.9)
    assert (between.state, between.number) == ("caution", "5%")
    assert judge_model("a", 1.0, 1.0, 0.9).state == "failed"
    assert "more held-out loss" in judge_model("a", 1.1, 1.0, 0.9).counts


def test_benchmarks_that_win_nothing_have_failed():
    lost = judge_benchmarks(0, 4, 0, 700)
    assert (lost.state, lost.number) == ("failed", "none of 4")
    assert judge_benchmarks(1, 4, 0, 700).state == "caution"
    assert judge_benchmarks(2, 4, 0, 700).state == "good"
    assert judge_benchmarks(0, 0, 3, 700).state == "caution"
    few = judge_benchmarks(4, 4, 0, 40)
    assert few.state == "caution"
    assert few.why == "Only 40 cells: others may give other results."


def test_a_stage_of_rna_alone_has_a_first_screen():
    summary = {
        "counts": {"cell": {"before": 800, "after": 700}, "gene": {"before": 9, "after": 8}},
        "cell_types": TYPES,
        "checks": {"s1": {"rna_barcodes": 800.0}},
    }  # fmt: skip
    section = overview_section(
        summary,
        None,
        None,
        [],
        {},
        donors=3,
        about=("Human (hg38)",),
        later="prep",
        seed=1,
    )
    tiles = section.blocks[0]
    assert tiles.facts == ("700 cells of 2 types, 8 genes", "Human (hg38)")
    states = [tile.state for tile in tiles.tiles]
    assert states == ["good", "absent", "absent", "absent"]
    assert tiles.tiles[1].why == "The run ended after the stage prep."


def test_species_and_genome_are_those_of_the_datasets_samples():
    samples = [
        {"dataset": "a", "genome": "mm10"},
        {"dataset": "a", "genome": "mm10"},
        {"dataset": "b", "genome": "hg38"},
        {"dataset": "c", "genome": ""},
    ]
    assert describe_genomes(samples, "a") == ("Mouse (mm10)",)
    assert describe_genomes(samples, "c") == ()


def test_a_commit_is_short_and_none_is_said():
    assert describe_commit("4b251e2d58f7") == "commit 4b251e2"
    assert describe_commit("4b251e2d58f7 with x") == "commit 4b251e2 (changed)"
    assert describe_commit("not run from a git checkout").startswith("not run")


def test_what_is_not_seen_at_first_sight_unfolds():
    frame = pd.DataFrame({"a": [1]})
    figures = [Figure(f"f{i}", go.Figure(), "A figure.") for i in range(4)]
    tables = [table(f"t{i}", frame, "A table.") for i in range(3)]
    folded = table("folded", frame, "A table.", folded=True)
    note, listing = Note("A note."), Listing("Text", "text")
    blocks = [folded, *figures, listing, *tables, note]
    section = Section("s", "S", blocks)
    assert section.shown == [*figures[:3], *tables[:2], note]
    assert section.more == [folded, figures[3], listing, tables[2]]
    lead = Section("s", "S", blocks, lead=2)
    assert (lead.shown, lead.more) == (blocks[:2], blocks[2:])


def test_a_large_table_is_compressed_and_whole():
    frame = pd.DataFrame({"a": range(20_000)})
    name, link = table("t", frame, "Many.").download("d")
    assert name == "t.tsv.gz"
    text = gzip.decompress(base64.b64decode(link.split(",", 1)[1])).decode()
    assert len(text.splitlines()) == 20_001
    assert len(link) < len(text) / 2
    assert table("t", frame.head(9), "Few.").download("d").name == "t.tsv"
