"""What Snakemake would lose of the config files without a word is refused."""

from pathlib import Path

import pytest

from grnformer.core.errors import InputError
from grnformer.workflow.config_files import check_config_files


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("prep: {seed: 1}\ngrn: {}\nprep: {seed: 2}\n", "key prep in line 1 and .* 3"),
        (
            "prep:\n  cells:\n    min_umis: 1\n    min_umis: 2\n",
            r"prep\.cells\.min_umis in line 3 and again in line 4",
        ),
        ("lists:\n- {a: 1, a: 2}\n", r"lists\.a in line 2"),
        ('{"prep": {"seed": 1,\n "seed": 2}}', r"prep\.seed in line 1 .* 2"),
    ],
)
def test_a_key_that_stands_twice(text: str, found: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=found):
        check_config_files([write(tmp_path, text)], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "prep: {seed: 1}\ngrn: {seed: 1}\n",
        "a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n",
    ],
)
def test_keys_of_one_name_in_different_maps_are_right(
    text: str, tmp_path: Path
) -> None:
    check_config_files([write(tmp_path, text)], [])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--configfile", "a.yaml", "--configfile", "b.yaml"],
        ["--configfile=a.yaml", "prep", "--configfiles", "b.yaml"],
    ],
)
def test_a_second_option_would_drop_the_first(arguments: list[str]) -> None:
    with pytest.raises(InputError, match="2 options --configfile") as error:
        check_config_files([], ["snakemake", *arguments])
    assert "--configfile first.yaml second.yaml" in error.value.remedy


def test_one_option_takes_several_files() -> None:
    check_config_files([], ["snakemake", "--configfile", "a.yaml", "b.yaml", "prep"])
