"""What a release says of itself: one version, files that containers copy, hooks and forms that can be read."""

import re
from pathlib import Path

import pytest
import yaml

import grnformer

ROOT = Path(__file__).parents[2]
CONTAINERS = ROOT / "containers"


def test_one_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", changes, re.MULTILINE)
    assert releases[0] == ("Unreleased", "")
    assert releases[1][0] == grnformer.__version__
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == grnformer.__version__
    assert str(citation["date-released"]) == releases[1][1]


def copied(name: str) -> set[str]:
    """Files and folders of the checkout that a container takes."""
    text = (CONTAINERS / name).read_text()
    if name == "Dockerfile":
        lines = re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE)
        return {path for line in lines for path in line.split()}
    files = text.split("%files")[1].split("%post")[0]
    pairs = [line.split() for line in files.splitlines() if line.strip()]
    assert all(target == f"/opt/grnformer/{source}" for source, target in pairs)
    return {source for source, _ in pairs}


def test_containers_copy_what_is_there_and_alike() -> None:
    taken = copied("Dockerfile")
    assert taken == copied("grnformer.def")
    assert {path for path in taken if not (ROOT / path).exists()} == set()
    # all that the wheel is built of: see test_wheel
    needed = {"grnformer", "workflow", "config", "profiles", "envs", "Snakefile"}
    assert taken >= needed | {"setup.py", "pyproject.toml", "requirements.lock"}
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert not taken & set(left_out)


def test_hooks_are_the_linters_of_the_lock() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]
    lock = (ROOT / "requirements.lock").read_text().lower()
    for entry in entries:
        tool = Path(entry.split()[0])
        assert tool.parent == Path(".venv/bin")
        assert f"\n{tool.name}==" in lock


@pytest.mark.parametrize("name", ["bug", "question", "feature"])
def test_forms_of_issues_ask(name: str) -> None:
    form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text())
    assert {"name", "description", "body"} <= set(form)
    needed = [
        part["id"]
        for part in form["body"]
        if part.get("validations", {}).get("required")
    ]
    assert needed
    assert name != "bug" or "doctor" in needed


def test_every_page_of_the_docs_is_on_the_site() -> None:
    """A page that no table of contents names would be found by nobody; sphinx warns too, but runs later."""
    index = (ROOT / "docs/index.md").read_text()
    tutorials = (ROOT / "docs/tutorials/index.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.stem == "index" or f"\n{page.stem}\n" in index, page.name
    for page in (ROOT / "docs/tutorials").glob("*.md"):
        assert page.stem == "index" or f"\n{page.stem}\n" in tutorials, page.name


def test_the_tree_names_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"^  (\w+)/ ", text, re.MULTILINE))
    folders = {path.parent.name for path in ROOT.glob("grnformer/*/__init__.py")}
    assert named == folders


LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(
    "folder", [".", "config", "docs", "docs/adr", "docs/tutorials"]
)
def test_links_between_files_lead_somewhere(folder: str) -> None:
    """As the repository shows them; that they work on the site, sphinx checks."""
    broken = []
    for page in (ROOT / folder).glob("*.md"):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
        for link in LINK.findall(text):
            if "://" not in link and not (page.parent / link).exists():
                broken.append(f"{page.name}: {link}")
    assert broken == []
