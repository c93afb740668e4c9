"""The page: self-contained, its tables equal to the TSVs, everything from the stages on it."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
import yaml

from grnformer.report.gather import gather_sections
from grnformer.report.page import (
    Figure,
    Note,
    Section,
    Table,
    Tiles,
    collect_tables,
    render_page,
    table,
    write_report,
)
from grnformer.report.render import results_of
from grnformer.report.text import format_value
from grnformer.workflow.stages import page_files

CHECKOUT = Path(__file__).parents[3]
TEMPLATE = (CHECKOUT / "workflow" / "report" / "page.html").read_text()

COUNT = re.compile(
    r"\b\d[\d,]*(?: to [\d,]+)? (?:further |paired |held-out |other |masked )?"
    r"(?:cell|gene|TF|region|eRegulon|edge|seed|fold|triplet|value|pseudobulk|topic|network|resample|sample|line|pair)s?\b"
    r"|\b(?:one|a single) (?:seed|fold|TF|resample|value)\b|The same cells"
)


class Reader(HTMLParser):
    """Collects what a page loads, its ids, links, tables, figures and notes."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tables: dict[tuple[str, str], list[list[str]]] = {}
        self.downloads: dict[tuple[str, str], str] = {}
        self.figures: dict[str, dict[str, Any]] = {}
        self.section = self.table = ""
        self.notes: list[str] = []
        self.into: list[str] | None = None
        self.figure = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if (
            tag in ("script", "img", "iframe", "source", "video", "audio")
            and "src" in given
        ):
            self.loaded.append(given["src"])
        if tag == "link":
            self.loaded.append(given["href"])
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "section":
            self.section = given["id"]
        if "data-table" in given:
            self.table = given["data-table"]
        if tag == "a" and "download" in given:
            self.downloads[self.section, self.table] = given["href"]
        elif tag == "a":
            self.links.append(given["href"])
        if tag == "li" and self.notes and self.section:
            self.into = self.notes
        if tag == "tr":
            self.tables.setdefault((self.section, self.table), []).append([])
        if tag in ("td", "th"):
            self.tables[self.section, self.table][-1].append("")
            self.into = self.tables[self.section, self.table][-1]
        if tag in ("p", "div") and "note" in given.get("class", ""):
            self.notes.append("")
            self.into = self.notes
        self.figure = given.get("data-for", "") if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "p", "li"):
            self.into = None
        if tag == "script":
            self.figure = ""

    def handle_data(self, data: str) -> None:
        if self.figure:
            self.figures[self.figure] = json.loads(data)
        elif self.into is not None:
            self.into[-1] += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def files_of(run: Path, datasets: tuple[str, ...]) -> dict[str, list[str]]:
    """Inputs of the rule, as it would hand them over."""
    patterns = {
        "multiome": "prep/multiome.h5mu",
        "qc": "prep/qc.tsv",
        "dropped": "prep/dropped.tsv",
        "markers": "prep/markers.tsv",
        "prep_summary": "prep/summary.json",
        "topic_selection": "topics/model_selection.tsv",
        "cell_topic": "topics/cell_topic.parquet",
        "region_sets": "topics/region_sets.parquet",
        "funnel": "grn/funnel.tsv",
        "eregulons": "grn/eregulons.parquet",
        "eregulon_quality": "grn/eregulon_quality.tsv",
        "cell_type": "grn/cell_type",
        "cell_type_summary": "grn/cell_type_summary.tsv",
        "activity": "grn/cell_activity.h5ad",
        "thresholds": "grn/thresholds.tsv",
        "specificity": "grn/specificity.parquet",
        "graphs": "fuse/*",
        "training": "pretrain/*/seed*/training.tsv",
        "heldout": "pretrain/*/seed*/heldout.json",
        "models": "pretrain/*/seed*/model.json",
        "attention": "attention/*/*",
        "grn_accuracy_scores": "bench/grn_accuracy/scores.tsv",
        "grn_accuracy_summary": "bench/grn_accuracy/summary.tsv",
        "drug_response_scores": "bench/drug_response/scores.tsv",
        "drug_response_summary": "bench/drug_response/summary.tsv",
        "grn_truth": "bench/grn_accuracy/truth.tsv",
    }
    whole = {
        "screen_counts": ["results/bench/drug_response/counts.tsv"],
        "costs": ["results/report/costs.tsv"],
    }
    return whole | {
        name: [
            str(p.relative_to(run))
            for d in datasets
            for p in sorted((run / "results" / d).glob(pattern))
        ]
        for name, pattern in patterns.items()
    }


