"""What is generated from grnformer/settings is committed, and a new method's file is enough for its settings."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from grnformer.settings.generate import generate
from grnformer.settings.read import complete

ROOT = Path(__file__).parents[2]
GENERATED = generate()
BACKBONE = '''
from grnformer.core.methods import method
from grnformer.settings.key import Settings, key


class Architecture(Settings):
    """A new backbone."""

    depth: int = key(5, "layers of it", unit="layers", ge=1)


@method("newest", settings=Architecture, vocabulary="resource:newest.json", aliases=None)
class Newest:
    """Stands in for a backbone."""
'''


@pytest.mark.parametrize("path", GENERATED)
def test_generated_files_are_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == GENERATED[path], "run `make settings`"


def test_no_file_of_defaults_is_left_over() -> None:
    assert {
        f"workflow/defaults/{path.name}"
        for path in (ROOT / "workflow/defaults").iterdir()
    } <= set(GENERATED)


def test_the_config_that_a_lab_edits_is_short_and_every_line_of_it_is_a_default_or_the_demos() -> (
    None
):
    text = (ROOT / "config" / "config.yaml").read_text()
    assert len(text.splitlines()) <= 80
    config = yaml.safe_load(text)
    of_the_demo = {
        "prep": {"preset": config["prep"]["preset"]},
        "grn": {"stability": {"seeds": [2, 3, 4, 5, 6]}},
        "pretrain": {"datasets": None},
        "bench": {"drug_response": {"splits": ["line", "drug"]}},
    }
    assert complete(config) == complete(of_the_demo)


def test_by_default_a_run_stops_after_the_networks() -> None:
    defaults = complete({})
    assert defaults["pretrain"]["datasets"] == []
    assert defaults["bench"]["drug_response"]["splits"] == []


@pytest.mark.parametrize("name", ["base", "paper"])
def test_a_size_names_only_what_differs_from_tiny(name: str) -> None:
    tiny, size = (
        yaml.safe_load((ROOT / "config" / "sizes" / f"{stem}.yaml").read_text())
        for stem in ("tiny", name)
    )

    def same(new: object, old: object, where: str) -> list[str]:
        if isinstance(new, dict) and isinstance(old, dict):
            return [
                found
                for key in new
                for found in same(new[key], old.get(key), f"{where}.{key}")
            ]
        return [where] if new == old else []

    assert same(size, tiny, name) == []


def test_a_new_file_brings_the_settings_of_its_method(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "grnformer",
        tmp_path / "grnformer",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "workflow" / "schemas").mkdir(parents=True)
    (tmp_path / "grnformer" / "model" / "backbones" / "newest.py").write_text(BACKBONE)
    subprocess.run(
        [sys.executable, "-m", "grnformer.settings"], cwd=tmp_path, check=True
    )

    size = yaml.safe_load((tmp_path / "config" / "sizes" / "tiny.yaml").read_text())
    fuse = yaml.safe_load(
        (tmp_path / "workflow" / "defaults" / "fuse.yaml").read_text()
    )["fuse"]
    assert size["backbones"]["newest"] == {"depth": 5}
    assert fuse["backbones"]["newest"] == {
        "vocabulary": "resource:newest.json",
        "aliases": None,
    }
    assert (
        "| `sizes.<name>.backbones.newest.depth` | `5` | layers |"
        in (tmp_path / "docs" / "settings.md").read_text()
    )
    schema = yaml.safe_load(
        (tmp_path / "workflow" / "schemas" / "config.schema.yaml").read_text()
    )
    assert (
        "newest" in schema["properties"]["pretrain"]["properties"]["backbone"]["enum"]
    )
