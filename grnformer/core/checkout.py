"""State of the checkout that a run comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_commit(checkout: str | Path) -> str:
    """Commit of the checkout, marked where files differ from it; says so where there is no git checkout."""
    try:
        commit = _git(checkout, "rev-parse", "HEAD")
        changed = _git(checkout, "status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return "not run from a git checkout"
    return f"{commit} with uncommitted changes" if changed else commit


def _git(checkout: str | Path, *arguments: str) -> str:
    """What git prints."""
    command = ["git", "-C", str(checkout), *arguments]
    return subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