@pytest.fixture(scope="module")
def sections(finished_run: Path, config: dict[str, Any]) -> list[Section]:
    files = files_of(finished_run, ("lines", "tissue"))
    # the second dataset has no truth
    files["grn_accuracy_scores"] = files["grn_accuracy_scores"][:1]
    files["grn_accuracy_summary"] = files["grn_accuracy_summary"][:1]
    files["grn_truth"] = files["grn_truth"][:1]
    files["comparisons"] = ["results/bench/compare_networks/lines/tissue.tsv"]
    registry = yaml.safe_load((CHECKOUT / "config" / "resources.yaml").read_text())
    samples = [
        {
            "dataset": "lines",
            "sample": "s1",
            "rna": "resource:snareseq_rna.csv",
            "atac": "",
            "genome": "hg38",
        },
    ]
    here = Path.cwd()
    os.chdir(finished_run)
    try:
        return gather_sections(
            files,
            Path("results"),
            config=config,
            configs={"lines": config, "tissue": config},
            samples=samples,
            registry=registry,
            commit="0123abc with uncommitted changes",
        )
    finally:
        os.chdir(here)


@pytest.fixture(scope="module")
def page(sections: list[Section]) -> str:
    return render_page("A <title>", "Lead.", sections, TEMPLATE)


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    reader = read(page)
    assert reader.loaded == []
    assert all(link.startswith("#") for link in reader.links)
    assert "@import" not in page.split("<script", 1)[0]
    assert page.count("Plotly.newPlot(place") == 1
    assert page.count("plotly.js v") == 1


def test_every_link_of_the_navigation_leads_somewhere(page: str) -> None:
    reader = read(page)
    assert len(reader.links) > 10
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert len(set(reader.ids)) == len(reader.ids)


def test_networks_of_two_datasets_stand_beside_each_other(
    sections: list[Section], page: str
) -> None:
    (section,) = (s for s in sections if s.name == "comparison-lines-tissue")
    assert section.dataset == ""
    assert section.blocks[0].items == ("none",)
    assert section.blocks[1].frame["agreement"].iloc[0] == 0.75
    assert "Networks of lines and tissue" in page


def test_all_stages_of_all_datasets_are_there(sections: list[Section]) -> None:
    names = [
        "overview",
        "prep",
        "topics",
        "grn",
        "fuse",
        "pretrain",
        "attention",
        "grn_accuracy",
        "drug_response",
        "sc_drug_lines",
    ]
    for dataset in ("lines", "tissue"):
        assert [s.name for s in sections if s.dataset == dataset] == names
    assert [s.name for s in sections if not s.dataset] == [
        "comparison-lines-tissue",
        "costs",
        "settings",
        "resources",
        "software",
    ]


def test_the_software_is_that_of_the_commit_handed_over(
    sections: list[Section],
) -> None:
    (software,) = (
        b
        for s in sections
        for b in s.blocks
        if isinstance(b, Table) and b.name == "software"
    )
    versions = software.frame.set_index("name")["version"]
    assert versions["grnformer git commit"] == "0123abc with uncommitted changes"


