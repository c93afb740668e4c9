"""Configuration, sample sheet and registry: what is wrong is refused with the place and the remedy."""

import copy
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from grnformer.core.errors import InputError
from grnformer.settings.read import check_config, complete, config_schema
from grnformer.workflow.config import (
    check_models,
    config_of_datasets,
    locate,
    read_registry,
    read_samples,
    resource_name,
)
from grnformer.workflow.samples import rna_alone

ROOT = Path(__file__).parents[2]
COLUMNS = [
    "dataset",
    "sample",
    "donor",
    "rna",
    "atac",
    "fragments",
    "genome",
    "annotation",
]
REGISTRY = {"cells.csv": {}}


@pytest.fixture
def config() -> dict[str, Any]:
    return complete(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))


@pytest.fixture
def row(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "rna.h5ad").touch()
    (tmp_path / "atac.h5ad").touch()
    rna, atac = str(tmp_path / "rna.h5ad"), str(tmp_path / "atac.h5ad")
    return dict(
        zip(
            COLUMNS,
            ["pbmc", "s1", "d1", rna, atac, "", "hg38", "resource:cells.csv"],
            strict=True,
        )
    )


def write_sheet(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "samples.tsv"
    lines = ["\t".join(rows[0])] + ["\t".join(row.values()) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_shipped_config_keeps_its_schema(config: dict[str, Any]) -> None:
    check_config(config)


def test_every_section_of_the_schema_forbids_unknown_keys() -> None:
    assert config_schema()["additionalProperties"] is False


@pytest.mark.parametrize(
    ("section", "key"),
    [(None, "topcs"), ("prep", "seeed"), ("resources", "mirrors"), ("report", "titel")],
)
def test_an_unknown_key_is_refused_by_name(
    config: dict[str, Any], section: str | None, key: str
) -> None:
    (config[section] if section else config)[key] = 1
    with pytest.raises(InputError, match=key) as error:
        check_config(config)
    assert (section or "the top level") in error.value.found
    assert error.value.expected.startswith("only the keys")


def test_a_wrong_type_names_the_key_and_its_type(config: dict[str, Any]) -> None:
    config["prep"]["seed"] = "one"
    with pytest.raises(InputError, match=r"(?s)prep\.seed: 'one'.*type integer"):
        check_config(config)


def test_a_value_out_of_bounds_names_the_bound(config: dict[str, Any]) -> None:
    config["prep"]["seed"] = -1
    with pytest.raises(InputError, match=r"(?s)prep\.seed: -1.*minimum 0"):
        check_config(config)


def test_a_missing_key_is_named(config: dict[str, Any]) -> None:
    del config["report"]["title"]
    with pytest.raises(InputError, match=r"(?s)at report: 'title'"):
        check_config(config)


def test_a_section_emptied_in_yaml_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="at prep"):
        check_config(config | {"prep": None})


def test_a_dataset_has_its_own_settings_over_the_common_ones(
    config: dict[str, Any],
) -> None:
    config["datasets"] = {"deep": {"prep": {"cells": {"min_umis": 1000}}}}
    both = config_of_datasets(config, ["deep", "shallow"])
    assert both["deep"]["prep"]["cells"] == config["prep"]["cells"] | {"min_umis": 1000}
    assert both["deep"]["prep"]["genes"] == config["prep"]["genes"]
    assert both["shallow"] == config
    assert config["prep"]["cells"]["min_umis"] != 1000


def test_settings_of_an_unknown_dataset_or_key_are_refused(
    config: dict[str, Any],
) -> None:
    config["datasets"] = {"deep": {"prep": {"cels": {"min_umis": 1000}}}}
    with pytest.raises(InputError, match=r"(?s)settings of dataset 'deep'.*cels"):
        config_of_datasets(config, ["deep"])
    with pytest.raises(InputError, match=r"(?s)dataset 'deep'.*: shallow"):
        config_of_datasets(config, ["shallow"])
    with pytest.raises(InputError, match=r"(?s)dataset 'gone'.*: deep"):
        config_of_datasets(
            config
            | {"datasets": {}, "pretrain": config["pretrain"] | {"datasets": ["gone"]}},
            ["deep"],
        )


def test_paths_are_looked_up_here_then_below_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, root = tmp_path / "work", tmp_path / "root"
    work.mkdir()
    root.mkdir()
    monkeypatch.chdir(work)
    (root / "samples.tsv").touch()
    assert locate("samples.tsv", root) == str(root / "samples.tsv")
    (work / "samples.tsv").touch()
    assert locate("samples.tsv", root) == "samples.tsv"
    assert locate("absent.tsv", root) == "absent.tsv"
    assert locate(str(work / "samples.tsv"), root) == str(work / "samples.tsv")


def test_references_to_resources_become_paths() -> None:
    assert resource_name("resource:tss.bed") == "tss.bed"
    assert resource_name("data/tss.bed") is None


def test_the_shipped_sheet_and_registry_are_sound(config: dict[str, Any]) -> None:
    registry = read_registry(ROOT / "config" / "resources.yaml")
    sheet = read_samples(ROOT / "config" / "samples.tsv", config, registry)
    assert sheet["dataset"].tolist() == ["snareseq"]


def test_a_registry_entry_without_a_hash_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "resources.yaml"
    path.write_text(
        "cells.csv: {source: 'path:cells.csv', licence: MIT, about: cells}\n"
    )
    with pytest.raises(InputError, match="sha256"):
        read_registry(path)


def test_a_missing_registry_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml"):
        read_registry(tmp_path / "absent.yaml")


def test_a_sound_sheet_is_read_as_text(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    sheet = read_samples(
        write_sheet(tmp_path, row | {"sample": "01"}), config, REGISTRY
    )
    assert sheet.loc[0, "sample"] == "01"
    assert sheet.loc[0, "fragments"] == ""


def test_optional_columns_may_be_left_out(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    for column in ("donor", "fragments", "annotation"):
        del row[column]
    sheet = read_samples(write_sheet(tmp_path, row), config, REGISTRY)
    assert sheet.loc[0, ["donor", "fragments", "annotation"]].tolist() == ["", "", ""]


def test_rna_alone_is_a_dataset_without_atac(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    sheet = read_samples(write_sheet(tmp_path, row | {"atac": ""}), config, REGISTRY)
    assert rna_alone(sheet) == [row["dataset"]]
    other = row | {"sample": "s2", "atac": ""}
    with pytest.raises(InputError, match="with and without ATAC"):
        read_samples(write_sheet(tmp_path, row, other), config, REGISTRY)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rna": ""}, r"line 2 \(sample 's1'\): empty rna"),
        ({"sample": ""}, "empty sample"),
        ({"fragments": "resource:cells.csv"}, "both atac and fragments"),
        ({"genome": "hg18"}, r"(?s)genome 'hg18'.*one of \['hg19', 'hg38', 'mm10'\]"),
        (
            {"rna": "/no/such/file.h5"},
            r"column rna: no file or folder /no/such/file\.h5",
        ),
        (
            {"annotation": "resource:cell.csv"},
            r"(?s)unknown resource 'cell\.csv'.*one of \['cells\.csv'\]",
        ),
    ],
)
def test_each_wrong_row_is_named(
    tmp_path: Path,
    row: dict[str, str],
    config: dict[str, Any],
    changes: dict[str, str],
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        read_samples(write_sheet(tmp_path, row | changes), config, REGISTRY)


def write_conditions(folder: Path, row: dict[str, str], *conditions: str) -> Path:
    path = write_sheet(folder, row | {"condition": ""})
    header = path.read_text().splitlines()[0].split("\t")
    lines = [
        "\t".join((row | {"sample": f"s{i}", "condition": name})[c] for c in header)
        for i, name in enumerate(conditions)
    ]
    path.write_text("\n".join(["\t".join(header), *lines]) + "\n")
    return path


def test_conditions_are_of_all_samples_and_hold_the_reference(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    sheet = read_samples(write_conditions(tmp_path, row, "a", "b"), config, REGISTRY)
    assert sheet["condition"].tolist() == ["a", "b"]
    for conditions, found in ((("a", ""), "without"), (("a", "a"), "one condition")):
        with pytest.raises(InputError, match=found):
            read_samples(write_conditions(tmp_path, row, *conditions), config, REGISTRY)
    config["grn"]["conditions"]["reference"] = "c"
    with pytest.raises(InputError, match="reference is 'c'"):
        read_samples(write_conditions(tmp_path, row, "a", "b"), config, REGISTRY)
    # a dataset's own goes before
    own = {row["dataset"]: {"grn": {"conditions": {"reference": "b"}}}}
    config["datasets"] = own
    read_samples(write_conditions(tmp_path, row, "a", "b"), config, REGISTRY)


def test_a_given_network_has_no_reruns(config: dict[str, Any]) -> None:
    config["grn"] |= {"given": "mine.csv"}
    config["grn"]["stability"]["seeds"] = [2]
    with pytest.raises(InputError, match=r"given.*seeds \[2\]"):
        config_of_datasets(config, ["snareseq"])


def test_a_missing_column_is_named(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    del row["genome"]
    with pytest.raises(InputError, match=r"missing \['genome'\]"):
        read_samples(write_sheet(tmp_path, row), config, REGISTRY)


def test_an_unknown_column_is_named(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=r"unknown \['batch'\]"):
        read_samples(write_sheet(tmp_path, row | {"batch": "1"}), config, REGISTRY)


def test_a_sheet_of_commas_asks_for_tabs(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    path = write_sheet(tmp_path, row)
    path.write_text(path.read_text().replace("\t", ","))
    with pytest.raises(InputError, match="tab-separated"):
        read_samples(path, config, REGISTRY)


def test_a_row_with_too_many_cells_is_no_traceback(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    path = write_sheet(tmp_path, row)
    path.write_text(path.read_text() + "\t".join(["pbmc"] * 12) + "\n")
    with pytest.raises(InputError, match=r"samples\.tsv"):
        read_samples(path, config, REGISTRY)


def test_a_row_whose_empty_end_is_cut_off_is_read(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    path = write_sheet(tmp_path, row | {"annotation": ""})
    path.write_text(path.read_text().rstrip() + "\n")
    assert read_samples(path, config, REGISTRY).loc[0, "annotation"] == ""


@pytest.mark.parametrize("text", ["", "\t".join(COLUMNS) + "\n"])
def test_an_empty_sheet_is_refused(
    tmp_path: Path, config: dict[str, Any], text: str
) -> None:
    path = tmp_path / "samples.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"samples\.tsv"):
        read_samples(path, config, REGISTRY)


def test_a_sample_stands_once(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="repeated keys"):
        read_samples(write_sheet(tmp_path, row, row), config, REGISTRY)


def test_a_dataset_has_one_genome(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    second = copy.copy(row) | {"sample": "s2", "genome": "hg19"}
    with pytest.raises(InputError, match="'pbmc' mixes genomes"):
        read_samples(write_sheet(tmp_path, row, second), config, REGISTRY)
    other = second | {"dataset": "brain"}
    assert len(read_samples(write_sheet(tmp_path, row, other), config, REGISTRY)) == 2


def test_a_dataset_gives_fragments_for_all_samples_or_for_none(
    tmp_path: Path, row: dict[str, str], config: dict[str, Any]
) -> None:
    by_fragments = row | {"sample": "s2", "atac": "", "fragments": "resource:cells.csv"}
    with pytest.raises(
        InputError,
        match="'pbmc' has samples with peak counts and samples with fragments",
    ):
        read_samples(write_sheet(tmp_path, row, by_fragments), config, REGISTRY)
    sheet = read_samples(
        write_sheet(tmp_path, row, by_fragments | {"dataset": "brain"}),
        config,
        REGISTRY,
    )
    assert sheet["fragments"].tolist() == ["", "resource:cells.csv"]


def test_a_missing_sheet_is_named(config: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sample sheet"):
        read_samples(tmp_path / "absent.tsv", config, REGISTRY)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("dataset", "my data"),
        ("dataset", "report"),
        ("sample", "a/b"),
        ("dataset", ".."),
    ],
)
def test_a_name_that_cannot_name_files_is_refused(
    tmp_path: Path, config: dict[str, Any], row: dict[str, str], column: str, name: str
) -> None:
    row[column] = name
    with pytest.raises(InputError, match=f"{column} '{name}'"):
        read_samples(write_sheet(tmp_path, row), config, REGISTRY)


def test_files_of_the_checkout_are_found_from_another_working_directory(
    tmp_path: Path,
    config: dict[str, Any],
    row: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sheet, elsewhere = (
        write_sheet(tmp_path, row | {"rna": "data/rna.h5ad"}),
        tmp_path / "elsewhere",
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rna.h5ad").touch()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert (
        read_samples(sheet, config, REGISTRY, tmp_path).loc[0, "rna"] == "data/rna.h5ad"
    )
    (tmp_path / "sheets").mkdir()
    moved = sheet.rename(tmp_path / "sheets" / "samples.tsv")
    with pytest.raises(InputError, match=r"(?s)data/rna\.h5ad.*elsewhere"):
        read_samples(moved, config, REGISTRY, elsewhere)


def test_paths_are_taken_beside_the_sheet_from_home_and_with_variables(
    tmp_path: Path,
    config: dict[str, Any],
    row: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA", str(tmp_path))
    (tmp_path / "run#3 ä").mkdir()
    (tmp_path / "run#3 ä" / "rna.h5ad").touch()
    own = tmp_path / "run#3 ä" / "rna.h5ad"
    for spelt in ("run#3 ä/rna.h5ad", "~/run#3 ä/rna.h5ad", "$DATA/run#3 ä/rna.h5ad"):
        changed = row | {"rna": spelt, "donor": "donor #1"}
        sheet = read_samples(write_sheet(tmp_path, changed), config, REGISTRY)
        assert locate(sheet.loc[0, "rna"], ROOT) == str(own)
        assert sheet.loc[0, "donor"] == "donor #1"
    path = write_sheet(tmp_path, row | {"rna": "$NOWHERE/rna.h5ad"})
    with pytest.raises(InputError, match="variable is not set"):
        read_samples(path, config, REGISTRY)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "# made by hand\n\n" + text.replace("\n", "\n\n"),
        lambda text: text.replace("\n", "\t\t\n") + "\t\t\n",
        lambda text: text.replace("\t", " \t "),
        lambda text: re.sub(r"[^\t\n]+", r'"\g<0>"', text),
    ],
    ids=["mark", "crlf", "blank", "tabs", "spaces", "quotes"],
)
def test_a_sheet_from_a_spreadsheet_reads_as_one_by_hand(
    tmp_path: Path, config: dict[str, Any], row: dict[str, str], change: Any
) -> None:
    path = write_sheet(tmp_path, row, row | {"sample": "NA"})
    expected = read_samples(path, config, REGISTRY)
    path.write_bytes(change(path.read_text()).encode())
    pd.testing.assert_frame_equal(read_samples(path, config, REGISTRY), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "dataset\tsämple\n".encode("latin-1"),
            "(?s)line 1 is not UTF-8.*save it as UTF-8",
        ),
        ("dataset\tsample\n".encode("utf-16"), "(?s)UTF-16.*save it as UTF-8"),
        (b"PK\x03\x04rest", "(?s)Excel.*Text .tab delimited"),
        ("\t".join(COLUMNS).encode(), "a header line and no row"),
    ],
)
def test_a_sheet_that_is_no_text_table_says_what_it_is(
    tmp_path: Path, config: dict[str, Any], content: bytes, message: str
) -> None:
    (tmp_path / "samples.tsv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_samples(tmp_path / "samples.tsv", config, REGISTRY)
    with pytest.raises(InputError, match="is a folder"):
        read_samples(tmp_path, config, REGISTRY)


def test_lines_are_counted_with_comments_and_blank_ones(
    tmp_path: Path, config: dict[str, Any], row: dict[str, str]
) -> None:
    path = write_sheet(tmp_path, row, row | {"sample": "s2", "rna": ""})
    path.write_text("# one\n" + path.read_text().replace("\n", "\n\n# more\n", 1))
    with pytest.raises(InputError, match=r"line 6 .*empty rna"):
        read_samples(path, config, REGISTRY)


def test_a_missing_word_in_an_unused_column_is_an_empty_cell(
    tmp_path: Path, config: dict[str, Any], row: dict[str, str]
) -> None:
    for word in ("NA", "None"):
        changed = row | {"fragments": word, "annotation": word, "donor": word}
        sheet = read_samples(write_sheet(tmp_path, changed), config, REGISTRY)
        found = sheet.loc[0, ["fragments", "annotation", "donor"]].tolist()
        assert found == ["", "", word]


@pytest.mark.parametrize(
    ("genome", "declared"),
    [
        ("GRCh38", "hg38"),
        ("GRCh38.p13", "hg38"),
        ("GRCh37", "hg19"),
        ("GRCm38", "mm10"),
    ],
)
def test_a_build_may_be_called_as_ncbi_does(
    tmp_path: Path,
    config: dict[str, Any],
    row: dict[str, str],
    genome: str,
    declared: str,
) -> None:
    sheet = read_samples(
        write_sheet(tmp_path, row | {"genome": genome}), config, REGISTRY
    )
    assert sheet["genome"].tolist() == [declared]


def test_another_build_is_not_taken_for_a_declared_one(
    tmp_path: Path, config: dict[str, Any], row: dict[str, str]
) -> None:
    for genome in ("GRCm39", "mm39"):
        path = write_sheet(tmp_path, row | {"genome": genome})
        with pytest.raises(InputError, match=f"genome '{genome}'"):
            read_samples(path, config, REGISTRY)
    config["genomes"]["mm39"] = {"tss": "mm39.tsv"}
    changed = write_sheet(tmp_path, row | {"genome": "GRCm39"})
    assert read_samples(changed, config, REGISTRY)["genome"].tolist() == ["mm39"]


def test_benchmark_lines_of_an_unknown_dataset_are_refused(
    config: dict[str, Any],
) -> None:
    line = {"dataset": "pbcm", "cell_type": "B", "line": "GM12878"}
    lines = config["bench"]["grn_accuracy"]["lines"]
    config_of_datasets(config, ["pbmc"])  # the demo's lines are nothing to this sheet
    lines.append(line | {"dataset": "pbmc"})
    config_of_datasets(config, ["pbmc"])
    lines.append(line)
    with pytest.raises(InputError, match=r"(?s)'pbcm'.*bench\.grn_accuracy\.lines"):
        config_of_datasets(config, ["pbmc"])


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ({"backbones": {"scgpt": {"width": 66}}}, "scgpt.width is 66, and .* 4"),
        ({"adapter": {"n_heads": 7}}, r"width is 64, and adapter\.n_heads 7"),
        ({"gnn": {"name": "gat", "width": 30}}, r"gnn\.width is 30, and .* 4"),
        ({"warmup_steps": 161}, "warmup_steps is 161, and steps 160"),
    ],
)
def test_a_model_that_cannot_be_built_is_refused_before_any_work(
    size: dict[str, Any], found: str
) -> None:
    with pytest.raises(InputError, match=rf"pretrain\.sizes\.tiny\..*{found}"):
        check_models(complete({"pretrain": {"sizes": {"tiny": size}}}), {})
    # only the size that is trained counts
    check_models(complete({"pretrain": {"sizes": {"other": size}}}), {})


def test_sizes_that_come_from_a_checkpoint_are_not_those_of_the_config() -> None:
    size = {"backbones": {"scgpt": {"width": 66}}, "gnn": {"width": 30}}
    given = {"checkpoint": "scgpt_human", "sizes": {"tiny": size}}
    check_models(complete({"pretrain": given}), {})


@pytest.mark.parametrize("benchmark", ["perturbation", "sc_drug"])
def test_models_that_no_one_trains_are_refused_before_any_work(benchmark) -> None:
    given = {"bench": {benchmark: {"models": "pbmc"}}, "pretrain": {"datasets": None}}
    known = {"pbmc": "hg38", "other": "hg38"}
    check_models(complete(given), known)
    given["pretrain"] = {"datasets": ["other"]}
    with pytest.raises(InputError, match=rf"bench.{benchmark}.models is 'pbmc'"):
        check_models(complete(given), known)


def test_a_graph_with_knowledge_needs_a_source() -> None:
    """Named sources take the place of the default; none at all is refused only where a graph needs one."""
    known = {"knowledge": {"sources": {}}}
    check_models(complete({"fuse": known}), {})
    asked = complete({"fuse": known | {"graphs": ["hybrid_knowledge"]}})
    with pytest.raises(InputError, match=r"no file in fuse\.knowledge\.sources"):
        check_models(asked, {})

    given = complete({"fuse": {"knowledge": {"sources": {"mine": "edges.tsv"}}}})
    assert given["fuse"]["knowledge"]["sources"] == {"mine": "edges.tsv"}
