"""The workflow as Snakemake has parsed it: its rules, with all that they declare."""

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from snakemake.api import SnakemakeApi
from snakemake.io import strip_wildcard_constraints
from snakemake.settings.types import OutputSettings, Quietness, ResourceSettings

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Job:
    """A rule that runs jobs; a stage's target, which only has inputs, is none."""

    rule: Any  # Snakemake's

    def __str__(self) -> str:
        return f"{self.stage}.{self.name}"

    @property
    def name(self) -> str:
        return self.rule.name

    @property
    def stage(self) -> str:
        """The part of ``rules/<stage>.smk`` or ``rules/<stage>/<part>.smk`` that names the stage."""
        return (
            Path(str(self.rule.snakefile))
            .relative_to(ROOT / "workflow" / "rules")
            .with_suffix("")
            .parts[0]
        )

    @property
    def written(self) -> Any:
        """The directives as they were written, by name."""
        return self.rule.ruleinfo

    @property
    def resources(self) -> dict[str, Any]:
        return self.written.resources[1]

    @property
    def outputs(self) -> list[str]:
        return [strip_wildcard_constraints(path) for path in self.rule.output]

    @property
    def is_original(self) -> bool:
        """Whether it runs an original tool, by a program in an environment apart."""
        return self.rule.shellcmd is not None

    @property
    def program(self) -> Path:
        """The script, or the original's program."""
        if self.is_original:
            return ROOT / "workflow" / "originals" / f"{self.name}.py"
        return (Path(str(self.rule.basedir)) / self.rule.script).resolve()


@pytest.fixture(scope="session")
def workflow() -> Iterator[Any]:
    """Snakemake's parsed workflow of the checkout, by the config that it comes with."""
    path, variables = list(sys.path), dict(os.environ)
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        parsed = api.workflow(
            ResourceSettings(cores=1), snakefile=ROOT / "Snakefile", workdir=ROOT
        )
        yield parsed._workflow
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(variables)


@pytest.fixture(scope="session")
def config(workflow: Any) -> dict[str, Any]:
    """The configuration that the report prints: the whole of it."""
    return workflow.get_rule("render_report").params.config


@pytest.fixture(scope="session")
def jobs(workflow: Any) -> list[Job]:
    found = [Job(rule) for rule in workflow.rules if rule.output]
    assert len(found) > 40
    return found


@pytest.fixture(scope="session")
def scripted(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if not job.is_original]