def test_tables_of_the_page_equal_the_tsvs(
    sections: list[Section], page: str, tmp_path: Path
) -> None:
    tables = collect_tables(sections)
    write_report(page, tables, tmp_path / "index.html", tmp_path / "tables")
    assert {p.stem for p in (tmp_path / "tables").iterdir()} == set(tables)
    reader = read((tmp_path / "index.html").read_text())
    checked = 0
    for section in sections:
        for block in section.blocks:
            if not isinstance(block, Table):
                continue
            written = pd.read_csv(
                tmp_path / "tables" / f"{block.name}.tsv",
                sep="\t",
                keep_default_na=False,
                na_values=[""],
            )
            written = written[written["dataset"] == (section.dataset or "all")].drop(
                columns="dataset"
            )
            of_page = written[[name for name in written if name not in block.hidden]]
            rows = reader.tables[section.anchor, block.name][1:]
            assert len(rows) == min(block.shown, len(written)) < 20
            for cells, row in zip(rows, of_page.itertuples(index=False), strict=False):
                for cell, value in zip(cells, row, strict=True):
                    assert same(cell, value), (block.name, cell, value)
                    checked += 1
            link = reader.downloads[section.anchor, block.name]
            content = base64.b64decode(link.split(",", 1)[1])
            if "gzip" in link.split(",", 1)[0]:
                content = gzip.decompress(content)
            assert len(content.decode().splitlines()) == 1 + len(written)
    assert checked > 1000


def same(cell: str, value: Any) -> bool:
    """Whether a cell shows the value of the TSV."""
    if isinstance(value, bool) or str(value) in ("True", "False"):
        return cell == ("yes" if str(value) == "True" else "no")
    number = cell.replace(",", "").replace("\N{MINUS SIGN}", "-")
    try:
        return float(number) == pytest.approx(float(value), rel=6e-3, abs=1e-12)
    except ValueError:
        return cell == ("\N{EN DASH}" if pd.isna(value) else str(value))


def test_every_figure_has_data_a_caption_and_n(
    sections: list[Section], page: str
) -> None:
    figures = [(s, b) for s in sections for b in s.blocks if isinstance(b, Figure)]
    assert len(figures) > 30
    assert len(read(page).figures) == len(figures)
    for section, block in figures:
        assert len(block.caption) > 50, (section.name, block.name)
        # how many of what is drawn
        assert COUNT.search(block.caption), (section.name, block.name, block.caption)
        assert block.figure.data, (section.name, block.name)


def test_missing_truth_is_said_and_no_empty_box_left(
    sections: list[Section], page: str
) -> None:
    section = next(
        s for s in sections if s.dataset == "tissue" and s.name == "grn_accuracy"
    )
    assert [type(b) for b in section.blocks] == [Note]
    assert any(
        "GRN accuracy was not measured: the configuration names no ChIP-seq truth"
        in note
        for note in read(page).notes
    )


def test_verdicts_stand_in_the_overview(sections: list[Section]) -> None:
    overview = next(
        s for s in sections if s.dataset == "lines" and s.name == "overview"
    )
    notes = [b for b in overview.blocks if isinstance(b, Note)]
    # did the graph help, plainly and with numbers; sizes; pretraining, attention, GRN accuracy, drug response
    assert notes[2].kind == "text"
    assert len(notes) == 7
    assert all(note.text.startswith("Did the graph help?") for note in notes[:2])
    assert any(
        "hybrid beats every control and the best baseline in none of 3 tasks" in b.text
        for b in notes
    )


def test_the_first_screen_has_tiles_a_sentence_and_two_figures(
    sections: list[Section], page: str, config: dict[str, Any]
) -> None:
    overview = next(s for s in sections if s.name == "overview")
    tiles, sentence, umap, network, key = overview.shown
    assert isinstance(tiles, Tiles)
    assert [tile.what for tile in tiles.tiles] == [
        "Data",
        "Networks",
        "Model",
        "Benchmarks",
    ]
    assert "absent" not in [tile.state for tile in tiles.tiles]
    assert "Human (hg38)" in tiles.facts
    assert "commit 0123abc (changed)" in tiles.facts
    assert sentence.text.startswith("Did the graph help?")
    assert umap.name == "umap-type"
    assert network.name.startswith("network-")
    assert [name for name, _, _ in key.names] == list(config["pretrain"]["arms"])
    assert key.names[0][1] in page
    assert page.count('class="tile ') == 8  # of two datasets


def test_same_input_same_page(sections: list[Section], page: str) -> None:
    assert render_page("A <title>", "Lead.", sections, TEMPLATE) == page


