"""Running one stage's rules on made-up inputs, in a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def run_rules(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run targets of dataset `tiny` with the named rules alone: what other stages make must lie in tmp_path already."""

    def run(
        targets: list[str], rules: list[str], config: dict[str, Any], *options: str
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "empty").touch()
        sheet = "dataset\tsample\trna\tatac\tgenome\ntiny\ts1\tempty\tempty\thg38\n"
        (tmp_path / "samples.tsv").write_text(sheet)
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"samples": "samples.tsv"} | config))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(CHECKOUT / "Snakefile"), "--cores", "1"]
        command += ["--directory", str(tmp_path), "--configfile", str(tmp_path / "config.yaml"), "--quiet", "progress"]
        command += [*options, "--allowed-rules", *rules, "--", *targets]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run
