"""Which originals a configuration asks for, and the early stop where their environment is missing."""

import copy
from pathlib import Path

import pytest
import yaml

from grnformer.core.errors import InputError
from grnformer.settings.read import complete
from grnformer.workflow.originals import (
    check_interpreters,
    environment_of,
    find_originals,
    is_original,
)

ROOT = Path(__file__).parents[2]
CONFIG = complete({})
ENVIRONMENT_OF = {
    ("grn.tf_gene.method", "arboreto_grnboost2"): "pyscenic",
    ("grn.tf_gene.method", "arboreto_genie3"): "pyscenic",
    ("grn.cistromes.method", "pyscenic_ctx"): "pyscenic",
    ("grn.cell.method", "pyscenic_aucell"): "pyscenic",
    ("topics.method", "pycistopic"): "pycistopic",
}


def asking_for(place: str, method: str) -> dict:
    config = copy.deepcopy(CONFIG)
    part = config
    for key in place.split(".")[:-1]:
        part = part[key]
    part[place.split(".")[-1]] = method
    return config


def test_the_demo_needs_no_environment_but_its_own() -> None:
    assert find_originals(CONFIG) == {}
    check_interpreters([CONFIG], "/nowhere")


@pytest.mark.parametrize(("place", "method"), ENVIRONMENT_OF)
def test_a_missing_interpreter_names_the_make_target(
    place: str, method: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = asking_for(place, method)
    environment = ENVIRONMENT_OF[place, method]
    assert environment_of(place, method) == environment
    assert is_original(place, method)
    assert find_originals(config) == {(place, method): environment}
    with pytest.raises(InputError, match=f"make env-{environment} ") as error:
        check_interpreters([CONFIG, config], tmp_path)
    assert place in str(error.value)
    python = tmp_path / CONFIG["environments"][environment]
    python.parent.mkdir(parents=True)
    python.touch()
    check_interpreters([CONFIG, config], tmp_path)


@pytest.mark.parametrize("environment", sorted(set(ENVIRONMENT_OF.values())))
def test_conda_and_pip_make_the_same_environment(environment: str) -> None:
    """Snakemake copies an environment file elsewhere, so that it cannot point to another file."""
    lines = (ROOT / "envs" / f"{environment}.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    conda = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text())
    assert conda["dependencies"][-1]["pip"] == pins
    assert all("==" in pin for pin in pins)
    assert f"\nenv-{environment}:" in (ROOT / "Makefile").read_text()
