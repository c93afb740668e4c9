"""The attention section: means and intervals over seeds, and what is said of planted results and of none."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import io
from grnformer.report.page import Figure, Note, Table
from grnformer.report.sections.attention import attention_section, missing_attention
from grnformer.report.sections.attention_tables import (
    ALL_TYPES,
    against_controls,
    summarise_by_degree,
    summarise_enrichment,
    summarise_pairs,
)

PAIRS = [("hybrid", "no_edges"), ("hybrid", "random"), ("hybrid", "none")]
EDGES = [1, 4, 16]
ARMS = {
    name: {"graph": graph, "adapter": name != "none"}
    for name, graph in (("none", "none"), ("no_edges", "none"), ("random", "random"), ("hybrid", "hybrid"))
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(finished_run):
    folder = finished_run / "results" / "lines" / "attention"
    parts: dict[str, list[pd.DataFrame]] = {}
    for path in sorted(folder.glob("*/*")):
        table = io.read_table(path, f"attention_{path.stem}").assign(
            arm=path.parent.name
        )
        # as many cells as a verdict takes
        if "cells" in table:
            table = table.assign(cells=30)
        parts.setdefault(path.stem, []).append(table)
        # a third seed, as the first: an interval takes three
        if "seed" in table:
            parts[path.stem].append(table[table["seed"] == 1].assign(seed=3))
    return {
        name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()
    }


def changed(tables, arm, state, factor):
    """The tables with another enrichment of one arm."""
    enrichment = tables["enrichment"]
    chosen = (enrichment["arm"] == arm) & (enrichment["state"] == state)
    value = enrichment["enrichment"].where(~chosen, enrichment["enrichment"] * factor)
    return tables | {"enrichment": enrichment.assign(enrichment=value)}


def verdict(tables, pairs=PAIRS):
    return next(
        b
        for b in attention_section(tables, pairs, EDGES, ARMS).blocks
        if isinstance(b, Note)
    )


def test_means_are_over_seeds_of_masked_queries_and_all_heads(tables):
    summary = summarise_enrichment(tables["enrichment"])
    row = summary[
        (summary["arm"] == "hybrid")
        & (summary["state"] == "trained")
        & (summary["matched_on"] == "none")
    ]
    assert row["enrichment"].to_numpy() == pytest.approx([1.4] * 4, abs=0.05)
    assert row["seeds"].tolist() == [3] * 4
    every = tables["enrichment"].query(
        "arm == 'hybrid' and state == 'trained' and matched_on == 'none'"
    )
    chosen = every[(every["queries"] == "masked") & (every["head"] == "mean")]
    assert row.loc[row["cell_type"] == ALL_TYPES, "enrichment"].item() == pytest.approx(
        chosen["enrichment"].mean()
    )


def test_controls_are_paired_by_seed(tables):
    table = against_controls(tables["enrichment"], "hybrid", ["random"], "none")
    assert table["against"].tolist() == ["itself before training", "random"]
    assert table["difference"].to_numpy() == pytest.approx([0.4, 0.4], abs=0.05)


def test_a_planted_gain_is_said_and_one_that_was_there_before_is_not(tables):
    steady = tables | {"enrichment": tables["enrichment"].assign(
        enrichment=tables["enrichment"]["enrichment"].round(1) + 1e-3 * tables["enrichment"]["seed"])}  # fmt: skip
    gain = verdict(steady)
    assert gain.kind == "gain"
    assert "hybrid gives TFs 1.40" in gain.text
    assert "1 of 8" in " ".join(gain.items)
    assert verdict(changed(steady, "hybrid", "untrained", 1.4)).kind == "nothing"
    assert verdict(changed(steady, "random", "trained", 1.4)).kind == "nothing"
    assert verdict(changed(steady, "hybrid", "trained", 0.5)).kind == "loss"
    halved = steady["enrichment"].assign(
        enrichment=steady["enrichment"]["enrichment"] / 2
    )
    # more than in controls, yet less than others get
    assert verdict(steady | {"enrichment": halved}).kind == "loss"


def test_one_seed_or_no_control_shows_nothing(tables):
    single = {
        name: t[t["seed"] == 1] if "seed" in t else t for name, t in tables.items()
    }
    assert verdict(single).kind == "nothing"
    assert "Too few seeds to judge: at least 3" in verdict(single).text
    assert "[" not in verdict(single).text
    alone = {name: table[table["arm"] == "random"] for name, table in tables.items()}
    assert verdict(alone, []).kind == "nothing"


def test_few_held_out_cells_are_no_gain(tables):
    cells = tables["contribution"]["cells"].where(
        tables["contribution"]["cell_type"] != "K562", 9
    )
    some = tables | {"contribution": tables["contribution"].assign(cells=cells)}
    assert "fewer than 10): K562 9." in " ".join(verdict(some).items)
    assert "Too few" not in verdict(some).text
    few = tables | {"contribution": tables["contribution"].assign(cells=9)}
    assert verdict(few).kind == "nothing"
    assert "Too few held-out cells to judge" in verdict(few).text


def test_a_gain_takes_a_control_and_edges_take_seeds(tables):
    """Controls that `attention.arms` leaves out have not been beaten; one seed says nothing of pairs."""
    steady = tables | {"enrichment": tables["enrichment"].assign(
        enrichment=tables["enrichment"]["enrichment"].round(1) + 1e-3 * tables["enrichment"]["seed"])}  # fmt: skip
    alone = {name: table[table["arm"] == "hybrid"] for name, table in steady.items()}
    assert verdict(alone).kind == "nothing"
    single = {
        name: t[t["seed"] == 1] if "seed" in t else t for name, t in tables.items()
    }
    said = next(
        item for item in verdict(single).items if "pairs of highest attention" in item
    )
    assert "in no cell type" not in said
    assert "too few seeds to judge" in said


def test_attention_by_degree_weighs_genes_by_how_often_they_were_keys(tables):
    mass = tables["mass"]
    mass = mass[(mass["arm"] == "hybrid") & (mass["state"] == "trained")].reset_index(
        drop=True
    )
    table = summarise_by_degree(mass, EDGES).set_index(["kind", "links"])["mass"]
    assert table["TFs", "16+"] == pytest.approx(2)
    assert table["other genes", "1-3"] == pytest.approx(1)
    uneven = mass.assign(
        keys=np.where(mass["gene"] == "G11", 27, 3),
        mass_masked=(mass["gene"] == "G11").astype(float),
    )
    table = summarise_by_degree(uneven, EDGES).set_index(["kind", "links"])["mass"]
    others = uneven[~uneven["is_tf"] & uneven["in_degree"].between(1, 3)]
    assert table["other genes", "1-3"] == pytest.approx(
        np.average(others["mass_masked"], weights=others["keys"])
    )


def test_the_interval_of_a_fraction_stays_between_0_and_1(tables):
    scores = tables["pair_scores"]
    uneven = scores.assign(precision=np.where(scores["seed"] == 1, 0.0, 0.1))
    assert (
        summarise_pairs(uneven)[["low", "high"]].to_numpy()
        == [0, pytest.approx(0.2 / 3 + 0.1 / 3 * 4.303, rel=1e-3)]
    ).all()


def test_every_number_of_the_figures_is_in_a_table(tables):
    section = attention_section(tables, PAIRS, EDGES, ARMS)
    named = {block.name for block in section.blocks if isinstance(block, Table)}
    assert {
        "attention_enrichment",
        "attention_by_degree",
        "attention_top_pairs",
        "attention_pair_scores",
    } <= named
    for block in section.blocks:
        if isinstance(block, Figure):
            assert block.figure.data


def test_the_reason_of_a_missing_analysis_is_given():
    arm = {"graph": "none", "perturbation": "none"}
    none = missing_attention({"none": arm | {"adapter": False}})
    assert "no arm of pretrain.arms has an adapter" in none.blocks[0].text
    assert (
        "leaves out hybrid"
        in missing_attention({"hybrid": arm | {"adapter": True}}).blocks[0].text
    )
