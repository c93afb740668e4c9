"""The stages of the workflow and the rules of each; targets that are none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from grnformer.core.errors import InputError
from grnformer.core.place import ROOT

# Each builds on those before it, and its page shows them.
_IN_ORDER = ("prep", "topics", "grn", "fuse", "pretrain")
# None of these builds on another of them: a page shows one, and all stages in order.
_LAST = ("attention", "perturb", "embed", "bench")
#: Stages that end with a page of what is there so far.
WITH_PAGES = (*_IN_ORDER, *_LAST)
_INCLUDE = re.compile(r'^include: "rules/(\w+)\.smk"', re.MULTILINE)
_RULE = re.compile(
    r"^(?:(?:rule|checkpoint) |use rule \w+ as )(\w+)(?: with)?:", re.MULTILINE
)


@cache
def rules_by_stage(root: Path = ROOT) -> dict[str, list[str]]:
    """Stage -> its rules, in the order in which stages run: of workflow/rules/<stage>.smk and of files in <stage>/."""
    rules = root / "workflow" / "rules"
    order = _INCLUDE.findall((root / "workflow" / "Snakefile").read_text("utf-8"))
    found: dict[str, list[str]] = {}
    for stage in order:
        files = [rules / f"{stage}.smk", *sorted((rules / stage).glob("*.smk"))]
        names = [name for file in files for name in _RULE.findall(file.read_text())]
        if names:
            found[stage] = names
    return found


def stage_of(rule: str) -> str:
    """Stage of a rule; "other" for one that the workflow does not have."""
    stages = rules_by_stage().items()
    return next((stage for stage, rules in stages if rule in rules), "other")


def targets() -> list[str]:
    """Names that can be asked for: a stage has a rule of its name; all is the report, fetch gets the resources."""
    named = [stage for stage, rules in rules_by_stage().items() if stage in rules]
    return ["fetch", *named, "all"]


def page_files(
    reported: Mapping[str, str | list[str]], stage: str
) -> dict[str, list[str]]:
    """Name -> files of the report that are there once a stage is done: its own, and those of stages before it.

    Parameters
    ----------
    reported
        Name -> files <results>/<dataset>/<stage>/..., or <results>/bench/... and <results>/embed/...
    stage
        One of `WITH_PAGES`.
    """
    shown: tuple[str, ...] = (*_IN_ORDER, stage)
    if stage in _IN_ORDER:
        shown = _IN_ORDER[: _IN_ORDER.index(stage) + 1]
    # A model bundle embeds without any stage before.
    if stage == "embed" and reported.get("embedded_by_bundle"):
        shown = (stage,)
    found = {}
    for name, paths in reported.items():
        every = [paths] if isinstance(paths, str) else list(paths)
        if every and all(_stage_of_file(path) in shown for path in every):
            found[name] = every
    return found


def _stage_of_file(path: str) -> str:
    # <results>/bench and <results>/embed hold what is of no dataset, or of several.
    _, dataset, stage = path.split("/")[:3]
    return dataset if dataset in ("bench", "embed") else stage


def check_targets(asked: Iterable[str], rules: Iterable[str]) -> None:
    """Raise InputError for a target that is a bare word and no rule, which Snakemake would seek as a file.

    `rules`: names of all that there are.
    """
    known = {*rules, "all"}
    for target in map(str, asked):
        if target in known or not target.isidentifier() or Path(target).exists():
            continue
        near = difflib.get_close_matches(target, targets(), n=1)
        raise InputError(
            f"the target {target!r}",
            f"a stage: {', '.join(targets())}; or the path of a result",
            f"did you mean {near[0]!r}?" if near else "name one of the stages",
        )


def refuse_targets(workflow: Any, checkout: Path) -> None:
    """Let Snakemake's `workflow` check its targets once they are known: after all files of rules are read.

    Another workflow that imports this one has rules of its own, and is left alone.
    """
    from snakemake.exceptions import WorkflowError

    prepare = workflow._prepare_dag
    if not Path(workflow.main_snakefile).resolve().is_relative_to(checkout):
        return

    def checked(*arguments: Any, **options: Any) -> Any:
        try:
            asked = workflow.dag_settings.targets
            check_targets(asked, (rule.name for rule in workflow.rules))
        except InputError as error:
            raise WorkflowError(str(error)) from None
        return prepare(*arguments, **options)

    workflow._prepare_dag = checked
