"""Every file that the config names is looked for before any work, whether a job asks for it or not."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from grnformer.core.errors import InputError
from grnformer.settings.read import complete, config_schema, named_files, overlay
from grnformer.workflow.config import check_paths

REGISTRY = {"known.tsv": {"source": "path:known.tsv"}}
PLACES = {
    "genomes.mine.tss",
    "prep.barcode_table",
    "prep.fragments.blacklists.hg38",
    "prep.fragments.chromosome_sizes.hg38",
    "grn.tfs.lists",
    "grn.cistromes.prior.table",
    "grn.cistromes.motifs_to_tfs",
    "grn.cistromes.motif_scan.fasta",
    "grn.cistromes.promoter.collections.motifs",
    "fuse.vocabulary",
    "fuse.aliases",
    "fuse.backbones.scgpt.vocabulary",
    "pretrain.checkpoint",
    "pretrain.medians",
    "pretrain.corpora.both.files.atlas",
    "embed.inputs.new",
    "bench.grn_accuracy.truth",
    "bench.drug_response.smiles",
    "resources.mirror",
    "datasets.pbmc.prep.barcode_table",
    "datasets.pbmc.grn.tfs.lists",
}


def config_with(place: str, value: str) -> dict[str, Any]:
    """A complete configuration whose setting at `place` is the value, in a list where one is due."""
    lists = {
        "lists": [value],
        "collections": [{"motifs": value, "tfs": "resource:known.tsv"}],
    }
    keys = place.removesuffix("collections.motifs").removesuffix(".").split(".")
    if place.endswith("collections.motifs"):
        keys.append("collections")
    nested: Any = lists.get(keys[-1], value)
    for key in reversed(keys):
        nested = {key: nested}
    return complete(nested)


@pytest.mark.parametrize("place", sorted(PLACES))
@pytest.mark.parametrize("path", ["misspelt.tsv", "resource:misspelt.tsv", ""])
def test_a_file_that_is_not_there_is_refused_with_its_key(
    place: str, path: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        check_paths(config_with(place, path), REGISTRY, tmp_path)
    assert place in error.value.found
    assert path.removeprefix("resource:") in error.value.found


@pytest.mark.parametrize("place", sorted(PLACES))
def test_files_and_resources_that_are_there_are_taken(
    place: str, tmp_path: Path
) -> None:
    (tmp_path / "there.tsv").touch()
    for path in ("there.tsv", str(tmp_path / "there.tsv"), "resource:known.tsv"):
        check_paths(config_with(place, path), REGISTRY, tmp_path)


def test_resources_of_the_defaults_need_no_entry_in_a_registry_of_ones_own(
    tmp_path: Path,
) -> None:
    check_paths(complete({}), {}, tmp_path)


def test_every_setting_that_speaks_of_resources_is_marked_as_a_file() -> None:
    """A new setting of a method is checked as soon as it says what it takes."""
    unmarked = []

    def walk(schema: dict[str, Any], place: str) -> None:
        said = "resource:<name>" in schema.get("description", "")
        if said and "x-path" not in str(schema):
            unmarked.append(place)
        for key, part in schema.get("properties", {}).items():
            walk(part, f"{place}.{key}")
        for part in (schema.get("items"), schema.get("additionalProperties")):
            if isinstance(part, dict):
                walk(part, place)

    walk(config_schema(), "config")
    assert unmarked == []


def test_named_files_are_those_of_the_whole_configuration() -> None:
    config = overlay(complete({}), {"datasets": {"a": {"grn": {"tfs": {"lists": []}}}}})
    places = {place for place, _ in named_files(config)}
    assert {"genomes.hg38.tss", "grn.cistromes.promoter.collections.tfs"} <= places
    assert not any(place.startswith("datasets") for place in places)


def test_a_file_of_the_future_is_refused(tmp_path: Path) -> None:
    """A minute is within what clocks differ by."""
    path = tmp_path / "tss.tsv"
    path.touch()
    config = config_with("genomes.mine.tss", str(path))
    for seconds, refused in ((50, False), (3600, True)):
        ahead = time.time() + seconds
        os.utime(path, (ahead, ahead))
        if refused:
            with pytest.raises(InputError, match=r"tss.tsv is dated 2.*to come"):
                check_paths(config, REGISTRY, tmp_path)
        else:
            check_paths(config, REGISTRY, tmp_path)
