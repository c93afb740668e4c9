"""How the code reads: density of syntax, blank lines, comments, and the size of the largest pieces.

``python benchmarks/measure_code.py [CHECKOUT]`` prints one row a measure, as TSV.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Counts:
    """Totals over the modules of a package."""

    nodes: int = 0
    code_lines: int = 0
    body_lines: int = 0
    blank_body_lines: int = 0
    own_line_comments: int = 0

    def add(self, other: Counts) -> None:
        """Add the totals of another module."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def nodes_per_line(self) -> float:
        """Syntax nodes (expressions and statements) a line of code."""
        return self.nodes / self.code_lines

    @property
    def blank_percent(self) -> float:
        """Blank lines inside function bodies, percent of the bodies' lines."""
        return 100 * self.blank_body_lines / self.body_lines

    @property
    def comments_per_100(self) -> float:
        """Comments on lines of their own, for 100 lines of code."""
        return 100 * self.own_line_comments / self.code_lines


def count_module(text: str) -> Counts:
    """Count one module's source."""
    tree = ast.parse(text)
    lines = text.splitlines()
    docstrings = _docstring_lines(tree)

    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    own_line = {
        number for number in comments if lines[number - 1].lstrip().startswith("#")
    }
    code = {
        number
        for number, line in enumerate(lines, start=1)
        if line.strip() and number not in own_line and number not in docstrings
    }

    body = _body_lines(tree) - docstrings
    return Counts(
        nodes=sum(isinstance(node, ast.expr | ast.stmt) for node in ast.walk(tree)),
        code_lines=len(code),
        body_lines=len(body),
        blank_body_lines=sum(not lines[number - 1].strip() for number in body),
        own_line_comments=len(own_line),
    )


def _docstring_lines(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef
        ) and ast.get_docstring(node, clean=False):
            first = node.body[0]
            found |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found


def _body_lines(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found |= set(
                range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
            )
    return found


def count_package(folder: Path) -> Counts:
    """Count all modules below a folder."""
    total = Counts()
    for path in sorted(folder.rglob("*.py")):
        total.add(count_module(path.read_text(encoding="utf-8")))
    return total


def rule_lengths(rules: Path) -> dict[str, int]:
    """Lines of each rule in a folder of .smk files, from its head to its last directive."""
    lengths = {}
    for path in sorted(rules.rglob("*.smk")):
        pattern = r"^(?:use )?(?:rule|checkpoint) ([^:\n]+):\n(?:(?:    .*)?\n)*"
        for match in re.finditer(
            pattern, path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            lengths[match.group(1)] = len(match.group(0).rstrip().splitlines())
    return lengths


def measure(checkout: Path) -> list[tuple[str, str]]:
    """Name and value of each measure of a checkout."""
    package = checkout / "grnformer"
    total = count_package(package)
    rules = rule_lengths(checkout / "workflow" / "rules")
    longest = max(rules, key=lambda name: rules[name])
    files = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in package.rglob("*.py")
    }
    largest = max(files, key=lambda path: files[path])
    common = (checkout / "workflow" / "rules" / "common.smk").read_text(
        encoding="utf-8"
    )
    config = (checkout / "config" / "config.yaml").read_text(encoding="utf-8")
    report = count_package(package / "report")
    return [
        ("syntax nodes of the package", str(total.nodes)),
        ("code lines of the package", str(total.code_lines)),
        ("syntax nodes a code line", f"{total.nodes_per_line:.2f}"),
        ("blank lines in function bodies (%)", f"{total.blank_percent:.1f}"),
        ("own-line comments per 100 code lines", f"{total.comments_per_100:.1f}"),
        ("lines of common.smk", str(len(common.splitlines()))),
        ("helpers in common.smk", str(len(re.findall(r"^def ", common, re.MULTILINE)))),
        (f"longest rule ({longest})", str(rules[longest])),
        ("lines of config/config.yaml", str(len(config.splitlines()))),
        (f"longest module ({largest.relative_to(checkout)})", str(files[largest])),
        ("code lines of the report", str(report.code_lines)),
    ]


def main() -> None:
    """Print the measures of the checkout named on the command line, or of this one."""
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    sys.stdout.write("measure\tvalue\n")
    for name, value in measure(checkout):
        sys.stdout.write(f"{name}\t{value}\n")
    for folder in sorted(
        path for path in (checkout / "grnformer").iterdir() if path.is_dir()
    ):
        if any(folder.rglob("*.py")):
            part = count_package(folder)
            sys.stdout.write(
                f"{folder.name}: nodes {part.nodes}, nodes a line {part.nodes_per_line:.2f}, "
                f"blank {part.blank_percent:.1f}%, comments {part.comments_per_100:.1f}\t{part.code_lines}\n"
            )


if __name__ == "__main__":
    main()