def test_text_is_escaped() -> None:
    frame = pd.DataFrame({"name": ["<script>alert(1)</script>"]})
    figure = go.Figure().add_scatter(x=[1], y=[1], text=["</script><b>"])
    blocks = [
        table("t", frame, "a <b>"),
        Figure("f", figure, 'say "so"'),
        Note("1 < 2"),
    ]
    page = render_page("T", "L", [Section("s", "S & T", blocks)], TEMPLATE)
    assert "<script>alert" not in page
    assert "</script><b>" not in page
    reader = read(page)
    assert reader.tables["s", "t"][1] == ["<script>alert(1)</script>"]
    assert reader.figures["s-f"]["data"][0]["text"] == ["</script><b>"]
    assert "1 < 2" in reader.notes


def test_headers_are_those_of_the_table_else_the_usual_ones() -> None:
    frame = pd.DataFrame({"tfs": [1], "genes": [2], "p_value": [0.1]})
    assert table("t", frame, "About.", genes="target genes (n)").heads == [
        "TFs (n)",
        "target genes (n)",
        "p value",
    ]


def test_long_tables_are_cut_on_the_page_alone() -> None:
    long = table("t", pd.DataFrame({"a": range(500)}), "Many.", shown=20)
    page = render_page("T", "L", [Section("s", "S", [long])], TEMPLATE)
    assert len(read(page).tables["s", "t"]) == 21
    assert "The first 20 of 500 rows are shown." in page
    assert len(collect_tables([Section("s", "S", [long])])["t"]) == 500


def test_a_very_large_table_lies_beside_the_page_alone() -> None:
    numbers = pd.DataFrame({"a": [hash((place, "x")) for place in range(60_000)]})
    large = table("t", numbers, "Many.")
    page = render_page("T", "L", [Section("s", "S", [large])], TEMPLATE)
    assert read(page).downloads["s", "t"] == "tables/t.tsv"
    small = table("t", numbers.head(9), "Few.")
    page = render_page("T", "L", [Section("s", "S", [small])], TEMPLATE)
    assert read(page).downloads["s", "t"].startswith("data:")


def test_the_page_says_nothing_of_benchmarks_of_the_software(page: str) -> None:
    assert "software_benchmarks" not in page


def test_files_of_a_named_report_lie_a_folder_deeper() -> None:
    unnamed, named = {"report": {"name": ""}}, {"report": {"name": "second"}}
    results = Path("x/results")
    assert results_of("x/results/report/index.html", unnamed) == results
    assert results_of("x/results/report/grn/index.html", unnamed, "grn") == results
    assert results_of("x/results/report/second/index.html", named) == results
    assert results_of("x/results/report/second/grn/index.html", named, "grn") == results


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1047, "1,047"), (0.12345, "0.123"), (-0.5, "\N{MINUS SIGN}0.5"), (123456.7, "123,457"),
     (float("nan"), "\N{EN DASH}"),     (None, "\N{EN DASH}"), (True, "yes"), ("K562", "K562"), (["a", "b"], "a, b")],
)  # fmt: skip
def test_format_value(value: Any, shown: str) -> None:
    assert format_value(value) == shown


def test_the_page_of_a_stage_shows_what_is_there_and_misses_nothing(
    finished_run: Path, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = yaml.safe_load((CHECKOUT / "config" / "resources.yaml").read_text())
    monkeypatch.chdir(finished_run)
    every = files_of(finished_run, ("lines",))
    names: dict[str, list[str]] = {}
    for stage in ("prep", "fuse"):
        sections = gather_sections(
            page_files(every, stage),
            Path("results"),
            config=config,
            configs={"lines": config},
            samples=[],
            registry=registry,
            commit="0123abc",
            stage=stage,
        )
        names[stage] = [section.name for section in sections if section.dataset]
        notes = [b for s in sections for b in s.blocks if isinstance(b, Note)]
        assert not [note.text for note in notes if "was not measured" in note.text]
    assert names["prep"] == ["overview", "prep"]
    assert names["fuse"][:4] == ["overview", "prep", "topics", "grn"]
    assert names["fuse"][-1] == "fuse"
