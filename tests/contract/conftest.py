"""The workflow's rules, read from workflow/rules/*.smk as text (snakefmt keeps their layout)."""

import dataclasses
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule: where it stands, and the text below each of its directives."""

    name: str
    stage: str
    directives: dict[str, str]

    def __str__(self) -> str:
        return f"{self.stage}.{self.name}"

    def names(self, directive: str) -> set[str]:
        """Names given to the items of a directive: `name=...`, one a line."""
        return set(re.findall(r"^        (\w+)=", self.directives.get(directive, ""), re.MULTILINE))

    @property
    def outputs(self) -> list[str]:
        """Paths of the output, without what `report(...)` says about them; `expand` leaves no wildcard of its own."""
        text = re.sub(
            r"(caption|category|labels|patterns|subcategory)=(\"[^\"]*\"|\{[^}]*\}|\[[^]]*\])",
            "",
            self.directives["output"],
        )
        filled = "|".join(re.findall(r"^ {12,}(\w+)=", text, re.MULTILINE))
        text = re.sub(r"^ {12,}\w+=.*$", "", text, flags=re.MULTILINE)
        return [re.sub(rf"\{{({filled})\}}", r"<\1>", path) for path in re.findall(r'"([^"]+)"', text)]


def read_rules(folder: Path) -> list[Rule]:
    rules = []
    for path in sorted(folder.glob("*.smk")):
        for name, body in re.findall(
            r"^(?:rule|checkpoint) (\w+):\n((?:(?:    .*)?\n)*)", path.read_text(), re.MULTILINE
        ):
            # what report(...) says about an output is for the eye: its captions and labels are no paths
            body = re.sub(r"^ {12}(?:caption|category|labels|patterns)=.*\n", "", body, flags=re.MULTILINE)
            parts = re.split(r"^    (\w+):", body, flags=re.MULTILINE)
            rules.append(Rule(name, path.stem, dict(zip(parts[1::2], parts[2::2], strict=True))))
    return rules


RULES = read_rules(ROOT / "workflow" / "rules")
JOBS = [rule for rule in RULES if "output" in rule.directives]


@pytest.fixture
def rules() -> list[Rule]:
    return RULES


@pytest.fixture
def jobs() -> list[Rule]:
    return JOBS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "job" in metafunc.fixturenames:
        metafunc.parametrize("job", JOBS, ids=str)
    if "scripted" in metafunc.fixturenames:
        metafunc.parametrize("scripted", [job for job in JOBS if "script" in job.directives], ids=str)
